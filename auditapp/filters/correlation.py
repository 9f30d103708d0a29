"""``correlation``: an action and all it set off."""

from collections.abc import Sequence

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.filters.actor import check_id
from auditapp.filters.expression import Node
from auditapp.filters.parameter import Condition, Narrowing, Reader, Saying
from auditapp.filters.phrases import foreign
from auditapp.filters.search_terms import Term
from auditapp.index.terms import value_term
from auditapp.models import Event


class Correlation(Narrowing):
    """A correlation id."""

    name = "correlation"
    words = "correlation"
    description = "An action and all it set off."
    values = "correlation id: an action and all it set off"
    example = "019aa0c4-0000-7000-8000-000000000000"
    label = "Correlation"
    drop_order = 9
    hint = "a correlation id"

    def check(self, value: str, reader: Reader) -> None:
        """Refuse what is no id."""
        check_id(value)

    def includes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return one condition."""
        return [Unindexed(Event.correlation_id).in_(values)]

    def excludes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return one condition."""
        return [Unindexed(Event.correlation_id).not_in(values)]

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return the action's term."""
        return Term((value_term(viewer.workspace.id, "correlation_id", value),))

    def circumstance(self, values: Sequence[str], say: Saying) -> str:
        """Say "in action 019aa0c4-…"."""
        return f"in action {say.any_of(map(foreign, values))}"

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "action 019aa0c4-…"."""
        return [f"action {foreign(action)}" for action in values]
