"""How PostgreSQL finds; see :class:`auditapp.finding.databases.Database`, and ``sqlite.py`` beside."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    String,
    and_,
    any_,
    exists,
    func,
    literal,
    select,
    text,
    true,
)
from sqlalchemy import cast as as_type
from sqlalchemy.dialects.postgresql import TSQUERY

from auditapp.access.viewer import Viewer
from auditapp.database.replica import log_connection
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.expression import All, Node, for_postgresql
from auditapp.filters.parameter import Condition
from auditapp.filters.search_terms import Term
from auditapp.finding.places import is_forward, order_of, place_of
from auditapp.finding.scans import Scans
from auditapp.index.counts import QUARTER
from auditapp.index.search_index import event_search
from auditapp.models import Event
from auditapp.models.types import EPOCH, Instant

MANY_SCANS = 240
STREAMS = True

# Where the database thinks that there are no more matches than these, so many are asked for at once.
FEW = 1_500
# It knows nothing of a term or word that is in less than 0.2 % of the log, but that it may be in as much.
FEW_OF_ONE = 20_000
MAX_OTHERS = 2
# So many of the newest events are looked at one by one, where more match.
GLANCE = 1_000
MAX_GLANCED = 500

_INDEX = event_search.c


def select_places(scans: Scans, place: Select[Any]) -> list[Select[Any]]:
    """Return one query for all scans: a UNION ALL of a hundred takes longer to plan than to run."""
    if not scans.columns:
        return [select(place.subquery())]
    arrays = [
        literal([values[at] for values in scans.values], ARRAY(column.type))
        for at, column in enumerate(scans.columns)
    ]
    names = [column.key for column in scans.columns]
    pins = func.unnest(*arrays).table_valued(*names).render_derived()
    scan = place.where(*(column == pins.c[column.key] for column in scans.columns)).lateral()
    return [select(scan).select_from(pins.join(scan, true()))]


def select_numbers(tree: Node, filters: TimelineFilters, viewer: Viewer, limit: int) -> Select[Any]:
    """Return the query for the numbers of those events that a tree finds, in the page's order."""
    columns = (_INDEX.occurred_at, _INDEX.event_id)
    page = select(_INDEX.event_id).where(_mine(viewer), _matches(tree), *place_of(filters, *columns))
    return page.order_by(*order_of(filters, *columns)).limit(limit)


def find_early(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int] | None:
    """Return the numbers of a page where it finds few events at all, or fills the page from the newest."""
    if (numbers := _find_few(tree, filters, viewer, limit)) is not None:
        return numbers
    if limit > MAX_GLANCED:
        return None
    numbers = list(db.session.scalars(_select_glance(tree, filters, viewer, limit)))
    return numbers if len(numbers) == limit else None


def _find_few(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int] | None:
    """Return the numbers of a page where a tree finds few events, asked for at once; None if it finds many.

    PostgreSQL's own statistics say whether there may be few; beside the long lists of the spans, a rare word
    would be found ten times slower than by itself.
    """
    query = "EXPLAIN (FORMAT JSON) SELECT FROM event_search WHERE words @@ CAST(:tree AS tsquery)"
    plan = log_connection().execute(text(query), {"tree": for_postgresql(tree)}).scalar_one()
    if plan[0]["Plan"]["Plan Rows"] > (FEW_OF_ONE if _is_simple(tree) else FEW):
        return None
    columns = (_INDEX.occurred_at, _INDEX.event_id)
    page = select(*columns).where(_mine(viewer), _matches(tree), *place_of(filters, *columns))
    most = max(FEW, 2 * limit)
    places = [tuple(row) for row in db.session.execute(page.limit(most))]
    if len(places) == most:
        return None
    places.sort(reverse=not is_forward(filters))
    return [number for _, number in places[:limit]]


def _is_simple(tree: All) -> bool:
    """Tell whether the index reads one list for a tree, and few others; a phrase must be told by the rows."""
    first = tree.parts[0]
    is_word = isinstance(first, Term) and len(first.words) == 1
    return is_word and len(tree.parts) == 1 and len(tree.but) <= MAX_OTHERS


def _select_glance(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> Select[Any]:
    """Return the query for those of the newest events that a tree finds, each looked at by itself.

    A common beginning of words is found at once, which the index would collect out of the whole log.
    """
    mine = Event.workspace_id == viewer.workspace.id
    newest = select(Event.occurred_at, Event.id).where(mine, *place_of(filters))
    near = newest.order_by(*order_of(filters)).limit(GLANCE).subquery("near")
    # The function of the operator @@, which no index serves.
    is_match = func.ts_match_vq(_INDEX.words, as_type(for_postgresql(tree), TSQUERY))
    is_same_event = and_(_mine(viewer), _INDEX.event_id == near.c.id)
    page = select(near.c.id).join_from(near, event_search, is_same_event).where(is_match)
    return page.order_by(*order_of(filters, near.c.occurred_at, near.c.id)).limit(limit)


def is_found(tree: Node, viewer: Viewer) -> Condition:
    """Return what tells whether a row of the log is found by a tree."""
    is_same_event = and_(_mine(viewer), _INDEX.event_id == Event.id)
    return exists(select(1).select_from(event_search).where(is_same_event, _matches(tree)))


def _mine(viewer: Viewer) -> Condition:
    return _INDEX.workspace_id == viewer.workspace.id


def _matches(tree: Node) -> Condition:
    return _INDEX.words.op("@@")(as_type(for_postgresql(tree), TSQUERY))


def select_newest_number(viewer: Viewer) -> Select[Any]:
    """Return the query for the number of the workspace's newest event."""
    return select(func.max(Event.id)).where(Event.workspace_id == viewer.workspace.id)


def among(number: Any, numbers: Sequence[int]) -> Condition:
    """Return that a column is one of many numbers."""
    return cast(Condition, number == any_(literal(numbers, ARRAY(BigInteger))))


def texts_as_table(texts: Sequence[str]) -> Any:
    """Return texts as a table with the column ``value``."""
    return func.unnest(literal(texts, ARRAY(String))).table_valued("value").render_derived()


def quarter_of(moment: Any) -> Any:
    """Return the beginning of the quarter of an hour that an instant is in."""
    return func.date_bin(QUARTER, moment, EPOCH, type_=Instant)
