"""All events of a filter, whole, oldest first: what an import needs to give the same log again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.reading.cursor import Cursor
from auditapp.reading.event import WholeEvent, with_sections
from auditapp.reading.filters import TimelineFilters
from auditapp.reading.timeline import list_events

BATCH = 200  # whole events in memory, of 256 KiB at most
BEGINNING = Cursor(datetime(1, 1, 1, tzinfo=UTC), 0)


def export_events(filters: TimelineFilters, viewer: Viewer) -> Iterator[WholeEvent]:
    """Yield every event that a filter lets through and the viewer may see, the oldest first.

    Reads in keyset batches and holds no transaction between them: an open read cursor would keep
    writers out of SQLite. The filter's own place and length of a page do not matter.
    """
    place: Cursor | None = BEGINNING
    while place:
        page = list_events(replace(filters, before=None, after=place, limit=BATCH), viewer)
        events = with_sections(page.events[::-1], viewer)
        place = page.newer
        db.session.rollback()
        yield from events
