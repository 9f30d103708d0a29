"""What somebody typed into the search as terms: words, phrases and beginnings of words."""

import re
from typing import NamedTuple

from auditapp.index.words import is_unspaced, words

_PART = re.compile(r'"([^"]*)"?|(\S+)')


class Term(NamedTuple):
    """Words that stand one after the other; the last one is only a beginning if ``is_prefix``."""

    words: tuple[str, ...]
    is_prefix: bool = False


def terms_of(text: str) -> list[Term]:
    """Return the terms of a search, all of which an event must hold.

    :param text: words; ``"a phrase"``; ``pre*``. A word with a sign in it (``max@x.de``) is a phrase.
    """
    terms: list[Term] = []
    for phrase, word in _PART.findall(text):
        parts = tuple(words(phrase or word))
        if not parts:
            continue
        last = parts[-1]
        # One CJK character is the beginning of a pair, unless it is the last one of its text.
        alone = is_unspaced(last) and len(last) == 1
        if alone and len(parts) > 1 and is_unspaced(parts[-2]):
            parts, alone = parts[:-1], False  # the pair before holds it
        terms.append(Term(parts, alone or (phrase or word).endswith("*")))
    return list(dict.fromkeys(terms))


def is_short_prefix(term: Term) -> bool:
    """Tell whether a term is the beginning of a word by one letter only."""
    last = term.words[-1]
    return term.is_prefix and len(last) < 2 and len(term.words) == 1 and not is_unspaced(last)
