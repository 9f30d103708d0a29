"""Texts that look the same and are not: what differs, by code point.

Drawn alike is what the Unicode Consortium's table of confusables (UTS #39) has alike, of it the Latin,
Cyrillic, Greek, Armenian, Coptic and Cherokee letters that pass for one of a to z.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from auditapp.hidden import HIDDEN
from auditapp.reading.diffs.matching import Effort, matches

MOST_KINDS = 5
LONGEST = 20_000  # of either side: what is composed is up to five times as long as what is not

# fmt: off
_LIKE = {
    "3": "ƷȜЗӠⳌꝪꞫ", "A": "ΑАᎪ", "B": "ΒВᏴꞴ", "C": "СᏟⲤ", "D": "Ꭰ", "E": "ΕЕᎬ", "F": "ϜꞘ", "G": "ԌᏀᏳ",
    "H": "ΗНᎻⲎ", "J": "ͿЈᎫꞲ", "K": "ΚКᏦⲔ", "L": "ᏞⳐ", "M": "ΜϺМᎷⲘ", "N": "ΝⲚ", "P": "ΡРᏢⲢ",
    "R": "ƦᎡᏒ", "S": "ЅՏᏕᏚ", "T": "ΤТᎢⲦ", "U": "Ս", "V": "ѴᏙ", "W": "ԜᎳᏔ", "X": "ΧХⲬꞳ",
    "Y": "ΥУҮᎩᎽⲨ", "Z": "ΖᏃ", "a": "ɑαа", "b": "ƄЬᏏ", "c": "сᴄⲥꮯ", "d": "ԁᏧ", "e": "еҽꬲ",
    "f": "քẝꞙꬵ", "g": "ƍɡցᶃ", "h": "һհᏂ", "i": "ıɩɪιіӏᎥꙇꭵ", "j": "ϳј", "n": "ոռ", "o": "οσоօᴏᴑⲟꬽ",
    "p": "ρрⲣ", "q": "ԛգզ", "r": "гᴦⲅꭇꭈꮁ", "s": "ƽѕꜱꮪ", "u": "ʋυսᴜꞟꭎꭒ", "v": "νѵᴠꮩ", "w": "ɯѡԝաᴡꮃ",
    "x": "х", "y": "ɣʏγуүᶌỿꭚ", "z": "ᴢꮓ",
    "l": "1I|ƖǀΙІӀⲒ", "O": "0ΟОՕⲞ", "-": "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d",
    "'": "\u2018\u2019\u02bc\u2032`\u00b4", '"': "\u201c\u201d\u2033",
}
# fmt: on
_DRAWN = {ord(letter): like for like, letters in _LIKE.items() for letter in letters}
# Drawn as nothing, beside those that pages show by their number anyway.
_NOTHING = set("\u034f\u115f\u1160\u17b4\u17b5\u200c\u200d\u2800\u3164\uffa0") | {
    chr(code) for code in range(0xFE00, 0xFE10)
}
_SAME_SHAPE = {"<compat>", "<font>", "<narrow>", "<noBreak>", "<wide>"}
_CONTROLS = {"\t": "tab", "\n": "line feed", "\r": "carriage return"}


class CodePoint(NamedTuple):
    """A character by its number and name: ``U+0430``, "Cyrillic small letter a"."""

    code: str
    name: str


class Alike(NamedTuple):
    """A difference that nobody sees: which characters became which, how often, and where first (from 1)."""

    before: tuple[CodePoint, ...]
    after: tuple[CodePoint, ...]
    times: int
    place: int


def look_alikes(hunks: Iterable[tuple[str, str, int]], effort: Effort) -> tuple[list[Alike], int]:
    """Return what differs where two texts look the same, each kind of difference once.

    :param hunks: what became what, and at which character of the whole text it begins (from 0).
    :return: the first five kinds, and how many kinds more there are; none where texts look different.
    """
    times: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, str], int] = {}
    for before, after, at in hunks:
        length = len(before) + len(after)
        if (
            before == after
            or max(len(before), len(after)) > LONGEST
            or not effort.spend(10 + length)
            or drawn(before) != drawn(after)
        ):
            continue
        for place, old, new in _differences(before, after, effort):
            times[old, new] += 1
            places.setdefault((old, new), at + place + 1)
    kinds = [
        Alike(_code_points(old), _code_points(new), count, places[old, new])
        for (old, new), count in times.items()
    ]
    return kinds[:MOST_KINDS], len(kinds[MOST_KINDS:])


def drawn(text: str) -> str:
    """Return a text by its looks: texts of equal looks are equal here.

    Space at the ends and how much of it is between words is no look.
    """
    looks = "".join(map(_drawn, unicodedata.normalize("NFD", text.replace("\r\n", "\n"))))
    return unicodedata.normalize("NFC", re.sub(" *\n *| +", _space, looks).strip(" "))


def _space(match: re.Match[str]) -> str:
    return "\n" if "\n" in match[0] else " "


@lru_cache(maxsize=4096)
def _drawn(char: str) -> str:
    if char in "\n":
        return char
    if char == "\t" or unicodedata.category(char) == "Zs":
        return " "
    if char in _NOTHING or HIDDEN.match(char):
        return ""
    form, *parts = unicodedata.decomposition(char).split() or [""]
    if form in _SAME_SHAPE:
        return "".join(_drawn(chr(int(part, 16))) for part in parts)
    return _DRAWN.get(ord(char), char)


def _differences(before: str, after: str, effort: Effort) -> Iterable[tuple[int, str, str]]:
    """Yield where two texts differ: the place in the first, what it is there and in the second."""
    if len(before) == len(after) and all(map(_alike, before, after)):
        common = [(place, place) for place, char in enumerate(before) if char == after[place]]
    else:
        common = matches(before, after, effort)
    for (i, j), (next_i, next_j) in pairwise([(-1, -1), *common, (len(before), len(after))]):
        if i + 1 < next_i or j + 1 < next_j:
            yield i + 1, before[i + 1 : next_i], after[j + 1 : next_j]


def _alike(one: str, other: str) -> bool:
    return one == other or drawn(one) == drawn(other)


def _code_points(text: str) -> tuple[CodePoint, ...]:
    return tuple(CodePoint(f"U+{ord(char):04X}", _name(char)) for char in text[:8])


def _name(char: str) -> str:
    return unicodedata.name(char, _CONTROLS.get(char, "control character")).capitalize()
