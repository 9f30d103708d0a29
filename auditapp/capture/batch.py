"""One flush: what it changed, collected while it runs, and what was there before."""

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapper, Session

from auditapp.capture.ahead import Ahead
from auditapp.capture.plan import Plan
from auditapp.capture.rows import Row
from auditapp.capture.states import State, keys_to_read, keys_to_write, value_before


class Work:
    """One record of a flush. ``before`` holds the fields that it wrote, as the database had them.

    ``keys_set`` are those of them that somebody set, not ``onupdate`` or a version counter. Where the table
    ``is_triggered``, any field may have been written.
    """

    __slots__ = (
        "before",
        "capture",
        "connection",
        "is_triggered",
        "keys_set",
        "plan",
        "row",
        "state",
        "verb",
    )

    def __init__(
        self,
        verb: str,
        state: State,
        capture_and_plan: tuple[Any, Plan],
        connection: Connection,
        is_triggered: bool,
    ) -> None:
        self.verb = verb
        self.state = state
        self.capture, self.plan = capture_and_plan
        self.connection = connection
        self.before: Row = {}
        self.keys_set: set[str] = set()
        self.row: Row | None = None
        self.is_triggered = is_triggered


class Batch:
    """What one flush of a session did, in the order it was written."""

    def __init__(self, session: Session, captures: Any) -> None:
        self.session = session
        self.captures = captures
        self.works: list[Work] = []
        self.updating: dict[State, Work] = {}
        self.ahead = Ahead(session, captures)

    def plan_for(self, mapper: Mapper[Any]) -> Any:
        """Return ``(capture, plan)``, or None where this class is not captured."""
        return self.captures.find(mapper)

    def inserted(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Note a record that was just inserted."""
        if capture_and_plan := self.plan_for(mapper):
            self.works.append(self._work("created", state, capture_and_plan, connection))

    def about_to_update(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Keep what is there before, which the UPDATE makes SQLAlchemy forget in parts."""
        capture_and_plan = self.plan_for(mapper)
        if not capture_and_plan:
            return
        plan = capture_and_plan[1]
        work = self._work("updated", state, capture_and_plan, connection)
        keys = keys_to_write(plan, state)
        work.keys_set = keys & state.committed_state.keys()
        if keys and work.is_triggered:
            keys = set(plan.by_key)
        needed = keys_to_read(work.capture, state, keys)
        if needed and not self.ahead.knows(state, needed):
            self.ahead.look_again(plan, self.updating)
        work.row = self.ahead.rows.get(state)
        work.before = {key: value_before(state, key, work.row) for key in plan.by_key if key in keys}
        self.updating[state] = work

    def updated(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Note a record in its place among those written."""
        if state not in self.updating and (capture_and_plan := self.plan_for(mapper)):
            self.updating[state] = self._replaced(self._work("updated", state, capture_and_plan, connection))
        if state in self.updating:
            self.works.append(self.updating[state])

    def about_to_delete(self, mapper: Mapper[Any], connection: Connection, state: State) -> None:
        """Keep all that is about to go."""
        capture_and_plan = self.plan_for(mapper)
        if not capture_and_plan:
            return
        plan = capture_and_plan[1]
        if not self.ahead.knows(state, set(plan.by_key)):
            self.ahead.look_at(plan, state)
        row = self.ahead.rows[state]
        if row is None:
            return  # another transaction deleted it meanwhile
        work = self._work("deleted", state, capture_and_plan, connection)
        work.before = {key: row[key] for key in plan.by_key}
        work.row = row
        self.works.append(work)

    def _work(
        self, verb: str, state: State, capture_and_plan: tuple[Any, Plan], connection: Connection
    ) -> Work:
        return Work(
            verb,
            state,
            capture_and_plan,
            connection,
            verb != "deleted" and self.ahead.is_triggered(capture_and_plan[1]),
        )

    def _replaced(self, work: Work) -> Work:
        """A new object with the key of one that is deleted in the same flush becomes an UPDATE of its row."""
        key = work.plan.mapper.identity_key_from_instance(work.state.obj())
        replaced = self.session.identity_map.get(key)
        work.keys_set = {key for key in work.state.committed_state if key in work.plan.by_key}
        if replaced is not None:
            old: Any = inspect(replaced)
            keys = work.plan.by_key if work.is_triggered else work.keys_set
            row = self.ahead.rows.get(old)
            work.before = {key: value_before(old, key, row) for key in work.plan.by_key if key in keys}
        return work
