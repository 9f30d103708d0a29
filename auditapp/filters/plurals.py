"""Entity types as plural nouns, for sentences; English, as all words of the pages."""

import re

from auditapp.filters.wording import entity_words, inside

_IRREGULAR = {"person": "people", "child": "children", "access": "access", "data": "data", "news": "news"}
_ENDINGS = (
    (re.compile(r"(?<=[^aeiou])y$"), "ies"),  # companies
    (
        re.compile(r"(?<=s)s$|(?<=u)s$|(?<=i)s$|[xz]$|[cs]h$"),
        r"\g<0>es",
    ),  # addresses, statuses, boxes, batches
    (re.compile(r"s$"), "s"),  # settings
    (re.compile(r"$"), "s"),
)


def entities_words(entity_type: str) -> str:
    """Return an entity type as a plural inside a sentence: ``custom_column`` becomes "custom columns"."""
    *before, noun = inside(entity_words(entity_type)).split(" ")
    if noun in _IRREGULAR:
        return " ".join([*before, _IRREGULAR[noun]])
    for ending, plural in _ENDINGS:
        if ending.search(noun):
            return " ".join([*before, ending.sub(plural, noun, count=1)])
    return noun


def outset(words: str) -> str:
    """Return words as they stand at the beginning of a sentence, an isolate in front or not."""
    return re.sub("^\u2068?.", lambda match: match[0].upper(), words)
