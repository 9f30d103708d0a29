"""What a parameter of the filter is: all that anybody has to know of it stands in one object.

Each has a file here and a line in ``parameters.py``. Parsing, search, sentence, form, OpenAPI and the table
in ``docs/filters.md`` loop over them. Nothing here knows a request or a template.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement

from auditapp.access.viewer import Viewer
from auditapp.filters.cursor import Places
from auditapp.filters.expression import Node, any_of
from auditapp.filters.phrases import any_of as any_of_words
from auditapp.filters.phrases import foreign
from auditapp.filters.values import Values

Condition = ColumnElement[bool]
# The name of ("actor", id) or ("record", "deal:<id>"), None where it is not known.
NameOf = Callable[[str, str], str | None]
# What every match holds one of, and what none may hold.
IndexParts = tuple[list[Node], list[Node]]


class Asked(Protocol):
    """A whole filter, as one parameter looks at another's values."""

    def __getitem__(self, name: str) -> Values:
        """Return what a parameter asks for."""


@dataclass(frozen=True)
class Reader:
    """What reading a query string needs to know.

    :ivar zone: of the workspace, for dates without one.
    :ivar knows_me: whether ``actor=me`` can mean anybody.
    :ivar places: reads the places of the workspace's pages; without it there are none.
    """

    zone: ZoneInfo
    now: datetime
    knows_me: bool
    places: Places | None = None


@dataclass(frozen=True)
class Saying:
    """What saying a filter in words needs to know.

    :ivar most: values to name of each parameter; None for all.
    """

    name_of: NameOf
    most: int | None = None

    def any_of(self, items: Iterable[str]) -> str:
        """Return alternatives, as many of them as are named."""
        return any_of_words(items, self.most)

    def named(self, name: str, value: str, id: str) -> str:
        """Return what something is called, else its id in quotes: no word of the sentence."""
        called = self.name_of(name, value)
        return foreign(called) if called else f"“{foreign(id)}”"


class Offered(Protocol):
    """The values that the log itself has to offer; see ``reading.choices``."""

    @property
    def entities(self) -> Sequence[str]:
        """Return entity types."""

    @property
    def events(self) -> Sequence[str]:
        """Return names of events."""

    @property
    def actors(self) -> Sequence[tuple[str, str, str]]:
        """Return actors: id, name, type."""

    @property
    def claimants(self) -> Sequence[tuple[str, str]]:
        """Return API keys and sources: id, name."""


class Parameter(ABC):
    """A parameter of the query string.

    :cvar description: for the API's document; a sentence.
    :cvar values: for the table in ``docs/filters.md``.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    values: ClassVar[str]
    # Blanks around it come along when it is copied, and mean nothing.
    strips: ClassVar[bool] = False

    @abstractmethod
    def parse(self, texts: Sequence[str], reader: Reader) -> Any:
        """Return what the texts of a query string mean.

        :raise ValueError: with what is wrong, to stand behind "<name>: ".
        """

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of its values, for the API's document."""


class Single(Parameter):
    """A parameter that may be given once and narrows nothing by a value."""

    def parse(self, texts: Sequence[str], reader: Reader) -> Any:
        """Read the one text."""
        if len(texts) > 1:
            raise ValueError("may be given once")
        return self.read(texts[0], reader)

    @abstractmethod
    def read(self, text: str, reader: Reader) -> Any:
        """Return what one text means.

        :raise ValueError: with what is wrong.
        """


class Narrowing(Parameter):
    """A parameter that asks for values, any of some and none of others.

    :cvar label: over its control in the form.
    :cvar hint: in the line for values that the form does not offer; without one there is no such line.
    :cvar has_menu: whether it has a menu of its own in the form; the others share one.
    :cvar example: of a value, for the API's document.
    :cvar words: what it is called inside a sentence.
    :cvar drop_order: where it is tried when nothing matches, the likeliest to stand in the way first; 0 for
        what is tried before all others.
    :cvar needs_index: whether only the index of words can tell, no column.
    """

    label: ClassVar[str]
    hint: ClassVar[str] = ""
    has_menu: ClassVar[bool] = False
    example: ClassVar[str] = ""
    words: ClassVar[str]
    drop_order: ClassVar[int] = 4
    needs_index: ClassVar[bool] = False

    def parse(self, texts: Sequence[str], reader: Reader) -> Values:
        """Tell values from exclusions, each checked."""
        included: list[str] = []
        excluded: list[str] = []
        for text in texts:
            value = text.removeprefix("!")
            self.check(value, reader)
            (excluded if text.startswith("!") else included).append(value)
        return Values(tuple(sorted(included)), tuple(sorted(excluded)))

    @abstractmethod
    def check(self, value: str, reader: Reader) -> None:
        """Let a value pass.

        :raise ValueError: with what is wrong with it.
        """

    def schema(self) -> dict[str, Any]:
        """Return the schema of a list of texts."""
        return {"type": "array", "items": {"type": "string"}, "examples": [[self.example]]}

    def includes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return conditions on a row's columns that one of the values holds; none where no column tells."""
        return []

    def excludes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return conditions on a row's columns that none of the values holds."""
        return []

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return what the index of words holds for an event that has the value."""
        raise NotImplementedError(f"{self.name} says its parts of the index itself")

    def index_parts(self, filters: Asked, viewer: Viewer) -> IndexParts | None:
        """Return what a filter asks of the index by this parameter; None where nothing can match."""
        values = filters[self.name]
        wanted = [any_of([self.term(value, viewer) for value in values.included])] if values.included else []
        return wanted, [self.term(value, viewer) for value in values.excluded]

    def options(self, offered: Offered) -> Mapping[str, str]:
        """Return the values to tick in the form, and what each is called there."""
        return {}

    def circumstance(self, values: Sequence[str], say: Saying) -> str:
        """Say the values as a circumstance of what happened; empty where the sentence has its own place."""
        return ""

    @abstractmethod
    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say each of the excluded values, to stand behind "except"."""
