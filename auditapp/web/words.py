"""Plain words for what the log says in its own: events, origins, outcomes, actors."""

from typing import Any, NamedTuple

from auditapp.log.changes import words_of
from auditapp.reading.marks import mark_of

ACTOR_TYPE_WORDS = {
    "user": "person",
    "api_key": "API key",
    "workflow": "workflow",
    "system": "system",
    "anonymous": "anonymous",
}
# By which way a version came: one, several, and all of them as a heading; see reading/records/rail.py.
WAY_WORDS = {
    "user": ("a person", "people", "People"),
    "api_key": ("an API key", "API keys", "API keys"),
    "workflow": ("a workflow", "workflows", "Workflows"),
    "import": ("an import", "imports", "Imports"),
    "system": ("the system", "the system", "System"),
    "anonymous": ("somebody anonymous", "somebody anonymous", "Anonymous"),
}
# Whose word an event's actor is, where it did not come from Auditapp itself.
CLAIMANT_WORDS = {"api_key": "API key", "source": "source"}
ORIGIN_WORDS = {
    "ui": "in the app",
    "api": "through the API",
    "workflow": "by a workflow",
    "import": "by an import",
    "webhook": "through a webhook",
    "system": "by the system",
    "unknown": "unknown",
}
# Where nobody acts by themselves, whatever name it is recorded under.
AUTOMATED_ORIGINS = ("system", "workflow")
OUTCOME_WORDS = {"success": "succeeded", "failure": "failed", "denied": "denied"}

# What a filter's parameter is called where its name alone says too little.
PARAMETER_WORDS = {"q": "search", "field": "changed field", "from": "changed from", "to": "changed to"}

# Auditapp's own events read badly as "<type> <name> <verb>". Before and after the name.
OWN_EVENTS = {
    "session.created": ("", "signed in"),
    "session.ended": ("", "signed out"),
    "session.failed": ("Sign-in failed for", ""),
    "access.denied": ("Not allowed to", ""),
    "member.added": ("", "added as a member"),
    "member.joined": ("", "joined the workspace"),
    "member.updated": ("Member", "changed"),
    "member.removed": ("", "removed from the workspace"),
    "api_key.created": ("API key", "created"),
    "api_key.revoked": ("API key", "revoked"),
    "set_aside.dismissed": ("", "dismissed unread"),
    "export.created": ("Export of", "created"),
    "undo.prepared": ("Undo of", "prepared"),
}
# What stands after the name instead, where it failed.
OWN_FAILURES = {"export.created": "not completed"}


class Sentence(NamedTuple):
    """What happened, in three parts; the name in the middle is set off."""

    before: str
    name: str
    after: str

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


def sentence(row: Any) -> Sentence:
    """Say what happened to what: "Deal", "Data Center Refresh", "updated"."""
    name = row.entity_name or row.entity_id
    if row.event in OWN_EVENTS:
        before, after = OWN_EVENTS[row.event]
        if row.outcome != "success":
            after = OWN_FAILURES.get(row.event, after)
        return Sentence(before, name, after)
    verb = words_of(row.event.rpartition(".")[2]).lower()
    # "Quote sent" would say the opposite of a sending that failed.
    return Sentence(entity_words(row.entity_type), name, verb if row.outcome == "success" else f"not {verb}")


def entity_words(entity_type: str) -> str:
    """Return an entity type as words: ``custom_column`` becomes "Custom column"."""
    return words_of(entity_type.replace(".", " "))


def mark(row: Any) -> str:
    """Return what happened in one word, for colour and sign: created, changed, deleted, failed, other."""
    return mark_of(row.event, row.outcome)


def parameter_words(name: str) -> str:
    """Return what a filter's parameter is called: "search", "actor type"."""
    return PARAMETER_WORDS.get(name, name.replace("_", " "))
