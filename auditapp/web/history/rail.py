"""The rail of a history as it is drawn: dots with their links and words, hundreds of them on a page."""

from bisect import bisect_right
from dataclasses import dataclass

from flask import g

from auditapp.filters.cursor import Cursor, places_of
from auditapp.filters.moments import in_zone
from auditapp.reading.records.rail import Dot, Period, Rail
from auditapp.web.formats import viewer_zone
from auditapp.web.history.query import INSTANT, HistoryQuery, history_url
from auditapp.web.times import iso

SIZES = (2, 10)  # from so many versions on, a dot is larger
SCALES = (0.8, 1.1, 1.5)


@dataclass(frozen=True)
class ShownDot:
    """A dot: where it is, where it leads, what it says, and the classes and size that it is drawn in."""

    place: float
    url: str
    words: str
    look: str
    scale: float


@dataclass(frozen=True)
class ShownLane:
    """The dots of one way by which versions came."""

    way: str
    versions: int
    dots: list[ShownDot]


@dataclass(frozen=True)
class ShownPeriod:
    """A day, a month or a year with versions, and where it leads."""

    url: str
    words: str
    ways: dict[str, int]


class _Links:
    """Links of one page to places in time: to the state then, or to the versions up to there."""

    def __init__(self, workspace: str, query: HistoryQuery) -> None:
        self.to_states = query.view == INSTANT
        kept = [] if self.to_states else query.pairs("after", "at", "before", "from", "to", "view")
        name = "at" if self.to_states else "before"
        url = history_url(workspace, query.record, kept, **{name: ""})
        # No value holds "=" as it is, so this is the name.
        start, equals, self.end = url.rpartition(f"{name}=")
        self.start = start + equals
        self.places = places_of(g.viewer.workspace)

    def to(self, newest: Cursor) -> str:
        if self.to_states:
            return self.start + iso(newest.occurred_at) + self.end
        return self.start + self.places.write(newest._replace(id=newest.id + 1)) + self.end


def shown_lanes(workspace: str, query: HistoryQuery, rail: Rail) -> list[ShownLane]:
    """Return the lanes of a rail."""
    links = _Links(workspace, query)
    return [
        ShownLane(lane.way, lane.versions, [_shown(dot, links) for dot in lane.dots]) for lane in rail.lanes
    ]


def _shown(dot: Dot, links: _Links) -> ShownDot:
    look = ("failed " if dot.has_failed else "") + ("" if dot.is_left else "left-out")
    return ShownDot(dot.place, links.to(dot.newest), _words(dot), look, scale_of(dot.versions))


def scale_of(versions: int) -> float:
    """Return how large a dot is drawn: one of a few sizes, which ``size_words`` says."""
    return SCALES[bisect_right(SIZES, versions)]


def size_words(rail: Rail) -> str:
    """Say what the sizes of a rail's dots mean, nothing where all are of one size."""
    sizes = [f"{size}" for size in SIZES if size <= rail.busiest]
    return f"larger dots: {' and '.join(sizes)} versions or more" if sizes else ""


def _words(dot: Dot) -> str:
    # Not through when(), which finds out how long ago it was: a page has hundreds of these.
    zone = viewer_zone()
    oldest, newest = in_zone(dot.oldest_at, zone), in_zone(dot.newest.occurred_at, zone)
    end = f"{newest.day} {newest:%b} {newest.year}, {newest:%H:%M}"
    if dot.versions == 1:
        return end
    return f"{dot.versions:,} versions, {oldest.day} {oldest:%b} {oldest.year}, {oldest:%H:%M} to {end}"


def shown_periods(workspace: str, query: HistoryQuery, rail: Rail) -> list[ShownPeriod]:
    """Return the periods of a rail, the newest first."""
    links = _Links(workspace, query)
    return [
        ShownPeriod(links.to(period.newest), _period_words(period), dict(period.ways))
        for period in rail.periods
    ]


def _period_words(period: Period) -> str:
    """Return a day, a month or a year of the viewer's: "24 Mar 2026", "March 2026", "2026"."""
    local = in_zone(period.start, viewer_zone())
    if period.unit == "day":
        return f"{local.day} {local:%b} {local.year}"
    return f"{local:%B} {local.year}" if period.unit == "month" else str(local.year)
