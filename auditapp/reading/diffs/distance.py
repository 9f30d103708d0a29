"""How far apart two recorded values are, in words: "3 days later", "+2,500"."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from auditapp.log.schema import without_leap_second
from auditapp.values.equality import same

NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")
LARGEST = Decimal(10) ** 15  # of what a double can tell apart in halves
_CLOCK = ((3600, "hour"), (60, "minute"), (1, "second"))


def number_distance(previous: Any, current: Any) -> str:
    """Return ``+2,500`` or ``−3``; computed in decimals, so 0.1 and 0.3 differ by 0.2.

    :param previous: a number, or one written as text, as those that are too exact for a double are.
    """
    sides = [_decimal(previous), _decimal(current)]
    if None in sides:
        return ""
    before, after = sides
    by = after - before  # type: ignore[operator]
    is_exact = not isinstance(previous, float) and not isinstance(current, float)
    return f"{by:+,f}".replace("-", "−") if by and (is_exact or abs(by) < LARGEST) else ""


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Decimal(json.dumps(value)) if is_number else None


def date_distance(previous: Any, current: Any) -> str:
    """Return how much later or earlier, as the calendar has it: "1 year later", "2 days 3 hours earlier".

    A date alone is its midnight in UTC, as everywhere. Empty where one has a zone and the other has none.
    """
    before, after = _instant(previous), _instant(current)
    if before is None or after is None or (before.tzinfo is None) != (after.tzinfo is None):
        return ""
    if before == after and previous != current:
        is_same = same(previous, current, "date")
        return "the same instant, written in another way" if is_same else "less than a microsecond apart"
    if before == after:
        return ""
    first, last = min(before, after), max(before, after)
    return f"{_length(first, last)} {'later' if after > before else 'earlier'}"


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(without_leap_second(value))
        if len(value) == len("2026-03-24"):
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _length(first: datetime, last: datetime) -> str:
    months = (last.year - first.year) * 12 + last.month - first.month
    if months and first.replace(year=1, month=1) == last.replace(year=1, month=1):
        parts = [(months // 12, "year"), (months % 12, "month")]
    else:
        length = last - first
        parts = [(length.days, "day")]
        seconds = length.seconds
        for size, unit in _CLOCK:
            parts.append((seconds // size, unit))
            seconds %= size
        parts.append((length.microseconds // 1000, "millisecond"))
    lengths = [f"{count:,} {unit}{'s' if count > 1 else ''}" for count, unit in parts if count]
    return " ".join(lengths[:2]) or "less than a millisecond"
