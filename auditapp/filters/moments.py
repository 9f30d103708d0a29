"""Moments in a filter: a date, an instant, or a distance back from now (contract §4)."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from auditapp.log.schema import without_leap_second

RELATIVE = re.compile(r"([0-9]{1,6})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"([Zz]|[+ -][0-9]{2}:[0-9]{2})?"
)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
HINT = "use a date (2026-03-24), an instant (2026-03-24T09:55:43Z) or a distance back (15m, 24h, 7d, 4w)"


def parse_moment(text: str, *, zone: ZoneInfo, now: datetime, end_of_day: bool = False) -> datetime:
    """Return the instant that a filter's text means.

    :param zone: of the workspace; a date or time without a zone is in it.
    :param end_of_day: a bare date means the end of that day, for ``until``.
    :raise ValueError: with a hint, if it means none.
    """
    try:
        if match := RELATIVE.fullmatch(text):
            return now - timedelta(**{UNITS[match[2]]: int(match[1])})
        if DATE.fullmatch(text):
            return _day(datetime.fromisoformat(text).date(), zone, end_of_day)
        if match := INSTANT.fullmatch(without_leap_second(text)):
            # A plus sign that was not percent-encoded arrives as a space.
            offset = (match[2] or "").upper().replace("Z", "+00:00").replace(" ", "+")
            moment = datetime.fromisoformat(match[1].upper() + offset)
            return _in_utc(moment if offset else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        pass  # a 31st of February, a year 0, a distance past the year 1: said below
    raise ValueError(HINT)


def _day(day: date, zone: ZoneInfo, end: bool) -> datetime:
    """Return when a day begins or ends; the last one of all ends with the calendar."""
    if end and day == date.max:
        return LAST
    return _in_utc(datetime.combine(day + timedelta(days=end), time(), zone))


def _in_utc(moment: datetime) -> datetime:
    """Return an instant in UTC. Where that lies in the year 0 or 10,000, the nearest that there is."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == 1 else LAST


def parse_last_moment(text: str, *, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the last instant that counts where what happened at that instant does, as for a record's state.

    :return: what ``parse_moment`` returns; of a bare date the last microsecond of its day.
    :raise ValueError: with a hint, if the text means none.
    """
    moment = parse_moment(text, zone=zone, now=now, end_of_day=True)
    return moment - timedelta(microseconds=1) if DATE.fullmatch(text) else moment


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant in a zone; at the very ends of the calendar, where that has no date, in UTC."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment.astimezone(UTC)
