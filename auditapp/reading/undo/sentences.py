"""An undo in plain sentences, the same on the page and in the document that is handed over.

A sentence comes in parts, so that a page can set apart what somebody else wrote.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from auditapp.hidden import HIDDEN, code_point
from auditapp.reading.diffs.field_changes import kind_of, ref_name, value_of
from auditapp.reading.timeline import EventRow
from auditapp.reading.undo.prepare import Conflict, RecordUndo
from auditapp.reading.undo.reverse import CREATE, DELETE
from auditapp.values.changes import label_of
from auditapp.values.equality import same
from auditapp.values.references import by_identity, identity_of

LONGEST = 60
LONGEST_NAME = 200
MAX_ITEMS = 20  # of one list that are told one by one

LEFT_WORDS = {
    "failed": "It did not succeed, so it changed nothing.",
    "nothing": "It changed no field of a record.",
    "erased": "Its changes were erased, so nobody can tell what to go back to.",
    "back": "All it changed is back already.",
    "deleted": "Nothing of it is left to take back: the record has been deleted since.",
    "gone": "The record it made is gone already.",
    "limit": "It lies too far back: too many versions of the record followed.",
}
CAUTION_WORDS = {
    "erased": "Some changes since then were erased: fields may have changed without it showing here.",
    "role": "Your role shows only some of this record’s events: others may have changed it since.",
    "lists": "The log does not reach back to this record’s creation: its lists may hold more than is known.",
}
_ACTORS = {"api_key": "the API key ", "workflow": "the workflow ", "system": "the system ", "anonymous": ""}


class Part(NamedTuple):
    """A part of a sentence; ``is_foreign`` if somebody else wrote it."""

    text: str
    is_foreign: bool = False


Sentence = tuple[Part, ...]


def text_of(sentence: Sentence) -> str:
    """Return a sentence as text."""
    return "".join(part.text for part in sentence)


def action_sentences(undo: RecordUndo) -> list[Sentence]:
    """Return what is to be done with a record, one thing a sentence."""
    record = (
        Part(f"{label_of(undo.record.type.replace('.', ' ')).lower()} "),
        _own(undo.name or undo.record.id),
    )
    if undo.action == DELETE:
        return [(Part("Delete "), *record)]
    if undo.action == CREATE:
        fields = [_set(_label(name, change), change, back=False) for name, change in undo.changes.items()]
        return [(Part("Create "), *record, Part(" again")), *fields]
    return [
        sentence
        for name, change in undo.changes.items()
        for sentence in _changed(_label(name, change), change)
    ]


def done_sentences(undo: RecordUndo) -> list[Sentence]:
    """Return which fields are back already."""
    return [(_own(label), Part(" is back already")) for label in undo.already_back]


def conflict_sentence(conflict: Conflict) -> Sentence:
    """Return what stands against it, without when that was."""
    by = (Part(f"by {_ACTORS.get(conflict.event.actor_type, '')}"), _own(_actor(conflict.event)))
    if conflict.reason == "deleted":
        return (Part("The record has been deleted since, "), *by)
    if conflict.reason == "exists":
        return (Part("The record was created again since, "), *by)
    now = _value(conflict.now, conflict.kind)
    state = (Part("; it is "), now, Part(" now")) if now else (Part("; it has another value now"),)
    return (_own(conflict.label or ""), Part(" has changed since, "), *by, *state)


def _actor(event: EventRow) -> str:
    return str(event.actor_name or event.actor_id or "somebody whose name was erased")


def _label(name: str, change: dict[str, Any]) -> Part:
    return _own(change.get("label") or label_of(name))


def _changed(label: Part, change: dict[str, Any]) -> Iterator[Sentence]:
    before, after = by_identity(change.get("previous")), by_identity(change["current"])
    if before is None or after is None or not (before or after):
        yield _set(label, change)
        return
    sentences = list(_items(label, before, after, change.get("kind")))
    if not sentences:
        yield (Part("Put "), label, Part(" back into its earlier order"))
    yield from sentences[:MAX_ITEMS]
    if len(sentences) > MAX_ITEMS:
        yield (Part(f"Change {len(sentences) - MAX_ITEMS:,} more in "), label, Part(" back"))


def _items(label: Part, now: dict[str, Any], wanted: dict[str, Any], kind: str | None) -> Iterator[Sentence]:
    for key, item in now.items():
        if key not in wanted:
            yield (Part("Take "), _own(ref_name(item)), Part(" out of "), label)
    for key, item in wanted.items():
        if key not in now:
            yield (Part("Put "), _own(ref_name(item)), Part(" back into "), label)
        else:
            yield from _attributes(label, now[key], item, kind)


def _attributes(
    label: Part, now: dict[str, Any], wanted: dict[str, Any], kind: str | None
) -> Iterator[Sentence]:
    for key in {**now, **wanted}:
        if key in now and key in wanted and same(now[key], wanted[key], kind):
            continue
        of = (_own(label_of(key)), Part(" of "), _own(ref_name(wanted)), Part(" in "), label)
        value = _value(wanted.get(key), kind_of(None, [wanted.get(key)]))
        yield (Part("Set "), *of, *((Part(" back to "), value) if value else (Part(" back to what it was"),)))


def _set(label: Part, change: dict[str, Any], *, back: bool = True) -> Sentence:
    value = change["current"]
    shown = _value(value, kind_of(change.get("kind"), [change.get("previous"), value]))
    start = (Part("Set "), label, Part(" back to " if back else " to "))
    if shown:
        return (*start, shown)
    if isinstance(value, str):
        return (*start, Part(f"{'its earlier' if back else 'a'} text of {len(value):,} characters"))
    return (*start, Part("what it was before" if back else "what it was"))


def _value(value: Any, kind: str) -> Part | None:
    """Return a value in a few words; None where it takes more."""
    if isinstance(value, dict) and identity_of(value):
        return _own(ref_name(value))
    if (items := by_identity(value)) and len(items) <= 3:
        return _own(", ".join(map(ref_name, items.values())))
    if value is None or value in ("", [], {}) or isinstance(value, bool):
        return Part(value_of(value, kind).text)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _own(text) if len(text) <= LONGEST else None


def _own(text: str) -> Part:
    """Return what somebody else wrote: in one line, hidden characters shown, not too long."""
    shown = HIDDEN.sub(code_point, " ".join(text.split())) or "(empty)"
    return Part(shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…", is_foreign=True)
