"""From filters and viewer to SQL that an index serves.

A filter is split into branches. Each pins the leading columns of one index to single values and
walks it back in time, so it reads a page of entries however large the log is; a UNION ALL merges
them. The event names of a workspace are few and known (``event_name``), which turns ``deal.*``,
an entity type, or an actor under any event into branches too.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

from sqlalchemy import Select, and_, false, func, or_, select, text, union_all

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.log.schema import ACTOR_TYPES, ORIGINS, OUTCOMES
from auditapp.models import Event
from auditapp.reading.filters import ME, RECORD, TimelineFilters, Values
from auditapp.reading.scopes import Checked, Condition, known_names, matching_names, position, scopes
from auditapp.reading.search import fetch_found, found_condition

MAX_BRANCHES = 64
PROBE = 5000


def fetch_page(filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int) -> list[Any]:
    """Return the rows of a page, newest first, or oldest first where only ``after`` is set.

    :param columns: of ``Event``, to read for each row.
    :param limit: rows at most.
    """
    if filters.in_words:
        return fetch_found(filters, viewer, columns, limit)
    query = select_page(filters, viewer, columns, limit)
    return [] if query is None else list(db.session.execute(query))


def select_page(
    filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any] | None:
    """Return the query of :func:`fetch_page`, None where nothing can match."""
    forward = filters.after is not None and filters.before is None
    order = (
        (Event.occurred_at.asc(), Event.id.asc()) if forward else (Event.occurred_at.desc(), Event.id.desc())
    )
    branches = _branches(filters, viewer)
    if not branches:
        return None
    if len(branches) == 1:
        return select(*columns).where(branches[0]).order_by(*order).limit(limit)
    keys = [
        select(select(Event.id).where(branch).order_by(*order).limit(limit).subquery()) for branch in branches
    ]
    page = union_all(*keys).subquery("page")
    # The workspace once more, for a database that is sharded by it.
    in_page = and_(Event.workspace_id == viewer.workspace.id, Event.id == page.c.id)
    return select(*columns).join_from(page, Event, in_page).order_by(*order).limit(limit)


def check_of(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return what tells whether one row matches, for rows that were found by something else.

    Walks no index: see :func:`auditapp.reading.news.count_new`, which puts it to a few new rows.
    """
    known = known_names(viewer)
    workspace = Event.workspace_id == viewer.workspace.id
    found = [
        and_(
            workspace, *(each for some in _conditions(filters, viewer, names, own).values() for each in some)
        )
        for names, own in scopes(viewer, known, matching_names(filters, known))
        if names is None or names
    ]
    return and_(or_(false(), *found), *([found_condition(filters, viewer)] if filters.in_words else []))


def _branches(filters: TimelineFilters, viewer: Viewer) -> list[Condition]:
    """Return conditions of which any selects a row, and no row is selected by two."""
    known = known_names(viewer)
    named = matching_names(filters, known)
    workspace = Event.workspace_id == viewer.workspace.id
    found: list[Condition] = []
    for names, own in scopes(viewer, known, named):
        if names is not None and not names:
            continue
        leading, rest = _leading(filters, viewer, names, known, own)
        found += [and_(workspace, *lead, *rest, *position(filters)) for lead in leading]
    return found


def _leading(
    filters: TimelineFilters,
    viewer: Viewer,
    names: list[str] | None,
    known: dict[str, str],
    own: bool,
) -> tuple[list[list[Condition]], list[Condition]]:
    """Choose the index to walk: the values to pin it to, a branch each, and all other conditions."""
    conditions = _conditions(filters, viewer, names, own)
    by_name = [Event.event == name for name in (sorted(known) if names is None else names)]
    narrow: list[tuple[str, list[Condition], bool]] = [
        ("record", _each_record(filters.record), False),
        ("correlation", [Event.correlation_id == value for value in filters.correlation.included], False),
        ("own", [Event.member_id == viewer.member_id] if own else [], True),
        ("actor", _each_actor(filters.actor, viewer), True),
    ]
    wide: list[tuple[str, list[Condition], bool]] = [
        ("names", by_name if names is not None else [], False),
        ("outcome", _rare(Event.outcome, _included(filters.outcome, OUTCOMES), "success"), False),
        ("actor_type", _rare(Event.actor_type, _included(filters.actor_type, ACTOR_TYPES), "user"), False),
        ("origin", [Event.origin == value for value in _included(filters.origin, ORIGINS)], False),
    ]
    usable = [choice for choice in wide if 0 < len(choice[1]) <= MAX_BRANCHES]
    for pinned, values, with_names in [*narrow, *_rarest_first(usable, viewer)]:
        leads = [[value] for value in values]
        replaced = {pinned, f"not {pinned}"} if pinned in _ENUMERATED else {pinned}
        if with_names and 0 < len(leads) * len(by_name) <= MAX_BRANCHES:
            leads = [[*lead, name] for lead, name in product(leads, by_name)]
            replaced.add("names")
        if 0 < len(leads) <= MAX_BRANCHES:
            return leads, [
                condition for name, some in conditions.items() if name not in replaced for condition in some
            ]
    return [[]], [condition for some in conditions.values() for condition in some]


_ENUMERATED = {"outcome", "actor_type", "origin"}


def _included(values: Values, all_values: Sequence[str]) -> list[str]:
    """Return what an enumerated filter leaves, an exclusion turned into the rest; nothing if not set."""
    if not values:
        return []
    return [value for value in values.included or all_values if value not in values.excluded]


def _rarest_first(
    choices: list[tuple[str, list[Condition], bool]], viewer: Viewer
) -> list[tuple[str, list[Condition], bool]]:
    """Sort ways to walk by how many entries each would pass, counted up to a cap.

    A filter by two things walks the rarer of them, so a page costs no more than the cap where one is
    rare. The database could know from its statistics; SQLite has none unless somebody asks for them.
    """
    if len(choices) < 2:
        return choices
    workspace = Event.workspace_id == viewer.workspace.id

    def entries(choice: tuple[str, list[Condition], bool]) -> int:
        counted = 0
        for value in choice[1]:
            some = select(Event.id).where(workspace, value).limit(PROBE - counted).subquery()
            counted += db.session.scalar(select(func.count()).select_from(some)) or 0
            if counted >= PROBE:
                break
        return counted

    return sorted(choices, key=entries)


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
    found["time"] = [
        *([Event.occurred_at >= filters.since] if filters.since else []),
        *([Event.occurred_at < filters.until] if filters.until else []),
    ]
    return found


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


def _rare(column: Any, values: Sequence[str], common: str) -> list[Condition]:
    """Pin a column that has a partial index without its common value; SQLite wants its WHERE repeated."""
    if common in values:
        return []
    repeated = text(f"event.{column.key} <> '{common}'")
    return [and_(column == value, repeated) for value in values]
