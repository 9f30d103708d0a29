"""What the filter form offers: the types, events and actors of the newest events one may see."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select, union_all

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.finding import fetch_page, known_names
from auditapp.models import ApiKey, Event, Source

LOOK_AT = 1000
MAX_ACTORS = 30
MAX_CLAIMANTS = 30
# A source that puts ids into the names of events has thousands, which nobody chooses from.
MAX_EVENTS = 300


@dataclass(frozen=True)
class Choices:
    """Values to offer.

    :ivar actors: (id, name, type), the busiest first.
    :ivar claimants: API keys and sources as (id, name), to whom sees all.
    """

    entities: list[str]
    events: list[str]
    actors: list[tuple[str, str, str]]
    claimants: list[tuple[str, str]]


def choices_for(viewer: Viewer) -> Choices:
    """Return what to offer. Reads the newest 1,000 narrow rows at most, and only visible ones."""
    columns = (Event.event, Event.entity_type, Event.actor_id, Event.actor_name, Event.actor_type)
    rows = fetch_page(TimelineFilters(), viewer, columns, LOOK_AT)
    events = {row.event: row.entity_type for row in rows}
    if viewer.audit_level is AuditLevel.ALL:
        known = known_names(viewer)
        events |= known if len(known) <= MAX_EVENTS else {}
    names: dict[str, tuple[str, str]] = {}
    for row in rows:
        if row.actor_id is not None:
            names.setdefault(row.actor_id, (row.actor_name or row.actor_id, row.actor_type))
    busiest = Counter(row.actor_id for row in rows if row.actor_id is not None).most_common(MAX_ACTORS)
    return Choices(
        sorted(set(events.values())),
        sorted(list(events)[:MAX_EVENTS]),
        [(actor_id, *names[actor_id]) for actor_id, _ in busiest],
        _claimants(viewer) if viewer.audit_level is AuditLevel.ALL else [],
    )


def _claimants(viewer: Viewer) -> list[tuple[str, str]]:
    """Return the workspace's API keys and sources, the newest first: their ids tell when they were made."""
    selects = [
        select(table.id, table.name).where(table.workspace_id == viewer.workspace.id)
        for table in (ApiKey, Source)
    ]
    union = union_all(*selects).subquery().c
    query = select(union.id, union.name).order_by(union.id.desc()).limit(MAX_CLAIMANTS)
    return [(str(number), name) for number, name in db.session.execute(query)]
