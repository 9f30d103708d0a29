"""Following a flush: SQLAlchemy says what it writes, and at the end the events go after it."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstanceState, Mapper, Session

from auditapp.capture.batch import Batch, Work
from auditapp.capture.changes import Changes, Shower, created, deleted, updated
from auditapp.capture.lists import mapper_of
from auditapp.capture.plan import Plan, RefList
from auditapp.capture.recording import Group, event_of_row
from auditapp.capture.rows import Identity, Namespace, Row, identity_of, load_rows
from auditapp.capture.states import UNKNOWN, identity_now, is_to_write
from auditapp.log.grouped import GroupedEvent

# The flushes going on, by the id of their session; a flush never leaves its thread.
_running: dict[Any, Batch] = {}


def before_flush(session: Session, captures: Any) -> None:
    """Begin to follow a flush. Several captures of one session follow it together."""
    batch = _running[session.hash_key] = Batch(session, captures)
    batch.ahead.look()


def after_flush(session: Session) -> None:
    """Record what the flush did, in its transaction; if that fails, the flush does."""
    batch = _running.pop(session.hash_key, None)
    if batch is None or not (batch.works or batch.ahead.listing):
        return
    shower = Shower(batch.captures, session)
    changes: list[Changes] = []
    late: dict[int, Work] = {}
    for place, work in enumerate(batch.works):
        shower.is_late = work.is_triggered
        changes.append(_changes(work, work.state.dict, shower))
        if shower.is_late and work.verb != "deleted":
            late[place] = work
    values = _late_values(late.values()) if late else {}
    for place, work in late.items():
        if work.state in values:
            changes[place] = _changes(work, values[work.state], shower)
    _read_lists(batch)
    group = Group(session)
    for work, row_changes in zip(batch.works, changes, strict=True):
        grouped = _event(batch, work, values.get(work.state, work.state.dict), row_changes)
        if grouped is not None:
            group.add(work.capture, work.connection, work.state, grouped)
    for capture, connection, row, grouped in _of_owners(batch):
        group.add(capture, connection, Namespace(row), grouped)
    group.record()


def after_rollback(session: Session) -> None:
    """A flush that failed is over too."""
    _running.pop(session.hash_key, None)


def _changes(work: Work, values: Row, shower: Shower) -> Changes:
    """Return what became of one record's columns."""
    state, plan = work.state, work.plan
    if work.verb == "created":
        return created(plan, values, shower, state)
    if work.verb == "deleted":
        return deleted(plan, work.before, shower, state)
    _add_what_the_flush_set(work)
    if not plan.keeps_key(identity_now(plan, state)):
        shower.is_late = True
    return updated(plan, work.before, values, shower, state)


def _event(batch: Batch, work: Work, values: Row, row_changes: Changes) -> GroupedEvent | None:
    """Return what to tell of one record; None for a no-op."""
    state, plan = work.state, work.plan
    if work.verb == "deleted":
        values = {**values, **work.before}
    if plan.lists:
        old = state.key[1] if state.key else identity_of(plan, values)
        new = None if work.verb == "deleted" else identity_now(plan, state)
        row_changes |= batch.ahead.lists.changes(plan, old, new)
        if work.verb == "created":
            for refs in plan.lists:
                row_changes.get(refs.key, {}).pop("previous", None)
    if (
        work.verb == "updated"
        and row_changes.keys() <= plan.auto
        and row_changes.keys().isdisjoint(work.keys_set)
    ):
        return None  # nobody changed a thing: at most the time of the last change moved
    return _grouped_event(work, values, row_changes)


def _read_lists(batch: Batch) -> None:
    """Read the lists that may have changed, as they are now."""
    wanted: dict[RefList, tuple[Connection, list[Identity]]] = {}
    for work in batch.works:
        for refs in work.plan.lists if work.verb != "deleted" else ():
            if _may_have_changed(batch, work, refs):
                owner = identity_now(work.plan, work.state)
                wanted.setdefault(refs, (work.connection, []))[1].append(owner)
    for plan, rows in batch.ahead.listing.items():
        for refs in plan.lists:
            wanted.setdefault(refs, (batch.ahead.connection(plan), []))[1].extend(rows)
    for refs, (connection, owners) in wanted.items():
        batch.ahead.lists.read_now(connection, refs, owners)


def _may_have_changed(batch: Batch, work: Work, refs: RefList) -> bool:
    state = work.state
    if work.verb == "created" or state.key is None:
        return refs.key in state.committed_state or refs.key in state.dict
    return batch.ahead.lists.has(refs, state.key[1])


def _of_owners(batch: Batch) -> Iterator[tuple[Any, Connection, Row, GroupedEvent]]:
    """Yield what to tell of records that the flush did not touch, but whose lists lost a deleted one."""
    flushed = {(work.plan.mapper.base_mapper, work.state.key[1]) for work in batch.works if work.state.key}
    for plan, rows in batch.ahead.listing.items():
        capture, plan = batch.captures.find(plan.mapper)
        for identity, row in rows.items():
            changes = batch.ahead.lists.changes(plan, identity, identity)
            if changes and (plan.mapper.base_mapper, identity) not in flushed:
                capture_and_plan = batch.captures.find(mapper_of(plan.mapper, row)) or (capture, plan)
                grouped = event_of_row(capture_and_plan[1], "updated", row, changes)
                yield capture_and_plan[0], batch.ahead.connection(plan), row, grouped


def _grouped_event(work: Work, values: Row, row_changes: Changes) -> GroupedEvent:
    state, plan = work.state, work.plan
    thing = state.obj()
    identity = None if work.verb == "created" else _identity_before(work)
    named = values if work.row is None else {**work.row, **values}
    entity_id, name = plan.id_of(values, thing, identity), plan.name_of(named, thing)
    grouped = GroupedEvent(plan.event_of(work.verb, row_changes), plan.type, entity_id, name, row_changes)
    if work.verb != "created" and (more := _more(work, values, row_changes, identity)):
        grouped.more = more
    return grouped


def _identity_before(work: Work) -> Identity | None:
    if work.row is not None:
        return identity_of(work.plan, work.row)
    return work.state.key[1] if work.state.key else None


def _more(work: Work, values: Row, row_changes: Changes, identity: Identity | None) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if unknown := [key for key, value in work.before.items() if value is UNKNOWN and key in row_changes]:
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
        if key in work.plan.by_key and key not in work.before and is_to_write(work.state, key):
            work.keys_set.add(key)
            work.before[key] = work.row[key] if work.row and key in work.row else value


def _late_values(works: Iterable[Work]) -> dict[Any, Row]:
    """Read what only the database knows: results of SQL expressions and defaults, values it converts."""
    wanted: dict[tuple[Connection, Plan], dict[Identity, Work]] = {}
    for work in works:
        by_identity = wanted.setdefault((work.connection, work.plan), {})
        by_identity[identity_now(work.plan, work.state)] = work
    rows: dict[Any, Row] = {}
    for (connection, plan), by_identity in wanted.items():
        keys: set[str] | None = set(plan.naming or ())
        for work in by_identity.values():
            keys = None if keys is None or work.verb == "created" else keys | work.before.keys()
        for identity, row in load_rows(connection, plan, by_identity, keys).items():
            if identity in by_identity:
                state = by_identity[identity].state
                rows[state] = {**state.dict, **row}
    return rows


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
