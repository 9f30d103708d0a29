"""Which values a column keeps exactly as they are given; what it may keep otherwise is read back.

A list of what is known to be exact, not of what is not: a type that nobody thought of costs a query, and
never a false word in the log.
"""

import datetime
import decimal
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

Keeps = Callable[[Any], bool]
MAX_DIGITS = 15  # SQLite keeps numbers with a scale as doubles
DOUBLE_BITS = 25  # FLOAT(24) is a single on PostgreSQL

_TEXTS = (sa.String, sa.Text, sa.Unicode, sa.UnicodeText, sa.VARCHAR, sa.TEXT)
_INTEGERS = (sa.Integer, sa.SmallInteger, sa.BigInteger, sa.INTEGER, sa.SMALLINT, sa.BIGINT)
_DOUBLES = (sa.Float, sa.FLOAT, sa.Double, sa.DOUBLE, sa.DOUBLE_PRECISION)
# Types with one Python type each, whose values every database keeps whole.
_SIMPLE: dict[type, type] = {
    **dict.fromkeys(_INTEGERS, int),
    sa.Boolean: bool,
    sa.BOOLEAN: bool,
    sa.Date: datetime.date,
    sa.DATE: datetime.date,
    sa.LargeBinary: bytes,
}


def plain_type(kind: TypeEngine[Any]) -> type | None:
    """Return the Python type all of whose values a column type keeps and the log shows as they are."""
    if _has_variants(kind):
        return None
    plain = _SIMPLE.get(type(kind))
    if plain in (int, bool):
        return plain
    return str if type(kind) in _TEXTS and getattr(kind, "length", None) is None else None


def keeps_null(kind: TypeEngine[Any]) -> bool:
    """Tell whether None is null in a column of this type: the host's own types may make something of it."""
    return not isinstance(kind, TypeDecorator) or type(kind).__module__.startswith("sqlalchemy.")


def keeps(kind: TypeEngine[Any]) -> Keeps:
    """Return a function that tells whether a column of this type keeps a value exactly as it is given.

    :return: for values other than None, see ``keeps_null``.
    """
    return _nothing if _has_variants(kind) else _rule(kind)


def _has_variants(kind: TypeEngine[Any]) -> bool:
    return bool(getattr(kind, "_variant_mapping", None))


def _nothing(_value: Any) -> bool:
    return False


def _rule(kind: Any) -> Keeps:
    """Return the rule for one type; its exact class counts, a subclass may do anything."""
    cls = type(kind)
    if cls in _SIMPLE:
        expected = _SIMPLE[cls]
        return lambda value: type(value) is expected
    if cls in _TEXTS:
        return _text_rule(kind.length)
    if cls in _DOUBLES and not kind.asdecimal and (kind.precision is None or kind.precision >= DOUBLE_BITS):
        # What a number minus itself is not zero for is infinite, or NaN, which SQLite keeps as null.
        return lambda value: type(value) is float and not value - value
    if cls in (sa.Numeric, sa.NUMERIC, sa.DECIMAL) and kind.asdecimal and kind.scale is not None:
        return _decimal_rule(kind.scale)
    if cls in (sa.DateTime, sa.DATETIME, sa.TIMESTAMP) and not kind.timezone:
        return lambda value: type(value) is datetime.datetime and value.tzinfo is None
    if cls in (sa.Time, sa.TIME) and not kind.timezone:
        return lambda value: type(value) is datetime.time and value.tzinfo is None
    if cls in (sa.Uuid, sa.UUID) and kind.as_uuid:
        return lambda value: type(value) is uuid.UUID
    if cls is sa.Enum:
        expected = kind.enum_class or str
        return lambda value: type(value) is expected
    return _nothing


def _text_rule(length: int | None) -> Keeps:
    """PostgreSQL cuts blanks past the length off without a word."""
    if length is None:
        return lambda value: type(value) is str
    return lambda value: type(value) is str and len(value) <= length


def _decimal_rule(scale: int) -> Keeps:
    def keeps_decimal(value: Any) -> bool:
        if type(value) is not decimal.Decimal:
            return False
        _, digits, exponent = value.as_tuple()
        return isinstance(exponent, int) and -scale <= exponent <= 0 and len(digits) <= MAX_DIGITS

    return keeps_decimal
