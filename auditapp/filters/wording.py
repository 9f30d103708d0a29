"""What entity types, actors, origins and outcomes are called, in plain words."""

from auditapp.log.own_names import OWN_PREFIX, short_name
from auditapp.values.changes import label_of

ACTOR_TYPE_WORDS = {
    "user": "person",
    "api_key": "API key",
    "workflow": "workflow",
    "system": "system",
    "anonymous": "anonymous",
}
ORIGIN_WORDS = {
    "ui": "in the app",
    "api": "through the API",
    "workflow": "by a workflow",
    "import": "by an import",
    "webhook": "through a webhook",
    "system": "by the system",
    "unknown": "unknown",
}
OUTCOME_WORDS = {"success": "succeeded", "failure": "failed", "denied": "denied"}


def entity_words(entity_type: str) -> str:
    """Return an entity type as words: ``custom_column`` becomes "Custom column".

    One of Auditapp's own says so as no other type can: ``auditapp.member`` is "Auditapp’s member".
    """
    words = label_of(short_name(entity_type).replace(".", " "))
    if not entity_type.startswith(OWN_PREFIX):
        return words
    return f"Auditapp’s {inside(words)}"


def thing_words(entity_type: str) -> str:
    """Return an entity type after "this": "custom column", and "member" for Auditapp's own."""
    return inside(entity_words(short_name(entity_type)))


def inside(words: str) -> str:
    """Return words as inside a sentence: "custom column" for "Custom column", "API key" as it is."""
    is_name = words[1:2].isupper() or words.startswith("Auditapp’s ")
    return words if is_name else words[:1].lower() + words[1:]
