"""What sentences about a filter are made of: names in isolates, alternatives, moments."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from auditapp.reading.filters import TimelineFilters
from auditapp.reading.hidden import HIDDEN, code_point
from auditapp.reading.moments import DATE, RELATIVE, UNITS
from auditapp.web.times import in_zone

MAX_NAMED = 5
MAX_NAME = 60

# What somebody else wrote stands between Unicode's isolates until HTML has a <bdi> for it. It can
# hold none itself: they are among the hidden characters.
_OPEN, _CLOSE = "\u2068", "\u2069"
_FOREIGN = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


class Part(NamedTuple):
    """A part of a sentence; ``is_foreign`` if somebody else wrote it."""

    text: str
    is_foreign: bool


def parts_of(sentence: str) -> list[Part]:
    """Return a sentence in parts, for HTML to isolate the foreign ones with ``<bdi>``."""
    # Splitting by a group returns what is between and what is in it by turns.
    pieces = enumerate(_FOREIGN.split(sentence))
    return [Part(text, place % 2 == 1) for place, text in pieces if text]


def text_of(sentence: str) -> str:
    """Return a sentence as text for a title, without its isolates."""
    return sentence.replace(_OPEN, "").replace(_CLOSE, "")


def foreign(text: str) -> str:
    """Return a name or value between isolates: hidden characters shown, too long ones cut."""
    shown = HIDDEN.sub(code_point, " ".join(text.split())) or "(empty)"
    return f"{_OPEN}{shown if len(shown) <= MAX_NAME else shown[: MAX_NAME - 1] + '…'}{_CLOSE}"


def any_of(items: Iterable[str], most: int | None = None) -> str:
    """Return alternatives: "A, B or C", past so many of them "A, B or 2 more"."""
    return _listed(items, "or", most)


def all_of(items: Iterable[str], most: int | None = None) -> str:
    """Return things that all hold: "A, B and C", past so many of them "A, B and 2 more"."""
    return _listed(items, "and", most)


def _listed(items: Iterable[str], word: str, most: int | None) -> str:
    some = list(dict.fromkeys(items))
    if most is not None and len(some) > most:
        some[most:] = [f"{len(some) - most} more"]
    return f" {word} ".join([*([", ".join(some[:-1])] if some[:-1] else []), *some[-1:]])


def time_words(filters: TimelineFilters, zone: ZoneInfo) -> str:
    """Return the range of time with a space in front: " in the last 7 days"."""
    since, until = ("".join(filters.typed.get(name, ())) for name in ("since", "until"))
    if since and since == until and DATE.fullmatch(since):
        return f" on {_day(datetime.fromisoformat(since))}"
    back = RELATIVE.fullmatch(since)
    if back and not until:
        return f" in the last {_distance(*back.groups())}"
    said = ""
    if filters.since:
        # "since 7 days ago until …" is no English.
        word = "from" if back else "since"
        said += f" {word} {_moment(since, filters.since, zone)}"
    if filters.until:
        end = "the end of " if DATE.fullmatch(until) else ""
        said += f" until {end}{_moment(until, filters.until, zone)}"
    return said


def _moment(typed: str, moment: datetime, zone: ZoneInfo) -> str:
    if found := RELATIVE.fullmatch(typed):
        count, unit = found.groups()
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
