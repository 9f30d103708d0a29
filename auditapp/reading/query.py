"""From filters and viewer to SQL that an index serves.

A filter is turned into walks. Each pins the leading columns of one index to values and goes back in time
from there, so it reads a page of entries however large the log is; together they are merged and cut to the
page. The combinations of event, origin, actor type and outcome that a workspace has seen are few and known
(``event_kind``), which turns any filter by these, alone, together and with an actor, into such walks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Select, and_, false, func, literal, or_, select, true, tuple_, union_all
from sqlalchemy.sql.elements import Grouping

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.log.checked import Checked
from auditapp.models import Event, event_kind
from auditapp.models.event import KIND
from auditapp.models.types import Instant
from auditapp.reading.cursor import BEGINNING
from auditapp.reading.filters import ME, RECORD, TimelineFilters, Values
from auditapp.reading.scopes import Condition, among, position, visible_scopes
from auditapp.reading.search import fetch_found, find_newest, found_condition

# SQLite takes 500 terms in a compound SELECT; on PostgreSQL all walks are one query.
MAX_WALKS = {"sqlite": 400, "postgresql": 1000}
# So many of the newest rows are looked at before more walks than these are made: each costs about 20 µs,
# on PostgreSQL also where there are many.
GLANCE = 1_000
MAX_GLANCED = 500
MANY_WALKS = {"sqlite": 6, "postgresql": 300}
# So many times the events of a page are looked at to find out where it ends.
_ENOUGH = 6


class Kind(NamedTuple):
    """A combination of what few values there are of."""

    event: str
    origin: str
    actor_type: str
    outcome: str


@dataclass(frozen=True)
class Walks:
    """Ways to go back in time: columns pinned to each of some values, and what else a row must pass.

    No row is on two of them.
    """

    columns: tuple[Any, ...]
    values: Sequence[tuple[Any, ...]]
    rest: list[Condition]


def fetch_page(filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int) -> list[Any]:
    """Return the rows of a page, newest first, or oldest first where only ``after`` is set.

    :param columns: of ``Event``, to read for each row.
    :param limit: rows at most.
    """
    if filters.in_words:
        return fetch_found(filters, viewer, columns, limit)
    walks = _walks(filters, viewer)
    if sum(len(each.values) for each in walks) > _by_dialect(MANY_WALKS) and limit <= MAX_GLANCED:
        # What is common fills the page out of the newest rows, whatever they are.
        rows = list(db.session.execute(select_glance(filters, viewer, columns, limit)))
        if len(rows) == limit:
            return rows
    return list(db.session.execute(_select_walks(walks, filters, viewer, columns, limit))) if walks else []


def _holds_actors(walks: Walks) -> bool:
    """Tell whether the index of some walks holds kinds and actors."""
    pinned = {column.key for column in walks.columns}
    return pinned >= {*KIND} and Event.member_id.key not in pinned


def _by_dialect(limits: dict[str, int]) -> int:
    return limits[db.session.get_bind().dialect.name]


def select_page(
    filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any] | None:
    """Return the query of :func:`fetch_page` that finds every page, None where nothing can match."""
    walks = _walks(filters, viewer)
    return _select_walks(walks, filters, viewer, columns, limit) if walks else None


def select_newest(
    filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any] | None:
    """Return a query for a filter's newest matches wherever its page is, in no order; None if there are none.

    For many: what an index holds is not looked up in the rows.

    :param columns: time, number, kind and actor.
    """
    whole = replace(filters, before=None, after=None, group=None)
    if whole.in_words:
        numbers = find_newest(whole, viewer, limit)
        here = Checked(Event.workspace_id) == viewer.workspace.id
        return select(*columns).where(here, among(Event.id, numbers)) if numbers else None
    walks = _walks(whole, viewer)
    if not walks:
        return None
    if all(_holds_actors(each) for each in walks):
        return _select_on_walks(walks, whole, viewer, columns, limit)
    return _select_walks(walks, whole, viewer, columns, limit)


def select_glance(
    filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    """Return the query for those of the next few rows in time that match."""
    mine = Event.workspace_id == viewer.workspace.id
    times = _times(filters)
    some = (
        select(Event.id)
        .where(mine, *times, *position(filters))
        .order_by(*_order(filters))
        .limit(max(GLANCE, 4 * limit))
    )
    matches = Checked(Grouping(check_of(filters, viewer)))
    # These are found by their number: SQLite would walk all of the workspace for the order.
    here = Checked(Event.workspace_id) == viewer.workspace.id
    near = select(*columns).where(here, Event.id.in_(some), matches)
    return near.order_by(*_order(filters)).limit(limit)


def _select_walks(
    walks: Sequence[Walks], filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    mine = Event.workspace_id == viewer.workspace.id
    order = _order(filters)
    if len(walks) == 1 and len(walks[0].values) == 1:
        return (
            select(*columns).where(mine, *_pinned(walks[0], 0), *walks[0].rest).order_by(*order).limit(limit)
        )
    # Cut to the page before the rows are looked up, else each walk would look up a page of its own.
    page = _select_on_walks(walks, filters, viewer, (Event.occurred_at, Event.id), limit).subquery("page")
    # The workspace once more, for a database that is sharded by it.
    in_page = and_(mine, Event.id == page.c.id)
    return select(*columns).join_from(page, Event, in_page).order_by(*order)


def _select_on_walks(
    walks: Sequence[Walks], filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    """Return the query that merges walks, for columns that their index holds."""
    mine = Event.workspace_id == viewer.workspace.id
    order = _order(filters)
    places = [place for each in walks for place in _places(each, mine, order, columns, limit)]
    merged = union_all(*places).subquery("merged")
    return select(merged).order_by(*_order(filters, merged.c)).limit(limit)


def _places(
    walks: Walks, mine: Condition, order: list[Any], columns: Sequence[Any], limit: int
) -> list[Select[Any]]:
    """Return the places on each walk: one query for all where the database has LATERAL, else one for each."""
    place = select(*columns).where(mine, *walks.rest).order_by(*order)
    if db.session.get_bind().dialect.name == "sqlite" or not walks.columns:
        # A SELECT around each: SQLite takes no ORDER BY inside of a UNION ALL.
        return [
            select(place.where(*_pinned(walks, at)).limit(limit).subquery())
            for at in range(len(walks.values))
        ]
    # Planned once, where a UNION ALL of a hundred takes longer to plan than to run.
    arrays = [
        literal([values[at] for values in walks.values], ARRAY(column.type))
        for at, column in enumerate(walks.columns)
    ]
    names = [column.key for column in walks.columns]
    pins: Any = func.unnest(*arrays).table_valued(*names).render_derived()
    if order and limit > MAX_GLANCED:
        first = select(Event.id).where(mine, *walks.rest, *_same(walks, pins)).limit(1).lateral()
        pins = select(pins).select_from(pins.join(first, true())).cte("there")
        place = place.where(*_same(walks, pins))
        each = place.where(_not_below(place, pins, limit)).limit(limit).lateral()
    else:
        each = place.where(*_same(walks, pins)).limit(limit).lateral()
    return [select(each).select_from(pins.join(each, true()))]


def _same(walks: Walks, pins: Any) -> list[Condition]:
    return [column == pins.c[column.key] for column in walks.columns]


def _not_below(place: Any, there: Any, limit: int) -> Condition:
    """Return what keeps each of many walks from going on where the others have filled the page already.

    Some of the newest on each walk are enough of them together; the last that fits in is where all may end.

    :param there: the walks on which there is anything.
    """
    some = select(_ENOUGH * limit / func.count() + 1).select_from(there).scalar_subquery()
    each = place.limit(some).lateral()
    newest = select(each.c.occurred_at, each.c.id).select_from(there.join(each, true())).subquery("newest")
    in_order = select(newest).order_by(newest.c.occurred_at.desc(), newest.c.id.desc())
    last = in_order.offset(limit - 1).limit(1).cte("last").c
    # Where there are fewer there is no last one, and no end.
    end = tuple_(
        func.coalesce(select(last.occurred_at).scalar_subquery(), literal(BEGINNING.occurred_at, Instant)),
        func.coalesce(select(last.id).scalar_subquery(), literal(BEGINNING.id)),
    )
    return tuple_(Event.occurred_at, Event.id) >= end


def _pinned(walks: Walks, at: int) -> list[Condition]:
    return [column == value for column, value in zip(walks.columns, walks.values[at], strict=True)]


def _order(filters: TimelineFilters, table: Any = Event) -> list[Any]:
    forward = filters.after is not None and filters.before is None
    places = (table.occurred_at, table.id)
    return [place.asc() if forward else place.desc() for place in places]


def check_of(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return what tells whether one row matches, for rows that were found by something else.

    Walks no index: see :func:`auditapp.reading.news.count_new`, which puts it to a few new rows.
    """
    workspace = Event.workspace_id == viewer.workspace.id
    found = [
        and_(
            workspace, *(each for some in _conditions(filters, viewer, names, own).values() for each in some)
        )
        for names, own in visible_scopes(filters, viewer)
    ]
    return and_(or_(false(), *found), *([found_condition(filters, viewer)] if filters.in_words else []))


