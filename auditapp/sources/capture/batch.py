"""One flush: what it changed, collected while it runs, and what was there before."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstanceState, Mapper, Session
from sqlalchemy.orm.attributes import INCLUDE_PENDING_MUTATIONS, NEVER_SET, NO_VALUE, PASSIVE_NO_INITIALIZE

from auditapp.log.insert import lock_for_writing
from auditapp.sources.capture.lists import Lists
from auditapp.sources.capture.plan import Plan, RefList
from auditapp.sources.capture.rows import Identity, Row, load_rows
from auditapp.sources.capture.triggers import has_triggers

UNKNOWN = NO_VALUE
# Of a list that is not loaded, what was added and removed is known all the same.
WITHOUT_LOADING = PASSIVE_NO_INITIALIZE | INCLUDE_PENDING_MUTATIONS
State = InstanceState[Any]
# Lists to read, each with its plan and the records whose list it is.
Listed = dict[RefList, tuple[Plan, set[Identity]]]


class Work:
    """One record of a flush. ``before`` holds the fields that it wrote, as the database had them.

    ``asked`` are those of them that somebody set, not ``onupdate`` or a version counter. Where the table
    ``is_triggered``, any field may have been written.
    """

    __slots__ = ("asked", "before", "capture", "connection", "is_triggered", "plan", "row", "state", "verb")

    def __init__(
        self, verb: str, state: State, found: tuple[Any, Plan], connection: Connection, is_triggered: bool
    ) -> None:
        self.verb = verb
        self.state = state
        self.capture, self.plan = found
        self.connection = connection
        self.before: Row = {}
        self.asked: set[str] = set()
        self.row: Row | None = None
        self.is_triggered = is_triggered


class Wanted:
    """The rows of one mapper to read and lock before the flush writes them."""

    def __init__(self) -> None:
        self.states: dict[Identity, State | None] = {}
        self.keys: set[str] | None = set()
        self.lock = "update"

    def add(self, identity: Identity, state: State | None, keys: set[str] | None) -> None:
        """Add a row; ``keys`` are the attributes whose value is to be known, None: all."""
        self.states[identity] = state or self.states.get(identity)
        self.keys = None if keys is None or self.keys is None else self.keys | keys


class Batch:
    """What one flush of a session did, in the order it was written."""

    def __init__(self, session: Session, captures: Any) -> None:
        self.session = session
        self.captures = captures
        self.works: list[Work] = []
        self.updating: dict[State, Work] = {}
        self.rows: dict[State, Row | None] = {}
        self.lists = Lists(captures, session)
        self.listing: dict[Plan, dict[Identity, Row]] = {}
        self.wanted: dict[Plan, Wanted] = {}
        self._triggered: dict[Plan, bool] = {}

    def plan_for(self, mapper: Mapper[Any]) -> Any:
        """Return ``(capture, plan)``, or None where this class is not captured."""
        return self.captures.find(mapper)

    def look_before(self) -> None:
        """Lock the rows that the flush will write and read what they hold, a query for each mapper."""
        listed: Listed = {}
        dirty = [thing._sa_instance_state for thing in self.session.dirty]
        for state in dirty:
            if found := self.plan_for(state.mapper):
                self._want_update(found[1], state, listed)
        doomed: dict[Mapper[Any], set[Identity]] = {}
        for state in self._doomed(dirty):
            if state.key:
                doomed.setdefault(state.mapper, set()).add(_identity(state))
                if found := self.plan_for(state.mapper):
                    self._want_delete(found[1], state, listed)
        self._want_owners(doomed, listed)
        self._read_wanted()
        if doomed and self._want_owners(doomed, listed):
            self._read_wanted()  # who came to list them while the locks were waited for
        for refs, (plan, owners) in listed.items():
            self.lists.read_before(self.connection(plan), refs, owners)

    def _doomed(self, dirty: list[State]) -> Iterator[State]:
        """Yield what the flush will delete: what was marked, and what lost a parent it cannot be without."""
        for thing in self.session.deleted:
            yield thing._sa_instance_state
        for state in dirty:
            if state.mapper._is_orphan(state):
                yield from _with_cascades(state)
            for key in self.captures.orphaning(state.mapper) & state.committed_state.keys():
                impl: Any = state.manager[key].impl
                for child in state.get_history(key, WITHOUT_LOADING).deleted or ():
                    below: Any = child._sa_instance_state if child is not None else None
                    if below is not None and below.key and not impl.hasparent(below):
                        yield from _with_cascades(below)

    def _want_update(self, plan: Plan, state: State, listed: Listed) -> None:
        keys = _keys_to_write(plan, state)
        changed = [refs for refs in plan.lists if _is_changed(state, refs.key)]
        if plan.children:
            self._want_children(plan, state)
        if not (keys or changed):
            return
        identity = _identity(state)
        for refs in changed:
            _list_of(listed, plan, refs).add(identity)
        is_open = _is_listened(state.mapper) or self._is_triggered(plan)
        self._want(plan, identity, state, None if is_open else keys)

    def _want(self, plan: Plan, identity: Identity, state: State | None, keys: set[str] | None) -> None:
        if plan not in self.wanted:
            self.wanted[plan] = Wanted()
        self.wanted[plan].add(identity, state, keys)

    def _want_delete(self, plan: Plan, state: State, listed: Listed) -> None:
        for refs in plan.lists:
            _list_of(listed, plan, refs).add(_identity(state))
        self._want(plan, _identity(state), state, None)
        self.wanted[plan].lock = "delete"

    def _want_owners(self, doomed: dict[Mapper[Any], set[Identity]], listed: Listed) -> bool:
        """Want the records that list one that is deleted, whether the session has them or not."""
        is_new = False
        for mapper, identities in doomed.items():
            for plan, refs in self.captures.listings(mapper):
                connection = self.connection(plan)
                lock_for_writing(connection)
                known = _list_of(listed, plan, refs)
                for owner in self.lists.owners_of(connection, refs, identities) - known:
                    is_new = True
                    known.add(owner)
                    self._want(plan, owner, None, None)
        return is_new

    def _is_triggered(self, plan: Plan) -> bool:
        found = self._triggered.get(plan)
        if found is None:
            found = self._triggered[plan] = has_triggers(self.connection(plan), plan)
        return found

    def _want_children(self, plan: Plan, state: State) -> None:
        """The foreign key of a child that moves is set inside the flush, where it is too late."""
        for prop in plan.children:
            if prop.key not in state.committed_state:
                continue
            history = state.get_history(prop.key, WITHOUT_LOADING)
            for child in (*(history.added or ()), *(history.deleted or ())):
                below: Any = child._sa_instance_state if child is not None else None
                found = self.plan_for(below.mapper) if below is not None and below.key else None
                if found:
                    pointing = {
                        below.mapper.get_property_by_column(remote).key
                        for _, remote in prop.local_remote_pairs
                    }
                    self._want(found[1], below.key[1], below, pointing & found[1].by_key.keys())

    def connection(self, plan: Plan) -> Connection:
        """Return the connection that a plan's rows are written on."""
        return self.session.connection(bind_arguments={"mapper": plan.mapper})

    def _read_wanted(self) -> None:
        """Read and lock; who lists others comes first, as it does where an association row is inserted."""
        for plan in sorted(self.wanted, key=_lock_order):
            wanted = self.wanted[plan]
            keys = None if wanted.keys is None else wanted.keys | (plan.naming or set())
            rows = load_rows(self.connection(plan), plan, wanted.states, keys, wanted.lock)
            for identity, state in wanted.states.items():
                row = rows.get(identity)
                if state is not None:
                    self.rows[state] = row
                elif row is not None:
                    self.listing.setdefault(plan, {})[identity] = row
        self.wanted = {}

    def inserted(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Note a record that was just inserted."""
        if found := self.plan_for(mapper):
            self.works.append(Work("created", state, found, connection, self._is_triggered(found[1])))

    def about_to_update(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Keep what is there before, which the UPDATE makes SQLAlchemy forget in parts."""
        found = self.plan_for(mapper)
        if not found:
            return
        plan = found[1]
        work = Work("updated", state, found, connection, self._is_triggered(plan))
        keys = _keys_to_write(plan, state)
        asked = keys & state.committed_state.keys()
        if keys and work.is_triggered:
            keys = set(plan.by_key)
        if keys and not self._knows(state, keys):
            self._read_again(plan)
        work.row = self.rows.get(state)
        work.before = {key: _before(state, key, work.row) for key in plan.by_key if key in keys}
        work.asked = asked
        self.updating[state] = work

    def _knows(self, state: State, keys: set[str]) -> bool:
        if state not in self.rows:
            return False
        row = self.rows[state]
        return row is None or keys <= row.keys()

    def _read_again(self, plan: Plan) -> None:
        """Read what a listener of the host, or the flush itself, made dirty since: all such at once."""
        for thing in self.session.dirty:
            state = thing._sa_instance_state
            found = self.plan_for(state.mapper)
            if found and found[1] is plan and state.key and state not in self.updating:
                self._want(plan, _identity(state), state, None)
        self._read_wanted()

    def updated(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Note a record in its place among those written."""
        if state not in self.updating and (found := self.plan_for(mapper)):
            work = Work("updated", state, found, connection, self._is_triggered(found[1]))
            self.updating[state] = self._replaced(work)
        if state in self.updating:
            self.works.append(self.updating[state])

    def _replaced(self, work: Work) -> Work:
        """A new object with the key of one that is deleted in the same flush becomes an UPDATE of its row."""
        key = work.plan.mapper.identity_key_from_instance(work.state.obj())
        gone = self.session.identity_map.get(key)
        work.asked = {key for key in work.state.committed_state if key in work.plan.by_key}
        if gone is not None:
            old: Any = inspect(gone)
            keys = work.plan.by_key if work.is_triggered else work.asked
            row = self.rows.get(old)
            work.before = {key: _before(old, key, row) for key in work.plan.by_key if key in keys}
        return work

    def about_to_delete(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Keep all that is about to go."""
        found = self.plan_for(mapper)
        if not found:
            return
        plan = found[1]
        if not self._knows(state, set(plan.by_key)):
            self._want(plan, _identity(state), state, None)
            self.wanted[plan].lock = "delete"
            self._read_wanted()
        row = self.rows[state]
        if row is None:
            return  # another transaction deleted it meanwhile
        work = Work("deleted", state, found, connection, is_triggered=False)
        work.before = {key: row[key] for key in plan.by_key}
        work.row = row
        self.works.append(work)


def _with_cascades(state: State) -> Iterator[State]:
    yield state
    for _, _, below, _ in state.mapper.cascade_iterator("delete", state):
        yield below


def _identity(state: State) -> Identity:
    """Return the primary key of a record that is in the database."""
    key: Any = state.key
    found: Identity = key[1]
    return found


def identity_now(plan: Plan, state: State) -> Identity:
    """Return the primary key that a record has in the session; what is not loaded cannot have changed."""
    old: Any = state.key[1] if state.key else (None,) * len(plan.key_names)
    return tuple([state.dict.get(name, part) for name, part in zip(plan.key_names, old, strict=True)])


def _list_of(listed: Listed, plan: Plan, refs: RefList) -> set[Identity]:
    """Return the owners of one relationship that are wanted so far; subclasses share it."""
    by_prop = next((each for each in listed if each.prop is refs.prop), refs)
    return listed.setdefault(by_prop, (plan, set()))[1]


def _lock_order(plan: Plan) -> tuple[bool, str]:
    return not plan.lists, plan.mapper.base_mapper.local_table.description


def _before(state: State, key: str, row: Row | None) -> Any:
    """Return a column's value in the database, UNKNOWN where nobody knows it."""
    if row is not None and key in row:
        return row[key]
    value = state.committed_state.get(key, state.dict.get(key, UNKNOWN))
    return UNKNOWN if value is NEVER_SET else value


def _keys_to_write(plan: Plan, state: State) -> set[str]:
    """Return the columns that an UPDATE will write, as SQLAlchemy decides: none where nothing changed."""
    found: set[str] = set()
    for key in state.committed_state:
        if key in plan.by_key:
            if is_to_write(state, key):
                found.add(key)
        elif key in plan.parents and _is_changed(state, key):
            found.update(plan.parents[key])
    return found | plan.auto_with(found) if found else found


def _is_changed(state: State, key: str) -> bool:
    """Tell whether a relationship was changed: setting it to what it is leaves no trace in its history."""
    if key not in state.committed_state:
        return False
    history = state.get_history(key, WITHOUT_LOADING)
    return bool(history.added or history.deleted)


def is_to_write(state: State, key: str) -> bool:
    """Tell whether an UPDATE sets a column whose attribute was set: not where Python calls the two equal."""
    if key not in state.dict:
        return True
    impl: Any = state.manager[key].impl
    # Not ``is False``: an array's comparison is no answer, and SQL is none.
    return impl.is_equal(state.dict[key], state.committed_state[key]) is not True


def _is_listened(mapper: Mapper[Any]) -> bool:
    """Tell whether the host may set any other column just before the UPDATE."""
    return len(mapper.dispatch.before_update) > 1
