"""Auditapp's own members, roles, keys, sources and settings, captured like any application's."""

from functools import cache
from typing import Any

from sqlalchemy import inspect

from auditapp.access.own_events import COMMAND_LINE, current_actor, is_recorded_elsewhere
from auditapp.capture import Capture, capture
from auditapp.extensions import db
from auditapp.log.own_names import OWN_PREFIX
from auditapp.models import ApiKey, Member, Role, RolePermission, SavedView, Source, Workspace

MODELS = (Workspace, Role, RolePermission, Member, ApiKey, Source, SavedView)
# The database's own, or noise: who uses a key and when is no change of it.
NOT_TOLD = (
    *("workspace_id", "id", "uid", "created_at", "key_hash", "hint", "last_used_at"),
    *("last_received_at", "last_refused_at", "refused_because", "system_name", "wal_position"),
)


@cache
def capture_own() -> Capture:
    """Begin, once a process: all applications in it share one session class."""
    return capture(
        db,
        models=MODELS,
        actor=current_actor,
        application=COMMAND_LINE,
        exclude=NOT_TOLD,
        workspace=_workspace_of,
        _prefix=OWN_PREFIX,
        describe={
            Workspace: {"id": "uid"},
            Member: {
                "id": "id",
                "name": lambda member: member.name,
                "verbs": _member_verb,
                "exclude": ("account_id", "invited_as"),
                "labels": {"role_id": "Role", "joined_at": "Joined", "removed_at": "Removed"},
            },
            Role: {"id": "id"},
            RolePermission: {"name": lambda held: f"{held.action} {held.resource}"},
            ApiKey: {
                "id": "id",
                "verbs": _ends_with("revoked_at", "revoked"),
                "labels": {"expires_at": "Expires", "revoked_at": "Revoked"},
            },
            Source: {
                "id": "id",
                "verbs": _ends_with("removed_at", "removed"),
                "labels": {"removed_at": "Removed"},
            },
            SavedView: {
                "id": "id",
                "exclude": ("member_id", "updated_at"),
                "labels": {"query": "Filters", "is_shared": "For the workspace"},
            },
        },
    )


def _workspace_of(thing: Any) -> Any:
    """Return where a change belongs. What comes with every workspace is told by the workspace itself."""
    if is_recorded_elsewhere():
        return None
    if isinstance(thing, Workspace):
        return thing
    if isinstance(thing, SavedView) and not (
        thing.is_shared or inspect(thing).attrs.is_shared.history.deleted
    ):
        return None  # what somebody looks at by themselves is nobody's business
    role = thing if isinstance(thing, Role) else None
    if isinstance(thing, RolePermission):
        role = db.session.get(Role, (thing.workspace_id, thing.role_id))
    return None if role is not None and role.is_system else thing.workspace_id


def _member_verb(verb: str, changes: dict[str, Any]) -> str:
    if "removed_at" in changes and verb == "updated":
        return "removed" if changes["removed_at"]["current"] else "added"
    if "joined_at" in changes and verb == "updated":
        return "joined"
    return "added" if verb == "created" else verb


def _ends_with(field: str, word: str) -> Any:
    """Return what names an update of a field that ends something."""
    return lambda verb, changes: word if verb == "updated" and field in changes else verb
