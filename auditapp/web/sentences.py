"""Plain words for what the log says in its own: events, origins, outcomes, actors."""

from typing import NamedTuple

from auditapp.filters.wording import entity_words
from auditapp.finding import effect_of
from auditapp.log.line import fields_of_row
from auditapp.log.own_names import short_name
from auditapp.reading.timeline import EventRow
from auditapp.values.changes import label_of

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
# Where nobody acts by themselves, whatever name it is recorded under.
AUTOMATED_ORIGINS = ("system", "workflow")
# Auditapp's own events, here without their prefix, read badly as "<type> <name> <verb>". Before and after the
# name.
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
    "export.created": ("Export of", "created"),  # so called before there were the next two
    "export.started": ("Export of", "begun"),
    "export.finished": ("Export of", "finished"),
    "import.started": ("Import of", "begun"),
    "import.finished": ("Import of", "finished"),
    "undo.prepared": ("Undo of", "prepared"),
}
# What stands after the name instead, where it failed.
OWN_FAILURES = dict.fromkeys(("export.created", "export.finished", "import.finished"), "not completed")


class Sentence(NamedTuple):
    """What happened, in three parts; the name in the middle is set off."""

    before: str
    name: str
    after: str

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


def sentence(row: EventRow) -> Sentence:
    """Say what happened to what: "Deal", "Data Center Refresh", "updated"."""
    name = row.entity_name or row.entity_id
    own = short_name(row.event) if row.is_own else ""
    if own in OWN_EVENTS:
        before, after = OWN_EVENTS[own]
        if row.outcome != "success":
            after = OWN_FAILURES.get(own, after)
        return Sentence(before, name, after)
    verb = label_of(row.event.rpartition(".")[2]).lower()
    # "Quote sent" would say the opposite of a sending that failed.
    kind = short_name(row.entity_type) if row.is_own else row.entity_type
    return Sentence(entity_words(kind), name, verb if row.outcome == "success" else f"not {verb}")


def effect(row: EventRow) -> str:
    """Return what happened in one word, for colour and sign: created, changed, deleted, failed, other."""
    return effect_of(row.event, row.outcome)


def changed_fields(row: EventRow) -> str | None:
    """Return the labels of the changed fields in one line, None where an event changed none."""
    return fields_of_row(row.line, row.fields)
