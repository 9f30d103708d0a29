"""The viewer: whoever reads a workspace's log, and how much of it. Reading functions take one."""

import uuid
from dataclasses import dataclass, field

from sqlalchemy import select

from auditapp.access.permissions import (
    AuditLevel,
    Grant,
    Permission,
    Requirement,
    allows,
    audit_level,
    readable_entity_types,
)
from auditapp.extensions import db
from auditapp.models import Member, Workspace


@dataclass(frozen=True)
class Viewer:
    """A member or an API key inside one workspace; a key has no ``member_id``."""

    workspace: Workspace
    permissions: frozenset[Grant] = field(repr=False)
    member_id: uuid.UUID | None = None
    role_name: str = ""

    def can(self, requirement: Requirement) -> bool:
        """Tell whether this viewer holds a permission."""
        return allows(self.permissions, requirement)

    @property
    def audit_level(self) -> AuditLevel:
        """Return how much of the log this viewer reads."""
        return audit_level(self.permissions)

    @property
    def entity_types(self) -> frozenset[str]:
        """Return the entity types that ``read_permitted`` opens."""
        return readable_entity_types(self.permissions)


def member_viewer(slug: str, account_id: uuid.UUID) -> Viewer | None:
    """Find a workspace as one of its members; None for strangers, exactly as if it did not exist."""
    row = db.session.execute(
        select(Workspace, Member)
        .join(Member, Member.workspace_id == Workspace.id)
        .where(
            Workspace.slug == slug,
            Member.account_id == account_id,
            Member.joined_at.is_not(None),
            Member.removed_at.is_(None),
        )
    ).first()
    if not row:
        return None
    workspace, member = row
    permissions = frozenset((held.resource, held.action) for held in member.role.permissions)
    return Viewer(workspace, permissions, member.id, member.role.name)


def whole_log_viewer(workspace: Workspace) -> Viewer:
    """Return a viewer of everything: an API key's, or the command line's."""
    return Viewer(workspace, frozenset({Permission.AUDIT_LOG_READ_ALL.grant}))


def workspaces_of(account_id: uuid.UUID) -> list[Workspace]:
    """Return the workspaces that an account has joined, by name."""
    query = (
        select(Workspace)
        .join(Member, Member.workspace_id == Workspace.id)
        .where(Member.account_id == account_id, Member.joined_at.is_not(None), Member.removed_at.is_(None))
        .order_by(Workspace.name, Workspace.id)
    )
    return list(db.session.scalars(query))
