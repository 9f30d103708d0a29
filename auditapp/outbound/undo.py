"""An undo, handed over as a document. That it was handed over is an event.

Nothing here writes to another product: who takes the document decides what becomes of it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from auditapp.access.own_events import note_first
from auditapp.access.viewer import Viewer
from auditapp.hidden import HIDDEN, json_escape
from auditapp.reading.undo.document import document, of_undo, record_of
from auditapp.reading.undo.prepare import RecordUndo, Undo
from auditapp.values.changes import label_of

MAX_NAME = 512
# Of the records that the event names as related, so that it stays below what an event may hold.
MAX_RELATED, MAX_RELATED_NAME = 50, 100


def hand_over(
    undo: Undo, viewer: Viewer, how: str, *, actor: Mapping[str, Any], **more: Mapping[str, Any] | str
) -> bytes:
    """Record that an undo was handed over, commit, and return it as JSON.

    :param how: ``shown``, ``downloaded`` or ``api``.
    :param more: ``origin`` of the event where it is not ``ui``.
    :raise NotNoted: if that cannot be recorded; then nothing is handed over.
    """
    counts = {
        "records": len(undo.records),
        "fields": sum(len(record.changes) for record in undo.records),
        "conflicts": sum(len(record.conflicts) for record in undo.records),
    }
    note_first(
        viewer.workspace,
        "undo.prepared",
        dict(actor),
        {"id": _id(undo), "name": _name(undo)},
        related=[_related(record) for record in undo.records[:MAX_RELATED]],
        payload={"of": of_undo(undo), "how": how, **counts},
        **more,
    )
    text = orjson.dumps(document(undo, datetime.now(UTC)), option=orjson.OPT_INDENT_2).decode()
    # Whoever reads it before using it must see what it says.
    return HIDDEN.sub(json_escape, text).encode()


def _id(undo: Undo) -> str:
    """Return what the event is about: the story's id, its first event's where no record can have that id."""
    story = undo.correlation_id
    return str(undo.event.uid) if story in (None, ".", "..") else str(story)


def _name(undo: Undo) -> str:
    event = undo.event
    name = f"{label_of(event.entity_type.replace('.', ' '))} {event.entity_name or event.entity_id}"
    return f"{name} and all it set off"[:MAX_NAME] if undo.correlation_id else name[:MAX_NAME]


def _related(undo: RecordUndo) -> dict[str, Any]:
    return {**record_of(undo), "name": undo.name and undo.name[:MAX_RELATED_NAME]}
