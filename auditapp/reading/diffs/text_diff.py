"""Word by word differences of two texts, as data. Bounded: a hostile text never hangs a page."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from auditapp.reading.diffs.matching import Effort, matches

CONTEXT = 80  # characters of unchanged text that stay beside a change
SHORTEST_FOLD = 60
LONGEST_WORD = 80
LEAST_KEPT = 10  # words in common are chance where they are less than this part of the text
MOST_MARKS = 1000  # between two lines: nobody reads more, and a page of them is slow to make
LETTERS = 4  # letters that are taken apart into words, for a step

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Marks that a letter wears, and what joins pictures, stay with what they follow.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u200c\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
)
_TOKEN = re.compile(rf"\s|(?:[^\W{_UNSPACED}][{_MARKS}\u200d]*)+|[^\s][{_MARKS}]*(?:\u200d[^\s][{_MARKS}]*)*")
_SPACE = re.compile(r"\s")
# A line, or a sentence of one.
_LINE = re.compile(r"[^\n]*?(?:\n|[.!?][ \t]+(?=[^\n]))|[^\n]+")


class Piece(NamedTuple):
    """A stretch of text: ``same``, ``del``, ``ins``, or ``fold`` for unchanged text left out."""

    kind: str
    text: str


class Hunk(NamedTuple):
    """Unchanged text, then what was removed and what was added after it."""

    same: str
    removed: str
    added: str


def word_diff(previous: str, current: str, effort: Effort | None = None) -> list[Piece]:
    """Return the pieces that lead from one text to the other, unchanged stretches folded.

    Dropping ``ins`` gives ``previous``, dropping ``del`` gives ``current`` (folds included). Where
    the texts are too different for the effort, the lines between equal ones are a block each, and
    all of it is one where that is too much.
    """
    return folded(hunks(previous, current, effort or Effort()))


def hunks(previous: str, current: str, effort: Effort) -> list[Hunk]:
    """Return the changes from one text to the other, each after the unchanged text before it.

    The last one may be unchanged text alone.
    """
    head, tail = _ends(previous, current)
    end_old, end_new = len(previous) - tail, len(current) - tail
    changes = [
        Hunk(previous[:head], "", ""),
        *_by_lines(previous[head:end_old], current[head:end_new], effort),
        Hunk(previous[end_old:], "", ""),
    ]
    return list(_joined(_joined(changes, _is_any), _is_stop))


def _ends(previous: str, current: str) -> tuple[int, int]:
    """Return how many characters at the beginning and at the end are the same, words left whole."""
    head = _common(previous, current)
    before, after = previous[head:][::-1], current[head:][::-1]
    return head, _common(before, after)


def _common(one: str, other: str) -> int:
    """Return the length of the common beginning, to the last place between words if one is near."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    if low == len(one) == len(other):
        return low
    near = max(0, low - LONGEST_WORD)
    return 1 + max(near - 1, one.rfind(" ", near, low), one.rfind("\n", near, low))


def _by_lines(old: str, new: str, effort: Effort) -> Iterator[Hunk]:
    """Compare line by line and sentence by sentence, and what is between equal ones word by word."""
    if effort.left < 0:
        yield Hunk("", old, new)
        return
    old_lines, new_lines = _LINE.findall(old), _LINE.findall(new)
    if len(old_lines) < 2 or len(new_lines) < 2:
        yield from _by_words(old, new, effort)
        return
    # A line that only ends in another way is the same line.
    pairs = matches([line.rstrip() for line in old_lines], [line.rstrip() for line in new_lines], effort)
    start = at_i = at_j = 0  # where the run of equal lines begins, and where it ends
    for i, j in [*pairs, (len(old_lines), len(new_lines))]:
        is_end = i == len(old_lines)
        if (i, j) == (at_i, at_j) and not is_end and old_lines[i] == new_lines[j]:
            at_i, at_j = i + 1, j + 1
            continue
        yield Hunk("".join(old_lines[start:at_i]), "", "")
        yield from _by_words("".join(old_lines[at_i:i]), "".join(new_lines[at_j:j]), effort)
        if not is_end and old_lines[i] != new_lines[j]:
            yield from _by_words(old_lines[i], new_lines[j], effort)
            i, j = i + 1, j + 1
            start = at_i = i
            at_j = j
        else:
            start, at_i, at_j = i, i + 1, j + 1