def _walks(filters: TimelineFilters, viewer: Viewer) -> list[Walks]:
    """Return walks that together pass every row that matches."""
    found = []
    for names, own in visible_scopes(filters, viewer):
        found += _walks_within(filters, viewer, names, own)
    return [each for each in found if each.values]


def _walks_within(
    filters: TimelineFilters, viewer: Viewer, names: list[str] | None, own: bool
) -> list[Walks]:
    """Choose the index to walk for the events of some names: the narrowest that the filter pins."""
    conditions = _conditions(filters, viewer, names, own)
    conditions["position"] = position(filters)

    def rest(*pinned: str) -> list[Condition]:
        return [each for name, some in conditions.items() if name not in pinned for each in some]

    records = [found for value in filters.record.included if (found := RECORD.fullmatch(value))]
    if records and len(records) <= _by_dialect(MAX_WALKS):
        pins = [(found["id"], found["type"]) for found in records]
        return [Walks((Event.entity_id, Event.entity_type), pins, rest("record"))]
    if filters.correlation.included:
        ids = [(value,) for value in filters.correlation.included]
        return [Walks((Event.correlation_id,), ids, rest("correlation"))]
    kinds = _matching_kinds(filters, viewer, names)
    if kinds is not None and not kinds:
        return []
    by_kind = _ALL_KIND
    if own:
        return [
            _by_kind(
                Event.member_id,
                [viewer.member_id],
                kinds or _kinds(viewer),
                rest("own", *by_kind),
                rest("own"),
            )
        ]
    if filters.actor.included:
        return _actor_walks(filters, viewer, kinds or _kinds(viewer), rest)
    if kinds is None or len(kinds) > _by_dialect(MAX_WALKS):
        return [Walks((), [()], rest())]
    columns = tuple(getattr(Event, name) for name in KIND)
    return [Walks(columns, kinds, rest(*by_kind))]


