"""The names of Auditapp's own events, entities and relations: nobody else may use them (contract §5)."""

OWN = "auditapp"
OWN_PREFIX = f"{OWN}."
RESERVED = f"is Auditapp's own: {OWN} and names that begin with {OWN_PREFIX} are reserved; choose another"

# What Auditapp recorded before there was a prefix, by type and verb; None: whatever the verb. Others may use
# these names too. As migration 0009 has them.
OLD_NAMES: dict[str, tuple[str, ...] | None] = {
    "session": ("created", "ended", "failed"),
    "access": ("denied",),
    "export": ("created",),
    "undo": ("prepared",),
    **dict.fromkeys(("api_key", "member", "role", "role_permission", "saved_view", "source", "workspace")),
}


def is_reserved(name: str) -> bool:
    """Tell whether an event, or a type of entities, is Auditapp's own by its name."""
    return name == OWN or name.startswith(OWN_PREFIX)


def short_name(name: str) -> str:
    """Return a name without the prefix: ``member`` for ``auditapp.member``."""
    return name.removeprefix(OWN_PREFIX)


def was_own(name: str) -> bool:
    """Tell whether Auditapp used this name of an event for its own, before there was a prefix."""
    kind, _, verb = name.rpartition(".")
    verbs = OLD_NAMES.get(kind, ())
    return verbs is None or verb in verbs
