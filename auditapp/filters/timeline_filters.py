"""The timeline's query string as a validated value (contract §4), and back to its canonical form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime
from math import prod
from typing import Any
from zoneinfo import ZoneInfo

from auditapp.filters.cursor import Cursor, Places
from auditapp.filters.paging import DEFAULT_LIMIT
from auditapp.filters.parameter import Reader
from auditapp.filters.parameters import BY_NAME, NARROWING
from auditapp.filters.values import NOTHING, Values
from auditapp.values.strict_json import shorten, text_problem

MAX_VALUES = 100
# Of fields, values before and values after: each is looked for by itself.
MAX_CHANGES = 250


class FilterError(ValueError):
    """A query string that means nothing; ``problems`` maps each wrong parameter to a sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(self.problems.values()))


class _ValuesOf:
    """The values of one parameter, for those that are asked for by their name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, filters: "TimelineFilters", _owner: type) -> Values:
        return filters[self.name]


@dataclass(frozen=True)
class TimelineFilters:
    """A validated filter. What is not given does not narrow; ``typed`` is what the URL says.

    ``filters["ip"]`` are the values of any parameter that narrows, ``filters.actor`` of those below.
    """

    narrowing: Mapping[str, Values] = dataclass_field(default_factory=dict)
    group: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: Cursor | None = None
    after: Cursor | None = None
    limit: int = DEFAULT_LIMIT
    typed: Mapping[str, tuple[str, ...]] = dataclass_field(default_factory=dict)

    entity = _ValuesOf("entity")
    record = _ValuesOf("record")
    event = _ValuesOf("event")
    actor = _ValuesOf("actor")
    actor_type = _ValuesOf("actor_type")
    origin = _ValuesOf("origin")
    outcome = _ValuesOf("outcome")
    correlation = _ValuesOf("correlation")
    field = _ValuesOf("field")
    previous = _ValuesOf("from")
    current = _ValuesOf("to")
    q = _ValuesOf("q")

    def __getitem__(self, name: str) -> Values:
        """Return what a parameter asks for."""
        return self.narrowing.get(name, NOTHING)

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
        typed = _typed(args)
        reader = Reader(zone, now, knows_me, places)
        problems: dict[str, str] = {}
        narrowing: dict[str, Values] = {}
        others: dict[str, Any] = {}
        for name, texts in typed.items():
            try:
                value = _parse(name, texts, reader)
            except ValueError as error:
                problems[name] = f"{shorten(name)}: {error}."
            else:
                (narrowing if isinstance(value, Values) else others)[name] = value
        problems = _together(typed) | problems
        if problems:
            raise FilterError(problems)
        return cls(narrowing, **others, typed={name: tuple(sorted(texts)) for name, texts in typed.items()})

    def narrowed(self, **values: Values) -> "TimelineFilters":
        """Return the filter with other values of some parameters; ``typed`` stays."""
        return replace(self, narrowing={**self.narrowing, **values})

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
    def needs_index(self) -> bool:
        """Tell whether only the index of words can answer: for ``q``, changes, addresses, …"""
        return any(self[parameter.name] for parameter in NARROWING if parameter.needs_index)


def _typed(args: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return what was typed by parameter, nothing empty and nothing twice."""
    typed: dict[str, list[str]] = {}
    for name, text in args:
        parameter = BY_NAME.get(name)
        value = text.strip() if parameter is not None and parameter.strips else text
        if value and value not in typed.setdefault(name, []):
            typed[name].append(value)
    return {name: texts for name, texts in typed.items() if texts}


def _parse(name: str, texts: Sequence[str], reader: Reader) -> Any:
    if any(text_problem(text) for text in texts):
        raise ValueError("holds a character that cannot be searched for")
    if len(texts) > MAX_VALUES:
        raise ValueError(f"is given {len(texts)} times; {MAX_VALUES} at most")
    if name not in BY_NAME:
        raise ValueError("there is no such filter")
    return BY_NAME[name].parse(texts, reader)


def _together(typed: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what is wrong with what one parameter needs of another."""
    problems: dict[str, str] = {}
    fields = [text for text in typed.get("field", ()) if not text.startswith("!")]
    for name in ("from", "to"):
        if typed.get(name) and not fields:
            problems[name] = f"{name}: name the field that changed, as in field=stage."
    sides = [max(1, len(typed.get(name, ()))) for name in ("from", "to")]
    if len(fields) * prod(sides) > MAX_CHANGES:
        message = f"{len(fields)} fields, {sides[0]} values before and {sides[1]} after are too many together"
        problems["field"] = f"field: {message}; {MAX_CHANGES} combinations at most."
    return problems
