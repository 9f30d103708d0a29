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
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Select, String, and_, cast, column, exists, false, func, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from auditapp.access.viewer import Viewer
from auditapp.database.read_once import read_once
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.expression import All, Node, for_postgresql, for_sqlite, is_of_one_workspace, one_of
from auditapp.filters.parameter import Condition
from auditapp.filters.search_terms import Term
from auditapp.finding.index_expression import tree_of
from auditapp.finding.visibility import among, position
from auditapp.index.search_index import event_search
from auditapp.index.state import require_index
from auditapp.index.terms import SPANS, span_of, span_term, workspace_term
from auditapp.models import Event

# The time so many events back tells how dense the log is, and so with which span to begin.
DENSITY = 500
# Where the database thinks that there are no more matches than these, so many are asked for at once.
FEW = 1_500
# It knows nothing of a term or word that is in less than 0.2 % of the log, but that it may be in as much.
FEW_OF_ONE = 20_000
MAX_OTHERS = 2
# So many of the newest events are looked at one by one, where more match.
GLANCE = 1_000
MAX_GLANCED = 500

# The column of a table's own name stands for all of it.
_FTS5 = table("event_search", column("rowid"), column("event_search", String))


def fetch_found(filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int) -> list[Any]:
    """Return the rows of a page as ``query.fetch_page`` does, for a filter that asks for words.

    :raise IndexStaleError: if the index would answer short; as everything here.
    """
    tree = tree_of(filters, viewer)
    return [] if tree is None else fetch_tree(tree, filters, viewer, columns, limit)


def find_newest(filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int]:
    """Return the numbers of the newest events of a filter that asks for words."""
    tree = tree_of(filters, viewer)
    return [] if tree is None else _find(tree, filters, viewer, limit)


