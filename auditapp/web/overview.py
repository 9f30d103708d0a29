"""Beside the timeline: how the matches divide and when they were, and what is offered while one types."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from auditapp.access.permissions import AUDIT_LOG_READ
from auditapp.filters import FilterError, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.filters.wording import ACTOR_TYPE_WORDS, ORIGIN_WORDS, OUTCOME_WORDS, entity_words
from auditapp.finding import Offer, suggest_actors, suggest_records
from auditapp.reading.activity import activity_of
from auditapp.reading.facets import Facets, Share, facets_of, matches_of
from auditapp.web.bars import FLAG_HEIGHT, FLAGS, FOOT, HEIGHT, WIDTH
from auditapp.web.columns import columns_of, effects_there, scale_words
from auditapp.web.formats import workspace_zone
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
class Search:
    """A way to find what a facet has too much of: what is asked for, and what its form and its field say."""

    asks_for: str
    words: str
    field: str


SEARCHES = {
    "entity": Search("record", "Find a record", "A record’s name"),
    "actor": Search("actor", "Find an actor", "An actor’s name"),
}


@dataclass(frozen=True)
class Facet:
    """How the matches divide by one parameter: lines that are shown, and those in a fold below."""

    name: str
    label: str
    shown: list[Choice]
    folded: list[Choice]
    search: Search | None
    has_others: bool


@bp.get("/w/<workspace>/timeline/overview")
@permission_required(AUDIT_LOG_READ)
def show(workspace: str) -> ResponseReturnValue:
    """Show the facets and the activity of a filter."""
    filters = _filters()
    matches = matches_of(filters, g.viewer)
    facets = facets_of(filters, g.viewer, matches)
    activity = activity_of(filters, g.viewer, datetime.now(UTC), matches)
    return render(
        "timeline/overview.html",
        "timeline/_overview.html",
        workspace=workspace,
        filters=filters,
        facets=facets,
        stale=matches.stale,
        lag=matches.lag.lag_words("counted"),
        lists=[_facet(workspace, filters, name, facets) for name in LABELS],
        activity=activity,
        columns=columns_of(workspace, filters, activity) if activity else [],
        effects=effects_there(activity) if activity else {},
        scale=scale_words(activity) if activity else "",
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
    suggested = suggestions(typed, g.viewer)
    names = Counter(map(_called, suggested))
    offers = [
        # Where two are called the same, their ids tell them apart.
        (offer, _offer_url(workspace, filters, offer), _end_of_id(offer) if names[_called(offer)] > 1 else "")
        for offer in suggested
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


def _facet(workspace: str, filters: TimelineFilters, name: str, facets: Facets) -> Facet:
    choices, shown = _choices(workspace, filters, name, facets), _shown(filters, name)
    return Facet(
        name,
        LABELS[name],
        choices[:shown],
        choices[shown:],
        SEARCHES.get(name),
        has_others=name == "actor" and facets.more_actors,
    )


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
