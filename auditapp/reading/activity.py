"""How many matches there were an hour, a day or a week, told apart by what they did."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import select

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.moments import FIRST
from auditapp.finding import Sample, day_until, effects_by_time, hour_until, week_until
from auditapp.index.state import index_state_of
from auditapp.models import Event
from auditapp.models.derived import DAY, HOUR, WEEK
from auditapp.reading.facets import Matches, matches_of

MAX_HOURS = timedelta(days=3)
MAX_DAYS = timedelta(days=125)
MAX_BARS = 125


@dataclass
class Bar:
    """The matches from ``start`` until ``end``, by what they did."""

    start: datetime
    end: datetime
    effects: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        """Return how many there were of all."""
        return self.effects.total()


@dataclass(frozen=True)
class Activity:
    """Bars, the oldest first, each a ``unit`` long ("hour", "day", "week", "4 weeks").

    :ivar counted_from: where only the newest 10,000 matches are counted, the time of the oldest of them.
    """

    unit: str
    bars: list[Bar]
    counted_from: datetime | None = None

    @cached_property
    def counts(self) -> Counter[str]:
        """Return how many events there were in all, by what they did."""
        counts: Counter[str] = Counter()
        for bar in self.bars:
            counts.update(bar.effects)
        return counts

    @cached_property
    def highest(self) -> int:
        """Return the events of the highest bar."""
        return max((bar.events for bar in self.bars), default=0)


def activity_of(
    filters: TimelineFilters, viewer: Viewer, now: datetime, matches: Matches | None = None
) -> Activity | None:
    """Return the bars of a filter, None where nothing matches.

    :param matches: of ``facets.matches_of``, where they are known already.
    """
    matches = matches_of(filters, viewer) if matches is None else matches
    sample = matches.sample
    if sample is None:
        return None
    is_counted = matches.kinds is not None
    since, until = _range(filters, viewer, now, sample, whole=matches.is_capped)
    unit, starts = _starts(since, until, ZoneInfo(viewer.workspace.timezone))
    ends = [*starts[1:], max(until, starts[-1])]
    starts[0] = min(starts[0], since)  # the first days of the calendar are in no hour, day or week of a zone
    bars = [Bar(start, end) for start, end in zip(starts, ends, strict=True)]
    if is_counted:
        effects: Iterable[tuple[datetime, str, int]] = effects_by_time(
            filters, viewer, {"hour": HOUR, "day": DAY}.get(unit, WEEK)
        )
        if not index_state_of(viewer.workspace.id).is_current:  # any more
            return activity_of(filters, viewer, now)
    else:
        effects = sample.quarters
    for moment, effect, events in effects:
        place = min(max(bisect_right(starts, moment) - 1, 0), len(bars) - 1)
        bars[place].effects[effect] += events
    return Activity(unit, bars, sample.oldest if matches.is_capped and not is_counted else None)


def _range(
    filters: TimelineFilters, viewer: Viewer, now: datetime, sample: Sample, *, whole: bool
) -> tuple[datetime, datetime]:
    """Return the time to draw: the filter's, as far as there are matches; where not all are known, events."""
    oldest = sample.oldest
    # Nobody learns of the time of events that they may not see.
    if (whole or filters.since) and viewer.audit_level is AuditLevel.ALL:
        first = select(Event.occurred_at).where(Event.workspace_id == viewer.workspace.id)
        oldest = db.session.scalar(first.order_by(Event.occurred_at, Event.id).limit(1)) or oldest
    day_before = oldest - min(timedelta(days=1), oldest - FIRST)
    since = max(filters.since, day_before) if filters.since else oldest
    last = sample.newest + timedelta(microseconds=1)
    # Up to now, where now is near: that nothing happened since is worth seeing.
    near = last < now < last + (last - since) / 4
    until = min(
        filters.until or datetime.max.replace(tzinfo=UTC), max(last, now) if near or filters.since else last
    )
    return since, max(until, since + timedelta(microseconds=1))


def _starts(since: datetime, until: datetime, zone: ZoneInfo) -> tuple[str, list[datetime]]:
    """Return the unit of the bars and when each begins; the first one at ``since``'s hour, day or week."""
    if until - since <= MAX_HOURS:
        start = hour_until(since, zone)
        assert start is not None  # noqa: S101 - of a time there is an hour
        return "hour", _every(start, until, zone, timedelta(hours=1))
    start = day_until(since, zone)
    assert start is not None  # noqa: S101 - of a time there is a day
    if until - since <= MAX_DAYS:
        return "day", _every(start, until, zone, timedelta(days=1))
    weeks = 1 + (until - since) // timedelta(weeks=MAX_BARS)
    monday = week_until(since, zone)
    assert monday is not None  # noqa: S101 - as above
    return "week" if weeks == 1 else f"{weeks} weeks", _every(monday, until, zone, timedelta(weeks=weeks))


def _every(start: datetime, until: datetime, zone: ZoneInfo, step: timedelta) -> list[datetime]:
    """Return every step from a start, by the zone's clock where it is of days."""
    if step < timedelta(days=1):
        return [start + step * number for number in range(-(-(until - start) // step))] or [start]
    starts, local = [], start.astimezone(zone).replace(tzinfo=None)
    while (moment := local.replace(tzinfo=zone).astimezone(UTC)) < until:
        starts.append(moment)
        local += step
    return starts or [start]
