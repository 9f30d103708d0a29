"""A record's versions as dots on a line of time, told apart by who made them; places, never pixels."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from auditapp.access.viewer import Viewer
from auditapp.database.replica import log_connection
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import Cursor
from auditapp.finding import fetch_page
from auditapp.log.line import TELLS_FIELDS
from auditapp.models import Event
from auditapp.models.types import EPOCH, MICROSECOND
from auditapp.reading.records.record import Record
from auditapp.reading.records.versions import events_of
from auditapp.reading.timeline import EventRow

MAX_VERSIONS = 10_000  # newest ones; what is before them is not on the rail
MAX_DOTS = 150  # past so many versions, neighbours share a dot
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
    or_(Event.fields.is_not(None), Event.line.startswith(TELLS_FIELDS, autoescape=True)),
)


# A version as the database's driver gives it: there may be ten thousand, of which objects would take longer
# to make than to read. Places of the columns in it, its time in whatever form the database stores one.
_Row = Sequence[Any]
_ID, _AT, _ACTOR_TYPE, _ORIGIN, _OUTCOME, _ACTOR_ID, _ACTOR_NAME, _HAS_FIELDS = range(len(_COLUMNS))
_at = itemgetter(_AT)
_place_in_log = itemgetter(_AT, _ID)
_kind = itemgetter(_ACTOR_TYPE, _ORIGIN)


@dataclass(frozen=True)
class Dot:
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
    """The dots of one of ``WAYS``, the oldest first."""

    way: str
    versions: int
    dots: list[Dot]


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

    @property
    def busiest(self) -> int:
        """Return the versions of the dot that has most."""
        return max(dot.versions for lane in self.lanes for dot in lane.dots)

    def place_of(self, moment: datetime) -> float:
        """Return where an instant is, in percent; before the oldest or after the newest at the end."""
        return _place(min(max(moment, self.oldest), self.newest), self.oldest, self.newest)


def way_of(row: EventRow) -> str:
    """Return by which of ``WAYS`` an event came: an import whoever started it, else its actor's type."""
    return _way(row.actor_type, row.origin)


def _way(actor_type: str, origin: str) -> str:
    return "import" if origin == "import" else actor_type


def rail_of(record: Record, filters: TimelineFilters, viewer: Viewer, zone: ZoneInfo) -> Rail | None:
    """Return the rail of a record, wherever a filter's page is; None where the viewer may see none of it.

    :param filters: what narrows the record's versions.
    :param zone: in which days, months and years begin.
    """
    conditions = events_of(record, viewer)
    if conditions is None:
        return None
    query = select(*_COLUMNS).where(*conditions).order_by(Event.occurred_at.desc(), Event.id.desc())
    fetched = log_connection().execute(query.limit(MAX_VERSIONS + 1)).cursor.fetchall()
    if not fetched:
        return None
    rows = fetched[:MAX_VERSIONS][::-1]
    return Rail(
        _moment(rows[0][_AT]),
        _moment(rows[-1][_AT]),
        len(rows),
        len(fetched) > len(rows),
        any(row[_HAS_FIELDS] for row in rows),
        _lanes(rows, _left_by(filters, viewer)),
        _periods(rows, zone),
        _actors(rows),
    )


def _moment(at: Any) -> datetime:
    """Return a time as ``models.types.Instant`` stores it as an instant."""
    return EPOCH + at * MICROSECOND if isinstance(at, int) else at.astimezone(UTC)


def _stored(moment: datetime, like: Any) -> Any:
    return (moment - EPOCH) // MICROSECOND if isinstance(like, int) else moment


def _left_by(filters: TimelineFilters, viewer: Viewer) -> Callable[[int], bool]:
    """Return what tells whether a filter leaves a version."""
    if not (filters.actor or filters.field):
        return lambda _number: True
    unpaged = replace(filters, before=None, after=None)
    ids = {row.id for row in fetch_page(unpaged, viewer, (Event.id,), MAX_VERSIONS)}
    return ids.__contains__


