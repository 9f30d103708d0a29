"""A field's value by itself, as a table of a record's state shows it: neither added nor removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from auditapp.log.changes import words_of
from auditapp.reading.diffs.values import Value, ref_name, value_of

MAX_CHARS = 400
MAX_ITEMS = 20
_NAMING = {"id", "columnId", "key", "name", "label", "title", "email", "type"}


@dataclass(frozen=True)
class Item:
    """A related record in a list: what it is called, and what else is said of it."""

    name: str
    attributes: list[tuple[str, Value]]


@dataclass(frozen=True)
class ShownValue:
    """A value: ``items`` of a list of related records, else ``one``. ``more``: items that are not shown."""

    one: Value | None
    items: list[Item] = dataclass_field(default_factory=list)
    more: int = 0


def shown_value(value: Any, kind: str) -> ShownValue:
    """Prepare a value of a kind that ``reading.values.kind_of`` found."""
    if kind == "refs" and isinstance(value, dict):
        return ShownValue(value_of(ref_name(value), "text", MAX_CHARS))
    if kind == "refs" and isinstance(value, list) and value:
        items = [_item(each) for each in value[:MAX_ITEMS]]
        return ShownValue(None, items, len(value) - len(items))
    return ShownValue(value_of(value, kind, MAX_CHARS))


def _item(value: Mapping[str, Any]) -> Item:
    attributes = [
        (words_of(key), value_of(each, "text", MAX_CHARS))
        for key, each in value.items()
        if key not in _NAMING and isinstance(each, int | float | str) and each != ""
    ]
    return Item(ref_name(value), attributes)
