"""What was searched for, marked where it stands in the page."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from flask import Flask, g, has_request_context, request
from markupsafe import Markup

from auditapp.filters.search_terms import Term, terms_of
from auditapp.index.words import Word, is_unspaced, words_in_place
from auditapp.web.formats import plain

_TAG = re.compile("(<[^>]*>)")
_JSON_STRING = re.compile(r'("(?:\\.|[^"\\])*")')
_UUID_PARTS = (8, 12, 16, 20)
# More of what was searched for is found, but not marked.
MAX_MARKED = 500


def init_app(app: Flask) -> None:
    """Make the filters known to templates, and whether they found what they looked for."""
    app.jinja_env.filters |= {"mark": mark, "mark_in_html": mark_in_html, "json_text": json_text}
    app.jinja_env.globals |= {"is_searched": is_searched, "is_marked": is_marked}


def searched(texts: Sequence[str]) -> None:
    """Say what this request searches for, where its URL does not: as a saved view's."""
    g.searched_terms = _Terms(_terms_of(texts)[:MAX_MARKED])


def is_searched() -> bool:
    """Tell whether the request searches for anything."""
    return bool(_terms())


def is_marked() -> bool:
    """Tell whether anything has been marked in this page so far."""
    return bool(g.get("is_marked"))


def mark(text: object) -> Markup:
    """Escape a text as ``plain`` does, and mark in it what the request searches for."""
    whole = str(text)
    parts, end = [], 0
    terms = _terms()
    for start, stop in _places(whole, terms) if terms else ():
        g.is_marked = True
        parts += [plain(whole[end:start]), Markup("<mark>"), plain(whole[start:stop]), Markup("</mark>")]
        end = stop
    return Markup("").join([*parts, plain(whole[end:])])


def mark_in_html(marked_up: Markup) -> Markup:
    """Mark what the request searches for in the texts between the tags of safe HTML."""
    if not _terms():
        return marked_up
    pieces = _TAG.split(str(marked_up))
    return Markup("").join(
        Markup(piece) if place % 2 else mark(html.unescape(piece))  # noqa: S704 - safe before, and escaped again
        for place, piece in enumerate(pieces)
    )


def json_text(text: str) -> Markup:
    """Return JSON as ``mark`` does, its strings isolated: one written right to left keeps its place."""
    if text.isascii():
        return mark(text)
    return Markup("").join(
        Markup("<bdi>{}</bdi>").format(mark(piece)) if place % 2 else mark(piece)
        for place, piece in enumerate(_JSON_STRING.split(text))
    )


class _Terms:
    """Terms by how they begin, so that a text is gone through once, however many there are."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._by_word: dict[str, list[Term]] = {}
        self._by_prefix: dict[str, list[Term]] = {}
        for term in terms:
            starts = self._by_prefix if term.is_prefix and len(term.words) == 1 else self._by_word
            starts.setdefault(term.words[0], []).append(term)
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix})

    def __bool__(self) -> bool:
        return bool(self._by_word or self._by_prefix)

    def beginning_with(self, word: str) -> Iterator[Term]:
        """Yield the terms that may begin with a word."""
        yield from self._by_word.get(word, ())
        for length in self._lengths:
            if length > len(word):
                return
            yield from self._by_prefix.get(word[:length], ())


def _terms() -> _Terms | None:
    if not has_request_context():
        return None
    if "searched_terms" not in g:
        searched([text for text in request.args.getlist("q") if not text.startswith("!")])
    terms: _Terms | None = g.searched_terms
    return terms


def _terms_of(texts: Sequence[str]) -> list[Term]:
    terms = [term for text in texts for term in terms_of(text)]
    return [*terms, *(_apart(term) for term in terms if _is_uuid(term))]


def _is_uuid(term: Term) -> bool:
    return len(term.words) == 1 and re.fullmatch("[0-9a-f]{32}", term.words[0]) is not None


def _apart(term: Term) -> Term:
    """Return a UUID as the words that it is inside of a longer text."""
    [word] = term.words
    ends = (0, *_UUID_PARTS, 32)
    return Term(tuple(word[start:end] for start, end in pairwise(ends)), term.is_prefix)


def _places(text: str, terms: _Terms) -> Iterable[tuple[int, int]]:
    """Return where terms stand in a text, in order and apart."""
    words = list(words_in_place(text))
    spans = sorted(
        span
        for at, word in enumerate(words)
        for term in terms.beginning_with(word.text)
        if (span := _span(words, at, term)) is not None
    )
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if start == end:
            continue  # a word that is only a part of one character, as "1" is of "½"
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _span(words: Sequence[Word], at: int, term: Term) -> tuple[int, int] | None:
    """Return the part of the text that a term takes if it begins with one of its words, else None."""
    stretch = words[at : at + len(term.words)]
    texts = tuple(word.text for word in stretch)
    if texts != term.words and not (
        term.is_prefix and texts[:-1] == term.words[:-1] and texts and texts[-1].startswith(term.words[-1])
    ):
        return None
    if term.is_prefix and is_unspaced(term.words[-1]) and len(stretch[-1].text) > len(term.words[-1]):
        return stretch[0].start, stretch[-1].start + len(term.words[-1])
    return stretch[0].start, stretch[-1].end
