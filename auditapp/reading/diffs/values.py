"""Recorded values: what kind they are, who a related record is, and each as text."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from auditapp.index.field_terms import value_text
from auditapp.values.references import identity_of

LONGEST_FILTER_VALUE = 100
ISO_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
NAMES = ("name", "label", "title", "email")


@dataclass(frozen=True)
class Value:
    """One side of a change. ``form`` is its kind, or what it is instead: null, empty."""

    form: str
    text: str
    cut: int = 0  # characters left out


def kind_of(hint: str | None, sides: Iterable[Any]) -> str:
    """Return the kind of a field: the source's hint where its values fit it, else by its values."""
    present = [side for side in sides if side is not None]
    looks = {_looks_like(side) for side in present}
    # An empty list says nothing about what it would hold.
    if "refs" in looks:
        looks.discard("nothing")
    kind = looks.pop() if len(looks) == 1 else ("json" if looks & {"json", "refs"} else "text")
    if kind == "nothing":
        return hint if hint in {"refs", "json"} else "json"
    if not present:
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
    return hint if hint and kind in fits[hint] else kind


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
        return "refs" if all(isinstance(item, dict) and identity_of(item) for item in value) else "json"
    is_named = isinstance(value, dict) and identity_of(value) and any(value.get(name) for name in NAMES)
    return "refs" if is_named else "json"


def ref_name(item: Mapping[str, Any]) -> str:
    """Return what a related record is called, its id where it has no name."""
    for key in NAMES:
        if isinstance(item.get(key), str) and item[key]:
            return str(item[key])
    return identity_of(item) or json.dumps(item, ensure_ascii=False)


def value_of(value: Any, kind: str, max_chars: int | None = 2000) -> Value:
    """Return one value as text, with the form that tells null, empty and the kinds apart."""
    if value is None:
        return Value("null", "no value")
    if value == "" or value == [] or value == {}:
        noun = "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"
        return Value("empty", f"empty {noun}")
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


def filter_value_of(value: Any, kind: str) -> str | None:
    """Return a single short value as the text that the filter's ``to`` asks for, a record by its id.

    :return: None for what is long, empty, no value or several, and where "!" at its start would mean "not".
    """
    if isinstance(value, dict):
        value = value.get("id") if kind == "refs" else None
    if not isinstance(value, str | int | float):
        return None
    text = value_text(value)
    return text if 1 <= len(text) <= LONGEST_FILTER_VALUE and not text.startswith("!") else None
