"""Following a flush: SQLAlchemy says what it writes, and at the end the events go after it."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstanceState, Mapper, Session

from auditapp.sources.capture.batch import UNKNOWN, Batch, Work
from auditapp.sources.capture.changes import Changes, Shower, created, deleted, updated
from auditapp.sources.capture.door import Told
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
    shower = Shower(batch.captures, session)
    events: list[Told | None] = []
    late: list[int] = []
    for place, work in enumerate(batch.works):
        shower.is_late = False
        events.append(_event(work, work.state.dict, shower))
        if shower.is_late:
            late.append(place)
    if late:
        values = _late_values([batch.works[place] for place in late])
        for place in late:
            work = batch.works[place]
            events[place] = _event(work, values.get(work.state, work.state.dict), shower)
    group = Group(session)
    for work, told in zip(batch.works, events, strict=True):
        if told is not None:
            group.add(work.capture, work.connection, work.state, told)
    group.record()


def after_rollback(session: Session) -> None:
    """A flush that failed is over too."""
    _running.pop(session.hash_key, None)


def _event(work: Work, values: Row, shower: Shower) -> Told | None:
    """Return what to tell of one record; None for a no-op."""
    state, plan = work.state, work.plan
    if work.verb == "created":
        found = created(plan, values, shower, state)
    elif work.verb == "updated":
        _add_what_the_flush_set(work)
        found = updated(plan, work.before, values, shower, state)
    else:
        values = {**values, **work.before}
        found = deleted(plan, work.before, shower, state)
    if plan.lists:
        found |= shower.lists(work)
    if work.verb == "updated" and found.keys() <= plan.auto and found.keys().isdisjoint(work.asked):
        return None  # nobody changed a thing: at most the time of the last change moved
    return _told(work, values, found)


def _told(work: Work, values: Row, found: Changes) -> Told:
    state, plan = work.state, work.plan
    thing = state.obj()
    identity = state.key[1] if work.verb != "created" and state.key else None
    named = values if work.row is None else {**work.row, **values}
    entity_id, name = plan.id_of(values, thing, identity), plan.name_of(named, thing)
    told = Told(plan.event_of(work.verb, found), plan.type, entity_id, name, found)
    if work.verb != "created" and (more := _more(work, values, found, identity)):
        told.more = more
    return told


def _more(work: Work, values: Row, found: Changes, identity: Identity | None) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if unknown := [key for key, value in work.before.items() if value is UNKNOWN and key in found]:
        more["payload"] = {"previous_unknown": unknown}
    if identity is not None and (moved := _moved_to(work.plan, values, identity)):
        more["related"] = [{"type": work.plan.type, "id": moved}]
    return more


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
        if work.verb != "deleted":
            identity = tuple([work.state.dict.get(name) for name in work.plan.key_names])
            if None in identity and work.state.key:
                identity = work.state.key[1]
            wanted.setdefault((work.connection, work.plan), {})[identity] = work
    found: dict[Any, Row] = {}
    for (connection, plan), by_identity in wanted.items():
        for identity, row in load_rows(connection, plan, by_identity).items():
            if identity in by_identity:
                state = by_identity[identity].state
                found[state] = {**state.dict, **row}
    return found


def _on_insert(mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
    if (batch := _running.get(state.session_id)) is not None:
        batch.inserted(mapper, connection, state)


def _on_update(mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
    if (batch := _running.get(state.session_id)) is not None:
        batch.about_to_update(mapper, connection, state)


def _on_updated(mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
    if (batch := _running.get(state.session_id)) is not None:
        batch.updated(mapper, connection, state)


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