def _place(at: Any, oldest: Any, newest: Any) -> float:
    return 100 * ((at - oldest) / (newest - oldest)) if newest > oldest else 50.0


def _lanes(rows: Sequence[_Row], is_left: Callable[[int], bool]) -> list[Lane]:
    by_kind: dict[tuple[str, str], list[_Row]] = {}
    for row in rows:
        by_kind.setdefault(_kind(row), []).append(row)
    ends = (rows[0][_AT], rows[-1][_AT])
    lanes = []
    for way in WAYS:
        kinds = [by_kind[kind] for kind in by_kind if _way(*kind) == way]
        if in_lane := kinds[0] if len(kinds) == 1 else sorted(chain(*kinds), key=_place_in_log):
            groups = _binned(in_lane, *ends) if len(rows) > MAX_DOTS else _single(in_lane, *ends)
            dots = [_dot(group, place, is_left) for place, group in groups]
            lanes.append(Lane(way, len(in_lane), dots))
    return lanes


def _single(rows: Sequence[_Row], oldest: Any, newest: Any) -> Iterator[tuple[float, Sequence[_Row]]]:
    """Yield each version and its place, side by side where they would cover each other."""
    places = _apart([_place(row[_AT], oldest, newest) for row in rows], 100 / MAX_DOTS)
    return zip(places, ([row] for row in rows), strict=True)


def _binned(rows: Sequence[_Row], oldest: Any, newest: Any) -> Iterator[tuple[float, Sequence[_Row]]]:
    """Yield the versions of each hundredth of the time, and its middle."""
    at = 0
    for number in range(1, BINS + 1):
        # Times divide into hundredths, whether they are numbers or instants.
        end = oldest + (newest - oldest) * number // BINS
        next_at = len(rows) if number == BINS else bisect_left(rows, end, at, key=_at)
        if next_at > at:
            yield (number - 0.5) * 100 / BINS, rows[at:next_at]
        at = next_at


def _dot(rows: Sequence[_Row], place: float, is_left: Callable[[int], bool]) -> Dot:
    has_failed = not any(row[_OUTCOME] == "success" for row in rows)
    has_left = any(is_left(row[_ID]) for row in rows)
    return Dot(round(place, 2), len(rows), _moment(rows[0][_AT]), _cursor(rows[-1]), has_failed, has_left)


def _cursor(row: _Row) -> Cursor:
    return Cursor(_moment(row[_AT]), row[_ID])


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


def _periods(rows: Sequence[_Row], zone: ZoneInfo) -> list[Period]:
    span = _moment(rows[-1][_AT]) - _moment(rows[0][_AT])
    unit = "year" if span > MONTHS else "month" if span > DAYS else "day"
    periods, at = [], 0
    while at < len(rows):
        start = _moment(rows[at][_AT])
        end = _end_of(unit, start, zone)
        next_at = (
            len(rows) if end is None else bisect_left(rows, _stored(end, rows[at][_AT]), at + 1, key=_at)
        )
        ways: Counter[str] = Counter()
        for kind, versions in Counter(map(_kind, rows[at:next_at])).items():
            ways[_way(*kind)] += versions
        periods.append(Period(unit, start, _cursor(rows[next_at - 1]), ways))
        at = next_at
    return periods[::-1]


def _end_of(unit: str, moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of the day, month or year that an instant is in; None where the calendar ends."""
    try:
        local = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        if unit == "day":
            end = local + timedelta(days=1)
        elif unit == "year" or local.month == 12:
            end = local.replace(year=local.year + 1, month=1, day=1)
        else:
            end = local.replace(month=local.month + 1, day=1)
        return end.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _actors(rows: Sequence[_Row]) -> list[Actor]:
    """Return who made versions, by the newest name of each; ``rows`` are oldest first."""
    newest = {row[_ACTOR_ID]: row for row in rows}
    counts = Counter(row[_ACTOR_ID] for row in rows)
    return [
        Actor(actor_id, newest[actor_id][_ACTOR_NAME] or actor_id, newest[actor_id][_ACTOR_TYPE], versions)
        for actor_id, versions in counts.most_common()
        if actor_id is not None
    ]
