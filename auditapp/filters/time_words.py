"""The time of a filter in plain words: " in the last 7 days"."""

from datetime import datetime
from zoneinfo import ZoneInfo

from auditapp.filters.moments import DATE, RELATIVE, UNITS, in_zone
from auditapp.filters.timeline_filters import TimelineFilters


def time_words(filters: TimelineFilters, zone: ZoneInfo) -> str:
    """Return the range of time with a space in front: " in the last 7 days"."""
    since, until = ("".join(filters.typed.get(name, ())) for name in ("since", "until"))
    if since and since == until and DATE.fullmatch(since):
        return f" on {_day(datetime.fromisoformat(since))}"
    back = RELATIVE.fullmatch(since)
    if back and not until:
        return f" in the last {_distance(*back.groups())}"
    text = ""
    if filters.since:
        # "since 7 days ago until …" is no English.
        word = "from" if back else "since"
        text += f" {word} {_moment(since, filters.since, zone)}"
    if filters.until:
        end = "the end of " if DATE.fullmatch(until) else ""
        text += f" until {end}{_moment(until, filters.until, zone)}"
    return text


def _moment(typed: str, moment: datetime, zone: ZoneInfo) -> str:
    if match := RELATIVE.fullmatch(typed):
        count, unit = match.groups()
        return f"{int(count)} {_unit(int(count), unit)} ago"
    if DATE.fullmatch(typed):
        return _day(datetime.fromisoformat(typed))
    local = in_zone(moment, zone)
    clock = local.time().isoformat("seconds" if local.second or local.microsecond else "minutes")
    return f"{_day(local)}, {clock} {local.tzname()}"


def _day(day: datetime) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _distance(count: str, unit: str) -> str:
    number = int(count)
    return _unit(1, unit) if number == 1 else f"{number} {_unit(number, unit)}"


def _unit(count: int, unit: str) -> str:
    return UNITS[unit].removesuffix("s") + ("" if count == 1 else "s")
