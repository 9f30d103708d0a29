"""The program's own roles follow the program: brought up to date when it starts, and an event says how.

``flask db upgrade`` marked which they are (``Role.system_name``); roles that people made are left alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from auditapp.access.own_events import note
from auditapp.access.permissions import SYSTEM_ROLES, Grant, words_of
from auditapp.access.roles import add_system_role, give, grants_of, lock_access, take
from auditapp.extensions import db
from auditapp.models import Role, Workspace

AUDITAPP = {"type": "system", "id": "auditapp", "name": "Auditapp"}
REASON = "The roles that come with Auditapp follow its version."


def update_system_roles() -> int:
    """Bring the program's roles up to date in every workspace that lags behind, a transaction each.

    Several processes may do it at once: each difference is mended, and told, by one of them.

    :return: how many roles were changed or added.
    """
    changed = 0
    for workspace_id in _behind():
        workspace = db.session.get_one(Workspace, workspace_id)
        lock_access(workspace)
        changed += _update(workspace)
        db.session.commit()
    return changed


def _behind() -> list[int]:
    """Return the numbers of the workspaces whose roles differ from the program's."""
    roles: dict[int, list[Role]] = defaultdict(list)
    for role in db.session.scalars(select(Role).where(Role.system_name.is_not(None))):
        roles[role.workspace_id].append(role)
    numbers = db.session.scalars(select(Workspace.id).order_by(Workspace.id)).all()
    behind = [number for number in numbers if _missing(roles[number]) or any(map(_differs, roles[number]))]
    db.session.rollback()  # what was read is read again behind the lock
    return behind


def _differs(role: Role) -> bool:
    return role.system_name in SYSTEM_ROLES and grants_of(role) != set(SYSTEM_ROLES[role.system_name])


def _missing(roles: Iterable[Role]) -> list[str]:
    names = {role.system_name for role in roles}
    return [name for name in SYSTEM_ROLES if name not in names]


def _update(workspace: Workspace) -> int:
    roles = db.session.scalars(select(Role).where(Role.workspace_id == workspace.id)).all()
    changed = [role for role in roles if _differs(role)]
    for role in changed:
        _bring_up_to_date(workspace, role)
    taken = {role.name for role in roles}  # by people, for a role of their own
    added = [name for name in _missing(roles) if name not in taken]
    for name in added:
        _tell(workspace, "role.created", add_system_role(workspace, name), None, SYSTEM_ROLES[name])
    return len(changed) + len(added)


def _bring_up_to_date(workspace: Workspace, role: Role) -> None:
    before, now = grants_of(role), frozenset(SYSTEM_ROLES[role.system_name or ""])
    take(role, before - now)
    give(role, now - before)
    _tell(workspace, "role.updated", role, before, now)


def _tell(
    workspace: Workspace, event: str, role: Role, before: Iterable[Grant] | None, now: Iterable[Grant]
) -> None:
    change: dict[str, Any] = {"current": _named(now), "label": "Permissions", "kind": "refs"}
    if before is not None:
        change["previous"] = _named(before)
    entity = {"id": str(role.id), "name": role.name}
    note(workspace, event, AUDITAPP, entity, changes={"permissions": change}, payload={"reason": REASON})


def _named(grants: Iterable[Grant]) -> list[dict[str, str]]:
    return [{"id": ":".join(grant), "name": words_of(grant)} for grant in sorted(grants)]
