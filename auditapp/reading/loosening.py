"""Which filter stands in the way where a filter finds nothing: each is dropped in turn, or kept alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from auditapp.access.viewer import Viewer
from auditapp.filters import NARROWING, TimelineFilters
from auditapp.finding import fetch_page
from auditapp.models import Event

MAX_PROBES = 8

Pairs = list[tuple[str, str]]
# What goes together, the likeliest to stand in the way first.
_TOGETHER = (
    ("since", "until"),
    ("q",),
    ("from",),
    ("to",),
    ("field", "from", "to"),
    *(
        (parameter.name,)
        for parameter in sorted(NARROWING, key=lambda parameter: parameter.drop_order)
        if parameter.drop_order
    ),
)


@dataclass(frozen=True)
class Offer:
    """A filter to drop, or to keep alone: its pairs, the query that is left then, and the newest it finds."""

    pairs: Pairs
    query: Pairs
    newest: datetime


def offers_of(filters: TimelineFilters, viewer: Viewer) -> tuple[list[Offer], list[Offer]]:
    """Return filters to drop where nothing matches, and where none helps, filters to keep alone."""
    dropped = what_would_help(filters, viewer)
    is_one = len(filters.chips()) < 2
    return dropped, [] if dropped or is_one else what_finds_alone(filters, viewer)


def what_would_help(filters: TimelineFilters, viewer: Viewer) -> list[Offer]:
    """Return the filters of which each alone, when dropped, lets something be found.

    Costs a page of one row for each, of eight at most.
    """
    pairs = filters.to_query(before=None, after=None)
    return _that_find(
        (
            (dropped, [pair for pair in pairs if pair not in dropped])
            for dropped in _droppable(filters.chips())
        ),
        viewer,
    )


def what_finds_alone(filters: TimelineFilters, viewer: Viewer) -> list[Offer]:
    """Return the filters of which each finds something where all others are dropped; costs as much."""
    chips = filters.chips()
    kept = [pair for pair in filters.to_query(before=None, after=None) if pair not in chips]
    # A change from or to a value means one of a field.
    alone = (pairs for pairs in _droppable(chips) if pairs[0][0] not in ("from", "to"))
    return _that_find(((pairs, sorted([*kept, *pairs])) for pairs in alone), viewer)


def _that_find(candidates: Iterable[tuple[Pairs, Pairs]], viewer: Viewer) -> list[Offer]:
    zone, now = ZoneInfo(viewer.workspace.timezone), datetime.now(UTC)
    offers = []
    for pairs, query in islice(candidates, MAX_PROBES):
        wider = TimelineFilters.from_args(query, zone=zone, now=now, knows_me=viewer.member_id is not None)
        rows = fetch_page(wider, viewer, (Event.occurred_at,), 1)
        if rows:
            offers.append(Offer(pairs, query, rows[0].occurred_at))
    return offers


def _droppable(chips: Pairs) -> Iterator[Pairs]:
    for names in _TOGETHER:
        pairs = [pair for pair in chips if pair[0] in names]
        # Values of one filter are alternatives: fewer of them find less, not more.
        included = [pair for pair in pairs if not pair[1].startswith("!")]
        excluded = [pair for pair in pairs if pair[1].startswith("!")]
        if names[0] == "field":
            included, excluded = (pairs, excluded) if included else ([], pairs)
        yield from (group for group in (included, excluded) if group)
