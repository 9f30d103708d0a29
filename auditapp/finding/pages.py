"""Pages of events, newest first: a filter's plan, run.

Each scan reads a page of entries of its index however large the log is; together they are merged and cut
to the page. The combinations of event, origin, actor type and outcome that a workspace has seen are few and
known (``event_kind``), which turns any filter by these, alone, together and with an actor, into such scans.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, select, tuple_, union_all
from sqlalchemy.sql.elements import Grouping

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import Cursor
from auditapp.filters.expression import All, Node
from auditapp.filters.parameter import Condition
from auditapp.finding.checks import check_of
from auditapp.finding.databases import database
from auditapp.finding.full_text import fetch_by_index, find_numbers
from auditapp.finding.index_expression import tree_of
from auditapp.finding.places import as_bound, order_of, place_of
from auditapp.finding.planner import ByIndex, count_of, plan_of
from auditapp.finding.scans import Scans, pinned, scans_of
from auditapp.models import Event
from auditapp.models.event import KIND_COLUMNS

# So many of the newest rows are looked at before many scans are made: each costs about 20 µs.
GLANCE = 1_000
# So many times the events of a page are looked at to find out where it ends.
_ENOUGH = 6

_PLACE = (Event.occurred_at, Event.id)


def fetch_page(filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int) -> list[Any]:
    """Return the rows of a page, newest first, or oldest first where only ``after`` is set.

    :param columns: of ``Event``, to read for each row.
    :param limit: rows at most.
    """
    plan = plan_of(filters, viewer, limit)
    if plan is None:
        return []
    if isinstance(plan, ByIndex):
        return fetch_by_index(plan.tree, filters, viewer, columns, limit)
    if plan.glances:
        rows = list(db.session.execute(select_glance(filters, viewer, columns, limit)))
        if len(rows) == limit:
            return rows
    return list(db.session.execute(_select_scans(plan.scans, filters, viewer, columns, limit)))


def fetch_among(
    node: Node, filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> list[Any]:
    """Return a page as :func:`fetch_page` does, of those events alone that an expression holds for."""
    tree = tree_of(filters, viewer)
    if tree is None:
        return []
    return fetch_by_index(All((*tree.parts, node), tree.but), filters, viewer, columns, limit)


def select_page(
    filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any] | None:
    """Return the query of :func:`fetch_page` that finds every page, None where nothing can match."""
    scans = scans_of(filters, viewer)
    return _select_scans(scans, filters, viewer, columns, limit) if scans else None


def select_newest(
    filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any] | None:
    """Return a query for a filter's newest matches wherever its page is, in no order; None if there are none.

    For many: what an index holds is not looked up in the rows.

    :param columns: time, number, kind and actor.
    """
    placeless = replace(filters, before=None, after=None, group=None)
    plan = plan_of(placeless, viewer, limit)
    if plan is None:
        return None
    if isinstance(plan, ByIndex):
        numbers = find_numbers(plan.tree, placeless, viewer, limit)
        here = Unindexed(Event.workspace_id) == viewer.workspace.id
        return select(*columns).where(here, database().among(Event.id, numbers)) if numbers else None
    end = _end_of(plan.scans, placeless, viewer, limit)
    ending = [replace(part, rest=[*part.rest, *end]) for part in plan.scans]
    if all(_holds_actors(part) for part in plan.scans):
        return _select_on_scans(ending, placeless, viewer, columns, limit).limit(limit)
    return _select_scans(ending, placeless, viewer, columns, limit)


def _end_of(scans: Sequence[Scans], filters: TimelineFilters, viewer: Viewer, limit: int) -> list[Condition]:
    """Return what keeps each of many scans from going on where the others have filled the page already.

    Some of the newest on each scan are enough of them together; the last that fits in is where all may end.
    """
    count = count_of(scans)
    if count == 1:
        return []
    places = _select_on_scans(scans, filters, viewer, _PLACE, _ENOUGH * limit // count + 1)
    last = db.session.execute(places.offset(limit - 1).limit(1)).first()
    return [] if last is None else [tuple_(*_PLACE) >= as_bound(Cursor(*last))]


def _holds_actors(scans: Scans) -> bool:
    """Tell whether the index of some scans holds kinds and actors."""
    keys = {column.key for column in scans.columns}
    return keys >= {*KIND_COLUMNS} and Event.member_id.key not in keys


def select_glance(
    filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    """Return the query for those of the next few rows in time that match."""
    mine = Event.workspace_id == viewer.workspace.id
    newest = (
        select(Event.id)
        .where(mine, *place_of(filters))
        .order_by(*order_of(filters))
        .limit(max(GLANCE, 4 * limit))
    )
    matches = Unindexed(Grouping(check_of(filters, viewer)))
    # These are found by their number: SQLite would walk all of the workspace for the order.
    here = Unindexed(Event.workspace_id) == viewer.workspace.id
    near = select(*columns).where(here, Event.id.in_(newest), matches)
    return near.order_by(*order_of(filters)).limit(limit)


def _select_scans(
    scans: Sequence[Scans], filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    mine = Event.workspace_id == viewer.workspace.id
    order = order_of(filters)
    if len(scans) == 1 and len(scans[0].values) == 1:
        return (
            select(*columns).where(mine, *pinned(scans[0], 0), *scans[0].rest).order_by(*order).limit(limit)
        )
    # Cut to the page before the rows are looked up, else each scan would look up a page of its own.
    page = _select_on_scans(scans, filters, viewer, _PLACE, limit).limit(limit).subquery("page")
    # The workspace once more, for a database that is sharded by it.
    in_page = and_(mine, Event.id == page.c.id)
    return select(*columns).join_from(page, Event, in_page).order_by(*order)


def _select_on_scans(
    scans: Sequence[Scans], filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    """Return the query that merges scans, for columns that their index holds.

    :param limit: rows of one scan at most.
    """
    mine = Event.workspace_id == viewer.workspace.id
    place = select(*columns).where(mine).order_by(*order_of(filters)).limit(limit)
    places = [query for part in scans for query in database().select_places(part, place.where(*part.rest))]
    merged = union_all(*places).subquery("merged")
    # Sorted: by the columns themselves SQLite would pass each row through two hundred merges.
    return select(merged).order_by(*order_of(filters, Unindexed(merged.c.occurred_at), merged.c.id))
