"""``on_behalf_of``: for whom the actor acted."""

from collections.abc import Sequence

from auditapp.access.viewer import Viewer
from auditapp.filters.actor import check_id
from auditapp.filters.expression import Node
from auditapp.filters.parameter import Narrowing, Reader, Saying
from auditapp.filters.search_terms import Term
from auditapp.index.terms import value_term


class OnBehalfOf(Narrowing):
    """The id of a person."""

    name = "on_behalf_of"
    words = "on behalf of"
    description = "Id of the person for whom the actor acted."
    values = "id of the person for whom the actor acted"
    example = "u_1"
    label = "On behalf of"
    hint = "the person’s id"
    needs_index = True

    def check(self, value: str, reader: Reader) -> None:
        """Refuse what is no id."""
        check_id(value)

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return the person's term."""
        return Term((value_term(viewer.workspace.id, self.name, value),))

    def circumstance(self, values: Sequence[str], say: Saying) -> str:
        """Say "on behalf of Ada Lovelace"."""
        return f"on behalf of {self._named(values, say)}"

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "what was done on behalf of Ada Lovelace"."""
        return [f"what was done on behalf of {self._named(values, say)}"]

    def _named(self, values: Sequence[str], say: Saying) -> str:
        # Whoever is acted for acts themselves too, and may be known by that.
        return say.any_of(say.named("actor", value, value) for value in values)
