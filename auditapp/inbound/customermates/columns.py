"""Customermates' custom columns: what a column and its choices were called at the time of a row."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from auditapp.inbound.customermates.row import AuditRow
from auditapp.inbound.mapping import cut

KINDS = {
    "singleSelect": "choice",
    "date": "date",
    "dateTime": "date",
    "number": "number",
    "currency": "money",
}
RANGES = {"dateRange", "dateTimeRange"}
PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,15})?")


class Columns:
    """The columns as the ``custom_column`` events tell them, row by row.

    A column's state holds from the row that tells it on; a later name rewrites no earlier row. Before its
    first event a column is as that event found it: with the ``previous`` values of a first update.
    Unknown columns and choices stay ids.
    """

    def __init__(self, first: dict[str, dict[str, Any]]) -> None:
        """Begin a pass.

        :param first: each column as its first event found it; filled here, and whole for a second pass.
        """
        self._first = first
        self._now: dict[str, dict[str, Any]] = {}

    def learn(self, row: AuditRow) -> None:
        """Take in a row if it is about a column."""
        if row.entity_type != "custom_column" or not row.record:
            return
        before = {
            field: change["previous"] for field, change in (row.changes or {}).items() if "previous" in change
        }
        self._first.setdefault(row.entity_id, {**row.record, **before})
        self._now[row.entity_id] = row.record

    def hints(self, column_id: str) -> dict[str, Any]:
        """Return ``label`` and ``kind`` of a change in this column; an unknown one has no kind."""
        column = self._column(column_id)
        label = column.get("label")
        if not isinstance(label, str) or not label:
            return {"label": f"Custom field {cut(column_id)[:8]}…"}
        return {"label": cut(label), "kind": KINDS.get(str(column.get("type")), "text")}

    def shown(self, column_id: str, value: Any) -> Any:
        """Return a value as people saw it: a choice's label, a number, a range of dates."""
        if isinstance(value, list):
            return [self.shown(column_id, item) for item in value]
        if not isinstance(value, str):
            return value
        column = self._column(column_id)
        kind = str(column.get("type"))  # whatever the file says there
        if kind == "singleSelect":
            return _choices(column).get(value, value)
        if kind in RANGES and value.count(",") == 1:
            return value.replace(",", " – ")
        return _number(value) if kind in {"number", "currency"} else value

    def _column(self, column_id: str) -> Mapping[str, Any]:
        return self._now.get(column_id) or self._first.get(column_id) or {}


def _choices(column: Mapping[str, Any]) -> dict[str, str]:
    options = column.get("options")
    choices = options.get("options") if isinstance(options, dict) else None
    return {
        choice["value"]: choice["label"]
        for choice in (choices if isinstance(choices, list) else [])
        if isinstance(choice, dict)
        and isinstance(choice.get("value"), str)
        and isinstance(choice.get("label"), str)
    }


def _number(text: str) -> int | float | str:
    """Return the number that a text stands for, the text itself where a double would change it."""
    if not PLAIN_NUMBER.fullmatch(text):
        return text
    exact = Decimal(text)
    number = int(exact) if exact == exact.to_integral_value() else float(exact)
    return number if Decimal(str(number)) == exact else text
