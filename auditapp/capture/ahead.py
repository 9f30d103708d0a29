"""Before a flush: the rows that it will write are locked and read, a query for each mapper.

The order of locks is the same for every flush, so that two of them never wait for each other: first what
many-to-many lists refer to (whose rows a new member of a list locks by its foreign key), then what has
lists; in a table by primary key.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapper, Session

from auditapp.capture.lists import Lists
from auditapp.capture.plan import Plan, RefList
from auditapp.capture.rows import Identity, Row, load_rows
from auditapp.capture.states import (
    State,
    identity_of_state,
    is_changed,
    is_listened,
    keys_to_read,
    keys_to_write,
    members,
    with_cascades,
)
from auditapp.capture.triggers import has_triggers
from auditapp.database.dialect import is_sqlite
from auditapp.database.locks import lock_for_writing

Doomed = dict[Mapper[Any], set[Identity]]


class Wanted:
    """The rows of one mapper to lock and read."""

    def __init__(self) -> None:
        self.states: dict[Identity, State | None] = {}
        self.keys: set[str] | None = set()
        self.lock = "update"

    def add(self, identity: Identity, state: State | None, keys: set[str] | None) -> None:
        """Add a row; ``keys`` are the attributes whose value is to be known, None: all."""
        self.states[identity] = state or self.states.get(identity)
        self.keys = None if keys is None or self.keys is None else self.keys | keys


class Ahead:
    """What a flush will write, as the database has it: ``rows`` of records that the session has (None where
    there is none any more), ``listing`` those that list a deleted one, and ``lists``.
    """

    def __init__(self, session: Session, captures: Any) -> None:
        self.rows: dict[State, Row | None] = {}
        self.listing: dict[Plan, dict[Identity, Row]] = {}
        self.lists = Lists(captures, session)
        self._session = session
        self._captures = captures
        self._wanted: dict[Plan, Wanted] = {}
        # Lists to read, by relationship, each with its plan and the records whose list it is.
        self._listed: dict[Any, tuple[Plan, RefList, set[Identity]]] = {}
        self._triggered: dict[Plan, bool] = {}

    def look(self) -> None:
        """Lock and read what the session has changed and deleted."""
        dirty = [thing._sa_instance_state for thing in self._session.dirty]
        for state in dirty:
            if capture_and_plan := self._captures.find(state.mapper):
                self._want_update(capture_and_plan[0], capture_and_plan[1], state)
        doomed: Doomed = {}
        for state in self._doomed(dirty):
            doomed.setdefault(state.mapper, set()).add(identity_of_state(state))
            if capture_and_plan := self._captures.find(state.mapper):
                self._want_delete(capture_and_plan[1], state)
        if self._listed:
            self._lock_new_members(dirty)
        if doomed:
            self._want_owners(doomed)
        self._read([*self._wanted])
        for plan, refs, owners in self._listed.values():
            self.lists.read_before(self.connection(plan), refs, owners)

    def knows(self, state: State, keys: set[str]) -> bool:
        """Tell whether a record's row was read, with some of its columns."""
        if state not in self.rows:
            return False
        row = self.rows[state]
        return row is None or keys <= row.keys()

    def look_again(self, plan: Plan, written: Any) -> None:
        """Read what the host or the flush made dirty since: all of a plan that is not ``written``."""
        for thing in self._session.dirty:
            state = thing._sa_instance_state
            capture_and_plan = self._captures.find(state.mapper)
            if capture_and_plan and capture_and_plan[1] is plan and state.key and state not in written:
                self._want(plan, identity_of_state(state), state, None)
        self._read([*self._wanted])

    def look_at(self, plan: Plan, state: State) -> None:
        """Read one row that is about to be deleted."""
        self._want(plan, identity_of_state(state), state, None)
        self._read([plan])

    def is_triggered(self, plan: Plan) -> bool:
        """Tell whether triggers may change what is written to a plan's rows."""
        triggered = self._triggered.get(plan)
        if triggered is None:
            triggered = self._triggered[plan] = has_triggers(self.connection(plan), plan)
        return triggered

    def connection(self, plan: Plan) -> Connection:
        """Return the connection that a plan's rows are written on."""
        return self._session.connection(bind_arguments={"mapper": plan.mapper})

    def _want(self, plan: Plan, identity: Identity, state: State | None, keys: set[str] | None) -> None:
        if plan not in self._wanted:
            self._wanted[plan] = Wanted()
        self._wanted[plan].add(identity, state, keys)

    def _owners(self, plan: Plan, refs: RefList) -> set[Identity]:
        """Return the records whose list is to be read, so far; subclasses share a relationship."""
        return self._listed.setdefault(refs.prop, (plan, refs, set()))[2]

    def _want_update(self, capture: Any, plan: Plan, state: State) -> None:
        keys = keys_to_read(capture, state, keys_to_write(plan, state))
        changed = [refs for refs in plan.lists if is_changed(state, refs.key)]
        if plan.children:
            self._want_children(plan, state)
        if not (keys or changed):
            return
        identity = identity_of_state(state)
        for refs in changed:
            self._owners(plan, refs).add(identity)
        is_open = is_listened(state.mapper) or self.is_triggered(plan)
        self._want(plan, identity, state, None if is_open else keys)

    def _want_children(self, plan: Plan, state: State) -> None:
        """The foreign key of a child that moves is set inside the flush, where it is too late."""
        for prop in plan.children:
            for child in members(state, prop.key, "added", "deleted"):
                if capture_and_plan := self._captures.find(child.mapper):
                    pairs = prop.local_remote_pairs or ()
                    keys = {child.mapper.get_property_by_column(remote).key for _, remote in pairs}
                    if keys := keys_to_read(
                        capture_and_plan[0], child, keys & capture_and_plan[1].by_key.keys()
                    ):
                        self._want(capture_and_plan[1], identity_of_state(child), child, keys)

    def _want_delete(self, plan: Plan, state: State) -> None:
        for refs in plan.lists:
            self._owners(plan, refs).add(identity_of_state(state))
        self._want(plan, identity_of_state(state), state, None)

    def _doomed(self, dirty: list[State]) -> Iterator[State]:
        """Yield what the flush will delete: what was marked, and what lost a parent it cannot be without."""
        for thing in self._session.deleted:
            yield thing._sa_instance_state
        for state in dirty:
            if state.mapper._is_orphan(state):
                yield from with_cascades(state)
            for key in self._captures.orphaning(state.mapper) & state.committed_state.keys():
                impl: Any = state.manager[key].impl
                for child in members(state, key, "deleted"):
                    if not impl.hasparent(child):
                        yield from with_cascades(child)

    def _lock_new_members(self, dirty: list[State]) -> None:
        """Lock what lists will refer to, as their association rows would later, out of order."""
        wanted: dict[Plan, set[Identity]] = {}
        new = [thing._sa_instance_state for thing in self._session.new]
        for state in (*dirty, *new):
            capture_and_plan = self._captures.find(state.mapper)
            for refs in capture_and_plan[1].lists if capture_and_plan else ():
                for member in members(state, refs.key, "added"):
                    plan = self._captures.naming_plan(member.mapper)
                    wanted.setdefault(plan, set()).add(identity_of_state(member))
        for plan in sorted(wanted, key=self._lock_order):
            connection = self.connection(plan)
            if not is_sqlite(connection):  # which has one lock for all
                load_rows(connection, plan, wanted[plan], (), "refer")

    def _want_owners(self, doomed: Doomed) -> None:
        """Want the records that list one that is deleted, whether the session has them or not.

        What is deleted is locked before they are looked for: nothing comes to list it afterwards.
        """
        listings = {mapper: lists for mapper in doomed if (lists := self._captures.listings(mapper))}
        plans = {mapper: self._captures.naming_plan(mapper) for mapper in listings}
        for mapper, plan in plans.items():
            for identity in doomed[mapper]:
                if plan not in self._wanted or identity not in self._wanted[plan].states:
                    self._want(plan, identity, None, set())
            self._wanted[plan].lock = "delete"
        self._read([*plans.values()], is_listing=False)
        for mapper, lists in listings.items():
            for plan, refs in lists:
                connection = self.connection(plan)
                known = self._owners(plan, refs)
                for owner in self.lists.owners_of(connection, refs, doomed[mapper]) - known:
                    known.add(owner)
                    self._want(plan, owner, None, None)

    def _read(self, plans: list[Plan], *, is_listing: bool = True) -> None:
        for plan in sorted(plans, key=self._lock_order) if len(plans) > 1 else plans:
            wanted = self._wanted.pop(plan)
            connection = self.connection(plan)
            lock_for_writing(connection)
            keys = None if wanted.keys is None else wanted.keys | (plan.naming or set())
            rows = load_rows(connection, plan, wanted.states, keys, wanted.lock)
            for identity, state in wanted.states.items():
                row = rows.get(identity)
                if state is not None:
                    self.rows[state] = row
                elif row is not None and is_listing:
                    self.listing.setdefault(plan, {})[identity] = row

    def _lock_order(self, plan: Plan) -> tuple[bool, str]:
        is_referred_to = bool(self._captures.listings(plan.mapper))
        return not is_referred_to, plan.mapper.base_mapper.local_table.description
