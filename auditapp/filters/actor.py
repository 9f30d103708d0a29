"""``actor``: who did it."""

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, or_

from auditapp.access.viewer import Viewer
from auditapp.filters.expression import Node
from auditapp.filters.parameter import Condition, Narrowing, Offered, Reader, Saying
from auditapp.filters.search_terms import Term
from auditapp.filters.wording import ACTOR_TYPE_WORDS
from auditapp.index.terms import value_term
from auditapp.models import Event

ME = "me"
MAX_ID = 512


def check_id(value: str) -> None:
    """Refuse what is too short or too long for an id.

    :raise ValueError: with what an id is.
    """
    if not 1 <= len(value) <= MAX_ID:
        raise ValueError(f"an id has 1 to {MAX_ID} characters")


class Actor(Narrowing):
    """An actor's id, or ``me``."""

    name = "actor"
    words = "actor"
    description = "Id of who did it."
    values = "an actor's id, or `me` (in the browser)"
    example = "u_1"
    label = "Actor"
    drop_order = 7
    hint = "an actor’s id"
    has_menu = True

    def check(self, value: str, reader: Reader) -> None:
        """Refuse ``me`` where that is nobody."""
        if value == ME and not reader.knows_me:
            raise ValueError("me is nobody here; name the actor's id")
        check_id(value)

    def includes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return one condition: any of the actors."""
        ids = [value for value in values if value != ME]
        either: list[Condition] = [Event.actor_id == value for value in ids]
        if ME in values:
            mine: list[Condition] = [Event.member_id == viewer.member_id]
            if ids:  # so that no row is in two branches
                mine.append(or_(Event.actor_id.is_(None), Event.actor_id.not_in(ids)))
            either.append(and_(*mine))
        return [or_(*either)]

    def excludes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Exclude actors; one whose id was erased is none of them as far as anybody knows."""
        ids = [value for value in values if value != ME]
        conditions: list[Condition] = []
        if ids:
            conditions.append(or_(Event.actor_id.is_(None), Event.actor_id.not_in(ids)))
        if ME in values:
            conditions.append(or_(Event.member_id.is_(None), Event.member_id != viewer.member_id))
        return conditions

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return the term of an actor, or of the viewer as a member."""
        if value == ME:
            return Term((value_term(viewer.workspace.id, "member_id", str(viewer.member_id)),))
        return Term((value_term(viewer.workspace.id, "actor_id", value),))

    def options(self, offered: Offered) -> Mapping[str, str]:
        """Offer oneself, and the busiest."""
        return {ME: "Me"} | {
            actor_id: name if actor_type == "user" else f"{name} ({ACTOR_TYPE_WORDS[actor_type]})"
            for actor_id, name, actor_type in offered.actors
        }

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "what Hans Meier or you did"."""
        return [f"what {actor_words(values, say)} did"]


def actor_words(values: Sequence[str], say: Saying) -> str:
    """Say actors by their names: "Hans Meier or you"."""
    return say.any_of("you" if value == ME else say.named("actor", value, value) for value in values)
