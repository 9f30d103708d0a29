"""What two sequences have in common, in order. Bounded by steps, so that no input makes a page wait.

Words, lines or letters, it is all the same here: whatever can be a key.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

MOST_STEPS = 300_000  # between a tenth and a fifth of a second
LINEAR = 3  # elements that are only looked at, for a step
DEEPEST = 8

Pair = tuple[int, int]


class Effort:
    """The steps that comparing may still take, for all that a page compares together."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> bool:
        """Take steps, and tell whether there were that many."""
        self.left = max(-1, self.left - steps)
        return self.left >= 0


def matches(old: Sequence[Hashable], new: Sequence[Hashable], effort: Effort) -> list[Pair]:
    """Return the places of equal elements in both, ascending in both.

    As many as there can be, where that takes few steps; else those between elements that occur
    once in both ("patience"); else those at the beginning and the end.
    """
    if not effort.spend((len(old) + len(new)) // LINEAR):
        return []
    return list(_matches(old, new, 0, 0, effort, DEEPEST))


def _matches(
    old: Sequence[Hashable], new: Sequence[Hashable], at_old: int, at_new: int, effort: Effort, depth: int
) -> Iterator[Pair]:
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    yield from ((at_old + place, at_new + place) for place in range(head))
    end_old, end_new = len(old) - tail, len(new) - tail
    for i, j in _middle(old[head:end_old], new[head:end_new], effort, depth):
        yield at_old + head + i, at_new + head + j
    yield from ((at_old + end_old + place, at_new + end_new + place) for place in range(tail))


def _common(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    for count, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return count
    return min(len(one), len(other))


def _middle(old: Sequence[Hashable], new: Sequence[Hashable], effort: Effort, depth: int) -> Iterator[Pair]:
    # What one side alone has is no match, whatever the way: leaving it out makes the way short.
    in_old, in_new = set(old), set(new)
    places_old = [place for place, element in enumerate(old) if element in in_new]
    places_new = [place for place, element in enumerate(new) if element in in_old]
    if not places_old or not effort.spend((len(old) + len(new)) // LINEAR):
        return
    a, b = [old[place] for place in places_old], [new[place] for place in places_new]
    most = _most(a, b, effort)
    for i, j in _between_anchors(a, b, effort, depth) if most is None else most:
        yield places_old[i], places_new[j]


def _between_anchors(
    a: Sequence[Hashable], b: Sequence[Hashable], effort: Effort, depth: int
) -> Iterator[Pair]:
    anchors = _anchors(a, b) if depth and effort.spend((len(a) + len(b)) // LINEAR) else []
    if not anchors:
        return
    for (i, j), (next_i, next_j) in pairwise([(-1, -1), *anchors, (len(a), len(b))]):
        if i >= 0:
            yield i, j
        yield from _matches(a[i + 1 : next_i], b[j + 1 : next_j], i + 1, j + 1, effort, depth - 1)


def _anchors(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Pair]:
    """Return the longest ascending run of the elements that occur once in both."""
    often_a, often_b = Counter(a), Counter(b)
    place_in_b = {element: place for place, element in enumerate(b) if often_b[element] == 1}
    once = [
        (place, place_in_b[element])
        for place, element in enumerate(a)
        if often_a[element] == 1 and element in place_in_b
    ]
    # Longest increasing subsequence: the end of the best run of each length, and whom it follows.
    ends: list[int] = []
    chosen: list[int] = []
    before: list[int | None] = []
    for at, (_, j) in enumerate(once):
        length = bisect_left(ends, j)
        ends[length : length + 1] = [j]
        chosen[length : length + 1] = [at]
        before.append(chosen[length - 1] if length else None)
    run: list[Pair] = []
    last = chosen[-1] if chosen else None
    while last is not None:
        run.append(once[last])
        last = before[last]
    return run[::-1]


def _most(a: Sequence[Hashable], b: Sequence[Hashable], effort: Effort) -> list[Pair] | None:
    """Return the most matches there can be, or None where that takes more than half of what is left.

    E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986: the greedy one.
    """
    allowed = effort.left // 2
    furthest = {1: 0}
    trail: list[dict[int, int]] = []
    for edits in range(len(a) + len(b) + 1):
        reached: dict[int, int] = {}
        # Beyond the ends of a or b there is nothing to reach.
        lowest = -edits + 2 * max(0, edits - len(b))
        highest = edits - 2 * max(0, edits - len(a))
        for diagonal in range(lowest, highest + 1, 2):
            down, right = furthest.get(diagonal + 1, -1), furthest.get(diagonal - 1, -1) + 1
            i = start = max(down, right)
            j = i - diagonal
            while i < len(a) and j < len(b) and a[i] == b[j]:
                i, j = i + 1, j + 1
            reached[diagonal] = i
            allowed -= 2 + i - start
            effort.spend(2 + i - start)
            if i >= len(a) and j >= len(b):
                trail.append(reached)
                return _walked_back(trail, diagonal)
            if allowed < 0:
                return None
        trail.append(reached)
        furthest = reached
    raise AssertionError("deleting all and inserting all leads there")


def _walked_back(trail: list[dict[int, int]], diagonal: int) -> list[Pair]:
    pairs: list[Pair] = []
    for edits in range(len(trail) - 1, -1, -1):
        end = trail[edits][diagonal]
        earlier = trail[edits - 1] if edits else {1: 0}
        down, right = earlier.get(diagonal + 1, -1), earlier.get(diagonal - 1, -1) + 1
        start = max(down, right)
        pairs += [(i, i - diagonal) for i in range(end - 1, start - 1, -1)]
        diagonal += 1 if down >= right else -1
    return pairs[::-1]
