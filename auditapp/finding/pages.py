"""From filters and viewer to SQL that an index serves.

A filter is turned into scans. Each pins the leading columns of one index to values and goes back in time
from there, so it reads a page of entries however large the log is; together they are merged and cut to the
page. The combinations of event, origin, actor type and outcome that a workspace has seen are few and known
(``event_kind``), which turns any filter by these, alone, together and with an actor, into such scans.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ARRAY, Select, and_, func, literal, select, true, tuple_, union_all
from sqlalchemy.sql.elements import Grouping

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import Cursor
from auditapp.filters.parameter import Condition
from auditapp.finding.conditions import check_of, order_of, times_of
from auditapp.finding.full_text import fetch_found, find_newest
from auditapp.finding.scans import Scans, scans_of
from auditapp.finding.visibility import among, as_bound, position
from auditapp.models import Event
from auditapp.models.event import KIND_COLUMNS

# So many of the newest rows are looked at before more scans than these are made: each costs about 20 µs,
# on PostgreSQL also where there are many.
GLANCE = 1_000
MAX_GLANCED = 500
MANY_SCANS = {"sqlite": 6, "postgresql": 240}
# So many times the events of a page are looked at to find out where it ends.
_ENOUGH = 6

_PLACE = (Event.occurred_at, Event.id)


def fetch_page(filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int) -> list[Any]:
    """Return the rows of a page, newest first, or oldest first where only ``after`` is set.

    :param columns: of ``Event``, to read for each row.
    :param limit: rows at most.
    """
    if filters.needs_index:
        return fetch_found(filters, viewer, columns, limit)
    scans = scans_of(filters, viewer)
    many = MANY_SCANS[db.session.get_bind().dialect.name]
    if sum(len(each.values) for each in scans) > many and limit <= MAX_GLANCED:
        # What is common fills the page out of the newest rows, whatever they are.
        rows = list(db.session.execute(select_glance(filters, viewer, columns, limit)))
        if len(rows) == limit:
            return rows
    return list(db.session.execute(_select_scans(scans, filters, viewer, columns, limit))) if scans else []


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
    whole = replace(filters, before=None, after=None, group=None)
    if whole.needs_index:
        numbers = find_newest(whole, viewer, limit)
        here = Unindexed(Event.workspace_id) == viewer.workspace.id
        return select(*columns).where(here, among(Event.id, numbers)) if numbers else None
    scans = scans_of(whole, viewer)
    if not scans:
        return None
    end = _end_of(scans, whole, viewer, limit)
    ending = [replace(each, rest=[*each.rest, *end]) for each in scans]
    if all(_holds_actors(each) for each in scans):
        return _select_on_scans(ending, whole, viewer, columns, limit).limit(limit)
    return _select_scans(ending, whole, viewer, columns, limit)


def _end_of(scans: Sequence[Scans], filters: TimelineFilters, viewer: Viewer, limit: int) -> list[Condition]:
    """Return what keeps each of many scans from going on where the others have filled the page already.

    Some of the newest on each walk are enough of them together; the last that fits in is where all may end.
    """
    count = sum(len(each.values) for each in scans)
    if count == 1:
        return []
    some = _select_on_scans(scans, filters, viewer, _PLACE, _ENOUGH * limit // count + 1)
    last = db.session.execute(some.offset(limit - 1).limit(1)).first()
    return [] if last is None else [tuple_(*_PLACE) >= as_bound(Cursor(*last))]


def _holds_actors(scans: Scans) -> bool:
    """Tell whether the index of some scans holds kinds and actors."""
    pinned = {column.key for column in scans.columns}
    return pinned >= {*KIND_COLUMNS} and Event.member_id.key not in pinned


def select_glance(
    filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    """Return the query for those of the next few rows in time that match."""
    mine = Event.workspace_id == viewer.workspace.id
    times = times_of(filters)
    some = (
        select(Event.id)
        .where(mine, *times, *position(filters))
        .order_by(*order_of(filters))
        .limit(max(GLANCE, 4 * limit))
    )
    matches = Unindexed(Grouping(check_of(filters, viewer)))
    # These are found by their number: SQLite would walk all of the workspace for the order.
    here = Unindexed(Event.workspace_id) == viewer.workspace.id
    near = select(*columns).where(here, Event.id.in_(some), matches)
    return near.order_by(*order_of(filters)).limit(limit)


def _select_scans(
    scans: Sequence[Scans], filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    mine = Event.workspace_id == viewer.workspace.id
    order = order_of(filters)
    if len(scans) == 1 and len(scans[0].values) == 1:
        return (
            select(*columns).where(mine, *_pinned(scans[0], 0), *scans[0].rest).order_by(*order).limit(limit)
        )
    # Cut to the page before the rows are looked up, else each walk would look up a page of its own.
    page = _select_on_scans(scans, filters, viewer, _PLACE, limit).limit(limit).subquery("page")
    # The workspace once more, for a database that is sharded by it.
    in_page = and_(mine, Event.id == page.c.id)
    return select(*columns).join_from(page, Event, in_page).order_by(*order)


def _select_on_scans(
    scans: Sequence[Scans], filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], each: int
) -> Select[Any]:
    """Return the query that merges scans, for columns that their index holds.

    :param each: rows of one walk at most.
    """
    mine = Event.workspace_id == viewer.workspace.id
    place = select(*columns).where(mine).order_by(*order_of(filters)).limit(each)
    merged = union_all(*(part for some in scans for part in _places(some, place))).subquery("merged")
    # Sorted: by the columns themselves SQLite would pass each row through two hundred merges.
    sorted_by = SimpleNamespace(occurred_at=Unindexed(merged.c.occurred_at), id=merged.c.id)
    return select(merged).order_by(*order_of(filters, sorted_by))


def _places(scans: Scans, place: Select[Any]) -> list[Select[Any]]:
    """Return the places on each walk: one query for all where the database has LATERAL, else one for each."""
    place = place.where(*scans.rest)
    if db.session.get_bind().dialect.name == "sqlite" or not scans.columns:
        # A SELECT around each: SQLite takes no ORDER BY inside of a UNION ALL.
        return [select(place.where(*_pinned(scans, at)).subquery()) for at in range(len(scans.values))]
    # Planned once, where a UNION ALL of a hundred takes longer to plan than to run.
    arrays = [
        literal([values[at] for values in scans.values], ARRAY(column.type))
        for at, column in enumerate(scans.columns)
    ]
    names = [column.key for column in scans.columns]
    pins = func.unnest(*arrays).table_valued(*names).render_derived()
    each = place.where(*(column == pins.c[column.key] for column in scans.columns)).lateral()
    return [select(each).select_from(pins.join(each, true()))]


def _pinned(scans: Scans, at: int) -> list[Condition]:
    return [column == value for column, value in zip(scans.columns, scans.values[at], strict=True)]
