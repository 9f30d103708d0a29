"""Foreign names as names of events: whatever a sender calls what happened, it has one (docs/sources.md)."""

import hashlib
import re
import unicodedata

from auditapp.log.schema import EVENT_PATTERN

MAX_EVENT = 128
MAX_VERB = 40
# What an event is of where its sender gives but one word.
NO_TYPE = "event"
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DOTS = re.compile(r"[./:#@]+")
_NOT_WORDS = re.compile(r"[^A-Za-z0-9]+")
# ``.0.2.0``, ``.v1.0``, ``.2020-08-27``, ``.0.3.0-rc.1``, ``@2``: a version, if it is at the end.
_VERSION = re.compile(r"[./:#@][vV]?[0-9]+(?:(?:[._-][0-9]+)+(?:[-+][0-9A-Za-z]+(?:[.-][0-9]+)*)?)?")
# Letters that Unicode does not take apart into a letter of the alphabet and an accent.
_LETTERS = str.maketrans(
    {"ß": "ss", "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
# On letters of the alphabet; other scripts have marks that make other words.
_ACCENTS = frozenset(map(chr, range(0x300, 0x370)))
# How an emoji is drawn.
_VARIANTS = frozenset(map(chr, range(0xFE00, 0xFE10)))


def snake_case(name: str) -> str:
    """Return ``Crm.DealLine-Item`` as ``crm.deal_line_item``; other characters stay as they are."""
    return _BETWEEN_WORDS.sub("_", name).replace("-", "_").lower()


def is_event_name(name: str) -> bool:
    """Tell whether this is ``<entity type>.<verb>`` (contract §5), of whatever length."""
    return bool(re.fullmatch(EVENT_PATTERN, name))


def event_name_of(text: str, entity_type: str = NO_TYPE) -> str:
    """Return the event's name for any text that is not empty.

    What is a name once it is in snake case stays that. Else a version at the end is left out, ``. / : # @``
    divide the rest into parts and what is neither letter nor digit divides a part into words; letters lose
    their accents, those of other alphabets become their code points, and an ``n`` stands before a digit that
    begins a part. A name that is too long ends in a digest of the text.

    :param entity_type: stands before a name of one part.
    """
    name = snake_case(text)
    if not is_event_name(name):
        name = ".".join(_parts(_without_version(text)) or _parts(text) or [_code_points(text)])
    if "." not in name:
        name = f"{entity_type}.{name}"
    if len(name) <= MAX_EVENT:
        return name
    kind, _, verb = name.rpartition(".")
    short = _cut(verb, MAX_VERB, text)
    return f"{_cut(kind, MAX_EVENT - 1 - len(short), text)}.{short}"


def _without_version(text: str) -> str:
    # From its last dots backwards a pattern would take time by the square of a long text.
    version = _VERSION.search(text)
    while version and version.end() < len(text):
        version = _VERSION.search(text, version.end())
    return text[: version.start()] if version else text


def _parts(text: str) -> list[str]:
    return [word for part in _DOTS.split(text) if (word := _word(part))]


def _word(part: str) -> str:
    spelt = part if part.isascii() else "".join(map(_spelt, part))
    word = snake_case(_NOT_WORDS.sub("_", spelt)).strip("_")
    return f"n{word}" if word[:1].isdigit() else word


def _spelt(char: str) -> str:
    """Return a character in ASCII: an accent as nothing, what is neither letter nor digit as a gap."""
    if char.isascii():
        return char
    # One by itself: many marks on one letter would take time by their square.
    apart = unicodedata.normalize("NFKD", char.lower().translate(_LETTERS))
    bare = apart.encode("ascii", "ignore").decode()
    if bare or char in _ACCENTS:
        return bare
    is_letter = unicodedata.category(char)[0] in "LNM" and char not in _VARIANTS
    return f"_{_code_points(char)}_" if is_letter else "_"


def _code_points(text: str) -> str:
    return "_".join(f"u{ord(char):x}" for char in text)


def _cut(name: str, length: int, text: str) -> str:
    """Return a name that fits, its end a digest of the whole text: other texts keep other names."""
    if len(name) <= length:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: length - 9].rstrip('._')}_{digest}"
