"""``claimed_by``: on whose word the actor stands, an API key's or a source's."""

from collections.abc import Mapping, Sequence

from auditapp.access.viewer import Viewer
from auditapp.filters.actor import check_id
from auditapp.filters.expression import Node
from auditapp.filters.parameter import Narrowing, Offered, Reader, Saying
from auditapp.filters.search_terms import Term
from auditapp.index.terms import value_term


class ClaimedBy(Narrowing):
    """The id of an API key or of a source."""

    name = "claimed_by"
    words = "claimed by"
    description = "Id of the API key or source on whose word the actor stands."
    values = "id of the API key or source on whose word the actor stands"
    example = "019aa0c4-0000-7000-8000-000000000000"
    label = "Claimed by"
    hint = "id of a key or source"
    needs_index = True

    def check(self, value: str, reader: Reader) -> None:
        """Refuse what is no id."""
        check_id(value)

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return the claimant's term."""
        return Term((value_term(viewer.workspace.id, self.name, value),))

    def options(self, offered: Offered) -> Mapping[str, str]:
        """Offer the workspace's API keys and sources."""
        return dict(offered.claimants)

    def circumstance(self, values: Sequence[str], say: Saying) -> str:
        """Say "on the word of ERP sync"."""
        return f"on the word of {self._named(values, say)}"

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "what came on the word of ERP sync"."""
        return [f"what came on the word of {self._named(values, say)}"]

    def _named(self, values: Sequence[str], say: Saying) -> str:
        return say.any_of(say.named(self.name, value, value) for value in values)
