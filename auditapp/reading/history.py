"""A record's history: its events with the changes each one made, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditapp.access.viewer import Viewer
from auditapp.reading.cursor import Cursor
from auditapp.reading.event import with_sections
from auditapp.reading.filters import TimelineFilters, Values
from auditapp.reading.timeline import EventRow, list_events

PAGE_SIZE = 25


@dataclass(frozen=True)
class Version:
    """One event of the record and its ``changes`` as recorded; None if they were erased."""

    event: EventRow
    changes: dict[str, dict[str, Any]] | None


@dataclass(frozen=True)
class History:
    """A page of versions, and the record's name as the newest of them has it."""

    name: str | None
    versions: Sequence[Version]
    newer: Cursor | None
    older: Cursor | None


def history_of(
    entity_type: str,
    entity_id: str,
    viewer: Viewer,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
) -> History | None:
    """Return a page of a record's versions, None if the viewer may see none of its events."""
    filters = TimelineFilters(
        record=Values((f"{entity_type}:{entity_id}",)), before=before, after=after, limit=PAGE_SIZE
    )
    page = list_events(filters, viewer)
    if not page.events:
        first = list_events(replace(filters, before=None, after=None, limit=1), viewer)
        if not first.events:
            return None
    versions = [
        Version(whole.row, whole.section("changes"))
        for whole in with_sections(page.events, viewer, sections=("changes",))
    ]
    name = next((version.event.entity_name for version in versions if version.event.entity_name), None)
    return History(name, versions, page.newer, page.older)
