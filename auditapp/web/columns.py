"""The columns of the activity: what each says, how it is drawn, where it leads; what they have in common."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import g

from auditapp.filters import TimelineFilters
from auditapp.filters.moments import in_zone
from auditapp.finding import EFFECTS
from auditapp.reading.activity import Activity, Bar
from auditapp.web.bars import FLAGS, WIDEST, WIDTH, Part, parts_of
from auditapp.web.formats import counted, grouped, viewer_zone
from auditapp.web.timeline import timeline_url

EFFECT_WORDS = {
    "created": "created",
    "changed": "changed",
    "deleted": "deleted",
    "failed": "failed or denied",
    "other": "other",
}
LENGTHS = {"hour": "an hour", "day": "a day", "week": "a week"}


@dataclass(frozen=True)
class Column:
    """A bar as it is drawn, its parts from the foot up; ``words`` say its time, ``title`` its numbers too."""

    bar: Bar
    left: float
    width: float
    parts: list[Part]
    url: str
    words: str
    title: str


def columns_of(workspace: str, filters: TimelineFilters, activity: Activity) -> list[Column]:
    """Return the bars of an activity from the left."""
    room = WIDTH / len(activity.bars)
    zone = ZoneInfo(g.viewer.workspace.timezone)
    return [
        Column(
            bar,
            round(place * room, 2),
            round(min(room * 0.8, WIDEST), 2),
            parts_of(bar.effects, activity.highest),
            timeline_url(workspace, _narrowed(filters, bar, activity.unit, zone)),
            words := _words(bar, activity.unit, zone),
            f"{words}: {_numbers(bar)}",
        )
        for place, bar in enumerate(activity.bars)
    ]


def effects_there(activity: Activity, among: Iterable[str] = EFFECTS) -> dict[str, str]:
    """Return which effects there are in an activity, in words."""
    return {effect: EFFECT_WORDS[effect] for effect in among if activity.counts[effect]}


def scale_words(activity: Activity) -> str:
    """Say what a bar is, how high the highest, what is marked below them, and in which zone they are."""
    scale = f"a bar {LENGTHS.get(activity.unit, activity.unit)}, at most {grouped(activity.highest)}"
    flagged = ", ".join(effects_there(activity, FLAGS).values())
    # Links to bars mean the same to all, where rows are in another zone.
    zone = g.viewer.workspace.timezone
    units = "hours" if activity.unit == "hour" else "days"
    return "; ".join(
        [
            scale,
            *([f"marked below: {flagged}"] if flagged else []),
            *([f"{units} of {zone}"] if viewer_zone().key != zone else []),
        ]
    )


def _numbers(bar: Bar) -> str:
    numbers = (
        f"{grouped(bar.effects[effect])} {EFFECT_WORDS[effect]}" for effect in EFFECTS if bar.effects[effect]
    )
    return ", ".join([counted(bar.events, "event"), *numbers])


def _narrowed(filters: TimelineFilters, bar: Bar, unit: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    """Return the filter narrowed to a bar: by days where it is made of days, else by instants."""
    kept = dict(filters.to_query())
    pairs = filters.to_query(before=None, after=None, since=None, until=None)
    if unit == "hour":
        # The last bar may end right after an event, within a second.
        end = bar.end + timedelta(microseconds=-bar.end.microsecond % 1_000_000)
        since, until = (_utc_text(moment) for moment in (bar.start, end))
    else:
        since, until = (
            in_zone(moment, zone).date().isoformat() for moment in (bar.start, _just_before(bar.end))
        )
        if in_zone(bar.start, zone).tzinfo is UTC:  # before the first day that the zone has
            since = _utc_text(bar.start)
    # A bar at an end of the filter's time reaches no further than that.
    if filters.since and filters.since > bar.start:
        since = kept["since"]
    if filters.until and filters.until <= bar.end:
        until = kept["until"]
    return sorted([*pairs, ("since", since), ("until", until)])


def _utc_text(moment: datetime) -> str:
    # Not by strftime, which writes the year 999 with three digits.
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _words(bar: Bar, unit: str, zone: ZoneInfo) -> str:
    """Say a bar's time in the workspace's zone, as its link does."""
    start, last = in_zone(bar.start, zone), in_zone(_just_before(bar.end), zone)
    if unit == "hour":
        return f"{start.day} {start:%b %Y, %H:%M}"
    if start.date() == last.date():
        return f"{start:%a}, {start.day} {start:%b %Y}"
    return f"{start.day} {start:%b %Y} to {last.day} {last:%b %Y}"


def _just_before(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=1)
