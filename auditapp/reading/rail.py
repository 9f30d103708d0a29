"""A record's versions as marks on a line of time, told apart by who made them; places, never pixels."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from auditapp.access.viewer import Viewer
from auditapp.models import Event
from auditapp.reading.cursor import Cursor
from auditapp.reading.filters import TimelineFilters
from auditapp.reading.query import fetch_page

MAX_VERSIONS = 10_000  # newest ones; what is before them is not on the rail
MAX_MARKS = 150  # past so many versions, neighbours share a mark
BINS = 100
WAYS = ("user", "api_key", "workflow", "import", "system", "anonymous")
MONTHS, DAYS = timedelta(days=1100), timedelta(days=45)

_COLUMNS = (
    Event.id,
    Event.occurred_at,
    Event.actor_type,
    Event.origin,
    Event.outcome,
    Event.actor_id,
    Event.actor_name,
    Event.fields.is_not(None).label("has_fields"),
)


@dataclass(frozen=True)
class Mark:
    """Versions that share a place, in percent of the way from the oldest to the newest.

    :ivar newest: of them.
    :ivar has_failed: none of them succeeded.
    :ivar is_left: the filter leaves one of them at least.
    """

    place: float
    versions: int
    oldest_at: datetime
    newest: Cursor
    has_failed: bool
    is_left: bool


@dataclass(frozen=True)
class Lane:
    """The marks of one of ``WAYS``, the oldest first."""

    way: str
    versions: int
    marks: list[Mark]


@dataclass(frozen=True)
class Period:
    """A day, a month or a year with versions: its first instant that has one, and how many by way."""

    unit: str
    start: datetime
    newest: Cursor
    ways: Counter[str]


@dataclass(frozen=True)
class Actor:
    """Somebody who made versions of the record."""

    id: str
    name: str
    way: str
    versions: int


@dataclass(frozen=True)
class Rail:
    """All versions of a record; those that a filter leaves are told apart.

    :ivar is_cut: there are more than ``MAX_VERSIONS``; these are the newest.
    :ivar has_changes: one of them at least changed a field.
    :ivar actors: the busiest first.
    """

    oldest: datetime
    newest: datetime
    versions: int
    is_cut: bool
    has_changes: bool
    lanes: list[Lane]
    periods: list[Period]
    actors: list[Actor]

    def place_of(self, moment: datetime) -> float:
        """Return where an instant is, in percent; before the oldest or after the newest at the end."""
        return _place(min(max(moment, self.oldest), self.newest), self.oldest, self.newest)


def way_of(row: Any) -> str:
    """Return by which of ``WAYS`` an event came: an import whoever started it, else its actor's type."""
    return "import" if row.origin == "import" else str(row.actor_type)


def rail_of(filters: TimelineFilters, viewer: Viewer, zone: ZoneInfo) -> Rail | None:
    """Return the rail of a record, wherever a filter's page is; None where the viewer may see none of it.

    :param filters: name the record, and what narrows its versions.
    :param zone: in which days, months and years begin.
    """
    whole = TimelineFilters(record=filters.record)
    rows = fetch_page(whole, viewer, _COLUMNS, MAX_VERSIONS + 1)
    if not rows:
        return None
    is_cut = len(rows) > MAX_VERSIONS
    rows = rows[:MAX_VERSIONS][::-1]
    oldest, newest = rows[0].occurred_at, rows[-1].occurred_at
    return Rail(
        oldest,
        newest,
        len(rows),
        is_cut,
        any(row.has_fields for row in rows),
        _lanes(rows, oldest, newest, _left_by(filters, viewer)),
        _periods(rows, newest - oldest, zone),
        _actors(rows),
    )


def _left_by(filters: TimelineFilters, viewer: Viewer) -> Callable[[int], bool]:
    """Return what tells whether a filter leaves a version."""
    if not (filters.actor or filters.field):
        return lambda _number: True
    unpaged = replace(filters, before=None, after=None)
    left = {row.id for row in fetch_page(unpaged, viewer, (Event.id, Event.occurred_at), MAX_VERSIONS)}
    return left.__contains__


