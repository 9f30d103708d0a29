"""How a filter's matches divide: by entity type, event, actor, origin and outcome.

Exact as far as ``event_count`` reaches (``counts.py``); else among the newest 10,000 matches, and where
there are more, a count says "at least". A facet counts as if its own filter were not set, so that it
shows what there is to choose from.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, literal, select, union_all

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.filters import TimelineFilters, Values
from auditapp.filters.event import matches
from auditapp.finding import (
    Busy,
    Kind,
    Sample,
    are_kept,
    awaited_index,
    database,
    kinds_in,
    matching_names,
    sample_of,
)
from auditapp.index.state import IndexStaleError, IndexState, index_state_of
from auditapp.models import Event

CAP = 10_000
# Of more matches than that, so many of the newest tell who is busiest, where the others are counted already.
LOOK_AT = 5_000
MAX_ACTORS = 7
# A source that puts ids into the names of events has thousands of them.
MAX_SHARES = 300
FACETS = ("entity", "event", "actor", "origin", "outcome")


@dataclass(frozen=True)
class Share:
    """One value and how many matches have it; ``is_capped`` if there may be, or are, more."""

    value: str
    events: int
    is_capped: bool = False
    # Of an actor only.
    name: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Facets:
    """Shares by the filter's parameter, the largest first; ``total`` matches, capped at 10,000."""

    total: int
    is_capped: bool
    shares: Mapping[str, list[Share]]
    more_actors: bool


WHOLE = IndexState()  # nothing is missing


@dataclass(frozen=True)
class Matches:
    """A filter's matches, as much of them as facets and activity need.

    :ivar kinds: how many of each kind there are in the filter's time, where that is kept; then exact.
    :ivar sample: the newest of them: all, where there are 10,000 at most; else 10,001, or 5,000 beside kinds.
        None where nothing matches.
    :ivar stale: why kinds are not known, though they are kept.
    :ivar lag: which events they do not count yet.
    """

    total: int
    sample: Sample | None
    kinds: Sequence[Kind] | None = None
    stale: IndexState | None = None
    lag: IndexState = WHOLE

    @property
    def is_capped(self) -> bool:
        """Tell whether there are more than are counted."""
        return self.total > CAP


def matches_of(filters: TimelineFilters, viewer: Viewer) -> Matches:
    """Return a filter's matches; its place on the page and its grouping do not matter."""
    if not are_kept(filters, viewer):
        return _sample(filters, viewer)
    try:
        lag = awaited_index(viewer)
    except IndexStaleError as error:
        return replace(_sample(filters, viewer), stale=error.state)
    kinds = kinds_in(filters, viewer)
    # Asked after them: what is whole now was so before.
    state = index_state_of(viewer.workspace.id)
    if not state.is_current:
        return replace(_sample(filters, viewer), stale=state)
    names = matching_names(filters, viewer)
    total = sum(kind.events for kind in kinds if all(test(kind) for test in _tests(filters, "", names)))
    limit = CAP if total <= CAP else LOOK_AT
    return Matches(total, sample_of(filters, viewer, limit, actors=MAX_ACTORS + 1), kinds, lag=lag)


def facets_of(filters: TimelineFilters, viewer: Viewer, newest: Matches | None = None) -> Facets:
    """Return how a filter's matches divide.

    :param newest: of :func:`matches_of`, where they are known already.
    """
    newest = matches_of(filters, viewer) if newest is None else newest
    if newest.kinds is not None:
        shares = _counted(filters, viewer, newest.kinds)
    else:
        shares = {name: _sampled(name, filters, viewer, newest) for name in FACETS if name != "actor"}
    actors = _actors(filters, viewer, newest)
    return Facets(
        min(newest.total, CAP),
        newest.is_capped,
        shares | {"actor": actors[:MAX_ACTORS]},
        len(actors) > MAX_ACTORS,
    )


def _counted(filters: TimelineFilters, viewer: Viewer, kinds: Iterable[Kind]) -> dict[str, list[Share]]:
    names = matching_names(filters, viewer)
    shares: dict[str, list[Share]] = {}
    for facet in ("entity", "event", "origin", "outcome"):
        passes = _tests(filters, facet, names)
        counted: Counter[str] = Counter()
        for kind in kinds:
            if all(test(kind) for test in passes):
                counted[_VALUE_OF[facet](kind)] += kind.events
        shares[facet] = [
            Share(value, min(events, CAP), events > CAP) for value, events in counted.most_common(MAX_SHARES)
        ]
    return shares


