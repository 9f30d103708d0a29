"""Which element of a list became which of another: by what they are, not by where they stand."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from auditapp.reading.diffs.sides import Care
from auditapp.values.references import identity_of

# Of two elements that are no records, so much must be alike for the one to be the other, edited.
ALIKE = 0.5
Place = tuple[int, int]


@dataclass(frozen=True)
class ListPairs:
    """Places of elements: ``both`` where one became the other, in the order of the second list.

    :ivar gone: places in the first list of what is not in the second.
    :ivar come: places in the second list of what is not in the first.
    """

    both: list[Place]
    gone: list[int]
    come: list[int]

    @property
    def is_reordered(self) -> bool:
        """Tell whether what is in both stands in another order."""
        return any(before > after for (before, _), (after, _) in pairwise(self.both))


def pair_elements(before: Sequence[Any], after: Sequence[Any], care: Care) -> ListPairs:
    """Pair the elements of two lists.

    First those that are the same, then records by their identity, then what is most alike, then objects
    and lists that stand in the same place.
    """
    pairing = _Pairing(before, after)
    pairing.add(_by_key(before, after, pairing, care.key_of))
    pairing.add(_by_key(before, after, pairing, _identity))
    pairing.add(_by_likeness(before, after, pairing, care))
    pairing.add(_by_place(before, after, pairing))
    return ListPairs(
        sorted(pairing.both, key=lambda pair: pair[1]), sorted(pairing.gone), sorted(pairing.come)
    )


class _Pairing:
    """What is paired so far, and what is left, in order."""

    def __init__(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        self.both: list[Place] = []
        self.gone = dict.fromkeys(range(len(before)))
        self.come = dict.fromkeys(range(len(after)))

    def add(self, pairs: Iterable[Place]) -> None:
        for old, new in list(pairs):
            self.both.append((old, new))
            del self.gone[old], self.come[new]


def _by_key(before: Sequence[Any], after: Sequence[Any], left: _Pairing, key_of: Any) -> Iterator[Place]:
    """Pair what has the same key: of several the first with the first."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for old in reversed(left.gone):
        places[key_of(before[old])].append(old)
    for new in left.come:
        key = key_of(after[new])
        if key is not NO_KEY and places.get(key):
            yield places[key].pop(), new


NO_KEY = object()


def _identity(item: Any) -> Hashable:
    identity = identity_of(item)
    if identity is None:
        return NO_KEY
    # Records of several types may share a list, and an id.
    return item["type"] if isinstance(item.get("type"), str) else None, identity


def _by_likeness(before: Sequence[Any], after: Sequence[Any], left: _Pairing, care: Care) -> Iterator[Place]:
    """Pair objects and lists without identity of which at least half is alike, the most alike first."""
    old_parts = {old: _parts(before[old], care) for old in left.gone if _is_nameless(before[old])}
    new_parts = {new: _parts(after[new], care) for new in left.come if _is_nameless(after[new])}
    with_part: defaultdict[Hashable, list[int]] = defaultdict(list)
    for old, parts in old_parts.items():
        for part in parts:
            with_part[part].append(old)
    candidates: list[tuple[float, int, int, int]] = []
    for new, parts in new_parts.items():
        shared: Counter[int] = Counter()
        for part, times in parts.items():
            olds = with_part.get(part, [])
            if not care.effort.spend(1 + len(olds)):
                return
            for old in olds:
                shared[old] += min(times, old_parts[old][part])
        for old, count in shared.items():
            likeness = count / max(parts.total(), old_parts[old].total())
            if likeness >= ALIKE:
                candidates.append((-likeness, abs(new - old), old, new))
    taken_old, taken_new = set(), set()
    for _, _, old, new in sorted(candidates):
        if old not in taken_old and new not in taken_new:
            taken_old.add(old)
            taken_new.add(new)
            yield old, new


def _is_nameless(item: Any) -> bool:
    return isinstance(item, list) or (isinstance(item, dict) and identity_of(item) is None)


def _parts(item: Any, care: Care) -> Counter[Hashable]:
    """Return what an object or a list is made of; an object is nothing like a list."""
    if isinstance(item, dict):
        return Counter([(key, care.key_of(value)) for key, value in item.items()])
    return Counter([(list, care.key_of(value)) for value in item])


def _by_place(before: Sequence[Any], after: Sequence[Any], left: _Pairing) -> Iterator[Place]:
    """Pair objects with objects and lists with lists that are left over in one place."""
    for old in left.gone:
        if old in left.come and _is_nameless(before[old]) and type(before[old]) is type(after[old]):
            yield old, old
