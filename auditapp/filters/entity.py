"""``entity``: the type of what something happened to. The event's name tells it: see ``finding``'s scopes."""

import re
from collections.abc import Mapping, Sequence

from auditapp.access.viewer import Viewer
from auditapp.filters.parameter import Asked, IndexParts, Narrowing, Offered, Reader, Saying
from auditapp.filters.plurals import entities_words
from auditapp.filters.wording import entity_words
from auditapp.values.strict_json import shorten

TYPE = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*"
_ENTITY = re.compile(TYPE)


class Entity(Narrowing):
    """An entity type: ``deal``."""

    name = "entity"
    words = "entity"
    description = "Entity type."
    values = "entity type: `deal`"
    example = "deal"
    label = "Entity"
    drop_order = 6
    hint = "another type"
    has_menu = True

    def check(self, value: str, reader: Reader) -> None:
        """Refuse what can be no type."""
        if not _ENTITY.fullmatch(value):
            raise ValueError(f"{shorten(value)} is no entity type; write it as deal")

    def index_parts(self, filters: Asked, viewer: Viewer) -> IndexParts | None:
        """Ask for nothing: the names of events that it leaves are asked for."""
        return [], []

    def options(self, offered: Offered) -> Mapping[str, str]:
        """Offer the types of the newest events."""
        return {kind: entity_words(kind) for kind in offered.entities}

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "deals"."""
        return [entities_words(kind) for kind in values]
