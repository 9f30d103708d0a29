"""What the filter form offers: the types, events and actors of the newest events one may see."""

from collections import Counter
from dataclasses import dataclass

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.models import Event
from auditapp.reading.filters import TimelineFilters
from auditapp.reading.query import fetch_page
from auditapp.reading.scopes import known_names

LOOK_AT = 1000
MAX_ACTORS = 30
# A source that puts ids into the names of events has thousands, which nobody chooses from.
MAX_EVENTS = 300


@dataclass(frozen=True)
class Choices:
    """Values to offer; ``actors`` are (id, name, type), the busiest first."""

    entities: list[str]
    events: list[str]
    actors: list[tuple[str, str, str]]


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
    )
