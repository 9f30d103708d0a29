"""Text as the words that are searched for: no case, no accents, CJK by pairs of characters.

Used for what is recorded and for what is asked, so that both databases find the same.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

MAX_WORD = 100
MAX_KEPT = 32

# Scripts that are written without spaces: Thai to Khmer, Hangul, kana, Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff\u3005-\u3007"
)
_RUN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_UNSPACED_START = re.compile(rf"[{_UNSPACED}]")
# A base character with its marks, as accents that are characters of their own follow their letter.
# So do the vowels and ends of Hangul syllables, and the marks of kana, where they are taken apart.
_FOLLOWING = "\u0300-\u036f\u1160-\u11ff\u3099\u309a\uff9e\uff9f"
# No script has so many marks on one letter, and what Unicode does with them takes time by their square.
MAX_MARKS = 32
_MARKS = f"[{_FOLLOWING}]{{1,{MAX_MARKS}}}"
_CLUSTER = re.compile(f"[^{_FOLLOWING}](?:{_MARKS})?|{_MARKS}", re.DOTALL)
_ACCENT = re.compile(f"[{_FOLLOWING}]")
_ASCII = str.maketrans({code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)})
# Letters that Unicode does not take apart into a letter and an accent.
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ŧ": "t"}
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# The marks that make another letter of a kana, which is more than an accent.
_VOICED = "\u3099\u309a"


class Word(NamedTuple):
    """A searchable word and the part of the text that it is, ``text[start:end]``."""

    text: str
    start: int
    end: int


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text in their order, in the form in which they are compared.

    A text that is a UUID as a whole is one word.
    """
    # Names, addresses and choices come again and again; long texts would only fill the cache.
    return _words_kept(text) if len(text) <= MAX_KEPT else _words(text)


def _words(text: str) -> tuple[str, ...]:
    if text.isascii():
        if len(text) == 36 and text[8] == "-" and _UUID.fullmatch(text):
            return (text.replace("-", "").lower(),)
        parts = text.translate(_ASCII).split()
        return tuple(parts if len(text) <= MAX_WORD else [word[:MAX_WORD] for word in parts])
    if len(text) == 36 and _UUID.fullmatch(text):
        return (text.replace("-", "").lower(),)
    return tuple([word for run in _RUN.findall(folded(text)) for word in _words_of_run(run)])


_words_kept = lru_cache(maxsize=8192)(_words)


def is_unspaced(word: str) -> bool:
    """Tell whether a word is in a script without spaces, and so one of the pairs of its text."""
    return bool(_UNSPACED_START.match(word))


def _words_of_run(run: str) -> list[str]:
    if not is_unspaced(run):
        return [run[:MAX_WORD]]
    return [run[at : at + 2] for at in range(len(run))]


def words_in_place(text: str) -> Iterator[Word]:
    """Yield the words of a text as :func:`words` has them, each with its place."""
    if _UUID.fullmatch(text):
        yield Word(text.replace("-", "").lower(), 0, len(text))
        return
    folded, places = _folded_with_places(text)
    for run in _RUN.finditer(folded):
        paired = is_unspaced(run[0])
        for offset, word in enumerate(_words_of_run(run[0])):
            start = run.start() + offset if paired else run.start()
            end = min(start + 2, run.end()) if paired else run.end()
            yield Word(word, places[start], places[end])


def _clusters(text: str) -> Sequence[str]:
    """Return a text's letters, each with the accents that are characters of their own."""
    return _CLUSTER.findall(text) if _ACCENT.search(text) else text


def _folded_with_places(text: str) -> tuple[str, list[int]]:
    """Return the folded text, and for each of its characters where it comes from; the end last."""
    parts: list[str] = []
    places: list[int] = []
    start = 0
    for cluster in _clusters(text):
        part = fold(cluster)
        parts.append(part)
        places += [start] * len(part)
        start += len(cluster)
    return "".join(parts), [*places, len(text)]


def folded(text: str) -> str:
    """Return a text of any length without case and accents, as :func:`fold` does letter by letter."""
    if text.isascii():
        return text.lower()
    return _folded_kept(text) if len(text) > MAX_KEPT else _folded(text)


def _folded(text: str) -> str:
    return "".join(map(fold, _clusters(text)))


# The long texts of one change: each is asked for twice, as a value and by its words.
_folded_kept = lru_cache(maxsize=8)(_folded)


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Return a text without case and accents: Unicode's compatibility form, its nonspacing marks left out."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(char for char in apart if char in _VOICED or unicodedata.category(char) != "Mn")
    return unicodedata.normalize("NFC", bare.translate(_LETTERS))
