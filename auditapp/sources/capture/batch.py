"""One flush: what it changed, collected while it runs, and what was there before."""

import enum
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstanceState, Mapper, Session
from sqlalchemy.orm.attributes import INCLUDE_PENDING_MUTATIONS, NEVER_SET, NO_VALUE, PASSIVE_NO_INITIALIZE

from auditapp.sources.capture.plan import Plan
from auditapp.sources.capture.rows import Identity, Row, load_refs, load_rows
from auditapp.sources.capture.values import IMMUTABLE

UNKNOWN = NO_VALUE
# Of a list that is not loaded, what was added and removed is known all the same.
WITHOUT_LOADING = PASSIVE_NO_INITIALIZE | INCLUDE_PENDING_MUTATIONS
State = InstanceState[Any]


class Work:
    """One record of a flush. ``before`` holds the fields that may have changed, as they were.

    ``asked`` are those of them that somebody set, not ``onupdate`` or a version counter.
    """

    __slots__ = ("asked", "before", "capture", "connection", "lists", "plan", "row", "state", "verb")

    def __init__(self, verb: str, state: State, plan: Plan, capture: Any, connection: Connection) -> None:
        self.verb = verb
        self.state = state
        self.plan = plan
        self.capture = capture
        self.connection = connection
        self.before: Row = {}
        self.asked: set[str] = set()
        self.row: Row | None = None
        self.lists: dict[str, list[dict[str, Any]]] = {}


class Batch:
    """What one flush of a session did, in the order it was written."""

    def __init__(self, session: Session, captures: Any) -> None:
        self.session = session
        self.captures = captures
        self.works: list[Work] = []
        self.updating: dict[State, Work] = {}
        self.rows: dict[State, Row] = {}
        self.lists: dict[State, dict[str, list[dict[str, Any]]]] = {}

    def plan_for(self, mapper: Mapper[Any]) -> Any:
        """Return ``(capture, plan)``, or None where this class is not captured."""
        return self.captures.find(mapper)

    def look_before(self) -> None:
        """Read the rows whose previous values the session does not know, before they are overwritten."""
        wanted: dict[Plan, list[State]] = {}
        for thing in self.session.dirty:
            state = thing._sa_instance_state
            found = self.plan_for(state.mapper)
            if found and _needs_row(found[1], state):
                wanted.setdefault(found[1], []).append(state)
            if found and found[1].children:
                self._want_children(found[1], state, wanted)
        for thing in self.session.deleted:
            state = thing._sa_instance_state
            if found := self.plan_for(state.mapper):
                if not _is_whole(found[1], state):
                    wanted.setdefault(found[1], []).append(state)
                self._read_lists(found[1], state)
        for plan, states in wanted.items():
            self._read(self._connection(plan), plan, states)

    def _want_children(self, plan: Plan, state: State, wanted: dict[Plan, list[State]]) -> None:
        """The foreign key of a child that moves is set inside the flush, where it is too late."""
        for prop in plan.children:
            if prop.key not in state.committed_state:
                continue
            history = state.get_history(prop.key, WITHOUT_LOADING)
            for child in (*(history.added or ()), *(history.deleted or ())):
                below: Any = child._sa_instance_state if child is not None else None
                found = self.plan_for(below.mapper) if below is not None and below.key else None
                if found and below.expired_attributes:
                    wanted.setdefault(found[1], []).append(below)

    def _connection(self, plan: Plan) -> Connection:
        return self.session.connection(bind_arguments={"mapper": plan.mapper})

    def _read(self, connection: Connection, plan: Plan, states: list[State]) -> None:
        by_identity: dict[Identity, State] = {state.key[1]: state for state in states if state.key}
        for identity, row in load_rows(connection, plan, by_identity).items():
            if identity in by_identity:
                self.rows[by_identity[identity]] = row

    def _read_lists(self, plan: Plan, state: State) -> None:
        """A record's many-to-many rows are deleted before it is."""
        for refs in plan.lists:
            target = self.captures.naming_plan(refs.prop.mapper)
            listed = load_refs(self._connection(plan), state.obj(), refs, target)
            if listed:
                self.lists.setdefault(state, {})[refs.key] = listed

    def inserted(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Note a record that was just inserted."""
        if found := self.plan_for(mapper):
            self.works.append(Work("created", state, found[1], found[0], connection))

    def about_to_update(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Keep what is there before, which the UPDATE makes SQLAlchemy forget in parts."""
        found = self.plan_for(mapper)
        if not found:
            return
        capture, plan = found
        work = Work("updated", state, plan, capture, connection)
        row = self.rows.get(state)
        if row is None and _needs_row(plan, state):
            self._read(connection, plan, [state])
            row = self.rows.get(state)
        keys = [key for key in state.committed_state if key in plan.by_key]
        work.before = {key: _before(state, key, row) for key in (*keys, *plan.auto)}
        work.asked = set(keys)
        work.row = row
        self.updating[state] = work

    def updated(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Note a record in its place among those written."""
        if state not in self.updating and (found := self.plan_for(mapper)):
            self.updating[state] = self._replaced(Work("updated", state, found[1], found[0], connection))
        if work := self.updating.get(state):
            self.works.append(work)

    def _replaced(self, work: Work) -> Work:
        """A new object with the key of one that is deleted in the same flush becomes an UPDATE of its row."""
        key = work.plan.mapper.identity_key_from_instance(work.state.obj())
        gone = self.session.identity_map.get(key)
        work.asked = {key for key in work.state.committed_state if key in work.plan.by_key}
        if gone is not None:
            old: Any = inspect(gone)
            work.before = {key: _before(old, key, self.rows.get(old)) for key in work.asked}
        return work

    def about_to_delete(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Keep all that is about to go."""
        found = self.plan_for(mapper)
        if not found:
            return
        capture, plan = found
        if state not in self.rows and not _is_whole(plan, state):
            self._read(connection, plan, [state])
        row = self.rows.get(state)
        work = Work("deleted", state, plan, capture, connection)
        work.before = {key: _before(state, key, row) for key in plan.by_key}
        work.lists = self.lists.get(state, {})
        work.row = row
        self.works.append(work)


def _before(state: State, key: str, row: Row | None) -> Any:
    """Return a column's value in the database, UNKNOWN where nobody knows it."""
    if row is not None and key in row:
        return row[key]
    value = state.committed_state.get(key, state.dict.get(key, UNKNOWN))
    return UNKNOWN if value is NEVER_SET else value


def _needs_row(plan: Plan, state: State) -> bool:
    """Tell whether the session does not know for sure what an object's changed columns held.

    It doesn't where the object had expired, where a change in place was flagged, and where the
    previous value is an object that may itself have been changed in place since.
    """
    values = state.dict
    for key, value in state.committed_state.items():
        if key in plan.by_key:
            if type(value) not in IMMUTABLE and not _is_member(value):
                return True
        elif key in plan.parents and any(name not in values for name in plan.parents[key]):
            return True
    return any(key not in values for key in plan.auto)


def _is_member(value: Any) -> bool:
    # SQLAlchemy's own marks for "not known" are members of an enum too.
    return isinstance(value, enum.Enum) and value is not NO_VALUE and value is not NEVER_SET


def _is_whole(plan: Plan, state: State) -> bool:
    values, committed = state.dict, state.committed_state
    return all(
        key in values
        and (key not in committed or type(committed[key]) in IMMUTABLE)
        and (type(values[key]) in IMMUTABLE or _is_member(values[key]))
        for key in plan.by_key
    )
