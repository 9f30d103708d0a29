"""Differences inside of lists and objects: by the identity of elements, not their position, and by path."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from auditapp.reading.diffs.list_pairs import pair_elements
from auditapp.reading.diffs.look_alikes import drawn
from auditapp.reading.diffs.sides import ABSENT, Care, Sides, sides_of
from auditapp.reading.diffs.values import NAMES, Value, ref_name, value_of
from auditapp.values.changes import label_of
from auditapp.values.references import identity_of

# What tells a related record from others, rather than something about it.
_NAMING = {"id", "columnId", "key", "type", *NAMES}
_PLAIN_KEY = re.compile(r"[^\s.\[\]\"]+")


class Part(NamedTuple):
    """A part of a value and what became of it.

    ``op`` is ``added``, ``removed``, ``changed``, ``kept``, or ``moved`` for a list in another order.
    """

    path: str
    op: str
    previous: Any
    current: Any


@dataclass(frozen=True)
class PartChange:
    """A part of a value as a reader sees it; ``label`` is its name in words, or its path.

    :ivar like: of a part that came, its path beside that of one that went and looks the same.
    """

    label: str
    op: str
    sides: Sides
    like: Sides | None = None


@dataclass(frozen=True)
class ItemChange:
    """An element of a list: ``added``, ``removed`` or ``changed``.

    :ivar text: what a related record is called; of another element ``value`` is all there is.
    :ivar id: only where another one of that name is in the list.
    :ivar attributes: of one that changed those that did, of another what it is like.
    :ivar like: of one that came, it beside one that went and looks the same.
    """

    op: str
    text: str
    id: str = ""
    value: Value | None = None
    attributes: list[PartChange] = field(default_factory=list)
    like: Sides | None = None


@dataclass(frozen=True)
class ListChange:
    """What became of a list: its elements that changed, and those that stayed, by their names.

    :ivar order: where that changed, all elements as they stand now.
    """

    items: list[ItemChange]
    more_items: int
    kept: list[str]
    more_kept: int
    reordered: bool
    order: list[str] = field(default_factory=list)
    more_order: int = 0


def list_change(before: Sequence[Any], after: Sequence[Any], care: Care) -> ListChange:
    """Compare two lists: removed first, then changed, then added."""
    pairs = pair_elements(before, after, care)
    pairs_of_values = [(before[old], after[new]) for old, new in pairs.both]
    changes = [
        *(("removed", before[old], ABSENT) for old in pairs.gone),
        *(
            ("changed", previous, current)
            for previous, current in pairs_of_values
            if not care.same(previous, current)
        ),
        *(("added", ABSENT, after[new]) for new in pairs.come),
    ]
    kept = [current for previous, current in pairs_of_values if care.same(previous, current)]
    all_items = [*(before[old] for old in pairs.gone), *after]
    looks = Counter(drawn(ref_name(item)) for item in all_items if isinstance(item, dict))
    gone = _Gone(care)
    for op, previous, _ in changes:
        if op == "removed":
            gone.add(_look(previous), previous)
    most = care.most_items
    order = after if pairs.is_reordered else []
    return ListChange(
        items=[_item(op, previous, current, looks, gone, care) for op, previous, current in changes[:most]],
        more_items=len(changes[most:]) if most else 0,
        kept=[_item_name(item) for item in kept[:most]],
        more_kept=len(kept[most:]) if most else 0,
        reordered=pairs.is_reordered,
        order=[_item_name(item) for item in order[:most]],
        more_order=len(order[most:]) if most else 0,
    )


class _Gone:
    """What went, by its looks: what came in its place may look the same."""

    def __init__(self, care: Care) -> None:
        self.care = care
        self.by_look: dict[str, list[Any]] = {}

    def add(self, look: str, value: Any) -> None:
        if self.care.effort.spend(len(look)):
            self.by_look.setdefault(drawn(look), []).append(value)

    def like(self, look: str) -> Any:
        """Return, once, what went and looks so; ``ABSENT`` where nothing did."""
        if not self.by_look or not self.care.effort.spend(len(look)):
            return ABSENT
        alike = self.by_look.get(drawn(look))
        return alike.pop(0) if alike else ABSENT


def _look(item: Any) -> str:
    """Return what a reader sees of an element."""
    return f"{ref_name(item)} ({identity_of(item)})" if isinstance(item, dict) else _item_name(item)


def is_plain_list(items: Sequence[Any]) -> bool:
    """Tell whether each element has an identity, or is no object or list: then its place is no matter."""
    return all(identity_of(item) if isinstance(item, dict) else not isinstance(item, list) for item in items)


def _item_name(item: Any) -> str:
    if isinstance(item, dict):
        return ref_name(item)
    return value_of(item, "text", 200).text


def _item(op: str, before: Any, after: Any, looks: Mapping[str, int], gone: _Gone, care: Care) -> ItemChange:
    item = before if after is ABSENT else after
    like = _beside(gone.like(_look(item)), item, care) if op == "added" else None
    if not isinstance(item, dict):
        return ItemChange(op, _item_name(item), value=value_of(item, "text", care.max_chars), like=like)
    name = ref_name(item)
    return ItemChange(
        op,
        name,
        id=(identity_of(item) or "") if looks[drawn(name)] > 1 else "",
        attributes=changed_parts(before, after, care)[0] if op == "changed" else _attributes(item, care),
        like=like,
    )


def _beside(twin: Any, item: Any, care: Care) -> Sides | None:
    """Return an element beside one that looks the same: references by their names, or by their ids alone."""
    if twin is ABSENT:
        return None
    if not isinstance(item, dict) or not isinstance(twin, dict):
        return sides_of(twin, item, None, care)
    if ref_name(twin) == ref_name(item):
        return sides_of(identity_of(twin), identity_of(item), "text", care)
    return sides_of(_look(twin), _look(item), "text", care)


def _attributes(item: Mapping[str, Any], care: Care) -> list[PartChange]:
    attributes = (
        (key, value)
        for key, value in item.items()
        if key not in _NAMING and isinstance(value, int | float | str) and value != ""
    )
    return [
        PartChange(label_of(key), "kept", sides_of(ABSENT, value, "text", care))
        for key, value in islice(attributes, care.most_items)
    ]


def changed_parts(before: Any, after: Any, care: Care, path: str = "") -> tuple[list[PartChange], int, int]:
    """Compare two objects, or two lists, part by part.

    :param path: what the whole is called; without it, its own parts are called by their names in words.
    :return: the parts that changed, how many more of them there are, and how many parts are the same.
    """
    changes: list[PartChange] = []
    gone = _Gone(care)
    more = kept = 0
    for part in parts(before, after, path, care):
        if part.op == "kept":
            kept += 1
        elif care.most_items is not None and len(changes) == care.most_items:
            more += 1
        else:
            changes.append(_prepared(part, gone, care))
    return changes, more, kept


def _prepared(part: Part, gone: _Gone, care: Care) -> PartChange:
    label = part.path if re.search(r"[.\[]", part.path) else label_of(part.path)
    if part.op == "moved":
        return PartChange(label, "moved", Sides(None, None))
    if part.op == "removed":
        gone.add(part.path, part.path)
    twin = gone.like(part.path) if part.op == "added" else ABSENT
    like = None if twin in (ABSENT, part.path) else sides_of(twin, part.path, "text", care)
    return PartChange(label, part.op, sides_of(part.previous, part.current, None, care), like)


def parts(before: Any, after: Any, path: str, care: Care) -> Iterator[Part]:
    """Yield the parts in which two values differ, and those that are the same, as large as they are."""
    if care.same(before, after):
        yield Part(path, "kept", before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _part(before.get(key, ABSENT), after.get(key, ABSENT), _inside(path, key), care)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _parts_of_list(before, after, path, care)
    else:
        yield Part(path, "changed", before, after)


def _part(before: Any, after: Any, path: str, care: Care) -> Iterator[Part]:
    if before is ABSENT or after is ABSENT:
        yield Part(path, "added" if before is ABSENT else "removed", before, after)
    else:
        yield from parts(before, after, path, care)


def _parts_of_list(before: list[Any], after: list[Any], path: str, care: Care) -> Iterator[Part]:
    """Yield what went by its place before, and all else by its place now."""
    pairs = pair_elements(before, after, care)
    is_plain = is_plain_list(before) and is_plain_list(after)
    for old in pairs.gone:
        yield Part(_place(path, before[old], old, is_plain), "removed", before[old], ABSENT)
    became = {new: before[old] for old, new in pairs.both}
    for new, item in enumerate(after):
        yield from _part(became.get(new, ABSENT), item, _place(path, item, new, is_plain), care)
    if pairs.is_reordered:
        yield Part(path, "moved", before, after)


def _place(path: str, item: Any, number: int, is_plain: bool) -> str:
    """Return the path of an element: of a record its name, of anything else its number, if that matters."""
    return f"{path}[{ref_name(item) if identity_of(item) else '' if is_plain else number}]"


def _inside(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key
