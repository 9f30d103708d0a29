"""``q``: words, phrases and beginnings of words, all of which an event must hold."""

import re
from collections.abc import Sequence

from auditapp.access.viewer import Viewer
from auditapp.filters.expression import Node, all_of, any_of
from auditapp.filters.parameter import Narrowing, Reader, Saying
from auditapp.filters.phrases import foreign
from auditapp.filters.search_terms import Term, is_short_prefix, terms_of
from auditapp.values.strict_json import shorten

_QUOTED = re.compile(r'"([^"]*)"?')
_HEX = re.compile("([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")


class Search(Narrowing):
    """A search; further ones are alternatives."""

    name = "q"
    words = "search"
    description = "Words, all of which occur; a phrase in double quotes; the beginning of a word as pre*."
    values = 'words, all of which occur; `"a phrase"`; `pre*`'
    example = "data cent*"
    label = "Search"
    drop_order = 0
    needs_index = True

    def check(self, value: str, reader: Reader) -> None:
        """Refuse what holds no word, and beginnings that half the words have."""
        if not any(terms_of(value)):
            raise ValueError(f"{shorten(value)} holds no word to search for")
        # One letter begins a third of all words: finding them takes longer than anybody waits.
        if any(is_short_prefix(term) for term in terms_of(value)):
            raise ValueError(f"{shorten(value)} is too short a beginning; give two letters at least")

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return all terms of a search."""
        return all_of(map(_node, terms_of(value)))

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "what mentions “Hafenwerk”"."""
        return [f"what mentions {quoted(values, say)}"]


def _node(term: Term) -> Node:
    """Return a term; a UUID also as it is inside of a longer text, in five words."""
    match = _HEX.fullmatch(term.words[0]) if len(term.words) == 1 else None
    return any_of([term, Term(match.groups(), term.is_prefix)]) if match else term


def quoted(texts: Sequence[str], say: Saying) -> str:
    """Return what is searched for in quotes; a phrase has brought its own."""
    phrases = ((_QUOTED.fullmatch(text), text) for text in texts)
    return say.any_of(f"“{foreign(phrase[1] if phrase else text)}”" for phrase, text in phrases)
