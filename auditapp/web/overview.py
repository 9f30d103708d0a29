"""Beside the timeline: how the matches divide and when they were, and what is offered while one types."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access.permissions import AUDIT_LOG_READ
from auditapp.filters import FilterError, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.filters.moments import in_zone
from auditapp.filters.wording import ACTOR_TYPE_WORDS, ORIGIN_WORDS, OUTCOME_WORDS, entity_words
from auditapp.finding import Offer, suggest_actors, suggest_records
from auditapp.reading.activity import Activity, Bar, activity_of
from auditapp.reading.facets import Facets, Share, facets_of, matches_of
from auditapp.web.bars import FLAG_HEIGHT, FLAGS, FOOT, HEIGHT, WIDEST, WIDTH, Part, parts_of
from auditapp.web.formats import viewer_zone, workspace_zone
from auditapp.web.fragments import render
from auditapp.web.gate import permission_required
from auditapp.web.timeline import timeline_url

bp = Blueprint("overview", __name__)

SHOWN = 7
LABELS = {"entity": "Entity", "event": "Event", "actor": "Actor", "origin": "Origin", "outcome": "Outcome"}
SUGGESTIONS = {"actor": suggest_actors, "record": suggest_records}


@dataclass(frozen=True)
class Choice:
    """One line of a facet: what it is called, how many, and where a click on it or on "not" leads."""

    label: str
    kind: str | None
    count: str
    include: str
    exclude: str
    is_included: bool
    is_excluded: bool


@dataclass(frozen=True)
class Column:
    """A bar as it is drawn, its parts from the foot up."""

    bar: Bar
    left: float
    width: float
    parts: list[Part]
    url: str
    words: str


@bp.get("/w/<workspace>/timeline/overview")
@permission_required(AUDIT_LOG_READ)
def show(workspace: str) -> ResponseReturnValue:
    """Show the facets and the activity of a filter."""
    filters = _filters()
    found = matches_of(filters, g.viewer)
    facets = facets_of(filters, g.viewer, found)
    activity = activity_of(filters, g.viewer, datetime.now(UTC), found)
    return render(
        "timeline/overview.html",
        "timeline/_overview.html",
        workspace=workspace,
        filters=filters,
        facets=facets,
        stale=found.stale,
        choices={name: _choices(workspace, filters, name, facets) for name in LABELS},
        labels=LABELS,
        shown={name: _shown(filters, name) for name in LABELS},
        activity=activity,
        columns=_columns(workspace, filters, activity) if activity else [],
        zone_words=_zone_words(activity.unit) if activity else "",
        picture={"width": WIDTH, "height": HEIGHT, "foot": FOOT, "flags": FLAGS, "flag_height": FLAG_HEIGHT},
    )


@bp.get("/w/<workspace>/timeline/suggest")
@permission_required(AUDIT_LOG_READ)
def suggest(workspace: str) -> ResponseReturnValue:
    """Offer the actors or records (``for``) whose names begin as ``typed``, each as a filter to add."""
    suggestions = SUGGESTIONS.get(request.args.get("for", ""))
    if suggestions is None:
        abort(404)
    filters = _filters("for", "typed")
    typed = request.args.get("typed", "")[:200]
    found = suggestions(typed, g.viewer)
    names = Counter(map(_called, found))
    offers = [
        # Where two are called the same, their ids tell them apart.
        (offer, _offer_url(workspace, filters, offer), _end_of_id(offer) if names[_called(offer)] > 1 else "")
        for offer in found
    ]
    return render(
        "timeline/suggest.html",
        "timeline/_suggest.html",
        workspace=workspace,
        filters=filters,
        typed=typed,
        offers=offers,
    )


def _filters(*own: str) -> TimelineFilters:
    """Read the filters of the query string, but for parameters of the route's own.

    They come from the page's own links: a wrong one is answered shortly.
    """
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] not in own]
    zone = workspace_zone(g.viewer.workspace)
    try:
        return TimelineFilters.from_args(
            pairs,
            zone=zone,
            now=datetime.now(UTC),
            knows_me=True,
            places=places_of(g.viewer.workspace),
        )
    except FilterError as error:
        abort(422, str(error))


def _choices(workspace: str, filters: TimelineFilters, name: str, facets: Facets) -> list[Choice]:
    shares = facets.shares[name]
    values = filters[name]
    # What is chosen comes first and stays visible, that it can be taken back.
    chosen, known = (*values.included, *values.excluded), {share.value for share in shares}
    shares = [*shares, *(Share(value, 0) for value in chosen if value not in known)]
    shares.sort(key=lambda share: share.value not in chosen)
    return [_choice(workspace, filters, name, share) for share in shares]


def _shown(filters: TimelineFilters, name: str) -> int:
    """Return how many lines of a facet stand outside of its fold: never fewer than are chosen."""
    return max(SHOWN, len(filters[name].as_typed()))


def _choice(workspace: str, filters: TimelineFilters, name: str, share: Share) -> Choice:
    values = filters[name]
    is_included, is_excluded = share.value in values.included, share.value in values.excluded
    return Choice(
        share.name or _label(name, share.value),
        ACTOR_TYPE_WORDS[share.kind] if share.kind and share.kind != "user" else None,
        # A pattern is chosen, but has no count of its own.
        f"{share.events:,}{'+' if share.is_capped else ''}"
        if share.events or not _is_pattern(share.value)
        else "",
        _toggled(workspace, filters, name, share.value, is_included),
        _toggled(workspace, filters, name, f"!{share.value}", is_excluded),
        is_included,
        is_excluded,
    )


def _is_pattern(value: str) -> bool:
    return "*" in value


def _toggled(workspace: str, filters: TimelineFilters, name: str, value: str, is_set: bool) -> str:
    """Return the timeline with a value added, instead of its opposite, or without it where it is set."""
    opposite = value[1:] if value.startswith("!") else f"!{value}"
    pairs = [
        pair
        for pair in filters.to_query(before=None, after=None)
        if pair not in ((name, value), (name, opposite))
    ]
    return timeline_url(workspace, sorted(pairs if is_set else [*pairs, (name, value)]))


def _label(name: str, value: str) -> str:
    if name == "entity":
        return entity_words(value)
    return {"origin": ORIGIN_WORDS, "outcome": OUTCOME_WORDS}.get(name, {}).get(value, value)


def _columns(workspace: str, filters: TimelineFilters, activity: Activity) -> list[Column]:
    room = WIDTH / len(activity.bars)
    zone = ZoneInfo(g.viewer.workspace.timezone)
    return [
        Column(
            bar,
            round(place * room, 2),
            round(min(room * 0.8, WIDEST), 2),
            parts_of(bar.effects, activity.highest),
            timeline_url(workspace, _narrowed(filters, bar, activity.unit, zone)),
            _words(bar, activity.unit, zone),
        )
        for place, bar in enumerate(activity.bars)
    ]


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


def _zone_words(unit: str) -> str:
    """Name the zone of the bars, so that links to them mean the same to all, where rows are in another."""
    zone = g.viewer.workspace.timezone
    return "" if viewer_zone().key == zone else f"{'hours' if unit == 'hour' else 'days'} of {zone}"


def _just_before(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=1)


def _called(offer: Offer) -> tuple[str, str]:
    return offer.name, offer.kind


def _end_of_id(offer: Offer) -> str:
    """Return an id, of a long one its end: ids that were given one after the other begin alike."""
    own = offer.value.partition(":")[2] if offer.parameter == "record" else offer.value
    return own if len(own) <= 12 else f"…{own[-8:]}"


def _offer_url(workspace: str, filters: TimelineFilters, offer: Offer) -> str:
    pairs = {*filters.to_query(before=None, after=None), (offer.parameter, offer.value)}
    return timeline_url(workspace, sorted(pairs))


def overview_url(workspace: str, filters: TimelineFilters) -> str:
    """Return where the facets and the activity of a filter are."""
    query: dict[str, Any] = MultiDict(filters.to_query(before=None, after=None)).to_dict(flat=False)
    return url_for("overview.show", workspace=workspace, **query)


@bp.app_context_processor
def _known_to_templates() -> dict[str, object]:
    return {"overview_url": overview_url}