def fetch_tree(
    tree: All, filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> list[Any]:
    """Return a page of the rows that a tree finds, within the filter's times and at its place."""
    numbers = _find(tree, filters, viewer, limit)
    here = Unindexed(Event.workspace_id) == viewer.workspace.id
    query = select(*columns).where(here, among(Event.id, numbers))
    return list(db.session.execute(query.order_by(*_order(filters, Event)))) if numbers else []


def _find(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int]:
    """Return the numbers of a page of what a tree finds, in the page's order."""
    found = _find_within(tree, filters, viewer, limit)
    # Asked last: if it is whole now, it was so before.
    require_index(viewer.workspace.id)
    return found


def _find_within(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int]:
    everything = Term((workspace_term(viewer.workspace.id),))
    # The term of all is a long list to read; the spans, and the rows themselves, say the workspace too.
    parts = tuple(part for part in tree.parts if part != everything)
    tree, found = All(parts, tree.but), list[int]()
    if parts and db.session.get_bind().dialect.name != "sqlite":
        if (few := _find_few(tree, filters, viewer, limit)) is not None:
            return few
        if limit <= MAX_GLANCED:
            found = list(db.session.scalars(_select_glance(tree, filters, viewer, limit)))
    for span in _spans(filters, viewer, limit) if len(found) < limit else ():
        within = (
            tree if span == everything and is_of_one_workspace(tree) else All((span, *tree.parts), tree.but)
        )
        found = list(db.session.scalars(select_found(within, filters, viewer, limit)))
        if len(found) == limit:
            break
    return found


def _find_few(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int] | None:
    """Return the numbers of a page where a tree finds few events, asked for at once; None if it finds many.

    PostgreSQL's own statistics say whether there may be few; beside the long lists of the spans, a rare word
    would be found ten times slower than by itself.
    """
    found = event_search.c
    query = "EXPLAIN (FORMAT JSON) SELECT FROM event_search WHERE words @@ CAST(:tree AS tsquery)"
    plan = db.session.execute(text(query), {"tree": for_postgresql(tree)}).scalar_one()
    if plan[0]["Plan"]["Plan Rows"] > (FEW_OF_ONE if _is_simple(tree) else FEW):
        return None
    asked = select(found.occurred_at, found.event_id).where(
        found.workspace_id == viewer.workspace.id, _tsquery(tree), *_place(filters, found)
    )
    some = max(FEW, 2 * limit)
    rows = [tuple(row) for row in db.session.execute(asked.limit(some))]
    if len(rows) == some:
        return None
    rows.sort(reverse=not is_forward(filters))
    return [number for _, number in rows[:limit]]


def _is_simple(tree: All) -> bool:
    """Tell whether the index reads one list for a tree, and few others; a phrase must be told by the rows."""
    first = tree.parts[0]
    is_word = isinstance(first, Term) and len(first.words) == 1
    return is_word and len(tree.parts) == 1 and len(tree.but) <= MAX_OTHERS


def _select_glance(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> Select[Any]:
    """Return the query for those of the newest events that a tree finds, each looked at by itself.

    A common beginning of words is found at once, which the index would collect out of the whole log.
    PostgreSQL only: FTS5 cannot be asked about one event.
    """
    mine = Event.workspace_id == viewer.workspace.id
    newest = select(Event.occurred_at, Event.id).where(mine, *_place(filters, Event))
    near = newest.order_by(*_order(filters, Event)).limit(GLANCE).subquery("near")
    words = event_search.c
    # The function of the operator @@, which no index serves.
    found = func.ts_match_vq(words.words, cast(for_postgresql(tree), TSQUERY))
    same = and_(words.workspace_id == viewer.workspace.id, words.event_id == near.c.id)
    page = select(near.c.id).join_from(near, event_search, same).where(found)
    return page.order_by(*_order(filters, near.c)).limit(limit)


def select_found(tree: Node, filters: TimelineFilters, viewer: Viewer, limit: int) -> Select[Any]:
    """Return the query for the numbers of those events that a tree finds, in the page's order."""
    if db.session.get_bind().dialect.name == "sqlite":
        by_number = Event.id.in_(select(_FTS5.c.rowid).where(_fts5(tree)))
        checked = Unindexed(Event.workspace_id) == viewer.workspace.id
        place = _place(filters, SimpleNamespace(occurred_at=Unindexed(Event.occurred_at), id=Event.id))
        page = select(Event.id).where(by_number, checked, *place)
        return page.order_by(*_order(filters, Event)).limit(limit)
    words = event_search.c
    page = select(words.event_id).where(
        words.workspace_id == viewer.workspace.id, _tsquery(tree), *_place(filters, words)
    )
    return page.order_by(*_order(filters, words)).limit(limit)


def found_condition(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return what tells whether one row is found by a filter's words, for rows found by something else."""
    workspace_id = viewer.workspace.id
    # Many views of somebody ask it in one transaction.
    read_once(db.session.connection(), ("index", workspace_id), lambda: require_index(workspace_id))
    tree = tree_of(filters, viewer)
    if tree is None:
        return false()
    if db.session.get_bind().dialect.name == "sqlite":
        return exists(select(1).select_from(_FTS5).where(_FTS5.c.rowid == Event.id, _fts5(tree)))
    words = event_search.c
    same = and_(words.workspace_id == viewer.workspace.id, words.event_id == Event.id)
    return exists(select(1).select_from(event_search).where(same, _tsquery(tree)))


def _fts5(tree: Node) -> Condition:
    found: Condition = _FTS5.c.event_search.op("MATCH")(for_sqlite(tree))
    return found


def _tsquery(tree: Node) -> Condition:
    return event_search.c.words.op("@@")(cast(for_postgresql(tree), TSQUERY))


def _order(filters: TimelineFilters, table: Any) -> list[Any]:
    places = (table.occurred_at, _number(table))
    return [each.asc() if is_forward(filters) else each.desc() for each in places]


def _number(table: Any) -> Any:
    """Return the column with an event's number."""
    return table.event_id if table is event_search.c else table.id


def is_forward(filters: TimelineFilters) -> bool:
    """Tell whether a page is read from the older to the newer."""
    return filters.after is not None and filters.before is None


def _place(filters: TimelineFilters, table: Any) -> list[Condition]:
    occurred_at = table.occurred_at
    return [
        *position(filters, occurred_at, _number(table)),
        *([occurred_at >= filters.since] if filters.since else []),
        *([occurred_at < filters.until] if filters.until else []),
    ]


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
            yield one_of(
                span_term(viewer.workspace.id, bits, each)
                for each in (number, number + (1 if forward else -1))
            )
            if _is_past(filters, start, bits, forward):
                return
    yield Term((workspace_term(viewer.workspace.id),))


def _start(filters: TimelineFilters, viewer: Viewer, places: int) -> tuple[datetime | None, datetime | None]:
    """Return the time of the first event of the page's side, and of one so many places further."""
    mine = [Event.workspace_id == viewer.workspace.id, *_place(filters, Event)]
    times = select(Event.occurred_at).where(*mine).order_by(*_order(filters, Event))
    first = db.session.scalar(times.limit(1))
    return first, None if first is None else db.session.scalar(times.offset(places).limit(1))


def _is_past(filters: TimelineFilters, start: datetime, bits: int, forward: bool) -> bool:
    """Tell whether a span reaches past the end of the filter's time, so that a longer one finds no more."""
    end = filters.until if forward else filters.since
    if end is None:
        return False
    behind = span_of(end, bits) - span_of(start, bits)
    return (behind if forward else -behind) <= 1
