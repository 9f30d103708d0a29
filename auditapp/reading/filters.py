"""The timeline's query string as a validated value (contract §4), and back to its canonical form."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from dataclasses import field as dataclass_field
from datetime import datetime
from math import prod
from typing import Any
from zoneinfo import ZoneInfo

from auditapp.log.schema import ACTOR_TYPES, ORIGINS, OUTCOMES
from auditapp.log.strict_json import shorten, text_problem
from auditapp.reading.cursor import STALE, Cursor, Places
from auditapp.reading.moments import parse_moment
from auditapp.reading.terms import is_short_prefix, terms_of

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_VALUES = 100
# Of fields, values before and values after: each is looked for by itself.
MAX_CHANGES = 250
ME = "me"
STORY = "story"

_PART = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*"
ENTITY = re.compile(_PART)
EVENT = re.compile(rf"{_PART}\.[a-z][a-z0-9_]*|{_PART}\.\*|\*\.{_PART}")
RECORD = re.compile(rf"(?P<type>{_PART}):(?P<id>.{{1,512}})", re.DOTALL)


class FilterError(ValueError):
    """A query string that means nothing; ``problems`` maps each wrong parameter to a sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(self.problems.values()))


@dataclass(frozen=True)
class Values:
    """What one parameter includes (any of them) and excludes (none of them)."""

    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.included or self.excluded)

    def lets(self, value: str) -> bool:
        """Tell whether a value passes: any of the included, none of the excluded."""
        return (not self.included or value in self.included) and value not in self.excluded

    def as_typed(self) -> list[str]:
        """Return the values as the URL has them, sorted."""
        return sorted({*self.included, *("!" + value for value in self.excluded)})


@dataclass(frozen=True)
class TimelineFilters:
    """A validated filter. Empty values do not narrow; ``typed`` is what the URL says."""

    entity: Values = Values()
    record: Values = Values()
    event: Values = Values()
    actor: Values = Values()
    actor_type: Values = Values()
    origin: Values = Values()
    outcome: Values = Values()
    correlation: Values = Values()
    field: Values = Values()
    previous: Values = Values()
    current: Values = Values()
    q: Values = Values()
    group: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: Cursor | None = None
    after: Cursor | None = None
    limit: int = DEFAULT_LIMIT
    typed: Mapping[str, tuple[str, ...]] = dataclass_field(default_factory=dict)

    @classmethod
    def from_args(
        cls,
        args: Iterable[tuple[str, str]],
        *,
        zone: ZoneInfo,
        now: datetime,
        knows_me: bool,
        places: Places | None = None,
    ) -> "TimelineFilters":
        """Validate a query string.

        :param args: its pairs, in any order; pairs with an empty value are left out.
        :param zone: of the workspace, for dates without one.
        :param knows_me: whether ``actor=me`` can mean anybody; it cannot for an API key.
        :param places: reads the places of the workspace's pages; without it there are none.
        :raise FilterError: with a sentence for each parameter that is unknown or malformed.
        """
        typed: dict[str, list[str]] = {}
        for name, text in args:
            # Blanks around a time come along when it is copied, and mean nothing.
            value = text.strip() if name in ("since", "until") else text
            if value and value not in typed.setdefault(name, []):
                typed[name].append(value)
        reader = _Reader(zone, now, knows_me, places)
        values = {name: reader.read(name, texts) for name, texts in typed.items() if texts}
        reader.together(typed)
        if reader.problems:
            raise FilterError(reader.problems)
        values = {ATTRIBUTES.get(name, name): value for name, value in values.items()}
        return cls(**values, typed={name: tuple(sorted(texts)) for name, texts in typed.items() if texts})

    def to_query(self, **without: str | None) -> list[tuple[str, str]]:
        """Return the canonical pairs: sorted, nothing empty, no pair twice.

        :param without: ``name=value`` leaves one value out, ``name=None`` the whole parameter.
        """
        return [
            (name, value)
            for name in sorted(self.typed)
            for value in self.typed[name]
            if not (name in without and without[name] in (None, value))
        ]

    def page_query(self, direction: str, place: str) -> list[tuple[str, str]]:
        """Return the canonical pairs of the page ``before`` or ``after`` a place, as ``Places`` writes it."""
        return sorted([*self.to_query(before=None, after=None), (direction, place)])

    def chips(self) -> list[tuple[str, str]]:
        """Return the pairs that narrow, without the place on the page."""
        return self.to_query(before=None, after=None, limit=None, group=None)

    @property
    def in_words(self) -> bool:
        """Tell whether the index of words must be asked: for ``q`` and for changes."""
        return bool(self.q or self.field)


# What a parameter is called here, where its own name says too little or is taken.
ATTRIBUTES = {"from": "previous", "to": "current"}
_PARAMETERS = {attribute: name for name, attribute in ATTRIBUTES.items()}
FILTER_NAMES = tuple(
    _PARAMETERS.get(item.name, item.name) for item in fields(TimelineFilters) if item.name != "typed"
)


