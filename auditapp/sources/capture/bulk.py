"""The events of one bulk statement: a row each, or one that sums up."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from auditapp.sources.capture import changes
from auditapp.sources.capture.door import Told
from auditapp.sources.capture.plan import Plan
from auditapp.sources.capture.recording import Group
from auditapp.sources.capture.rows import Identity, Namespace, Row
from auditapp.sources.capture.values import MASK, json_value

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
            if found := changes.updated(plan, kept, new, self._shower):
                related = [{"type": plan.type, "id": plan.id_of(new)}] if later != identity else []
                self._add(plan, "updated", new, found, identity, related=related)

    def add_deletes(self, before: dict[Identity, Row]) -> None:
        """Add an event for each row that is gone."""
        for identity, row in before.items():
            plan = self._plan_of(row)
            self._add(plan, "deleted", row, changes.deleted(plan, row, self._shower), identity)

    def add_summary(self, verb: str, count: int, payload: dict[str, Any]) -> None:
        """Add one event for rows too many, or not known, to be told one by one."""
        if count <= 0:
            return
        told = Told(self.plan.events[f"bulk_{verb}"], self.plan.type, "*", f"{count:,} records", {})
        told.more = {"payload": {"rows": count, **payload}}
        self._group.add(self.capture, self.connection, Namespace({}), told)

    def _plan_of(self, row: Row) -> Plan:
        """Return the plan of the subclass that a row belongs to."""
        mapper = self.plan.mapper
        if mapper.polymorphic_on is None or not isinstance(mapper.polymorphic_on, sa.Column):
            return self.plan
        key = mapper.get_property_by_column(mapper.polymorphic_on).key
        below: Any = mapper.polymorphic_map.get(row.get(key))
        found = self._captures.find(below) if below is not None else None
        return found[1] if found and below.isa(mapper) else self.plan

    def _add(
        self,
        plan: Plan,
        verb: str,
        row: Row,
        found: changes.Changes,
        identity: Identity | None = None,
        related: Any = (),
    ) -> None:
        thing = Namespace(row)
        entity_id, name = plan.id_of(row, thing, identity), plan.name_of(row, thing)
        told = Told(plan.event_of(verb, found), plan.type, entity_id, name, found)
        if related:
            told.more = {"related": list(related)}
        self._group.add(self.capture, self.connection, thing, told)

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
        given = parameters if isinstance(parameters, dict) else {}
        values = {
            name: given.get(name, value) for name, value in list(compiled.params.items())[:MAX_PARAMETERS]
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
