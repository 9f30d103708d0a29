"""Exact counts out of ``event_count``, at the price of a few thousand rows however long the log is.

It knows an event's name, actor type, origin and outcome, by the hour, day and week of the workspace's
zone. What else a filter may ask is counted among the newest matches instead: :mod:`auditapp.finding.newest`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, func, literal, select, union_all

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.parameter import Condition
from auditapp.finding.effects import effect_of_name
from auditapp.finding.visibility import known_names, matching_names
from auditapp.models import Event, event_count
from auditapp.models.derived import DAY, HOUR, WEEK

MARGIN = timedelta(days=10)
COUNTED_BY = ("event", "actor_type", "origin", "outcome")


class Kind(NamedTuple):
    """Events that are alike but for their time, and how many there were."""

    event: str
    actor_type: str
    origin: str
    outcome: str
    events: int


def are_kept(filters: TimelineFilters, viewer: Viewer) -> bool:
    """Tell whether a filter asks nothing but what is counted, and the viewer may see all that was."""
    asks_more = filters.needs_index or filters.record or filters.actor or filters.correlation
    return viewer.audit_level is AuditLevel.ALL and not asks_more


def kinds_in(filters: TimelineFilters, viewer: Viewer) -> list[Kind]:
    """Return how many events of each kind there were in a filter's time, whatever else it asks."""
    selects = [
        *(
            select(*_columns(event_count.c), event_count.c.events).where(condition)
            for condition in _counted(filters, viewer, (WEEK, DAY, HOUR))
        ),
        *(
            select(*_columns(Event), literal(1).label("events")).where(condition)
            for condition in _uncounted(filters, viewer)
        ),
    ]
    if not selects:
        return []
    union = union_all(*selects).subquery()
    columns = [union.c[name] for name in COUNTED_BY]
    query = select(*columns, func.sum(union.c.events)).group_by(*columns)
    return [Kind(row[0], row[1], row[2], row[3], int(row[4])) for row in db.session.execute(query)]


def effects_by_time(filters: TimelineFilters, viewer: Viewer, hours: int) -> list[tuple[datetime, str, int]]:
    """Return how many matching events there were: from when on, what they did, how many.

    :param hours: 1, 24 or 168, the shortest time to tell apart.
    """
    known = known_names(viewer)
    names = matching_names(filters, viewer)
    spans = [span for span in (WEEK, DAY, HOUR) if span <= hours]
    selects = []
    for table, start, events, conditions in (
        (event_count.c, event_count.c.start, event_count.c.events, _counted(filters, viewer, spans)),
        (Event, Event.occurred_at, literal(1), _uncounted(filters, viewer)),
    ):
        does = _does(table, known)
        choices = _choices(filters, table, names)
        selects += [
            select(start.label("start"), does.label("effect"), events.label("events")).where(
                condition, *choices
            )
            for condition in conditions
        ]
    if not selects:
        return []
    union = union_all(*selects).subquery().c
    query = select(union.start, union.effect, func.sum(union.events)).group_by(union.start, union.effect)
    return [(start, effect, int(events)) for start, effect, events in db.session.execute(query)]


def _columns(table: Any) -> list[Any]:
    return [getattr(table, name) for name in COUNTED_BY]


def _does(table: Any, known: Mapping[str, str]) -> Any:
    by_effect: dict[str, list[str]] = {}
    for name in known:
        by_effect.setdefault(effect_of_name(name), []).append(name)
    cases = [(table.event.in_(names), effect) for effect, names in by_effect.items() if effect != "other"]
    return case((table.outcome != "success", "failed"), *cases, else_="other")


def _choices(filters: TimelineFilters, table: Any, names: Sequence[str] | None) -> list[Condition]:
    conditions = [] if names is None else [table.event.in_(names)]
    for name in ("actor_type", "origin", "outcome"):
        values = filters[name]
        column = getattr(table, name)
        conditions += [column.in_(values.included)] if values.included else []
        conditions += [column.not_in(values.excluded)] if values.excluded else []
    return conditions


