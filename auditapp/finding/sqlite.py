"""How SQLite finds; see :class:`auditapp.finding.databases.Database`, and ``postgresql.py`` beside."""

import json
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Select,
    String,
    column,
    exists,
    func,
    select,
    table,
    type_coerce,
)

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.filters import TimelineFilters
from auditapp.filters.expression import All, Node, for_sqlite
from auditapp.filters.parameter import Condition
from auditapp.finding.places import order_of, place_of
from auditapp.finding.scans import Scans, pinned
from auditapp.index.counts import QUARTER
from auditapp.models import Event
from auditapp.models.types import MICROSECOND, Instant

MANY_SCANS = 6
STREAMS = False

# The column of a table's own name stands for all of it.
_FTS5 = table("event_search", column("rowid"), column("event_search", String))


def select_places(scans: Scans, place: Select[Any]) -> list[Select[Any]]:
    """Return one query for each scan, a SELECT around it: no ORDER BY may stand inside of a UNION ALL."""
    return [select(place.where(*pinned(scans, at)).subquery()) for at in range(len(scans.values))]


def select_numbers(tree: Node, filters: TimelineFilters, viewer: Viewer, limit: int) -> Select[Any]:
    """Return the query for the numbers of those events that a tree finds, in the page's order."""
    by_number = Event.id.in_(select(_FTS5.c.rowid).where(_matches(tree)))
    mine = Unindexed(Event.workspace_id) == viewer.workspace.id
    page = select(Event.id).where(by_number, mine, *place_of(filters, Unindexed(Event.occurred_at)))
    return page.order_by(*order_of(filters)).limit(limit)


def find_early(_tree: All, _filters: TimelineFilters, _viewer: Viewer, _limit: int) -> list[int] | None:
    """Return None: FTS5 says neither how much it would find, nor whether it would find one event."""
    return None


def is_found(tree: Node, _viewer: Viewer) -> Condition:
    """Return what tells whether a row of the log is found by a tree."""
    return exists(select(1).select_from(_FTS5).where(_FTS5.c.rowid == Event.id, _matches(tree)))


def _matches(tree: Node) -> Condition:
    condition: Condition = _FTS5.c.event_search.op("MATCH")(for_sqlite(tree))
    return condition


def select_newest_number(_viewer: Viewer) -> Select[Any]:
    """Return the query for the newest event's number; the rows of all workspaces count up together."""
    return select(func.max(Event.id))


def among(number: Any, numbers: Sequence[int]) -> Condition:
    """Return that a column is one of many numbers."""
    values = func.json_each(json.dumps(numbers)).table_valued("value")
    return cast(Condition, number.in_(select(values.c.value)))


def texts_as_table(texts: Sequence[str]) -> Any:
    """Return texts as a table with the column ``value``."""
    return func.json_each(json.dumps(texts)).table_valued("value")


def quarter_of(moment: Any) -> Any:
    """Return the beginning of the quarter of an hour that an instant is in."""
    quarter = QUARTER // MICROSECOND
    return type_coerce(type_coerce(moment, BigInteger) / quarter * quarter, Instant)
