"""Following a flush: SQLAlchemy says what it writes, and at the end the events go after it."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstanceState, Mapper, Session

from auditapp.sources.capture import changes
from auditapp.sources.capture.batch import UNKNOWN, Batch, Work
from auditapp.sources.capture.plan import Plan
from auditapp.sources.capture.recording import Group
from auditapp.sources.capture.rows import Identity, Row, load_rows

# The flushes going on, by the id of their session; a flush never leaves its thread.
_running: dict[Any, Batch] = {}


def before_flush(session: Session, captures: Any) -> None:
    """Begin to follow a flush. Several captures of one session follow it together."""
    batch = _running[session.hash_key] = Batch(session, captures)
    batch.look_before()


def after_flush(session: Session) -> None:
    """Record what the flush did, in its transaction; if that fails, the flush does."""
    batch = _running.pop(session.hash_key, None)
    if batch is None or not batch.works:
        return
    shower = changes.Shower(batch.captures, session)
    group = Group(session)
    late = _late_values(batch.works)
    for work in batch.works:
        _add(work, late.get(work.state), shower, group)
    group.record()


def after_rollback(session: Session) -> None:
    """A flush that failed is over too."""
    _running.pop(session.hash_key, None)


def _add(work: Work, late: Row | None, shower: Any, group: Group) -> None:
    state, plan = work.state, work.plan
    values: Row = state.dict if late is None else {**state.dict, **late}
    if work.verb == "created":
        found = changes.created(plan, values, shower, state)
        identity = None
    elif work.verb == "updated":
        _add_what_the_flush_set(work)
        found = changes.updated(plan, work.before, values, shower, state)
        identity = state.key[1] if state.key else None
    else:
        found = changes.deleted(plan, work.before, shower, state)
        identity = state.key[1] if state.key else None
        values = {**values, **work.before}
    if plan.lists:
        found |= shower.lists(work)
    if work.verb == "updated" and found.keys().isdisjoint(work.asked) and found.keys() <= set(plan.auto):
        return  # nobody changed a thing: at most the time of the last change moved
    thing = state.obj()
    entity = {"type": plan.type, "id": plan.id_of(values, thing, identity)}
    named = values if work.row is None else {**work.row, **values}
    if (name := plan.name_of(named, thing)) is not None:
        entity["name"] = name
    told: dict[str, Any] = {"event": plan.events[work.verb], "entity": entity, "changes": found}
    unknown = [key for key, value in work.before.items() if value is UNKNOWN and key in found]
    if unknown:
        told["payload"] = {"previous_unknown": unknown}
    if identity is not None and (moved := _moved_to(plan, values, identity)):
        told["related"] = [{"type": plan.type, "id": moved}]
    group.add(work.capture, work.connection, thing, told)


def _moved_to(plan: Plan, values: Row, identity: Identity) -> str | None:
    """Return the id that a record has from now on, where its primary key changed."""
    if all(values.get(name) == part for name, part in zip(plan.key_names, identity, strict=True)):
        return None
    moved = plan.id_of(values)
    return moved if moved != plan.id_of(values, None, identity) else None


def _add_what_the_flush_set(work: Work) -> None:
    """Foreign keys may be set after the UPDATE of the row itself (``post_update``)."""
    for key, value in work.state.committed_state.items():
        if key in work.plan.by_key and key not in work.before:
            work.asked.add(key)
            work.before[key] = work.row[key] if work.row and key in work.row else value


def _late_values(works: list[Work]) -> dict[Any, Row]:
    """Read what only the database knows: results of SQL expressions and defaults, values it converts."""
    wanted: dict[tuple[Connection, Plan], dict[Identity, Work]] = {}
    for work in works:
        if work.verb != "deleted" and _is_late(work):
            identity = tuple([work.state.dict.get(name) for name in work.plan.key_names])
            if None in identity and work.state.key:
                identity = work.state.key[1]
            wanted.setdefault((work.connection, work.plan), {})[identity] = work
    found: dict[Any, Row] = {}
    for (connection, plan), by_identity in wanted.items():
        for identity, row in load_rows(connection, plan, by_identity).items():
            if identity in by_identity:
                found[by_identity[identity].state] = row
    return found


def _is_late(work: Work) -> bool:
    state, plan = work.state, work.plan
    values = state.dict
    if work.verb == "created":
        if state.expired_attributes and not state.expired_attributes.isdisjoint(plan.by_key):
            return True
        for key, plain, field in plan.simple:
            if type(value := values.get(key)) is not plain and field.is_off(value):
                return True
        return False
    return any(key not in values or plan.by_key[key].is_off(values[key]) for key in work.before)


def _on_insert(mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
    if (batch := _running.get(state.session_id)) is not None:
        batch.inserted(mapper, connection, state)


def _on_update(mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
    if (batch := _running.get(state.session_id)) is not None:
        batch.about_to_update(mapper, connection, state)


def _on_updated(_mapper: Mapper[Any], _connection: Connection, state: InstanceState[Any]) -> None:
    if (batch := _running.get(state.session_id)) is not None:
        batch.updated(state)


def _on_delete(mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
    if (batch := _running.get(state.session_id)) is not None:
        batch.about_to_delete(mapper, connection, state)


_LISTENERS = (
    ("after_insert", _on_insert),
    ("before_update", _on_update),
    ("after_update", _on_updated),
    ("before_delete", _on_delete),
)


def follow_mappers() -> None:
    """Hear of every mapper, those mapped later too; flushes nobody follows are passed over at once."""
    for name, listener in _LISTENERS:
        if not event.contains(Mapper, name, listener):
            event.listen(Mapper, name, listener, raw=True)
