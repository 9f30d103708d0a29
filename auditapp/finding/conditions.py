"""A filter and what the viewer may see as conditions on a row, and the order of a page."""

from typing import Any

from sqlalchemy import and_, false, or_

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.filters import NARROWING, TimelineFilters
from auditapp.filters.parameter import Condition
from auditapp.finding.full_text import found_condition
from auditapp.finding.visibility import visible_events
from auditapp.models import Event


def check_of(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return what tells whether one row matches, for rows that were found by something else.

    Scans no index: see :func:`auditapp.finding.news.count_new`, which puts it to a few new rows.
    """
    workspace = Event.workspace_id == viewer.workspace.id
    found = [
        and_(
            workspace,
            *(each for some in conditions_of(filters, viewer, names, own).values() for each in some),
        )
        for names, own in visible_events(filters, viewer)
    ]
    return and_(or_(false(), *found), *([found_condition(filters, viewer)] if filters.needs_index else []))


def conditions_of(
    filters: TimelineFilters, viewer: Viewer, names: list[str] | None, own: bool
) -> dict[str, list[Condition]]:
    """Return every filter as conditions, by what they narrow; an exclusion has a key of its own."""
    conditions: dict[str, list[Condition]] = {
        "names": [Unindexed(Event.event).in_(names)] if names is not None else [],
        "own": [Event.member_id == viewer.member_id] if own else [],
    }
    for parameter in NARROWING:
        name, values = parameter.name, filters[parameter.name]
        conditions[name] = parameter.includes(values.included, viewer) if values.included else []
        conditions[f"not {name}"] = parameter.excludes(values.excluded, viewer) if values.excluded else []
    conditions["time"] = times_of(filters)
    return conditions


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
