"""How one column is captured."""

import enum
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ColumnProperty

from auditapp.capture import options
from auditapp.capture.exact_values import keeps, keeps_null, plain_type
from auditapp.capture.values import IMMUTABLE, MASK, json_value
from auditapp.values.changes import label_of
from auditapp.values.equality import same


class Field:
    """A column: its attribute, how its values are shown, and hints for the reader.

    ``plain`` is the Python type whose values go into the log as they are, where there is one; ``keeps``
    tells of a value, and ``keeps_null`` of None, whether the column keeps it as it is given.
    """

    __slots__ = (
        "choices", "column", "direct", "hints", "is_opaque", "keeps", "keeps_null", "key", "masked", "plain",
        "ref",
    )  # fmt: skip

    def __init__(
        self, prop: ColumnProperty[Any], column: sa.Column[Any], column_options: Mapping[str, Any]
    ) -> None:
        self.key = prop.key
        self.column = column
        self.masked = bool(column_options.get("mask"))
        self.choices = column_options.get("choices")
        self.ref = _reference(prop, column)
        self.keeps, self.keeps_null = keeps(column.type), keeps_null(column.type)
        # What PickleType holds may look the same as JSON and be another object.
        self.is_opaque = isinstance(column.type, sa.PickleType)
        kind = column_options.get("kind") or self._kind()
        label = column_options.get("label") or (
            label_of(self.ref.key) if self.ref and not self.masked else None
        )
        self.hints = {name: value for name, value in (("label", label), ("kind", kind)) if value}
        shown_as_is = not (self.masked or self.choices or self.ref or self.hints)
        self.direct = not (self.masked or self.choices or self.ref)
        self.plain = plain_type(column.type) if shown_as_is else None

    def _kind(self) -> str | None:
        if self.masked:
            return None
        if self.ref:
            return "refs"
        if self.choices or isinstance(self.column.type, sa.Enum):
            return "choice"
        if isinstance(self.column.type, sa.DateTime | sa.Date):
            return "date"
        return "json" if isinstance(self.column.type, sa.JSON) else None

    def show(self, value: Any) -> Any:
        """Return a value as the log keeps it."""
        if value is None:
            return None
        if self.masked:
            return MASK
        if self.choices and not isinstance(value, enum.Enum):
            return json_value(_choice(self.choices, value))
        return json_value(value)

    def differ(self, old: Any, new: Any) -> bool:
        """Tell whether two values of the column are not the same by ``values.equality``."""
        if old is new:
            return False
        if type(old) is type(new) and type(old) in IMMUTABLE:
            return bool(old != new) and bool(old == old or new == new)  # NaN is the same again
        if not same(json_value(old), json_value(new), self.hints.get("kind")):
            return True
        return self.is_opaque and _is_unequal(old, new)


def _is_unequal(old: Any, new: Any) -> bool:
    try:
        return bool(old != new)
    except Exception:  # an array's, say
        return False


def _choice(choices: Mapping[Any, Any], value: Any) -> Any:
    try:
        return choices.get(value, value)
    except TypeError:
        return value


def field_of(prop: ColumnProperty[Any], description: Mapping[str, Any], settings: Any) -> Field | None:
    """Return how a column is captured; None where it is excluded.

    :param description: the options of its model.
    :param settings: has ``exclude`` and ``mask``, frozensets of ``column`` or ``table.column``.
    """
    column: Any = prop.columns[0]
    table = column.table.name
    column_options = {
        name: description[f"{name}s"][prop.key]
        for name in ("label", "kind")
        if prop.key in description.get(f"{name}s", {})
    }
    if prop.key in description.get("choices", {}):
        column_options["choices"] = description["choices"][prop.key]
    column_options |= options.column_options(column.info, f"{table}.{column.name}")
    names = (prop.key, column.name)
    if column_options.get("exclude") or options.named(
        settings.exclude | frozenset(description.get("exclude", ())), table, *names
    ):
        return None
    masks = settings.mask | frozenset(description.get("mask", ()))
    secret = any(map(options.is_secret, names)) or options.named(masks, table, *names)
    return Field(prop, column, {"mask": secret, **column_options})


def _reference(prop: ColumnProperty[Any], column: sa.Column[Any]) -> Any:
    """Return the many-to-one relationship that this column alone points with, if there is one."""
    for relation in prop.parent.relationships:
        if relation.direction is not sa.orm.RelationshipDirection.MANYTOONE or relation.viewonly:
            continue
        # Of a composite key, what is part of the own primary key says where, not which.
        free = [local for local, _ in relation.local_remote_pairs or () if not local.primary_key]
        pairs = free or [local for local, _ in relation.local_remote_pairs or ()]
        if len(pairs) == 1 and pairs[0] is column:
            return relation
    return None
