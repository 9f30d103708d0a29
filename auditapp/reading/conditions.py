"""A filter and what the viewer may see as conditions on a row, and the order of a page."""

from typing import Any

from sqlalchemy import and_, false, or_

from auditapp.access.viewer import Viewer
from auditapp.log.checked import Checked
from auditapp.models import Event
from auditapp.reading.filters import ME, RECORD, TimelineFilters, Values
from auditapp.reading.scopes import Condition, visible_scopes
from auditapp.reading.search import found_condition


def check_of(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return what tells whether one row matches, for rows that were found by something else.

    Walks no index: see :func:`auditapp.reading.news.count_new`, which puts it to a few new rows.
    """
    workspace = Event.workspace_id == viewer.workspace.id
    found = [
        and_(
            workspace,
            *(each for some in conditions_of(filters, viewer, names, own).values() for each in some),
        )
        for names, own in visible_scopes(filters, viewer)
    ]
    return and_(or_(false(), *found), *([found_condition(filters, viewer)] if filters.in_words else []))


def conditions_of(
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
    found["time"] = times_of(filters)
    return found


def times_of(filters: TimelineFilters) -> list[Condition]:
    """Return the conditions of a filter's time."""
    return [
        *([Event.occurred_at >= filters.since] if filters.since else []),
        *([Event.occurred_at < filters.until] if filters.until else []),
    ]


def order_of(filters: TimelineFilters, table: Any = Event) -> list[Any]:
    """Return the order of a page, by the columns of a table that hold an event's time and number."""
    forward = filters.after is not None and filters.before is None
    places = (table.occurred_at, table.id)
    return [place.asc() if forward else place.desc() for place in places]


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
