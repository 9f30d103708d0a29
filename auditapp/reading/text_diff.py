"""Word by word differences of two texts, as data. Bounded: a hostile text never hangs a page."""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

MAX_WORDS = 1500
CONTEXT_WORDS = 12

_WORD = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of text: ``same``, ``del``, ``ins``, or ``fold`` for unchanged text left out."""

    kind: str
    text: str


def word_diff(previous: str, current: str) -> list[Piece]:
    """Return the pieces that lead from one text to the other, unchanged stretches folded.

    Dropping ``ins`` gives ``previous``, dropping ``del`` gives ``current`` (folds included). Where
    more than 1,500 words lie between the common beginning and end, they are shown as one block.
    """
    old, new = _WORD.findall(previous), _WORD.findall(current)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    end_old, end_new = len(old) - tail, len(new) - tail
    pieces = [Piece("same", "".join(old[:head]))]
    pieces += _middle(old[head:end_old], new[head:end_new])
    pieces.append(Piece("same", "".join(old[end_old:])))
    return _fold([piece for piece in pieces if piece.text])


def _common(one: list[str], other: list[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _middle(old: list[str], new: list[str]) -> list[Piece]:
    if max(len(old), len(new)) > MAX_WORDS or not old or not new:
        return [Piece("del", "".join(old)), Piece("ins", "".join(new))]
    pieces: list[Piece] = []
    # autojunk drops words in more than 1 % of a long text: coarser, but never quadratic.
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=True).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", "".join(old[i:j])))
        else:
            pieces += [Piece("del", "".join(old[i:j])), Piece("ins", "".join(new[k:m]))]
    return _join_across_spaces([piece for piece in pieces if piece.text])


def _join_across_spaces(pieces: list[Piece]) -> list[Piece]:
    """Take single spaces between two changes into them: ``a b`` became ``c d`` reads as one change."""
    joined: list[Piece] = []
    removed, added = "", ""
    for place, piece in enumerate(pieces):
        inside = 0 < place < len(pieces) - 1 and (removed or added)
        if piece.kind == "same" and not (inside and piece.text.isspace() and "\n" not in piece.text):
            joined += [Piece("del", removed), Piece("ins", added), piece]
            removed = added = ""
        else:
            removed += piece.text if piece.kind != "ins" else ""
            added += piece.text if piece.kind != "del" else ""
    return [piece for piece in [*joined, Piece("del", removed), Piece("ins", added)] if piece.text]


def _fold(pieces: list[Piece]) -> list[Piece]:
    """Leave out the middle of long unchanged stretches."""
    folded: list[Piece] = []
    last = len(pieces) - 1
    for place, piece in enumerate(pieces):
        words = _WORD.findall(piece.text) if piece.kind == "same" else []
        before = CONTEXT_WORDS * 2 if place > 0 else 0
        after = CONTEXT_WORDS * 2 if place < last else 0
        if len(words) <= before + after + CONTEXT_WORDS:
            folded.append(piece)
            continue
        folded += [
            Piece("same", "".join(words[:before])),
            Piece("fold", "".join(words[before : len(words) - after])),
            Piece("same", "".join(words[len(words) - after :])),
        ]
    return [piece for piece in folded if piece.text]
