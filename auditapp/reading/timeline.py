"""One page of the timeline. Reads the narrow table only, never a payload, never a count."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, literal_column

from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import Cursor
from auditapp.finding import fetch_page
from auditapp.log.own_names import OLD_NAMES, OWN_PREFIX
from auditapp.models import Event

# Whether an event is Auditapp's own: as its name says, but for older ones, which the upgrade noted. Written
# out: built of SQLAlchemy's parts it would take a page a tenth longer.
_NOTED = (
    "(SELECT is_own FROM renamed_event AS noted"
    " WHERE noted.workspace_id = event.workspace_id AND noted.event_id = event.id)"
)
IS_OWN: ColumnElement[bool] = literal_column(
    f"CASE WHEN substr(event.event, 1, {len(OWN_PREFIX)}) = '{OWN_PREFIX}' THEN coalesce({_NOTED}, true)"
    f" WHEN event.entity_type IN {tuple(sorted(OLD_NAMES))} THEN coalesce({_NOTED}, false) ELSE false END",
    Boolean,
).label("is_own")

SUMMARY_COLUMNS = (
    Event.id,
    Event.uid,
    Event.occurred_at,
    Event.recorded_at,
    Event.event,
    Event.entity_type,
    Event.entity_id,
    Event.entity_name,
    Event.actor_type,
    Event.actor_id,
    Event.actor_name,
    Event.on_behalf_of_name,
    Event.origin,
    Event.outcome,
    Event.correlation_id,
    Event.causation_id,
    Event.fields,
    Event.line,
    IS_OWN,
)


class EventRow(Protocol):
    """A row of ``SUMMARY_COLUMNS``, its columns as attributes."""

    id: int
    uid: UUID
    occurred_at: datetime
    recorded_at: datetime
    event: str
    entity_type: str
    entity_id: str
    entity_name: str | None
    actor_type: str
    actor_id: str | None
    actor_name: str | None
    on_behalf_of_name: str | None
    origin: str
    outcome: str
    correlation_id: str
    causation_id: str | None
    fields: str | None
    line: str | None
    is_own: bool


# Fetches the rows of a filter's page, so many at most.
Rows = Callable[[TimelineFilters, int], Sequence[EventRow]]


@dataclass(frozen=True)
class Page:
    """Events, newest first, and the cursors to the pages around them, None where there is none.

    Where each event stands for its story, ``stories`` has a ``reading.story.Story`` by its ``id``.
    """

    events: Sequence[EventRow]
    newer: Cursor | None = None
    older: Cursor | None = None
    stories: Mapping[int, Any] = field(default_factory=dict)


def list_events(filters: TimelineFilters, viewer: Viewer) -> Page:
    """Return one page of what the viewer may see, newest first, without payloads.

    :param filters: validated; ``filters.limit`` is the page's length, 1 to 200.
    :raise sqlalchemy.exc.OperationalError: if the database cannot be reached.
    """
    # One row past the page tells whether there is a next one.
    return page_of(fetch_page(filters, viewer, SUMMARY_COLUMNS, filters.limit + 1), filters)


def page_of(rows: Sequence[EventRow], filters: TimelineFilters) -> Page:
    """Return a page of rows as they were fetched, ``filters.limit + 1`` of them at most."""
    more = len(rows) > filters.limit
    rows = rows[: filters.limit]
    if filters.after and not filters.before:
        return _page(rows[::-1], newer=more, older=True)
    return _page(rows, newer=filters.before is not None, older=more)


def _page(rows: Sequence[EventRow], *, newer: bool, older: bool) -> Page:
    if not rows:
        return Page(rows)
    return Page(rows, place(rows[0]) if newer else None, place(rows[-1]) if older else None)


def place(row: EventRow) -> Cursor:
    """Return the cursor of a row."""
    return Cursor(row.occurred_at, row.id)
