"""How one column is captured."""

import datetime
import decimal
import enum
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ColumnProperty

from auditapp.log.changes import words_of
from auditapp.sources.capture import options
from auditapp.sources.capture.values import MASK, json_value

_PLAIN_TYPES = (str, int, bool, float)
_CHECKED = (*_PLAIN_TYPES, decimal.Decimal, datetime.datetime, datetime.date)


class Field:
    """A column: its attribute, how its values are shown, and hints for the reader.

    ``plain`` is the Python type whose values go into the log as they are, where there is one.
    """

    __slots__ = ("choices", "column", "direct", "expected", "hints", "key", "masked", "plain", "ref", "scale")

    def __init__(self, prop: ColumnProperty[Any], column: sa.Column[Any], given: Mapping[str, Any]) -> None:
        self.key = prop.key
        self.column = column
        self.masked = bool(given.get("mask"))
        self.choices = given.get("choices")
        self.ref = _reference(prop, column)
        self.expected = _expected_type(column)
        self.scale = getattr(column.type, "scale", None) if self.expected is decimal.Decimal else None
        kind = given.get("kind") or self._kind()
        label = given.get("label") or (words_of(self.ref.key) if self.ref and not self.masked else None)
        self.hints = {name: value for name, value in (("label", label), ("kind", kind)) if value}
        shown_as_is = not (self.masked or self.choices or self.ref or self.hints)
        self.direct = not (self.masked or self.choices or self.ref)
        self.plain = self.expected if shown_as_is and self.expected in _PLAIN_TYPES else None

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

    def is_off(self, value: Any) -> bool:
        """Tell whether the database may keep a value otherwise than given: ``"1"`` in an integer column."""
        expected = self.expected
        if value is None or expected is None:
            return False
        if expected is decimal.Decimal and type(value) is decimal.Decimal:
            exponent = value.as_tuple().exponent
            return self.scale is not None and isinstance(exponent, int) and -exponent > self.scale
        return type(value) is not expected


def _choice(choices: Mapping[Any, Any], value: Any) -> Any:
    try:
        return choices.get(value, value)
    except TypeError:
        return value


def field_of(prop: ColumnProperty[Any], said: Mapping[str, Any], settings: Any) -> Field | None:
    """Return how a column is captured; None where it is excluded.

    :param said: the options of its model.
    :param settings: has ``exclude`` and ``mask``, frozensets of ``column`` or ``table.column``.
    """
    column: Any = prop.columns[0]
    table = column.table.name
    given = {
        name: said[f"{name}s"][prop.key] for name in ("label", "kind") if prop.key in said.get(f"{name}s", {})
    }
    if prop.key in said.get("choices", {}):
        given["choices"] = said["choices"][prop.key]
    given |= options.column_options(column.info, f"{table}.{column.name}")
    names = (prop.key, column.name)
    if given.get("exclude") or options.named(
        settings.exclude | frozenset(said.get("exclude", ())), table, *names
    ):
        return None
    masks = settings.mask | frozenset(said.get("mask", ()))
    secret = any(map(options.is_secret, names)) or options.named(masks, table, *names)
    return Field(prop, column, {"mask": secret, **given})


def _reference(prop: ColumnProperty[Any], column: sa.Column[Any]) -> Any:
    """Return the many-to-one relationship that this column alone points with, if there is one."""
    for each in prop.parent.relationships:
        if each.direction is not sa.orm.RelationshipDirection.MANYTOONE or each.viewonly:
            continue
        # Of a composite key, what is part of the own primary key says where, not which.
        free = [local for local, _ in each.local_remote_pairs or () if not local.primary_key]
        pairs = free or [local for local, _ in each.local_remote_pairs or ()]
        if len(pairs) == 1 and pairs[0] is column:
            return each
    return None


def _expected_type(column: sa.Column[Any]) -> Any:
    if isinstance(column.type, sa.types.TypeDecorator | sa.Enum | sa.JSON):
        return None
    try:
        expected = column.type.python_type
    except NotImplementedError:
        return None
    return expected if expected in _CHECKED else None
