"""What sentences about a filter are made of: names in isolates, alternatives."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from auditapp.hidden import HIDDEN, code_point

MAX_NAMED = 5
MAX_NAME = 60

# What somebody else wrote stands between Unicode's isolates until HTML has a <bdi> for it. It can
# hold none itself: they are among the hidden characters.
_OPEN, _CLOSE = "\u2068", "\u2069"
_FOREIGN = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


class Part(NamedTuple):
    """A part of a sentence; ``is_foreign`` if somebody else wrote it."""

    text: str
    is_foreign: bool


def parts_of(sentence: str) -> list[Part]:
    """Return a sentence in parts, for HTML to isolate the foreign ones with ``<bdi>``."""
    # Splitting by a group returns what is between and what is in it by turns.
    pieces = enumerate(_FOREIGN.split(sentence))
    return [Part(text, place % 2 == 1) for place, text in pieces if text]


def text_of(sentence: str) -> str:
    """Return a sentence as text for a title, without its isolates."""
    return sentence.replace(_OPEN, "").replace(_CLOSE, "")


def foreign(text: str) -> str:
    """Return a name or value between isolates: hidden characters shown, too long ones cut."""
    shown = HIDDEN.sub(code_point, " ".join(text.split())) or "(empty)"
    return f"{_OPEN}{shown if len(shown) <= MAX_NAME else shown[: MAX_NAME - 1] + '…'}{_CLOSE}"


def any_of(items: Iterable[str], most: int | None = None) -> str:
    """Return alternatives: "A, B or C", past so many of them "A, B or 2 more"."""
    return _listed(items, "or", most)


def all_of(items: Iterable[str], most: int | None = None) -> str:
    """Return things that all hold: "A, B and C", past so many of them "A, B and 2 more"."""
    return _listed(items, "and", most)


def _listed(items: Iterable[str], word: str, most: int | None) -> str:
    distinct = list(dict.fromkeys(items))
    if most is not None and len(distinct) > most:
        distinct[most:] = [f"{len(distinct) - most} more"]
    return f" {word} ".join([*([", ".join(distinct[:-1])] if distinct[:-1] else []), *distinct[-1:]])
