"""Two values side by side: as a reader sees each, how far apart they are, and what would escape them."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from auditapp.reading.diffs.distance import date_distance, number_distance
from auditapp.reading.diffs.look_alikes import Alike, look_alikes
from auditapp.reading.diffs.matching import Effort
from auditapp.reading.diffs.text_diff import Hunk, Piece, cut, folded, hunks
from auditapp.reading.diffs.values import Value, kind_of, value_of
from auditapp.values.equality import key_of, same

LONG_TEXT = 80
MOST_ITEMS = 50
# A side that is not there, which is not the same as null.
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()

_FORMS = {
    "null": "no value",
    "empty": "empty",
    "boolean": "a yes or no",
    "number": "a number",
    "money": "a number",
    "json": "an object or a list",
}


@dataclass(frozen=True)
class Care:
    """How much may be shown, and how much looked at: the same for all that a page shows.

    :ivar kind: what the source says that the field holds; by it values inside of others are the same.
    """

    max_chars: int | None
    effort: Effort
    kind: str | None = None

    def same(self, one: Any, other: Any) -> bool:
        """Tell whether two values of the field, or two parts of such, are the same."""
        return same(one, other, self.kind)

    def key_of(self, value: Any) -> Hashable:
        """Return what is equal for values that are the same."""
        return key_of(value, self.kind)

    @property
    def most_items(self) -> int | None:
        """Return how many elements of a value to show, None for all."""
        return MOST_ITEMS if self.max_chars else None


@dataclass(frozen=True)
class Sides:
    """A value before and after.

    :ivar previous: None where it did not exist; ``current`` likewise.
    :ivar difference: "+2,500", "3 days later", or what else the two texts do not say by themselves.
    :ivar alike: what differs where the two look the same.
    :ivar words: both as one text with marks in it, where that reads better than one beside the other.
    """

    previous: Value | None
    current: Value | None
    difference: str = ""
    alike: list[Alike] = field(default_factory=list)
    more_alike: int = 0
    words: list[Piece] = field(default_factory=list)
    unchanged: bool = False


def sides_of(previous: Any, current: Any, hint: str | None, care: Care) -> Sides:
    """Prepare two values.

    :param previous: ``ABSENT`` where there was none; ``current`` likewise.
    :param hint: the kind that the source gave.
    """
    kind = kind_of(hint, [side for side in (previous, current) if side is not ABSENT])
    before = None if previous is ABSENT else value_of(previous, kind, care.max_chars)
    after = None if current is ABSENT else value_of(current, kind, care.max_chars)
    if before is None or after is None:
        return Sides(before, after)
    if care.same(previous, current):
        if before == after:
            return Sides(before, after, unchanged=True)
        return Sides(
            before, after, _difference(previous, current, kind, hint) or "the same, written in another way"
        )
    changes, words = [Hunk("", previous, current)], []
    if isinstance(previous, str) and isinstance(current, str):
        if kind == "text" and _is_long_edit(previous, current):
            changes = hunks(previous, current, care.effort)
            words = _words(changes, care.max_chars)
        alike, more_alike = look_alikes(_places(changes), care.effort)
    else:
        alike, more_alike = [], 0
    difference = _difference(previous, current, kind, hint)
    if not difference and not alike and not words:
        difference = _unseen(before, after)
    return Sides(before, after, difference, alike, more_alike, words)


def _is_long_edit(previous: str, current: str) -> bool:
    """Tell whether two texts are better read as one with marks in it than side by side."""
    return bool(previous and current) and max(len(previous), len(current)) > LONG_TEXT


def _words(changes: list[Hunk], max_chars: int | None) -> list[Piece]:
    """Return the pieces of two texts, none where they have nothing in common."""
    if not any(hunk.same.strip() for hunk in changes):
        return []
    pieces = folded(changes)
    return pieces if max_chars is None else cut(pieces, max_chars)


def _places(changes: list[Hunk]) -> list[tuple[str, str, int]]:
    places, at = [], 0
    for hunk in changes:
        at += len(hunk.same)
        places.append((hunk.removed, hunk.added, at))
        at += len(hunk.removed)
    return places


def _difference(previous: Any, current: Any, kind: str, hint: str | None) -> str:
    if kind == "date":
        return date_distance(previous, current)
    if "number" in (kind, hint) or "money" in (kind, hint):
        return number_distance(previous, current)
    return ""


def _unseen(before: Value, after: Value) -> str:
    """Return what is different about two values that are shown as the same text."""
    if before.text != after.text:
        return ""
    if before.form == after.form:
        return "different further on"
    return f"was {_FORMS.get(before.form, 'text')}, is {_FORMS.get(after.form, 'text')}"
