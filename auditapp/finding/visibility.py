"""Which events a viewer may see, as names of events: every query of the log is made of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import select

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.database.read_once import read_once
from auditapp.database.replica import log_connection
from auditapp.extensions import db
from auditapp.filters import TimelineFilters, Values
from auditapp.filters.event import matches
from auditapp.models import EventName


def known_names(viewer: Viewer) -> Mapping[str, str]:
    """Return the workspace's event names and the entity type of each, read once a transaction."""
    workspace_id = viewer.workspace.id

    def read() -> dict[str, str]:
        query = select(EventName.event, EventName.entity_type).where(EventName.workspace_id == workspace_id)
        return {row[0]: row[1] for row in db.session.execute(query)}

    return read_once(log_connection(), ("names", workspace_id), read)


class Visible(NamedTuple):
    """Events that a viewer may see: those of some names, None for any, and of these only their own."""

    names: list[str] | None
    own: bool


def visible_of(viewer: Viewer, known: Mapping[str, str], names: list[str] | None) -> list[Visible]:
    """Return what a viewer may see of the events that have one of some names."""
    if viewer.audit_level is AuditLevel.ALL:
        return [Visible(names, own=False)]
    if viewer.audit_level is AuditLevel.OWN:
        return [Visible(names, own=True)]
    if viewer.audit_level is AuditLevel.PERMITTED:
        candidates = sorted(known) if names is None else names
        open_names = [name for name in candidates if known[name] in viewer.entity_types]
        others = [name for name in candidates if name not in open_names]
        return [Visible(open_names, own=False), Visible(others, own=True)]
    return []


def visible_events(filters: TimelineFilters, viewer: Viewer) -> list[Visible]:
    """Return what a filter leaves of what the viewer may see, none of it without names."""
    names = matching_names(filters, viewer)
    known = known_names(viewer) if viewer.audit_level is AuditLevel.PERMITTED else {}
    return [part for part in visible_of(viewer, known, names) if part.names is None or part.names]


def matching_names(filters: TimelineFilters, viewer: Viewer) -> list[str] | None:
    """Return the known event names that ``entity`` and ``event`` leave, None if neither is set."""
    if not filters.entity and not filters.event:
        return None
    known = known_names(viewer)
    return sorted(
        name
        for name, entity_type in known.items()
        if _passes(filters.entity, lambda value, own=entity_type: value == own)
        and _passes(filters.event, lambda pattern, own=name: matches(pattern, own))
    )


def _passes(values: Values, test: Any) -> bool:
    included = not values.included or any(map(test, values.included))
    return included and not any(map(test, values.excluded))
