"""Recorded changes, prepared for reading: what kind of value a field holds and what became of it.

Data only; ``templates/_changes.html`` renders it by ``view``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from auditapp.log.changes import same, words_of
from auditapp.log.terms import value_text
from auditapp.reading.text_diff import Piece, word_diff

LONG_TEXT = 80
LONGEST_ASKED = 100
ISO_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


@dataclass(frozen=True)
class Value:
    """One side of a change. ``form`` is its kind, or what it is instead: null, empty, erased."""

    form: str
    text: str
    cut: int = 0  # characters left out


@dataclass(frozen=True)
class RefChange:
    """One related record: ``added``, ``removed``, ``kept`` or ``changed``, then by its attributes."""

    op: str
    text: str
    attributes: list[tuple[str, Value | None, Value | None]] = field(default_factory=list)


@dataclass(frozen=True)
class FieldChange:
    """A field and what became of it.

    ``view`` is ``values`` (previous and current side by side), ``words`` (one text with marks in
    it) or ``refs`` (a list of related records). A side is None where the field did not exist.
    ``asked`` is the current value as the filter's ``to`` takes it, None where it is none to ask for.
    """

    name: str
    label: str
    kind: str
    view: str
    previous: Value | None = None
    current: Value | None = None
    difference: str = ""
    words: list[Piece] = field(default_factory=list)
    refs: list[RefChange] = field(default_factory=list)
    more_refs: int = 0
    unchanged: bool = False
    asked: str | None = None


def field_changes(
    changes: Mapping[str, Mapping[str, Any]],
    *,
    deleted: bool = False,
    max_fields: int | None = 50,
    max_chars: int | None = 2000,
) -> tuple[list[FieldChange], int]:
    """Prepare an event's changes.

    :param deleted: the event ended the record: what is null now was lost, not set to null.
    :param max_fields: fields to prepare; None for all.
    :param max_chars: of a value to show; None for all.
    :return: the fields, and how many more there are.
    """
    names = list(changes)[:max_fields]
    prepared = [_field_change(name, changes[name], deleted, max_chars) for name in names]
    return prepared, len(changes) - len(names)


def _field_change(name: str, change: Mapping[str, Any], deleted: bool, max_chars: int | None) -> FieldChange:
    has_previous = "previous" in change
    has_current = "current" in change and not (deleted and change["current"] is None)
    previous, current = change.get("previous"), change.get("current")
    sides = [side for side, there in ((previous, has_previous), (current, has_current)) if there]
    kind = kind_of(change.get("kind"), sides)
    common: dict[str, Any] = {
        "name": name,
        "label": change.get("label") or words_of(name),
        "kind": kind,
        "asked": asked_of(current, kind),
    }
    if kind == "refs" and not any(isinstance(side, list) for side in sides):
        # One record in the place of another reads like any other value: by its name.
        previous, current = _named(previous), _named(current)
    elif kind == "refs":
        refs = list(_refs(_items(previous), _items(current), max_chars))
        if refs:
            limit = 50 if max_chars else len(refs)
            return FieldChange(**common, view="refs", refs=refs[:limit], more_refs=len(refs[limit:]))
    texts = kind == "text" and isinstance(previous, str) and isinstance(current, str)
    if texts and _is_long_edit(str(previous), str(current)):
        return FieldChange(
            **common, view="words", words=_cut(word_diff(str(previous), str(current)), max_chars)
        )
    return FieldChange(
        **common,
        view="values",
        previous=value_of(previous, kind, max_chars) if has_previous else None,
        current=value_of(current, kind, max_chars) if has_current else None,
        difference=_difference(previous, current) if kind in {"number", "money"} else "",
        unchanged=has_previous and has_current and same(previous, current),
    )


def asked_of(value: Any, kind: str) -> str | None:
    """Return a single short value as the text that the filter's ``to`` asks for, a record by its id.

    :return: None for what is long, empty, no value or several, and where "!" at its start would mean "not".
    """
    if isinstance(value, dict):
        value = value.get("id") if kind == "refs" else None
    if not isinstance(value, str | int | float):
        return None
    text = value_text(value)
    return text if 1 <= len(text) <= LONGEST_ASKED and not text.startswith("!") else None


def _named(value: Any) -> Any:
    return ref_name(value) if isinstance(value, dict) else value


def _is_long_edit(previous: str, current: str) -> bool:
    """Tell whether two texts are better read as one with marks in it than side by side."""
    different = previous and current and previous != current
    return bool(different) and max(len(previous), len(current)) > LONG_TEXT


def kind_of(hint: str | None, sides: Iterable[Any]) -> str:
    """Return the kind of a field: the source's hint where its values fit it, else by its values."""
    given = [side for side in sides if side is not None]
    looks = {_looks_like(side) for side in given}
    # An empty list says nothing about what it would hold.
    if "refs" in looks:
        looks.discard("nothing")
    found = looks.pop() if len(looks) == 1 else ("json" if looks & {"json", "refs"} else "text")
    if found == "nothing":
        return hint if hint in {"refs", "json"} else "json"
    if not given:
        return hint or "text"
    fits = {
        "money": {"number"},
        "choice": {"text", "date", "number", "boolean"},
        "text": {"text", "date"},
        "number": {"number"},
        "boolean": {"boolean"},
        "date": {"date"},
        "refs": {"refs"},
        "json": {"json", "refs", "text", "number", "boolean", "date"},
    }
    return hint if hint and found in fits[hint] else found