class _Reader:
    """Reads one parameter after the other, gathering what is wrong."""

    def __init__(self, zone: ZoneInfo, now: datetime, knows_me: bool, places: Places | None) -> None:
        self.zone, self.now, self.knows_me, self.places = zone, now, knows_me, places
        self.problems: dict[str, str] = {}

    def read(self, name: str, texts: list[str]) -> Any:
        try:
            if any(text_problem(text) for text in texts):
                raise ValueError("holds a character that cannot be searched for")
            if len(texts) > MAX_VALUES:
                raise ValueError(f"is given {len(texts)} times; {MAX_VALUES} at most")
            if name in _CHECKS:
                return self._values(name, texts)
            if name in _SINGLE:
                if len(texts) > 1:
                    raise ValueError("may be given once")
                return _SINGLE[name](self, texts[0])
        except ValueError as error:
            self.problems[name] = f"{shorten(name)}: {error}."
        else:
            self.problems[name] = f"{shorten(name)}: there is no such filter."
        return None

    def _values(self, name: str, texts: list[str]) -> Values:
        included: list[str] = []
        excluded: list[str] = []
        for text in texts:
            value = text.removeprefix("!")
            _CHECKS[name](self, value)
            (excluded if text.startswith("!") else included).append(value)
        return Values(tuple(sorted(included)), tuple(sorted(excluded)))

    def entity(self, value: str) -> None:
        if not ENTITY.fullmatch(value):
            raise ValueError(f"{shorten(value)} is no entity type; write it as deal")

    def record(self, value: str) -> None:
        if not RECORD.fullmatch(value):
            raise ValueError(f"{shorten(value)} is no record; write it as deal:<id>")

    def event(self, value: str) -> None:
        if not EVENT.fullmatch(value):
            raise ValueError(f"{shorten(value)} is no event; write it as deal.updated, deal.* or *.deleted")

    def actor(self, value: str) -> None:
        if value == ME and not self.knows_me:
            raise ValueError("me is nobody here; name the actor's id")
        self.identifier(value)

    def identifier(self, value: str) -> None:
        if not 1 <= len(value) <= 512:
            raise ValueError("an id has 1 to 512 characters")

    def field_name(self, value: str) -> None:
        if not value:
            raise ValueError("name the field, as in field=stage")

    def anything(self, value: str) -> None:
        """Let any value through: a change may be from or to anything."""

    def words(self, value: str) -> None:
        if not any(terms_of(value)):
            raise ValueError(f"{shorten(value)} holds no word to search for")
        # One letter begins a third of all words: finding them takes longer than anybody waits.
        if any(is_short_prefix(term) for term in terms_of(value)):
            raise ValueError(f"{shorten(value)} is too short a beginning; give two letters at least")

    def together(self, typed: Mapping[str, Sequence[str]]) -> None:
        """Check what one parameter needs of another."""
        named = [text for text in typed.get("field", ()) if not text.startswith("!")]
        for name in ("from", "to"):
            if typed.get(name) and not named:
                self.problems.setdefault(name, f"{name}: name the field that changed, as in field=stage.")
        sides = [max(1, len(typed.get(name, ()))) for name in ("from", "to")]
        if len(named) * prod(sides) > MAX_CHANGES:
            said = f"{len(named)} fields, {sides[0]} values before and {sides[1]} after are too many together"
            self.problems.setdefault("field", f"field: {said}; {MAX_CHANGES} combinations at most.")

    def story(self, text: str) -> str:
        if text != STORY:
            raise ValueError(f"{shorten(text)} is no way to group; there is {STORY}")
        return text

    def moment(self, text: str, end_of_day: bool) -> datetime:
        try:
            return parse_moment(text, zone=self.zone, now=self.now, end_of_day=end_of_day)
        except ValueError as error:
            raise ValueError(f"{shorten(text)} is no time; {error}") from None

    def cursor(self, text: str) -> Cursor:
        if self.places is None:
            raise ValueError(STALE)
        return self.places.read(text)

    def limit(self, text: str) -> int:
        if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_LIMIT:
            raise ValueError(f"{shorten(text)} is no number from 1 to {MAX_LIMIT}")
        return int(text)


def _one_of(choices: tuple[str, ...]) -> Callable[[_Reader, str], None]:
    def check(_reader: _Reader, value: str) -> None:
        if value not in choices:
            raise ValueError(f"{shorten(value)} is none of {', '.join(choices)}")

    return check


_CHECKS: dict[str, Callable[[_Reader, str], None]] = {
    "entity": _Reader.entity,
    "record": _Reader.record,
    "event": _Reader.event,
    "actor": _Reader.actor,
    "actor_type": _one_of(ACTOR_TYPES),
    "origin": _one_of(ORIGINS),
    "outcome": _one_of(OUTCOMES),
    "correlation": _Reader.identifier,
    "field": _Reader.field_name,
    "from": _Reader.anything,
    "to": _Reader.anything,
    "q": _Reader.words,
}
_SINGLE: dict[str, Callable[[_Reader, str], Any]] = {
    "since": lambda reader, text: reader.moment(text, False),
    "until": lambda reader, text: reader.moment(text, True),
    "before": _Reader.cursor,
    "after": _Reader.cursor,
    "limit": _Reader.limit,
    "group": _Reader.story,
}
