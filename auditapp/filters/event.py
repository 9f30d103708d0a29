"""``event``: what happened, by the event's name or a part of it."""

import re
from collections.abc import Mapping, Sequence

from auditapp.access.viewer import Viewer
from auditapp.filters.entity import TYPE
from auditapp.filters.parameter import Asked, IndexParts, Narrowing, Offered, Reader, Saying
from auditapp.filters.plurals import entities_words
from auditapp.values.changes import label_of
from auditapp.values.strict_json import shorten

_EVENT = re.compile(rf"{TYPE}\.[a-z][a-z0-9_]*|{TYPE}\.\*|\*\.{TYPE}")
# Auditapp's own events, where "sessions created" would say less.
NOUNS = {
    "auditapp.*": "anything that Auditapp did itself",
    "auditapp.session.created": "sign-ins",
    "auditapp.session.ended": "sign-outs",
    "auditapp.session.failed": "failed sign-ins",
    "auditapp.access.denied": "refused access",
    "auditapp.export.started": "exports begun",
    "auditapp.export.finished": "exports finished",
    "auditapp.import.started": "imports begun",
    "auditapp.import.finished": "imports finished",
}
# What happened, by the type it happened to; None is any type, and no verbs are any verb.
Verbs = dict[str | None, list[str]]


class EventName(Narrowing):
    """An event's name, all of one type, or all of one verb."""

    name = "event"
    words = "event"
    description = "Event, or deal.* or *.deleted."
    values = "`deal.updated`, `deal.*`, `*.deleted`; `auditapp.*`: what Auditapp did itself"
    example = "deal.updated"
    label = "Event"
    drop_order = 5
    hint = "deal.* or *.deleted"
    has_menu = True

    def check(self, value: str, reader: Reader) -> None:
        """Refuse what can be no event's name."""
        if not _EVENT.fullmatch(value):
            raise ValueError(f"{shorten(value)} is no event; write it as deal.updated, deal.* or *.deleted")

    def index_parts(self, filters: Asked, viewer: Viewer) -> IndexParts | None:
        """Ask for nothing: the names of events that it leaves are asked for."""
        return [], []

    def options(self, offered: Offered) -> Mapping[str, str]:
        """Offer the newest events' names, and where they are few all of them."""
        return {event: event for event in offered.events}

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "deals created"."""
        nouns, by_kind = grouped(values)
        kinds = [(kinds_words([kind], say), verbs) for kind, verbs in by_kind.items()]
        return [*nouns, *(done_words(kind, verbs, say) if verbs else kind for kind, verbs in kinds)]


def matches(pattern: str, event: str) -> bool:
    """Tell whether an event's name fits ``deal.updated``, ``deal.*`` or ``*.deleted``."""
    if pattern.endswith(".*"):
        return event.startswith(pattern[:-1])
    if pattern.startswith("*."):
        return event.endswith(pattern[1:])
    return event == pattern


def grouped(events: Sequence[str]) -> tuple[list[str], Verbs]:
    """Return events as nouns of their own, and as verbs by entity type."""
    verbs: Verbs = {}
    for event in events:
        kind, _, verb = event.rpartition(".")
        if event in NOUNS:
            continue
        if event.startswith("*."):
            verbs.setdefault(None, []).append(event[2:])
        elif verb == "*":
            verbs[kind] = []
        elif f"{kind}.*" not in events:
            verbs.setdefault(kind, []).append(verb)
    return [NOUNS[event] for event in events if event in NOUNS], verbs


def kinds_words(kinds: Sequence[str | None], say: Saying) -> str:
    """Say types as what something is done to: "deals or contacts", "anything" for None."""
    return "anything" if None in kinds else say.any_of(entities_words(kind) for kind in kinds if kind)


def done_words(subject: str, verbs: Sequence[str], say: Saying) -> str:
    """Say what was done to a subject: "deals created or deleted"."""
    participles = say.any_of(label_of(verb).lower() for verb in verbs)
    return f"{subject} {participles}" if participles else f"anything done to {subject}"
