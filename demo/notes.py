"""Long texts that people of the demo company write and rewrite: a first version, and its edits.

An edit replaces one passage by another; an empty first passage adds a paragraph at the end.
"""

import re
from pathlib import Path
from typing import NamedTuple

TEXTS = Path(__file__).parent / "texts"

Edit = tuple[str, str]


class Note(NamedTuple):
    """A text and what becomes of it, edit by edit."""

    text: str
    edits: tuple[Edit, ...]

    def versions(self) -> list[str]:
        """Return every version, the first one included."""
        versions = [self.text]
        for old, new in self.edits:
            versions.append(edited(versions[-1], old, new))
        return versions


def edited(text: str, old: str, new: str) -> str:
    """Replace one passage of a text, or add a paragraph where ``old`` is empty.

    :raise ValueError: if the passage does not occur: the table was written wrong.
    """
    if not old:
        return f"{text}\n\n{new}"
    if old not in text:
        raise ValueError(f"no such passage: {old!r}")
    return text.replace(old, new, 1)


def _notes_in(name: str) -> dict[str, Note]:
    """Read a file of ``texts/``: notes under ``# key``, each with its edits."""
    notes = {}
    for block in re.split(r"^# ", (TEXTS / name).read_text("utf-8"), flags=re.MULTILINE)[1:]:
        key, rest = block.rstrip("\n").split("\n", 1)
        text, *edits = re.split(r"\n--- replace\n", rest)
        pairs = (edit.split("+++ by\n", 1) for edit in edits)
        notes[key] = Note(text, tuple((old.removesuffix("\n"), new) for old, new in pairs))
    return notes


DEAL_NOTES = _notes_in("deal_notes.txt")  # by the name of the deal
SHORT_NOTES = tuple(_notes_in("short_notes.txt").values())
ORGANIZATION_NOTES = _notes_in("organization_notes.txt")  # by the key of the organization
CONTACT_NOTES = tuple(_notes_in("contact_notes.txt").values())
TASK_TEXTS = (
    ("Call {contact} back", "Asked for a call about the delivery date. Best before noon."),
    (
        "Prepare site visit at {organization}",
        "Badge, safety shoes, floor plan.\nParking is behind the gate on the left.",
    ),
    ("Send references", "Two from the same industry, with names and telephone numbers. Ask them first."),
    ("Check stock for {deal}", "Storage and switches only; the rest is on the shelf."),
    (
        "Draft statement of work",
        "Scope, dates, who provides what. Use the new template, the old one has the wrong terms.",
    ),
    ("Clarify terms of payment", "They ask for 45 days. Ahmad decides."),
    ("Book migration weekend", "Two engineers, Saturday 06:00 to Sunday 14:00, hotel included."),
    (
        "Answer security questionnaire",
        "92 questions, most of them as last year. New: where backups are kept, and for how long.",
    ),
    ("Update network plan", "The plan in the files is from before the extension of the building."),
    ("Collect signed order", ""),
)
