"""A field's value by itself, as a table of a record's state shows it: neither added nor removed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any

from auditapp.reading.diffs.values import Value, ref_name, value_of
from auditapp.values.changes import label_of

MAX_CHARS, MAX_ITEMS = 400, 20  # to read at a glance
MAX_FOLDED, MAX_FOLDED_ITEMS = 4_000, 200  # of one value, behind them
PAGE_CHARS = 100_000  # folded on a page
_NAMING = {"id", "columnId", "key", "name", "label", "title", "email", "type"}


@dataclass
class Room:
    """How much a page may still fold away of long values; ``shows_all``: it shows all of them, unfolded."""

    shows_all: bool = False
    left: int = PAGE_CHARS

    def takes(self, characters: int) -> bool:
        """Take this much of it, or nothing where there is less."""
        if characters > self.left:
            return False
        self.left -= characters
        return True


@dataclass(frozen=True)
class ShownText:
    """A value as text: ``rest`` is folded behind it; where it is too long for that too, ``value`` is cut."""

    value: Value
    rest: Value | None = None


@dataclass(frozen=True)
class Item:
    """A related record in a list: what it is called, and what else is said of it."""

    name: str
    attributes: list[tuple[str, ShownText]]


@dataclass(frozen=True)
class ShownValue:
    """A value: ``items`` of a list of related records, else ``text``.

    :ivar folded: items behind those.
    :ivar more: how many are not shown.
    """

    text: ShownText | None
    items: list[Item] = dataclass_field(default_factory=list)
    folded: list[Item] = dataclass_field(default_factory=list)
    more: int = 0


def shown_value(value: Any, kind: str, room: Room) -> ShownValue:
    """Prepare a value of a kind that ``reading.values.kind_of`` found."""
    if kind == "refs" and isinstance(value, dict) and not room.shows_all:
        return ShownValue(_text(ref_name(value), "text", room))
    if kind == "refs" and isinstance(value, list) and value:
        most = None if room.shows_all else MAX_FOLDED_ITEMS
        items = [_item(record, room) for record in value[:most]]
        shown = None if room.shows_all else MAX_ITEMS
        folded = [] if shown is None else items[shown:]
        return ShownValue(None, items[:shown], folded, len(value) - len(items))
    return ShownValue(_text(value, kind, room))


def _text(value: Any, kind: str, room: Room) -> ShownText:
    whole = value_of(value, kind, None)
    left_out = len(whole.text) - MAX_CHARS
    if room.shows_all or left_out <= 0:
        return ShownText(whole)
    beginning = whole.text[:MAX_CHARS]
    if len(whole.text) <= MAX_FOLDED and room.takes(left_out):
        return ShownText(replace(whole, text=beginning), replace(whole, text=whole.text[MAX_CHARS:]))
    return ShownText(replace(whole, text=beginning, cut=left_out))


def _item(value: Mapping[str, Any], room: Room) -> Item:
    """Prepare a related record: what it is called, and what more there is to say of it."""
    attributes = [
        (label_of(key), _text(attribute, "text", room))
        for key, attribute in value.items()
        if room.shows_all or (key not in _NAMING and attribute not in (None, "", [], {}))
    ]
    return Item(ref_name(value), attributes)
