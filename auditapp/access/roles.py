"""The roles of a workspace: what each holds, and those that come with the program."""

from collections.abc import Collection

from sqlalchemy import select, update
from uuid_utils.compat import uuid7

from auditapp.access.permissions import SYSTEM_ROLES, Grant, Permission, allows, owns
from auditapp.extensions import db
from auditapp.models import Role, RolePermission, Workspace


class RoleError(ValueError):
    """There is no such role; the message says which there are."""


def add_system_role(workspace: Workspace, name: str) -> Role:
    """Add one of the program's roles to a workspace. The caller commits."""
    role = Role(workspace_id=workspace.id, id=uuid7(), name=name, is_system=True, system_name=name)
    db.session.add(role)
    db.session.flush()
    give(role, SYSTEM_ROLES[name])
    return role


def give(role: Role, grants: Collection[Grant]) -> None:
    """Add grants to a role. The caller commits."""
    for resource, action in grants:
        db.session.add(
            RolePermission(workspace_id=role.workspace_id, role_id=role.id, resource=resource, action=action)
        )


def take(role: Role, grants: Collection[Grant]) -> None:
    """Take grants away from a role. The caller commits."""
    for held in role.permissions:
        if (held.resource, held.action) in grants:
            db.session.delete(held)


def roles_of(workspace: Workspace) -> list[Role]:
    """Return the workspace's roles, the one with the fewest permissions first."""
    roles = db.session.scalars(select(Role).where(Role.workspace_id == workspace.id))

    def power(role: Role) -> tuple[bool, int]:
        return allows(grants_of(role), Permission.MEMBERS_MANAGE), len(role.permissions)

    return sorted(roles, key=power)


def grants_of(role: Role) -> frozenset[Grant]:
    """Return what a role holds."""
    return frozenset((held.resource, held.action) for held in role.permissions)


def find_role(workspace: Workspace, name: str) -> Role:
    """Return a role by name, in any case.

    :raise RoleError: if there is none; the message lists those there are.
    """
    roles = roles_of(workspace)
    for role in roles:
        if role.name.lower() == name.lower():
            return role
    raise RoleError(f"there is no role {name!r}; there are {', '.join(role.name for role in roles)}")


def owning_roles(workspace: Workspace) -> list[Role]:
    """Return the roles whose holders own the workspace, the one with the fewest permissions first."""
    return [role for role in roles_of(workspace) if owns(grants_of(role))]


def lock_access(workspace: Workspace) -> None:
    """Let nobody else change who may do what in a workspace until the transaction ends."""
    db.session.execute(update(Workspace).where(Workspace.id == workspace.id).values(name=Workspace.name))