def _by_words(old: str, new: str, effort: Effort) -> Iterator[Hunk]:
    if old == new:
        yield Hunk(old, "", "")
    elif not old or not new or not effort.spend((len(old) + len(new)) // LETTERS):
        yield Hunk("", old, new)
    else:
        changes = list(_hunks(_TOKEN.findall(old), _TOKEN.findall(new), effort))
        unchanged = sum(len(hunk.same) - hunk.same.count(" ") for hunk in changes)
        reads_well = unchanged * LEAST_KEPT >= min(len(old), len(new)) and len(changes) <= MOST_MARKS
        yield from changes if reads_well else [Hunk("", old, new)]


def _hunks(old: Sequence[str], new: Sequence[str], effort: Effort) -> Iterator[Hunk]:
    start = at_i = at_j = 0  # where the unchanged run begins, and where it ends
    for i, j in [*matches(old, new, effort), (len(old), len(new))]:
        if i > at_i or j > at_j:
            yield Hunk("".join(old[start:at_i]), "".join(old[at_i:i]), "".join(new[at_j:j]))
            start = i
        at_i, at_j = i + 1, j + 1
    yield Hunk("".join(old[start:]), "", "")


def _joined(changes: Iterable[Hunk], is_stop: Callable[[str, int, int], bool]) -> Iterator[Hunk]:
    """Make one hunk of those that no unchanged text parts which is a stop.

    :param is_stop: of the unchanged text, and how long the changes before and after it are.
    """
    same: list[str] = []
    removed: list[str] = []
    added: list[str] = []
    size = 0
    for hunk in changes:
        next_size = max(len(hunk.removed), len(hunk.added))
        if size and hunk.same and is_stop(hunk.same, size, next_size):
            yield Hunk("".join(same), "".join(removed), "".join(added))
            same, removed, added, size = [], [], [], 0
        if size:
            removed.append(hunk.same)
            added.append(hunk.same)
        else:
            same.append(hunk.same)
        removed.append(hunk.removed)
        added.append(hunk.added)
        size += next_size + (len(hunk.same) if size else 0)
    yield Hunk("".join(same), "".join(removed), "".join(added))


def _is_any(same: str, before: int, after: int) -> bool:
    return True


def _is_stop(same: str, before: int, after: int) -> bool:
    """Tell whether unchanged text is enough to part the changes beside it.

    A space is not: ``a b`` became ``c d`` reads as one change. Nor is "of" between two long ones.
    """
    words = len(same.strip())
    return not after or "\n" in same or (words > 0 and words * 2 >= min(before, after))


def folded(changes: Sequence[Hunk]) -> list[Piece]:
    """Return hunks as pieces, the middle of long unchanged stretches folded."""
    return [piece for place, hunk in enumerate(changes) for piece in _pieces(hunk, place == 0) if piece.text]


def _pieces(hunk: Hunk, is_first: bool) -> Iterator[Piece]:
    same, removed, added = hunk
    start = 0 if is_first else _next_space(same, CONTEXT)
    is_last = not removed and not added
    end = len(same) - (0 if is_last else _next_space(same[-2 * CONTEXT :][::-1], CONTEXT))
    if end - start < SHORTEST_FOLD:
        yield Piece("same", same)
    else:
        yield from (Piece("same", same[:start]), Piece("fold", same[start:end]), Piece("same", same[end:]))
    yield from (Piece("del", removed), Piece("ins", added))


def cut(pieces: Sequence[Piece], limit: int) -> list[Piece]:
    """Leave out what is more than a page should hold, in characters of a kind.

    What is left out at the end becomes a ``cut``, a longer fold a ``skip``; their text is how many
    characters that is.
    """
    kept: list[Piece] = []
    room = {"same": limit, "del": limit, "ins": limit, "fold": limit}
    left_out = 0
    for piece in pieces:
        if piece.kind == "fold" and len(piece.text) > room["fold"] and not left_out:
            kept.append(Piece("skip", f"{len(piece.text):,}"))
            continue
        # After what was cut, what came in its place is still shown, and nothing more.
        shown = piece.text[: room[piece.kind]] if not left_out or (kept and kept[-1].kind == "del") else ""
        shown = "" if left_out and piece.kind != "ins" else shown
        room[piece.kind] -= len(shown)
        left_out += len(piece.text) - len(shown)
        if shown:
            kept.append(Piece(piece.kind, shown))
    return [*kept, Piece("cut", f"{left_out:,}")] if left_out else kept


def _next_space(text: str, at: int) -> int:
    """Return the first place between words that is not before ``at``, or ``at`` where none is near."""
    match = _SPACE.search(text, at, at + 30)
    return match.start() if match else min(at, len(text))
