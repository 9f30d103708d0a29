"""An undo as the document that is handed over. That it was handed over is an event.

Nothing here writes to another product: who takes the document decides what becomes of it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from auditapp.access.own_events import note_first
from auditapp.access.viewer import Viewer
from auditapp.hidden import HIDDEN, json_escape
from auditapp.log.schema import instant
from auditapp.reading.timeline import EventRow
from auditapp.reading.undo.prepare import Conflict, Left, RecordUndo, Undo
from auditapp.reading.undo.words import (
    CAUTION_WORDS,
    LEFT_WORDS,
    action_sentences,
    conflict_sentence,
    done_sentences,
    text_of,
)
from auditapp.values.changes import label_of

FORMAT = "auditapp-undo/1"
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
        "fields": sum(len(each.changes) for each in undo.records),
        "conflicts": sum(len(each.conflicts) for each in undo.records),
    }
    note_first(
        viewer.workspace,
        "undo.prepared",
        dict(actor),
        {"id": _id(undo), "name": _name(undo)},
        related=[_related(each) for each in undo.records[:MAX_RELATED]],
        payload={"of": _of(undo), "how": how, **counts},
        **more,
    )
    text = orjson.dumps(document(undo, datetime.now(UTC)), option=orjson.OPT_INDENT_2).decode()
    # Whoever reads it before using it must see what it says.
    return HIDDEN.sub(json_escape, text).encode()


def document(undo: Undo, now: datetime) -> dict[str, Any]:
    """Return an undo as values for JSON."""
    return {
        "format": FORMAT,
        "made_at": instant(now),
        "of": _of(undo),
        "complete": not undo.more,
        "records": [_record_undo(each) for each in undo.records],
        "not_undone": [_left(each) for each in undo.left],
    }


def _id(undo: Undo) -> str:
    """Return what the event is about: the story's id, its first event's where no record can have that id."""
    story = undo.correlation_id
    return str(undo.event.uid) if story in (None, ".", "..") else str(story)


def _name(undo: Undo) -> str:
    event = undo.event
    name = f"{label_of(event.entity_type.replace('.', ' '))} {event.entity_name or event.entity_id}"
    return f"{name} and all it set off"[:MAX_NAME] if undo.correlation_id else name[:MAX_NAME]


def _of(undo: Undo) -> dict[str, Any]:
    if undo.correlation_id is not None:
        return {"correlation_id": undo.correlation_id}
    return {"event_id": str(undo.event.uid)}


def _record(undo: RecordUndo) -> dict[str, Any]:
    return {**undo.record._asdict(), "name": undo.name}


def _related(undo: RecordUndo) -> dict[str, Any]:
    return {**_record(undo), "name": undo.name and undo.name[:MAX_RELATED_NAME]}


def _record_undo(undo: RecordUndo) -> dict[str, Any]:
    conflicts = [f"{text_of(conflict_sentence(each))}, {_at(each.event)}." for each in undo.conflicts]
    told = [*action_sentences(undo), *done_sentences(undo)]
    return {
        "record": _record(undo),
        "action": undo.action,
        "changes": undo.changes,
        "conflicts": [_conflict(each) for each in undo.conflicts],
        "text": [
            *(f"{text_of(each)}." for each in told),
            *conflicts,
            *(CAUTION_WORDS[each] for each in undo.cautions),
        ],
    }


def _at(event: EventRow) -> str:
    return f"at {instant(event.occurred_at)}"


def _conflict(conflict: Conflict) -> dict[str, Any]:
    event = conflict.event
    field = {"field": conflict.field, "label": conflict.label, "now": conflict.now} if conflict.field else {}
    return {
        "reason": conflict.reason,
        **field,
        "event_id": str(event.uid),
        "occurred_at": instant(event.occurred_at),
        "actor": {"type": event.actor_type, "id": event.actor_id, "name": event.actor_name},
    }


def _left(left: Left) -> dict[str, Any]:
    event = left.event
    return {
        "event_id": str(event.uid),
        "event": event.event,
        "record": {"type": event.entity_type, "id": event.entity_id, "name": event.entity_name},
        "reason": left.reason,
        "text": LEFT_WORDS[left.reason],
    }