def _looks_like(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "date" if ISO_DATE.fullmatch(value) else "text"
    if isinstance(value, list):
        if not value:
            return "nothing"
        return "refs" if all(isinstance(item, dict) and _identity(item) for item in value) else "json"
    if isinstance(value, dict) and _identity(value) and "name" in value:
        return "refs"
    return "json"


def value_of(value: Any, kind: str, max_chars: int | None = 2000) -> Value:
    """Return one value as text, with the form that tells null, empty and the kinds apart."""
    if value is None:
        return Value("null", "no value")
    if value == "" or value == [] or value == {}:
        what = "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"
        return Value("empty", f"empty {what}")
    if isinstance(value, bool):
        return Value("boolean", "Yes" if value else "No")
    if isinstance(value, int | float):
        return Value(kind if kind in {"number", "money"} else "number", json.dumps(value))
    if isinstance(value, str):
        text, form = value, kind if kind in {"date", "choice"} else "text"
    else:
        text, form = json.dumps(value, ensure_ascii=False, indent=2), "json"
    if max_chars is not None and len(text) > max_chars:
        return Value(form, text[:max_chars], len(text) - max_chars)
    return Value(form, text)


def _difference(previous: Any, current: Any) -> str:
    """Return ``+2,500`` or ``−3``; computed in decimals, so 0.1 and 0.3 differ by 0.2."""
    if not all(isinstance(side, int | float) and not isinstance(side, bool) for side in (previous, current)):
        return ""
    by = Decimal(json.dumps(current)) - Decimal(json.dumps(previous))
    return f"{by:+,f}".replace("-", "−") if by and abs(by) < Decimal(10) ** 15 else ""


def _cut(pieces: list[Piece], limit: int | None) -> list[Piece]:
    if limit is None:
        return pieces
    kept: list[Piece] = []
    for piece in pieces:
        if piece.kind != "fold" and len(piece.text) > limit:
            kept += [Piece(piece.kind, piece.text[:limit]), Piece("cut", f"{len(piece.text) - limit:,}")]
            break
        kept.append(piece)
        limit -= 0 if piece.kind == "fold" else len(piece.text)
    return kept


def _items(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _identity(item: Mapping[str, Any]) -> str | None:
    for key in ("id", "columnId", "key"):
        if isinstance(item.get(key), str | int) and item[key] != "":
            return str(item[key])
    return None


def ref_name(item: Mapping[str, Any]) -> str:
    """Return what a related record is called, its id where it has no name."""
    for key in ("name", "label", "title", "email"):
        if isinstance(item.get(key), str) and item[key]:
            return str(item[key])
    return _identity(item) or json.dumps(item, ensure_ascii=False)


def _refs(
    before: list[dict[str, Any]], after: list[dict[str, Any]], max_chars: int | None
) -> Iterable[RefChange]:
    """Compare two lists by identity, not position: removed first, then changed, then added."""
    old = {_identity(item): item for item in before}
    new = {_identity(item): item for item in after}
    for key, item in old.items():
        if key not in new:
            yield RefChange("removed", ref_name(item), list(_attributes(item, max_chars)))
    for key, item in new.items():
        if key in old and not same(old[key], item):
            yield RefChange("changed", ref_name(item), list(_changed_attributes(old[key], item, max_chars)))
    for key, item in new.items():
        if key not in old:
            yield RefChange("added", ref_name(item), list(_attributes(item, max_chars)))
    for key, item in new.items():
        if key in old and same(old[key], item):
            yield RefChange("kept", ref_name(item))


_NAMING = {"id", "columnId", "key", "name", "label", "title", "email", "type"}


def _attributes(
    item: Mapping[str, Any], max_chars: int | None
) -> Iterable[tuple[str, Value | None, Value | None]]:
    for key, value in item.items():
        if key not in _NAMING and isinstance(value, int | float | str) and value != "":
            yield words_of(key), None, value_of(value, "text", max_chars)


def _changed_attributes(
    old: Mapping[str, Any], new: Mapping[str, Any], max_chars: int | None
) -> Iterable[tuple[str, Value | None, Value | None]]:
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in old or key not in new or not same(old[key], new[key]):
            yield (
                words_of(key),
                value_of(old[key], "text", max_chars) if key in old else None,
                value_of(new[key], "text", max_chars) if key in new else None,
            )