# The conditions that a kind stands for.
_ALL_KIND = ("names", "origin", "not origin", "actor_type", "not actor_type", "outcome", "not outcome")


def _actor_walks(filters: TimelineFilters, viewer: Viewer, kinds: Sequence[Kind], rest: Any) -> list[Walks]:
    ids = [value for value in filters.actor.included if value != ME]
    found = [_by_kind(Event.actor_id, ids, kinds, rest("actor", *_ALL_KIND), rest("actor"))] if ids else []
    if ME in filters.actor.included:
        # So that no row is on two walks.
        others = [or_(Event.actor_id.is_(None), Event.actor_id.not_in(ids))] if ids else []
        mine = [viewer.member_id]
        found.append(
            _by_kind(
                Event.member_id, mine, kinds, [*rest("actor", *_ALL_KIND), *others], [*rest("actor"), *others]
            )
        )
    return found


def _by_kind(
    column: Any, values: Sequence[Any], kinds: Sequence[Kind], rest: list[Condition], checked: list[Condition]
) -> Walks:
    """Pin a column to values and each of them to kinds; where that were too many, to the values alone."""
    if len(values) * len(kinds) > _by_dialect(MAX_WALKS):
        return Walks((column,), [(value,) for value in values], checked)
    columns = (column, *(getattr(Event, name) for name in KIND))
    return Walks(columns, [(value, *kind) for value, kind in product(values, kinds)], rest)


