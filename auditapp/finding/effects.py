"""What an event did, in one word: created, changed, deleted, failed or other."""

from auditapp.log.own_names import short_name

EFFECTS = ("created", "changed", "deleted", "failed", "other")
CREATED = {"created", "added", "registered", "joined", "restored", "imported", "uploaded"}
DELETED = {"deleted", "removed", "archived", "revoked", "purged"}
CHANGED = {"updated", "changed", "renamed", "moved", "assigned", "merged", "edited"}


def effect_of(event: str, outcome: str) -> str:
    """Return what an event did, by its name and its outcome."""
    return "failed" if outcome != "success" else effect_of_name(event)


def effect_of_name(event: str) -> str:
    """Return what an event of this name does where it succeeds."""
    entity_type, _, verb = event.rpartition(".")
    if short_name(entity_type) == "session":
        return "other"
    for name, verbs in (("created", CREATED), ("deleted", DELETED), ("changed", CHANGED)):
        if verb in verbs:
            return name
    return "other"
