"""Instants in the forms of ISO 8601 that Retraced's server takes, more than RFC 3339 has."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

_DATES = {
    "calendar": r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?",
    "basic calendar": r"(?P<year>[0-9]{4})(?:(?P<month>[0-9]{2})(?P<day>[0-9]{2})?)?",
    "week": r"(?P<year>[0-9]{4})-?W(?P<week>[0-9]{2})(?:-?(?P<weekday>[1-7]))?",
    "ordinal": r"(?P<year>[0-9]{4})-?(?P<ordinal>[0-9]{3})",
}
_TIME = (
    r"(?:[Tt ](?P<hour>[0-9]{2})"
    r"(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?)?"
    r"(?: *(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)
_FORMS = [re.compile(rf"(?:\+00)?{form}{_TIME}", re.ASCII) for form in _DATES.values()]
_LAST_MICROSECOND = 999999


def parse_iso_8601(text: str) -> datetime:
    """Read an instant: extended or basic, by calendar, week or ordinal date, as precise as it is told.

    What is not told is the first there is: ``2024-03`` is its first midnight. Without a zone it is in UTC.
    A leap second is the last microsecond of its minute, and ``24:00`` the midnight that follows.

    :raise ValueError: if it is none, or lies outside the years 1 to 9999.
    """
    match = next((match for form in _FORMS if (match := form.fullmatch(text.strip(" ")))), None)
    if not match:
        raise ValueError("must be an ISO 8601 instant, as 2026-03-24T09:55:43.898Z")
    parts = {name: value for name, value in match.groupdict().items() if value is not None}
    try:
        midnight = datetime.combine(_date(parts), time(), _zone(parts.get("zone", "Z")))
        return (midnight + _since_midnight(parts)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no time that exists in the years 1 to 9999") from None


def _date(parts: dict[str, str]) -> date:
    year = int(parts["year"])
    if "week" in parts:
        return date.fromisocalendar(year, int(parts["week"]), int(parts.get("weekday", 1)))
    if "ordinal" in parts:
        day = date(year, 1, 1) + timedelta(days=int(parts["ordinal"]) - 1)
        if day.year != year:
            raise ValueError
        return day
    return date(year, int(parts.get("month", 1)), int(parts.get("day", 1)))


def _since_midnight(parts: dict[str, str]) -> timedelta:
    hour, minute, second = (int(parts.get(name, 0)) for name in ("hour", "minute", "second"))
    microsecond = int(parts.get("fraction", "0")[:6].ljust(6, "0"))
    if second == 60:
        second, microsecond = 59, _LAST_MICROSECOND
    since = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microsecond)
    if minute > 59 or second > 59 or since > timedelta(days=1):
        raise ValueError
    return since


def _zone(text: str) -> timezone:
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    if int(digits[2:] or 0) > 59:
        raise ValueError
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
