"""Recorded changes, prepared for reading: what kind of value a field holds and what became of it.

Data only; ``templates/_changes.html`` renders it by ``view``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from auditapp.reading.diffs.matching import Effort
from auditapp.reading.diffs.sides import ABSENT, Care, Sides, sides_of
from auditapp.reading.diffs.value_diff import (
    ListChange,
    PartChange,
    changed_parts,
    is_plain_list,
    list_change,
)
from auditapp.reading.diffs.values import filter_value_of, kind_of, ref_name, value_of
from auditapp.values.changes import label_of
from auditapp.values.references import identity_of

__all__ = ["FieldChange", "field_changes", "kind_of", "ref_name", "value_of"]


@dataclass(frozen=True)
class FieldChange:
    """A field and what became of it.

    ``view`` is ``values`` (previous and current side by side), ``words`` (one text with marks in
    it), ``refs`` (elements that came, went or changed) or ``parts`` (of an object, by their paths).

    :ivar sides: both values whole; of a list only where one side says more than its elements do.
    :ivar is_order: nothing but the order of parts changed.
    :ivar note: in words, what neither value says: that there was none.
    :ivar filter_value: the current value as the filter's ``to`` takes it, None where it is none to ask for.
    """

    name: str
    label: str
    kind: str
    view: str
    sides: Sides
    note: str = ""
    elements: ListChange | None = None
    parts: list[PartChange] = field(default_factory=list)
    more_parts: int = 0
    kept_parts: int = 0
    is_order: bool = False
    filter_value: str | None = None


def field_changes(
    changes: Mapping[str, Mapping[str, Any]],
    *,
    created: bool = False,
    deleted: bool = False,
    max_fields: int | None = 50,
    max_chars: int | None = 2000,
    effort: Effort | None = None,
) -> tuple[list[FieldChange], int]:
    """Prepare an event's changes.

    :param created: the event began the record, so that it goes without saying that a field was not
        there before.
    :param deleted: the event ended the record: what is null now was lost, not set to null.
    :param max_fields: fields to prepare; None for all.
    :param max_chars: of a value to show; None for all.
    :param effort: one for all that a page compares; by default one for these changes.
    :return: the fields, and how many more there are.
    """
    care = Care(max_chars, effort or Effort())
    names = list(changes)[:max_fields]
    prepared = [_field_change(name, changes[name], created, deleted, care) for name in names]
    return prepared, len(changes) - len(names)


def _field_change(
    name: str, change: Mapping[str, Any], created: bool, deleted: bool, care: Care
) -> FieldChange:
    previous, current = change.get("previous", ABSENT), change.get("current", ABSENT)
    if deleted and current is None:
        current = ABSENT
    hint = change.get("kind")
    kind = kind_of(hint, [side for side in (previous, current) if side is not ABSENT])
    care = replace(care, kind=hint)
    return FieldChange(
        name=name,
        label=change.get("label") or label_of(name),
        kind=kind,
        note=_note(previous, current, created, deleted),
        filter_value=filter_value_of(change.get("current"), kind),
        **_view(name, previous, current, kind, hint, care),
    )


def _note(previous: Any, current: Any, created: bool, deleted: bool) -> str:
    if previous is ABSENT and not created:
        return "was not there before"
    return "no longer there" if current is ABSENT and not deleted else ""


def _view(name: str, previous: Any, current: Any, kind: str, hint: str | None, care: Care) -> dict[str, Any]:
    """Return what depends on the view, with the view."""
    if kind == "refs" and not isinstance(previous, list) and not isinstance(current, list):
        if _is_same_record(previous, current, care):
            return _list_view([previous], [current], kind, care)
        # One record in the place of another reads like any other value: by its name.
        previous, current = _names(previous, current, care)
    elif care.same(previous, current):
        pass
    elif _is_list_change(previous, current):
        return _list_view(previous, current, kind, care)
    elif isinstance(previous, dict | list) and type(previous) is type(current) and previous and current:
        parts, more, kept = changed_parts(previous, current, care, name)
        sides = sides_of(previous, current, hint, care)
        is_order = not more and all(part.op == "moved" for part in parts)
        counts = {"more_parts": more, "kept_parts": kept}
        return {"view": "parts", "sides": sides, "parts": parts, "is_order": is_order, **counts}
    sides = sides_of(previous, current, hint, care)
    return {"view": "words" if sides.words else "values", "sides": sides}


def _is_same_record(previous: Any, current: Any, care: Care) -> bool:
    if not isinstance(previous, dict) or not isinstance(current, dict) or care.same(previous, current):
        return False
    identity = identity_of(previous)
    return identity is not None and identity == identity_of(current)


def _names(previous: Any, current: Any, care: Care) -> tuple[Any, Any]:
    """Return records by their names, with the ids where both have the same one."""
    names = [ref_name(side) if isinstance(side, dict) else side for side in (previous, current)]
    are_two = isinstance(previous, dict) and isinstance(current, dict) and not care.same(previous, current)
    if are_two and names[0] == names[1]:
        names = [
            f"{name} ({identity_of(side)})" for name, side in zip(names, (previous, current), strict=True)
        ]
    return names[0], names[1]


def _is_list_change(previous: Any, current: Any) -> bool:
    """Tell whether elements came or went: at least one side has some, and the other is no other value."""
    sides = [side for side in (previous, current) if isinstance(side, list)]
    others = [side for side in (previous, current) if not isinstance(side, list)]
    is_list = any(sides) and all(side is None or side is ABSENT for side in others)
    return is_list and all(is_plain_list(side) for side in sides)


def _list_view(previous: Any, current: Any, kind: str, care: Care) -> dict[str, Any]:
    before = previous if isinstance(previous, list) else []
    after = current if isinstance(current, list) else []
    # A source may tell relations as a difference: that none went is then no empty list.
    whole_sides = [
        side if side is None or (side == [] and kind != "refs") else ABSENT for side in (previous, current)
    ]
    return {
        "view": "refs",
        "sides": sides_of(whole_sides[0], whole_sides[1], None, care),
        "elements": list_change(before, after, care),
    }