def _kinds(viewer: Viewer) -> list[Kind]:
    """Return the kinds of events that the workspace has seen."""
    there = event_kind.c
    query = select(*(there[name] for name in KIND)).where(there.workspace_id == viewer.workspace.id)
    return sorted(Kind(*row) for row in db.session.execute(query))


def _matching_kinds(
    filters: TimelineFilters, viewer: Viewer, names: Sequence[str] | None
) -> list[Kind] | None:
    """Return the kinds that a filter leaves, None where it asks nothing about them."""
    asked = {name: getattr(filters, name) for name in ("origin", "actor_type", "outcome")}
    if names is None and not any(asked.values()):
        return None
    return [
        kind
        for kind in _kinds(viewer)
        if (names is None or kind.event in names)
        and all(values.lets(getattr(kind, name)) for name, values in asked.items())
    ]


def _conditions(
    filters: TimelineFilters, viewer: Viewer, names: list[str] | None, own: bool
) -> dict[str, list[Condition]]:
    """Return every filter as conditions, by what they narrow; an exclusion has a key of its own."""
    found: dict[str, list[Condition]] = {
        "names": [Checked(Event.event).in_(names)] if names is not None else [],
        "own": [Event.member_id == viewer.member_id] if own else [],
        "record": [or_(*_each_record(filters.record))] if filters.record.included else [],
        "not record": [~condition for condition in _each_record(Values(filters.record.excluded))],
        "actor": [or_(*_each_actor(filters.actor, viewer))] if filters.actor.included else [],
        "not actor": _not_actors(filters.actor, viewer),
    }
    column: Any
    for name, column, values in (
        ("correlation", Event.correlation_id, filters.correlation),
        ("origin", Event.origin, filters.origin),
        ("actor_type", Event.actor_type, filters.actor_type),
        ("outcome", Event.outcome, filters.outcome),
    ):
        found[name] = [Checked(column).in_(values.included)] if values.included else []
        found[f"not {name}"] = [Checked(column).not_in(values.excluded)] if values.excluded else []
    found["time"] = _times(filters)
    return found


def _times(filters: TimelineFilters) -> list[Condition]:
    return [
        *([Event.occurred_at >= filters.since] if filters.since else []),
        *([Event.occurred_at < filters.until] if filters.until else []),
    ]


def _each_record(values: Values) -> list[Condition]:
    parts = [RECORD.fullmatch(value) for value in values.included]
    return [and_(Event.entity_id == part["id"], Event.entity_type == part["type"]) for part in parts if part]


def _each_actor(values: Values, viewer: Viewer) -> list[Condition]:
    ids = [value for value in values.included if value != ME]
    found: list[Condition] = [Event.actor_id == value for value in ids]
    if ME in values.included:
        mine: list[Condition] = [Event.member_id == viewer.member_id]
        if ids:  # so that no row is in two branches
            mine.append(or_(Event.actor_id.is_(None), Event.actor_id.not_in(ids)))
        found.append(and_(*mine))
    return found


def _not_actors(values: Values, viewer: Viewer) -> list[Condition]:
    """Exclude actors; one whose id was erased is none of them as far as anybody knows."""
    ids = [value for value in values.excluded if value != ME]
    found: list[Condition] = []
    if ids:
        found.append(or_(Event.actor_id.is_(None), Event.actor_id.not_in(ids)))
    if ME in values.excluded:
        found.append(or_(Event.member_id.is_(None), Event.member_id != viewer.member_id))
    return found
