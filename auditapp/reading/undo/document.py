"""An undo as the document that is handed over: see ``outbound/undo.py``."""

from datetime import datetime
from typing import Any

from auditapp.log.schema import instant
from auditapp.reading.timeline import EventRow
from auditapp.reading.undo.prepare import Conflict, Left, RecordUndo, Undo
from auditapp.reading.undo.sentences import (
    CAUTION_WORDS,
    LEFT_WORDS,
    action_sentences,
    conflict_sentence,
    done_sentences,
    text_of,
)

FORMAT = "auditapp-undo/1"


def document(undo: Undo, now: datetime) -> dict[str, Any]:
    """Return an undo as values for JSON."""
    return {
        "format": FORMAT,
        "made_at": instant(now),
        "of": of_undo(undo),
        "complete": not undo.more,
        "records": [_record_undo(record) for record in undo.records],
        "not_undone": [_left(left) for left in undo.left],
    }


def of_undo(undo: Undo) -> dict[str, Any]:
    """Return what is undone: an event, or a story."""
    if undo.correlation_id is not None:
        return {"correlation_id": undo.correlation_id}
    return {"event_id": str(undo.event.uid)}


def record_of(undo: RecordUndo) -> dict[str, Any]:
    """Return which record it is, with its name."""
    return {**undo.record._asdict(), "name": undo.name}


def _record_undo(undo: RecordUndo) -> dict[str, Any]:
    conflicts = [
        f"{text_of(conflict_sentence(conflict))}, {_at(conflict.event)}." for conflict in undo.conflicts
    ]
    sentences = [*action_sentences(undo), *done_sentences(undo)]
    return {
        "record": record_of(undo),
        "action": undo.action,
        "changes": undo.changes,
        "conflicts": [_conflict(conflict) for conflict in undo.conflicts],
        "text": [
            *(f"{text_of(sentence)}." for sentence in sentences),
            *conflicts,
            *(CAUTION_WORDS[caution] for caution in undo.cautions),
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
