"""The values that one field of a record had, one after the other: what its chart is drawn of."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from auditapp.access.viewer import Viewer
from auditapp.reading.records.changes import Fold
from auditapp.reading.records.record import Record
from auditapp.reading.records.versions import events_of, newest_that_tell, rows_of
from auditapp.reading.timeline import EventRow

LOOKED_AT = 3  # versions for a point: some tell the field and do not set it


@dataclass(frozen=True)
class Point:
    """A value and the event that set it."""

    event: EventRow
    value: Any


def field_points(record: Record, field: str, viewer: Viewer, limit: int = 500) -> tuple[list[Point], bool]:
    """Return the newest values that a field was set to, oldest first, and whether there were more.

    What failed set nothing, and what ended the record neither.

    :param limit: points at most.
    """
    conditions = events_of(record, viewer)
    if conditions is None:
        return [], False
    versions = newest_that_tell(field, conditions, limit * LOOKED_AT)
    fold, values = Fold(), deque[tuple[int, Any]](maxlen=limit + 1)
    for number, event, outcome, changes in versions:
        # Of this field alone: whatever else there is need not be added up.
        fold.add(number, event, outcome, {field: changes[field]} if changes else {})
        held = fold.held.get(field)
        if held is not None and held.set_by == number:
            values.append((number, held.value))
    newest = [*values][-limit:]
    rows = rows_of(viewer, {number for number, _ in newest})
    more = len(values) > limit or len(versions) == limit * LOOKED_AT
    return [Point(rows[number], value) for number, value in newest], more
