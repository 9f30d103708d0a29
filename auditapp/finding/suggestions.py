"""What to offer while somebody types the name of an actor or of a record: those that acted last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters
from auditapp.filters.expression import all_of
from auditapp.filters.search_terms import Term
from auditapp.finding.full_text import fetch_by_index
from auditapp.finding.index_expression import tree_of
from auditapp.index.terms import value_term
from auditapp.index.words import words
from auditapp.models import Event

MAX_OFFERED = 8
LOOK_AT = 200


@dataclass(frozen=True)
class Offer:
    """A value for the filter's parameter, and what it is called; ``kind`` is an actor's or entity's type."""

    parameter: str
    value: str
    name: str
    kind: str


def suggest_actors(typed: str, viewer: Viewer) -> list[Offer]:
    """Return actors whose name, address or id has words that begin as typed, whoever acted last first."""

    def offer(row: Any) -> Offer:
        return Offer("actor", row.actor_id, row.actor_name or row.actor_id, row.actor_type)

    columns = (Event.actor_id, Event.actor_name, Event.actor_type)
    return _suggest("a", typed, viewer, columns, offer)


def suggest_records(typed: str, viewer: Viewer) -> list[Offer]:
    """Return records whose name has words that begin as typed, whichever changed last first."""

    def offer(row: Any) -> Offer:
        name = row.entity_name or row.entity_id
        return Offer("record", f"{row.entity_type}:{row.entity_id}", name, row.entity_type)

    columns = (Event.entity_type, Event.entity_id, Event.entity_name)
    return _suggest("n", typed, viewer, columns, offer)


def _suggest(kind: str, typed: str, viewer: Viewer, columns: Sequence[Any], offer_of: Any) -> list[Offer]:
    """Look among the newest events that fit; leave out who was found, until nobody new is."""
    typed_words = words(typed)
    visible = tree_of(TimelineFilters(), viewer)
    if not typed_words or visible is None:
        return []
    begin = f"_{viewer.workspace.id}{kind}_"
    parts = tuple(Term((begin + word,), is_prefix=True) for word in typed_words)
    offers: dict[str, Offer] = {}
    for _ in range(MAX_OFFERED):
        but = tuple(Term((_term_of(viewer, known),)) for known in offers.values())
        tree = all_of((*parts, visible), but)
        rows = fetch_by_index(tree, TimelineFilters(), viewer, columns, LOOK_AT)
        for row in rows:
            # An erased actor has no id to filter by.
            if None not in row[:1]:
                offers.setdefault((offer := offer_of(row)).value, offer)
        if len(rows) < LOOK_AT or len(offers) >= MAX_OFFERED:
            break
    return list(offers.values())[:MAX_OFFERED]


def _term_of(viewer: Viewer, offer: Offer) -> str:
    if offer.parameter == "actor":
        return value_term(viewer.workspace.id, "actor_id", offer.value)
    entity_type, _, entity_id = offer.value.partition(":")
    return value_term(viewer.workspace.id, "record", entity_type, entity_id)