_VALUE_OF: dict[str, Callable[[Any], str]] = {
    "entity": lambda row: row.event.rpartition(".")[0],
    "event": lambda row: row.event,
    "origin": lambda row: row.origin,
    "outcome": lambda row: row.outcome,
}


def _tests(filters: TimelineFilters, facet: str, names: list[str] | None) -> list[Callable[[Any], bool]]:
    """Return what a kind must pass to count in a facet: every filter but the facet's own."""
    tests: list[Callable[[Any], bool]] = [lambda kind: filters.actor_type.lets(kind.actor_type)]
    if facet != "origin":
        tests.append(lambda kind: filters.origin.lets(kind.origin))
    if facet != "outcome":
        tests.append(lambda kind: filters.outcome.lets(kind.outcome))
    if facet != "entity":
        tests.append(lambda kind: filters.entity.lets(_VALUE_OF["entity"](kind)))
    if facet != "event":
        tests.append(lambda kind: _passes_any(filters.event, kind.event))
    return tests


def _passes_any(values: Values, event: str) -> bool:
    included = not values.included or any(matches(pattern, event) for pattern in values.included)
    return included and not any(matches(pattern, event) for pattern in values.excluded)


def _sampled(name: str, filters: TimelineFilters, viewer: Viewer, newest: Matches) -> list[Share]:
    newest = _without(name, filters, viewer, newest)
    counted: Counter[str] = Counter()
    for kind in newest.sample.kinds if newest.sample else ():
        counted[_VALUE_OF[name](kind)] += kind.events
    shares = counted.most_common(MAX_SHARES)
    return [Share(value, min(events, CAP), newest.is_capped) for value, events in shares]


def _without(name: str, filters: TimelineFilters, viewer: Viewer, newest: Matches) -> Matches:
    """Return the newest matches as if one parameter were not given."""
    if not filters[name]:
        return newest
    return _sample(filters.narrowed(**{name: Values()}), viewer)


def _sample(filters: TimelineFilters, viewer: Viewer) -> Matches:
    sample = sample_of(filters, viewer, CAP + 1, actors=MAX_ACTORS + 1)
    return Matches(sample.total if sample else 0, sample)


def _actors(filters: TimelineFilters, viewer: Viewer, newest: Matches) -> list[Share]:
    newest = _without("actor", filters, viewer, newest)
    busiest = newest.sample.actors if newest.sample else ()
    known = _names_of(busiest, viewer)
    whoever = filters.narrowed(actor=Values())
    exact = _exact_counts(whoever, viewer, [actor.actor_id for actor in busiest]) if newest.is_capped else {}
    shares = []
    for actor in busiest:
        events, capped = exact.get(actor.actor_id, (min(actor.events, CAP), newest.is_capped))
        shares.append(Share(actor.actor_id, events, capped, *known[actor.event_number]))
    return sorted(shares, key=lambda share: -share.events)


def _names_of(actors: Sequence[Busy], viewer: Viewer) -> dict[int, tuple[str | None, str]]:
    """Return what actors were called in their newest events, and of what type they are, by its number."""
    if not actors:
        return {}
    here = Unindexed(Event.workspace_id) == viewer.workspace.id
    query = select(Event.id, Event.actor_name, Event.actor_type).where(
        here, database().among(Event.id, [actor.event_number for actor in actors])
    )
    return {row[0]: (row[1], row[2]) for row in db.session.execute(query)}


def _exact_counts(filters: TimelineFilters, viewer: Viewer, actors: list[str]) -> dict[str, tuple[int, bool]]:
    """Count each actor's events in the index of actors, up to the cap; empty where a filter asks more."""
    if not are_kept(filters, viewer) or _asks_unindexed(filters):
        return {}
    names = matching_names(filters, viewer)
    counts = []
    for actor in actors:
        mine = [Event.workspace_id == viewer.workspace.id, Event.actor_id == actor]
        events = select(Event.id).where(*mine, *([Event.event.in_(names)] if names is not None else []))
        counts.append(
            select(
                literal(actor),
                select(func.count()).select_from(events.limit(CAP + 1).subquery()).scalar_subquery(),
            )
        )
    if not counts:
        return {}
    return {actor: (min(count, CAP), count > CAP) for actor, count in db.session.execute(union_all(*counts))}


def _asks_unindexed(filters: TimelineFilters) -> bool:
    """Tell whether the index of actors would have to be read far."""
    return bool(filters.origin or filters.actor_type or filters.outcome or filters.since or filters.until)