def _place(moment: datetime, oldest: datetime, newest: datetime) -> float:
    return 100 * ((moment - oldest) / (newest - oldest)) if newest > oldest else 50.0


def _lanes(
    rows: Sequence[Any], oldest: datetime, newest: datetime, is_left: Callable[[int], bool]
) -> list[Lane]:
    by_way: dict[str, list[Any]] = {}
    for row in rows:
        by_way.setdefault(way_of(row), []).append(row)
    found = []
    for way in WAYS:
        if some := by_way.get(way):
            groups = _binned(some, oldest, newest) if len(rows) > MAX_MARKS else _single(some, oldest, newest)
            marks = [_mark(each, place, is_left) for place, each in groups]
            found.append(Lane(way, len(some), marks))
    return found


def _single(rows: Sequence[Any], oldest: datetime, newest: datetime) -> Iterator[tuple[float, list[Any]]]:
    """Yield each version and its place, side by side where they would cover each other."""
    places = _apart([_place(row.occurred_at, oldest, newest) for row in rows], 100 / MAX_MARKS)
    return zip(places, ([row] for row in rows), strict=True)


def _binned(rows: Sequence[Any], oldest: datetime, newest: datetime) -> Iterator[tuple[float, list[Any]]]:
    """Yield the versions of each hundredth of the time, and its middle."""
    width = (newest - oldest) / BINS or timedelta(microseconds=1)
    for number, some in groupby(rows, lambda row: min((row.occurred_at - oldest) // width, BINS - 1)):
        yield (number + 0.5) * 100 / BINS, list(some)


def _mark(rows: Sequence[Any], place: float, is_left: Callable[[int], bool]) -> Mark:
    newest = Cursor(rows[-1].occurred_at, rows[-1].id)
    has_failed = all(row.outcome != "success" for row in rows)
    left = any(is_left(row.id) for row in rows)
    return Mark(round(place, 2), len(rows), rows[0].occurred_at, newest, has_failed, left)


def _apart(places: list[float], gap: float) -> list[float]:
    """Return rising places so that none is nearer to the next one than ``gap``, within 0 and 100.

    :param places: ``100 / gap`` of them at most.
    """
    for at in range(1, len(places)):
        places[at] = max(places[at], places[at - 1] + gap)
    end = 100.0
    for at in reversed(range(len(places))):
        places[at] = min(places[at], end)
        end = places[at] - gap
    return places


def _periods(rows: Sequence[Any], span: timedelta, zone: ZoneInfo) -> list[Period]:
    unit, key = _unit(span, zone)
    found = []
    for _, each in groupby(rows, key):
        some = list(each)
        newest = Cursor(some[-1].occurred_at, some[-1].id)
        found.append(Period(unit, some[0].occurred_at, newest, Counter(map(way_of, some))))
    return found[::-1]


def _unit(span: timedelta, zone: ZoneInfo) -> tuple[str, Callable[[Any], Any]]:
    """Return what the versions are counted by, so that there are a few dozen lines at most."""
    if span > MONTHS:
        return "year", lambda row: _local(row, zone).year
    if span > DAYS:
        return "month", lambda row: (_local(row, zone).year, _local(row, zone).month)
    return "day", lambda row: _local(row, zone).date()


def _local(row: Any, zone: ZoneInfo) -> datetime:
    try:
        moment: datetime = row.occurred_at.astimezone(zone)
    except OverflowError:  # at the very ends of the calendar
        moment = row.occurred_at
    return moment


def _actors(rows: Sequence[Any]) -> list[Actor]:
    counts = Counter(row.actor_id for row in rows if row.actor_id is not None)
    newest = {row.actor_id: row for row in rows}
    return [
        Actor(actor_id, newest[actor_id].actor_name or actor_id, newest[actor_id].actor_type, versions)
        for actor_id, versions in counts.most_common()
    ]
