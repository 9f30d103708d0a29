"""Permissions are pairs (resource, action); ``*`` stands for any. Roles are sets of them."""

from enum import IntEnum

Permission = tuple[str, str]

AUDIT_LOG = "audit_log"
READ = "read"  # of the audit log: any of the three levels below
READ_OWN = "read_own"
READ_PERMITTED = "read_permitted"
READ_ALL = "read_all"

SYSTEM_ROLES: dict[str, tuple[Permission, ...]] = {
    "Owner": (("*", "*"),),
    "Auditor": ((AUDIT_LOG, READ_ALL), (AUDIT_LOG, "export"), ("roles", READ)),
    "Member": ((AUDIT_LOG, READ_OWN),),
}

# What a right is called on the page that says it is missing.
RIGHTS = {
    (AUDIT_LOG, READ): "read the audit log",
    (AUDIT_LOG, READ_ALL): "read the whole audit log",
    (AUDIT_LOG, "export"): "export the audit log",
    ("members", "manage"): "manage members",
    ("api_keys", "manage"): "manage API keys",
    ("sources", "manage"): "manage sources",
}


class AuditLevel(IntEnum):
    """How much of the log someone reads; a higher level includes the lower ones."""

    NOTHING = 0
    OWN = 1
    PERMITTED = 2
    ALL = 3


def allows(permissions: frozenset[Permission], resource: str, action: str) -> bool:
    """Tell whether a set of permissions covers an action on a resource."""
    if (resource, action) == (AUDIT_LOG, READ):
        return audit_level(permissions) > AuditLevel.NOTHING
    return any(
        held_resource in {"*", resource} and held_action in {"*", action}
        for held_resource, held_action in permissions
    )


def audit_level(permissions: frozenset[Permission]) -> AuditLevel:
    """Return the highest read level of the audit log that is held."""
    levels = {
        READ_ALL: AuditLevel.ALL,
        READ_PERMITTED: AuditLevel.PERMITTED,
        READ_OWN: AuditLevel.OWN,
    }
    held = [level for action, level in levels.items() if allows(permissions, AUDIT_LOG, action)]
    return max(held, default=AuditLevel.NOTHING)


def readable_entity_types(permissions: frozenset[Permission]) -> frozenset[str]:
    """Return the entity types that a role names as readable, for the level ``read_permitted``."""
    return frozenset(
        resource for resource, action in permissions if action in {READ, "*"} and resource != "*"
    )
