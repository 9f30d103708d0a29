"""``actor_type``, ``origin``, ``outcome``: parameters with a few known values, each a column of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.filters.expression import All, Node, any_of
from auditapp.filters.parameter import Asked, Condition, IndexParts, Narrowing, Offered, Reader, Saying
from auditapp.filters.search_terms import Term
from auditapp.filters.wording import ACTOR_TYPE_WORDS, ORIGIN_WORDS, OUTCOME_WORDS
from auditapp.index.terms import value_term
from auditapp.log.schema import ACTOR_TYPES, ORIGINS, OUTCOMES
from auditapp.models import Event
from auditapp.values.strict_json import shorten

WHO = {
    "user": "a person",
    "api_key": "an API key",
    "workflow": "a workflow",
    "system": "the system",
    "anonymous": "somebody anonymous",
}
_HOW = {
    "ui": "in the app",
    "api": "through the API",
    "workflow": "from a workflow",
    "import": "from an import",
    "webhook": "through a webhook",
    "system": "from the system",
    "unknown": "from an unknown origin",
}
_NOT_HOW = {
    "ui": "what was done in the app",
    "api": "what came through the API",
    "workflow": "what came from workflows",
    "import": "imports",
    "webhook": "webhooks",
    "system": "what came from the system",
    "unknown": "what has no known origin",
}
ENDED = {"success": "succeeded", "failure": "failed", "denied": "was denied"}


class OneOf(Narrowing):
    """A parameter whose values are known.

    :cvar choices: all of them, in the order of the form, and what each is called there.
    :cvar usual: the value that most events have, which has no term in the index.
    """

    choices: ClassVar[Mapping[str, str]]
    usual: ClassVar[str | None] = None

    def check(self, value: str, reader: Reader) -> None:
        """Refuse any other value."""
        if value not in self.choices:
            raise ValueError(f"{shorten(value)} is none of {', '.join(self.choices)}")

    def schema(self) -> dict[str, Any]:
        """Return the schema of a list of these values."""
        pattern = f"^!?({'|'.join(self.choices)})$"
        return {"type": "array", "items": {"type": "string", "pattern": pattern}}

    def _column(self) -> Unindexed:
        """Return the column of ``event``, which is called as the parameter."""
        return Unindexed(getattr(Event, self.name))

    def includes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return one condition."""
        return [self._column().in_(values)]

    def excludes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return one condition."""
        return [self._column().not_in(values)]

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return the value's term."""
        return Term((value_term(viewer.workspace.id, self.name, value),))

    def index_parts(self, filters: Asked, viewer: Viewer) -> IndexParts | None:
        """Ask for the values; the usual one is the lack of all others."""
        values = filters[self.name]
        if self.usual is None or not values:
            return super().index_parts(filters, viewer)
        others = [value for value in self.choices if value != self.usual]
        if values.lets(self.usual):
            refused = tuple(self.term(value, viewer) for value in others if not values.lets(value))
            return [All((), refused)], []
        wanted = [self.term(value, viewer) for value in others if values.lets(value)]
        return ([any_of(wanted)], []) if wanted else None

    def options(self, offered: Offered) -> Mapping[str, str]:
        """Offer all."""
        return self.choices


class ActorType(OneOf):
    """What kind of actor it was."""

    name = "actor_type"
    words = "actor type"
    description = "What kind of actor did it."
    choices: ClassVar = {kind: ACTOR_TYPE_WORDS[kind] for kind in ACTOR_TYPES}
    values = " ".join(f"`{value}`" for value in choices)
    usual = "user"
    label = "Actor type"
    drop_order = 3

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "what a workflow did"."""
        return [f"what {say.any_of(WHO[kind] for kind in values)} did"]


class Origin(OneOf):
    """By which way it came about."""

    name = "origin"
    words = "origin"
    description = "By which way it came about."
    choices: ClassVar = {origin: ORIGIN_WORDS[origin] for origin in ORIGINS}
    values = " ".join(f"`{value}`" for value in choices)
    label = "Origin"
    drop_order = 2
    has_menu = True

    def circumstance(self, values: Sequence[str], say: Saying) -> str:
        """Say "through the API"."""
        return say.any_of(_HOW[origin] for origin in values)

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "imports"."""
        return [_NOT_HOW[origin] for origin in values]


class Outcome(OneOf):
    """Whether it succeeded."""

    name = "outcome"
    words = "outcome"
    description = "Whether it succeeded."
    choices: ClassVar = {outcome: OUTCOME_WORDS[outcome] for outcome in OUTCOMES}
    values = " ".join(f"`{value}`" for value in choices)
    usual = "success"
    label = "Outcome"
    drop_order = 1
    has_menu = True

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "what failed or was denied"."""
        return [f"what {say.any_of(ENDED[outcome] for outcome in values)}"]
