"""Permissions: what Auditapp can be asked for, in one enumeration, and what roles hold of it.

A role holds grants, as the database has them: the pair of a permission; ``EVERYTHING``, what there will be
some day included; or, for ``read_permitted``, the action ``read`` on a type of entities.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum

Grant = tuple[str, str]  # resource and action, either of them * for any

ANY = "*"
READ = "read"
EVERYTHING: Grant = (ANY, ANY)


class Permission(Enum):
    """An action on a resource, and what that is called where it is said who may do it."""

    AUDIT_LOG_READ_OWN = ("audit_log", "read_own", "read what they did themselves")
    AUDIT_LOG_READ_PERMITTED = ("audit_log", "read_permitted", "read what their role names")
    AUDIT_LOG_READ_ALL = ("audit_log", "read_all", "read the whole audit log")
    AUDIT_LOG_EXPORT = ("audit_log", "export", "export the audit log")
    MEMBERS_READ = ("members", READ, "read members")
    MEMBERS_MANAGE = ("members", "manage", "manage members")
    ROLES_READ = ("roles", READ, "read roles")
    ROLES_MANAGE = ("roles", "manage", "manage roles")
    API_KEYS_READ = ("api_keys", READ, "read API keys")
    API_KEYS_MANAGE = ("api_keys", "manage", "manage API keys")
    SOURCES_READ = ("sources", READ, "read sources")
    SOURCES_MANAGE = ("sources", "manage", "manage sources")
    VIEWS_READ = ("views", READ, "read views")
    VIEWS_MANAGE = ("views", "manage", "manage views")
    SETTINGS_READ = ("settings", READ, "read settings")
    SETTINGS_MANAGE = ("settings", "manage", "manage settings")

    def __init__(self, resource: str, action: str, words: str) -> None:
        self.resource, self.action, self.words = resource, action, words

    @property
    def grant(self) -> Grant:
        """Return it as a role holds it."""
        return self.resource, self.action

    @property
    def any_of(self) -> "tuple[Permission, ...]":
        """Return what is enough to be allowed this: itself."""
        return (self,)


@dataclass(frozen=True)
class AnyOf:
    """What is asked for where one of several permissions is enough."""

    resource: str
    action: str
    words: str
    any_of: tuple[Permission, ...]


AUDIT_LOG_READ = AnyOf(
    "audit_log",
    READ,
    "read the audit log",
    (Permission.AUDIT_LOG_READ_OWN, Permission.AUDIT_LOG_READ_PERMITTED, Permission.AUDIT_LOG_READ_ALL),
)
Requirement = Permission | AnyOf

# Who holds all of these owns the workspace, whatever their role is called: there is always somebody.
OWNING = (Permission.MEMBERS_MANAGE, Permission.ROLES_MANAGE)

SYSTEM_ROLES: dict[str, tuple[Grant, ...]] = {
    "Owner": (EVERYTHING,),
    "Auditor": (
        Permission.AUDIT_LOG_READ_ALL.grant,
        Permission.AUDIT_LOG_EXPORT.grant,
        Permission.ROLES_READ.grant,
    ),
    "Member": (Permission.AUDIT_LOG_READ_OWN.grant,),
}

_WORDS = {EVERYTHING: "do everything", **{permission.grant: permission.words for permission in Permission}}


class AuditLevel(IntEnum):
    """How much of the log someone reads; a higher level includes the lower ones."""

    NOTHING = 0
    OWN = 1
    PERMITTED = 2
    ALL = 3


_LEVELS = {
    Permission.AUDIT_LOG_READ_OWN: AuditLevel.OWN,
    Permission.AUDIT_LOG_READ_PERMITTED: AuditLevel.PERMITTED,
    Permission.AUDIT_LOG_READ_ALL: AuditLevel.ALL,
}


def allows(held: frozenset[Grant], requirement: Requirement) -> bool:
    """Tell whether grants cover what is asked for."""
    return any(
        resource in {ANY, permission.resource} and action in {ANY, permission.action}
        for permission in requirement.any_of
        for resource, action in held
    )


def owns(held: frozenset[Grant]) -> bool:
    """Tell whether grants are an owner's: all that it takes to give others theirs."""
    return all(allows(held, permission) for permission in OWNING)


def audit_level(held: frozenset[Grant]) -> AuditLevel:
    """Return the highest read level of the audit log that is held."""
    levels = (level for permission, level in _LEVELS.items() if allows(held, permission))
    return max(levels, default=AuditLevel.NOTHING)


def readable_entity_types(held: frozenset[Grant]) -> frozenset[str]:
    """Return the entity types that a role names as readable, for the level ``read_permitted``."""
    return frozenset(resource for resource, action in held if action in {READ, ANY} and resource != ANY)


def words_of(grant: Grant) -> str:
    """Return what a grant is called; one that is no permission of ours by its own words."""
    resource = "everything" if grant[0] == ANY else grant[0]
    action = "do anything with" if grant[1] == ANY else grant[1]
    return _WORDS.get(grant, f"{action} {resource}".replace("_", " "))