def _counted(filters: TimelineFilters, viewer: Viewer, spans: Sequence[int]) -> list[Condition]:
    """Return conditions for the rows of whole weeks, whole days at their ends, and whole hours at theirs.

    :param spans: the longest first; an hour last.
    """
    zone = ZoneInfo(viewer.workspace.timezone)
    counted = event_count.c
    return [
        and_(
            counted.workspace_id == viewer.workspace.id,
            counted.hours == hours,
            *([counted.start >= start] if start is not None else []),
            *([counted.start < end] if end is not None else []),
        )
        for hours, start, end in _parts(
            hour_from(filters.since, zone), hour_until(filters.until, zone), zone, spans
        )
    ]


Ends = tuple[int, datetime | None, datetime | None]


def _parts(
    since: datetime | None, until: datetime | None, zone: ZoneInfo, spans: Sequence[int]
) -> list[Ends]:
    """Cut a time at the beginnings of its spans; None is without an end."""
    if since is not None and until is not None and since >= until:
        return []
    hours, *shorter = spans
    if not shorter:
        return [(hours, since, until)]
    first, last = _FROM[hours](since, zone), _UNTIL[hours](until, zone)
    if first is not None and last is not None and first >= last:
        return _parts(since, until, zone, shorter)
    before = _parts(since, first, zone, shorter) if since is not None else []
    behind = _parts(last, until, zone, shorter) if until is not None else []
    return [*before, (hours, first, last), *behind]


def _uncounted(filters: TimelineFilters, viewer: Viewer) -> list[Condition]:
    """Return conditions for the events in the begun hours at both ends of a filter's time."""
    zone = ZoneInfo(viewer.workspace.timezone)
    first, last = hour_from(filters.since, zone), hour_until(filters.until, zone)
    mine = Event.workspace_id == viewer.workspace.id
    if filters.since is not None and filters.until is not None and first is not None and last is not None:
        if filters.since >= filters.until:
            return []
        if first >= last:
            ends = [(filters.since, filters.until)]
        else:
            ends = [(filters.since, first), (last, filters.until)]
    else:
        ends = [
            *([(filters.since, first)] if filters.since is not None and first is not None else []),
            *([(last, filters.until)] if filters.until is not None and last is not None else []),
        ]
    return [
        and_(mine, Event.occurred_at >= start, Event.occurred_at < end) for start, end in ends if start < end
    ]


def hour_until(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return the beginning of the hour that an instant is in, in a zone."""
    if moment is None:
        return None
    local = _in_calendar(moment).astimezone(zone)
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def hour_from(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return the next beginning of an hour, the instant itself if it is one."""
    begun = hour_until(moment, zone)
    if moment is None or begun is None or begun == moment:
        return moment
    return hour_until(begun + timedelta(hours=1, minutes=1), zone)


def day_until(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return the beginning of the day that an instant is in, in a zone."""
    if moment is None:
        return None
    local = _in_calendar(moment).astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def _in_calendar(moment: datetime) -> datetime:
    """Keep away from the ends of the calendar, where a zone has no date."""
    return min(
        max(moment, datetime.min.replace(tzinfo=UTC) + MARGIN), datetime.max.replace(tzinfo=UTC) - MARGIN
    )


def day_from(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return the next beginning of a day, the instant itself if it is one."""
    begun = day_until(moment, zone)
    if moment is None or begun is None or begun == moment:
        return moment
    return day_until(begun + timedelta(hours=36), zone)


def week_until(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return the beginning of the week, from Monday, that an instant is in, in a zone."""
    begun = day_until(moment, zone)
    if begun is None:
        return None
    local = begun.astimezone(zone)
    return (local - timedelta(days=local.weekday())).astimezone(UTC)


def week_from(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return the next beginning of a week, the instant itself if it is one."""
    begun = week_until(moment, zone)
    if moment is None or begun is None or begun == moment:
        return moment
    return week_until(begun + timedelta(days=7, hours=12), zone)


_FROM = {DAY: day_from, WEEK: week_from}
_UNTIL = {DAY: day_until, WEEK: week_until}
