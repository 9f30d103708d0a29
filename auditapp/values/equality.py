"""When two recorded values are the same: one answer for capture, state, drift, diffs and idempotency.

Numbers are the same as numbers (``1`` is ``1.0``), ``true`` is never ``1``, texts are the same letter for
letter, objects in any order of their keys. Instants are the same as instants (``10:00:00Z`` is
``12:00:00+02:00``) only where the change says that it is about dates, or says nothing and both are
RFC 3339 with a zone.
"""

import re
from collections.abc import Hashable
from datetime import date
from functools import lru_cache
from typing import Any

_RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
# What else a field of dates may hold: no seconds, a comma, an offset without its colon or its minutes.
_ISO_8601 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9])"
    r"(?::([0-5][0-9]|60)(?:[.,]([0-9]+))?)?(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)"
)
_FORMS = {None: _RFC_3339, "date": _ISO_8601}
_SHORTEST = len("2024-03-31T10:00Z")
_LONGEST_KEPT = 64  # a text of megabytes is read each time, and not kept
_NUMBERS = frozenset({int, float})


def same(one: Any, other: Any, kind: str | None = None) -> bool:
    """Tell whether two JSON values are the same value.

    :param kind: of the change that they are sides of; it holds for what is inside them too.
    """
    if one is other:
        return True
    if isinstance(one, str):
        # Most texts are no instants, which their length tells without a call.
        return isinstance(other, str) and (
            one == other or (len(one) >= _SHORTEST <= len(other) and _are_one_instant(one, other, kind))
        )
    if type(one) in _NUMBERS and type(other) in _NUMBERS:
        return bool(one == other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(item, other[key], kind) for key, item in one.items())
        )
    if isinstance(one, list):
        return (
            isinstance(other, list)
            and len(one) == len(other)
            and all(same(item, beside, kind) for item, beside in zip(one, other, strict=True))
        )
    return bool(one == other)


def key_of(value: Any, kind: str | None = None) -> Hashable:
    """Return what is equal, and hashes equal, for exactly the values that are the same by :func:`same`."""
    if isinstance(value, str):
        return _instant(value, kind) or value
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, dict):
        return dict, frozenset([(key, key_of(item, kind)) for key, item in value.items()])
    if isinstance(value, list):
        return list, tuple([key_of(item, kind) for item in value])
    return value  # type: ignore[no-any-return]  # a number or None


def _are_one_instant(one: str, other: str, kind: str | None) -> bool:
    instant = _instant(one, kind)
    return instant is not None and instant == _instant(other, kind)


def _instant(text: str, kind: str | None) -> tuple[int, int, str] | None:
    """Return an instant as minutes, seconds and the digits behind them; None where the text is none.

    All digits count, a leap second is one of its own, and the years 0 and 10,000 are no overflow.
    """
    if len(text) < _SHORTEST or kind not in _FORMS:
        return None
    return _parse(text, kind) if len(text) <= _LONGEST_KEPT else _parse.__wrapped__(text, kind)


# A history says each value twice, as the new and then as the old one.
@lru_cache(maxsize=1024)
def _parse(text: str, kind: str | None) -> tuple[int, int, str] | None:
    if not (match := _FORMS[kind].fullmatch(text)):
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal()
    except ValueError:  # a 31st of February is text
        return None
    offset = (int(hours) * 60 + int(minutes or 0)) * (-1 if sign == "-" else 1) if sign else 0
    return days * 1440 + int(hour) * 60 + int(minute) - offset, int(second or 0), (fraction or "").rstrip("0")
