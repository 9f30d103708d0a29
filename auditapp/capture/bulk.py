"""The events of one bulk statement: a row each, or one that sums up."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from auditapp.capture import changes
from auditapp.capture.lists import Lists, mapper_of
from auditapp.capture.plan import Plan, RefList
from auditapp.capture.recording import Group, event_of_row
from auditapp.capture.rows import Identity, Namespace, Row, load_rows
from auditapp.capture.values import MASK, json_value
from auditapp.log.grouped import GroupedEvent

MAX_PARAMETERS = 100
MAX_TEXT = 10_000


class Bulk:
    """What one statement did to the rows of one model."""

    def __init__(self, session: Session, captures: Any, capture: Any, plan: Plan) -> None:
        self.session = session
        self.capture = capture
        self.plan = plan
        self.limit: int = capture.bulk_limit
        self.connection = session.connection(bind_arguments={"mapper": plan.mapper})
        self._captures = captures
        self._shower = changes.Shower(captures, session)
        self._group = Group(session)
        self._lists = Lists(captures, session)
        self._owners: dict[RefList, tuple[Plan, dict[Identity, Row]]] = {}

    def record(self) -> None:
        """Write the events, in the statement's transaction."""
        self._group.record()

    def add_creates(self, rows: list[Row], verb: str = "created") -> None:
        """Add an event for each new row."""
        for row in rows:
            plan = self._plan_of(row)
            self._add(plan, verb, row, changes.created(plan, row, self._shower))

    def add_updates(
        self, before: dict[Identity, Row], now: dict[Identity, Row], moved: dict[Identity, Identity]
    ) -> None:
        """Add an event for each row that is not as it was before."""
        for identity, old in before.items():
            later = moved.get(identity, identity)
            new = now.get(later)
            if new is None:
                continue
            plan = self._plan_of(old)
            kept = {key: value for key, value in old.items() if key in plan.by_key}
            if row_changes := changes.updated(plan, kept, new, self._shower):
                related = [{"type": plan.type, "id": plan.id_of(new)}] if later != identity else []
                self._add(plan, "updated", new, row_changes, identity, related=related)

    def look_at_lists(self, before: dict[Identity, Row]) -> None:
        """Read the many-to-many lists of rows that are about to be deleted, and those that they are in."""
        by_plan: dict[Plan, list[Identity]] = {}
        for identity, row in before.items():
            by_plan.setdefault(self._plan_of(row), []).append(identity)
        for plan, identities in by_plan.items():
            for refs in plan.lists:
                self._lists.read_before(self.connection, refs, identities)
            for owner_plan, refs in self._captures.listings(plan.mapper):
                owners = self._lists.owners_of(self.connection, refs, identities)
                rows = load_rows(self.connection, owner_plan, owners, lock="update")
                self._owners.setdefault(refs, (owner_plan, {}))[1].update(rows)
                self._lists.read_before(self.connection, refs, rows)

    def add_deletes(self, before: dict[Identity, Row]) -> None:
        """Add an event for each row that is gone, and one for each other whose list lost it."""
        for identity, row in before.items():
            plan = self._plan_of(row)
            row_changes = changes.deleted(plan, row, self._shower)
            self._add(plan, "deleted", row, row_changes | self._lists.changes(plan, identity, None), identity)
        changed_owners: dict[tuple[Plan, Identity], tuple[Row, changes.Changes]] = {}
        for refs, (owner_plan, rows) in self._owners.items():
            self._lists.read_now(self.connection, refs, rows)
            is_same = owner_plan.mapper.base_mapper is self.plan.mapper.base_mapper
            for identity, row in rows.items():
                change = self._lists.change(refs, identity, identity)
                if change and not (is_same and identity in before):
                    changed_owners.setdefault((owner_plan, identity), (row, {}))[1][refs.key] = change
        for (owner_plan, _), (row, list_changes) in changed_owners.items():
            self._add_owner(owner_plan, row, list_changes)

    def _add_owner(self, plan: Plan, row: Row, row_changes: changes.Changes) -> None:
        capture, plan = self._captures.find(mapper_of(plan.mapper, row)) or self._captures.find(plan.mapper)
        event = event_of_row(plan, "updated", row, row_changes)
        self._group.add(capture, self.connection, Namespace(row), event)

    def add_summary(self, verb: str, count: int, payload: dict[str, Any]) -> None:
        """Add one event for rows too many, or not known, to be told one by one."""
        if count <= 0:
            return
        event = GroupedEvent(self.plan.events[f"bulk_{verb}"], self.plan.type, "*", f"{count:,} records", {})
        event.more = {"payload": {"rows": count, **payload}}
        self._group.add(self.capture, self.connection, Namespace({}), event)

    def _plan_of(self, row: Row) -> Plan:
        """Return the plan of the subclass that a row belongs to."""
        capture_and_plan = self._captures.find(mapper_of(self.plan.mapper, row))
        return capture_and_plan[1] if capture_and_plan else self.plan

    def _add(
        self,
        plan: Plan,
        verb: str,
        row: Row,
        row_changes: changes.Changes,
        identity: Identity | None = None,
        related: Any = (),
    ) -> None:
        event = event_of_row(plan, verb, row, row_changes, identity)
        if related:
            event.more = {"related": list(related)}
        self._group.add(self.capture, self.connection, Namespace(row), event)

    def tell(self, key: str, value: Any) -> Any:
        """Return what a statement sets a column to: a value, or the SQL."""
        field = self._field(key)
        if field is None:
            return MASK  # excluded, or none of the model's columns
        if field.masked and value is not None:
            return MASK
        if isinstance(value, sa.BindParameter):
            return field.show(value.effective_value)
        return self._sql(value) if isinstance(value, sa.ClauseElement) else field.show(value)

    def _field(self, key: str) -> Any:
        by_name = {field.column.key: field for field in self.plan.fields}
        return self.plan.by_key.get(key) or by_name.get(key)

    def _sql(self, clause: Any) -> str:
        return str(clause.compile(dialect=self.connection.dialect))[:MAX_TEXT]

    def condition(self, where: Any, parameters: Any) -> dict[str, Any]:
        """Return a WHERE as SQL and its parameters; all are masked where it mentions a secret column."""
        compiled = where.compile(dialect=self.connection.dialect)
        own_values = parameters if isinstance(parameters, dict) else {}
        values = {
            name: own_values.get(name, value)
            for name, value in list(compiled.params.items())[:MAX_PARAMETERS]
        }
        hide = self._mentions_secret(where)
        shown = {name: MASK if hide else json_value(value) for name, value in values.items()}
        return {"sql": str(compiled)[:MAX_TEXT], "parameters": shown}

    def _mentions_secret(self, where: Any) -> bool:
        """Columns of other tables count as secret: nobody said that they are not."""
        shown: set[Any] = {field.column for field in self.plan.fields if not field.masked}
        shown.update(self.plan.mapper.primary_key)
        for part in sa.sql.visitors.iterate(where):
            if isinstance(part, sa.Column) and not any(part.compare(column) for column in shown):
                return True
        return False
