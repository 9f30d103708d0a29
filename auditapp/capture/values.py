"""Python values as the JSON that the log keeps. Nothing here raises: what JSON cannot say is described."""

import enum
import hashlib
import math
import uuid
from collections.abc import Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from auditapp.values.strict_json import MAX_DEPTH

# Two values of one of these types are the same if Python calls them equal.
IMMUTABLE = frozenset(
    {type(None), str, int, float, bool, bytes, Decimal, datetime, date, time, timedelta, uuid.UUID}
)
MASK = "[masked]"
MAX_DESCRIBED = 2000
MAX_LEVELS = MAX_DEPTH - 4  # an event, its changes, a change and its side are around a value


def json_value(value: Any, level: int = 0) -> Any:
    """Return a value as JSON: exact where JSON can say it, else a text that describes it.

    Text with NUL and integers past 64 bits stay as they are: ``mend`` turns to them when the log
    refuses them, so that the usual value is looked at once only.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if convert := _EXACT.get(kind):
        return convert(value)
    try:
        return _converted(value, level)
    except Exception:
        return f"[{kind.__name__} that cannot be shown]"


def _converted(value: Any, level: int) -> Any:
    if isinstance(value, enum.Enum):
        return choice_name(value)
    for kind, convert in _CONVERTERS:
        if isinstance(value, kind):
            return convert(value)
    if level >= MAX_LEVELS:
        return _described(value)
    if isinstance(value, Mapping):
        return {_key(key): json_value(item, level + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item, level + 1) for item in value]
    if isinstance(value, Set):
        items = [json_value(item, level + 1) for item in value]
        return sorted(items, key=lambda item: (str(type(item)), str(item)))
    return _described(value)


def choice_name(value: enum.Enum) -> Any:
    """Return what a choice is called today: its text, or its name where its value is a code.

    Later renames of the member then leave history as it was.
    """
    return str(value.value) if isinstance(value.value, str) else value.name


def instant_text(value: datetime) -> str:
    """Return RFC 3339 text; a time without a zone keeps none, because we don't know it."""
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _decimal(value: Decimal) -> Any:
    if not value.is_finite():
        return str(value)
    number = float(value)
    # A number where that keeps every digit, otherwise the exact text.
    return number if Decimal(repr(number)) == value else str(value)


def _float(value: float) -> Any:
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _bytes(value: Any) -> str:
    data = bytes(value)
    return f"[{len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}]"


def _key(key: Any) -> str:
    return str(key) if isinstance(key, str) else str(json_value(key))


def _described(value: Any) -> str:
    kind: Any = type(value)
    text = str(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        text = f"[{type(value).__name__}]"  # the default text has a memory address, new each time
    return text if len(text) <= MAX_DESCRIBED else text[: MAX_DESCRIBED - 1] + "…"


_CONVERTERS: list[tuple[Any, Any]] = [
    (bool, bool),
    (str, lambda value: str.__str__(value)),
    (int, int),
    (float, _float),
    (datetime, instant_text),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, str),
    (Decimal, _decimal),
    (uuid.UUID, str),
    (bytes | bytearray | memoryview, _bytes),
]
_EXACT: dict[type, Any] = {
    float: _float,
    datetime: instant_text,
    date: date.isoformat,
    Decimal: _decimal,
    uuid.UUID: str,
}
