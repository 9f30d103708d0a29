"""Which filter stands in the way where a filter finds nothing: each is dropped in turn, and looked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from auditapp.access.viewer import Viewer
from auditapp.models import Event
from auditapp.reading.filters import TimelineFilters
from auditapp.reading.query import fetch_page

MAX_PROBES = 8

Pairs = list[tuple[str, str]]
# What goes together, the likeliest to stand in the way first.
_TOGETHER = (
    ("since", "until"),
    ("q",),
    ("from",),
    ("to",),
    ("field", "from", "to"),
    ("outcome",),
    ("origin",),
    ("actor_type",),
    ("event",),
    ("entity",),
    ("actor",),
    ("record",),
    ("correlation",),
)


@dataclass(frozen=True)
class Offer:
    """A filter that is in the way: the pairs to drop, those that stay, and the newest event it hid."""

    dropped: Pairs
    query: Pairs
    newest: datetime


def what_would_help(filters: TimelineFilters, viewer: Viewer) -> list[Offer]:
    """Return the filters of which each alone, when dropped, lets something be found.

    Costs a page of one row for each, of eight at most.
    """
    zone, now = ZoneInfo(viewer.workspace.timezone), datetime.now(UTC)
    offers = []
    for dropped in list(_droppable(filters.chips()))[:MAX_PROBES]:
        query = [pair for pair in filters.to_query(before=None, after=None) if pair not in dropped]
        wider = TimelineFilters.from_args(query, zone=zone, now=now, knows_me=viewer.member_id is not None)
        rows = fetch_page(wider, viewer, (Event.occurred_at,), 1)
        if rows:
            offers.append(Offer(dropped, query, rows[0].occurred_at))
    return offers


def _droppable(chips: Pairs) -> Iterator[Pairs]:
    for names in _TOGETHER:
        pairs = [pair for pair in chips if pair[0] in names]
        # Values of one filter are alternatives: fewer of them find less, not more.
        included = [pair for pair in pairs if not pair[1].startswith("!")]
        excluded = [pair for pair in pairs if pair[1].startswith("!")]
        if names[0] == "field":
            included, excluded = (pairs, excluded) if included else ([], pairs)
        yield from (some for some in (included, excluded) if some)
