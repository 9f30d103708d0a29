"""Tables and nothing else, a file a noun. Imported whole so that migrations see them all."""

from auditapp.models.account import Account, SignInSession, Throttle
from auditapp.models.api_key import ApiKey
from auditapp.models.derived import event_count, event_kind
from auditapp.models.event import SECTIONS, Event, EventName, EventPayload
from auditapp.models.following import (
    follower,
    follower_failure,
    log_head,
    log_leaf,
    log_pending,
    worker,
)
from auditapp.models.member import Invitation, Member, Role, RolePermission
from auditapp.models.renamed import RenamedEvent, Renaming
from auditapp.models.saved_view import SavedView, ViewVisit
from auditapp.models.source import SetAside, Source
from auditapp.models.workspace import Workspace

__all__ = [
    "SECTIONS",
    "Account",
    "ApiKey",
    "Event",
    "EventName",
    "EventPayload",
    "Invitation",
    "Member",
    "RenamedEvent",
    "Renaming",
    "Role",
    "RolePermission",
    "SavedView",
    "SetAside",
    "SignInSession",
    "Source",
    "Throttle",
    "ViewVisit",
    "Workspace",
    "event_count",
    "event_kind",
    "follower",
    "follower_failure",
    "log_head",
    "log_leaf",
    "log_pending",
    "worker",
]
