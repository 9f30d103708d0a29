"""Pages of events found by words and by changes.

The index holds each event's words, and terms for all else that a filter can ask, the time included: so a
query intersects in the index alone. Its matches come in no order of time, and sorting those of a common
word would take seconds at ten million events. So the plan is ours: the spans of time before the page's
place are asked one after the other, each many times longer than the one before, until there is a page
full. A common word fills it out of an hour, a rare one is sorted whole; either way a few thousand rows
are sorted, unless the log is far denser in its last minute than before. PostgreSQL is first asked whether
there are few at all, and if not, whether the newest thousand events fill the page.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import false, select

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.expression import All, Node, is_of_one_workspace, one_of
from auditapp.filters.parameter import Condition
from auditapp.filters.search_terms import Term
from auditapp.finding.databases import database
from auditapp.finding.index_expression import tree_of
from auditapp.finding.index_lag import awaited_index
from auditapp.finding.places import is_forward, order_of, place_of
from auditapp.index.state import require_current_index
from auditapp.index.terms import SPANS, span_of, span_term, workspace_term
from auditapp.models import Event

# The time so many events back tells how dense the log is, and so with which span to begin.
DENSITY = 500


def fetch_by_index(
    tree: All, filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> list[Any]:
    """Return a page of the rows that a tree finds, within the filter's times and at its place.

    :raise IndexStaleError: if the index would answer short; as everything here.
    """
    numbers = find_numbers(tree, filters, viewer, limit)
    here = Unindexed(Event.workspace_id) == viewer.workspace.id
    query = select(*columns).where(here, database().among(Event.id, numbers))
    return list(db.session.execute(query.order_by(*order_of(filters)))) if numbers else []


def find_numbers(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int]:
    """Return the numbers of a page of what a tree finds, in the page's order."""
    awaited_index(viewer)
    numbers = _find(tree, filters, viewer, limit)
    # Asked last: if it is whole now, it was so before.
    require_current_index(viewer.workspace.id)
    return numbers


def _find(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int]:
    all_events = Term((workspace_term(viewer.workspace.id),))
    # The term of all is a long list to read; the spans, and the rows themselves, say the workspace too.
    tree = All(tuple(part for part in tree.parts if part != all_events), tree.but)
    if tree.parts and (early := database().find_early(tree, filters, viewer, limit)) is not None:
        return early
    numbers: list[int] = []
    for span in _spans(filters, viewer, limit):
        is_implied = span == all_events and is_of_one_workspace(tree)
        within = tree if is_implied else All((span, *tree.parts), tree.but)
        numbers = list(db.session.scalars(database().select_numbers(within, filters, viewer, limit)))
        if len(numbers) == limit:
            break
    return numbers


def index_condition(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return what tells whether one row is found by a filter's words, for rows found by something else."""
    awaited_index(viewer)
    tree = tree_of(filters, viewer)
    return false() if tree is None else database().is_found(tree, viewer)


def _spans(filters: TimelineFilters, viewer: Viewer, limit: int) -> Iterator[Node]:
    """Yield the times to ask for, the page's place in each, each longer than the one before."""
    forward = is_forward(filters)
    start, reach = _start(filters, viewer, max(DENSITY, limit))
    if start is not None and reach is not None:
        seconds = abs((start - reach).total_seconds())
        for bits in SPANS:
            # Of two neighbouring spans at least one whole one lies on the page's side of its start.
            if seconds >= 2**bits:
                continue
            number = span_of(start, bits)
            neighbours = (number, number + (1 if forward else -1))
            yield one_of(span_term(viewer.workspace.id, bits, neighbour) for neighbour in neighbours)
            if _is_past(filters, start, bits, forward):
                return
    yield Term((workspace_term(viewer.workspace.id),))


def _start(filters: TimelineFilters, viewer: Viewer, places: int) -> tuple[datetime | None, datetime | None]:
    """Return the time of the first event of the page's side, and of one so many places further."""
    mine = [Event.workspace_id == viewer.workspace.id, *place_of(filters)]
    times = select(Event.occurred_at).where(*mine).order_by(*order_of(filters))
    first = db.session.scalar(times.limit(1))
    return first, None if first is None else db.session.scalar(times.offset(places).limit(1))


def _is_past(filters: TimelineFilters, start: datetime, bits: int, forward: bool) -> bool:
    """Tell whether a span reaches past the end of the filter's time, so that a longer one finds no more."""
    end = filters.until if forward else filters.since
    if end is None:
        return False
    behind = span_of(end, bits) - span_of(start, bits)
    return (behind if forward else -behind) <= 1
