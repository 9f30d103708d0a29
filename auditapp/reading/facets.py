"""How a filter's matches divide: by entity type, event, actor, origin and outcome.

Exact as far as ``event_count`` reaches (``counts.py``); else among the newest 10,000 matches, and where
there are more, a count says "at least". A facet counts as if its own filter were not set, so that it
shows what there is to choose from.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, literal, select, union_all

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.models import Event
from auditapp.reading.counts import Kind, are_kept, kinds_in
from auditapp.reading.filters import TimelineFilters, Values
from auditapp.reading.query import fetch_page
from auditapp.reading.scopes import known_names, matches, matching_names

CAP = 10_000
# Of more matches than that, so many of the newest tell who is busiest.
GLANCE = 500
MAX_ACTORS = 7
FACETS = ("entity", "event", "actor", "origin", "outcome")
SAMPLE_COLUMNS = (
    Event.occurred_at,
    Event.event,
    Event.actor_type,
    Event.actor_id,
    Event.actor_name,
    Event.origin,
    Event.outcome,
)


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


@dataclass(frozen=True)
class Matches:
    """A filter's matches, as much of them as facets and activity need.

    :ivar kinds: how many of each kind there are in the filter's time, where that is kept; then exact.
    :ivar newest: the newest of them: all, where there are 10,000 at most; else 10,001, or 500 beside kinds.
    """

    total: int
    newest: list[Any]
    kinds: list[Kind] | None = None

    @property
    def is_capped(self) -> bool:
        """Tell whether there are more than are counted."""
        return self.total > CAP


def matches_of(filters: TimelineFilters, viewer: Viewer) -> Matches:
    """Return a filter's matches; its place on the page and its grouping do not matter."""
    if not are_kept(filters, viewer):
        newest = _newest(filters, viewer, CAP + 1)
        return Matches(len(newest), newest)
    kinds = kinds_in(filters, viewer)
    named = matching_names(filters, known_names(viewer))
    total = sum(kind.events for kind in kinds if all(test(kind) for test in _tests(filters, "", named)))
    return Matches(total, _newest(filters, viewer, CAP if total <= CAP else GLANCE), kinds)


def _newest(filters: TimelineFilters, viewer: Viewer, limit: int) -> list[Any]:
    whole = replace(filters, before=None, after=None, group=None)
    return fetch_page(whole, viewer, SAMPLE_COLUMNS, limit)


def facets_of(filters: TimelineFilters, viewer: Viewer, found: Matches | None = None) -> Facets:
    """Return how a filter's matches divide.

    :param found: of :func:`matches_of`, where they are known already.
    """
    found = matches_of(filters, viewer) if found is None else found
    if found.kinds is not None:
        shares = _counted(filters, viewer, found.kinds)
    else:
        shares = {name: _sampled(name, filters, viewer, found) for name in FACETS if name != "actor"}
    actors = _actors(filters, viewer, found)
    return Facets(
        min(found.total, CAP),
        found.is_capped,
        shares | {"actor": actors[:MAX_ACTORS]},
        len(actors) > MAX_ACTORS,
    )


def _counted(filters: TimelineFilters, viewer: Viewer, kinds: Iterable[Kind]) -> dict[str, list[Share]]:
    named = matching_names(filters, known_names(viewer))
    found: dict[str, list[Share]] = {}
    for facet in ("entity", "event", "origin", "outcome"):
        passes = _tests(filters, facet, named)
        counted: Counter[str] = Counter()
        for kind in kinds:
            if all(test(kind) for test in passes):
                counted[_VALUE_OF[facet](kind)] += kind.events
        found[facet] = [
            Share(value, min(events, CAP), events > CAP) for value, events in counted.most_common()
        ]
    return found


_VALUE_OF: dict[str, Callable[[Any], str]] = {
    "entity": lambda row: row.event.rpartition(".")[0],
    "event": lambda row: row.event,
    "origin": lambda row: row.origin,
    "outcome": lambda row: row.outcome,
}


def _tests(filters: TimelineFilters, facet: str, named: list[str] | None) -> list[Callable[[Any], bool]]:
    """Return what a kind must pass to count in a facet: every filter but the facet's own."""
    tests: list[Callable[[Any], bool]] = [lambda kind: _passes(filters.actor_type, kind.actor_type)]
    if facet != "origin":
        tests.append(lambda kind: _passes(filters.origin, kind.origin))
    if facet != "outcome":
        tests.append(lambda kind: _passes(filters.outcome, kind.outcome))
    if facet != "entity":
        tests.append(lambda kind: _passes(filters.entity, _VALUE_OF["entity"](kind)))
    if facet != "event":
        tests.append(lambda kind: _passes_any(filters.event, kind.event))
    return tests


def _passes(values: Values, value: str) -> bool:
    return (not values.included or value in values.included) and value not in values.excluded


def _passes_any(values: Values, event: str) -> bool:
    included = not values.included or any(matches(pattern, event) for pattern in values.included)
    return included and not any(matches(pattern, event) for pattern in values.excluded)


def _sampled(name: str, filters: TimelineFilters, viewer: Viewer, found: Matches) -> list[Share]:
    rows, is_capped = _without(name, filters, viewer, found)
    counted = Counter(map(_VALUE_OF[name], rows))
    return [Share(value, events, is_capped) for value, events in counted.most_common()]


def _without(name: str, filters: TimelineFilters, viewer: Viewer, found: Matches) -> tuple[list[Any], bool]:
    """Return the newest matches as if one parameter were not given, and whether there are more."""
    if getattr(filters, name):
        lifted: dict[str, Any] = {name: Values()}
        found = matches_of(replace(filters, **lifted), viewer)
    return found.newest[:CAP], found.is_capped


def _actors(filters: TimelineFilters, viewer: Viewer, found: Matches) -> list[Share]:
    rows, is_capped = _without("actor", filters, viewer, found)
    known: dict[str, tuple[str | None, str]] = {}
    for row in rows:
        known.setdefault(row.actor_id, (row.actor_name, row.actor_type))
    busiest = Counter(row.actor_id for row in rows if row.actor_id is not None).most_common(MAX_ACTORS + 1)
    exact = _all_of(filters, viewer, [actor for actor, _ in busiest]) if is_capped else {}
    shares = []
    for actor, events in busiest:
        events, capped = exact.get(actor, (events, is_capped))
        shares.append(Share(actor, events, capped, *known[actor]))
    return sorted(shares, key=lambda share: -share.events)


def _all_of(filters: TimelineFilters, viewer: Viewer, actors: list[str]) -> dict[str, tuple[int, bool]]:
    """Count each actor's events in the index of actors, up to the cap; empty where a filter asks more."""
    if not are_kept(filters, viewer) or set(filters.typed) - {"entity", "event", "limit", "group", "actor"}:
        return {}
    named = matching_names(filters, known_names(viewer))
    counts = []
    for actor in actors:
        mine = [Event.workspace_id == viewer.workspace.id, Event.actor_id == actor]
        some = select(Event.id).where(*mine, *([Event.event.in_(named)] if named is not None else []))
        counts.append(
            select(
                literal(actor),
                select(func.count()).select_from(some.limit(CAP + 1).subquery()).scalar_subquery(),
            )
        )
    if not counts:
        return {}
    return {actor: (min(count, CAP), count > CAP) for actor, count in db.session.execute(union_all(*counts))}
