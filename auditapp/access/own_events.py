"""Auditapp's own doings, written into the log they guard: sign-ins, denials, changes of members."""

import ipaddress
from typing import Any

from flask import has_request_context, request
from sqlalchemy import select

from auditapp.access.viewer import workspaces_of
from auditapp.extensions import db
from auditapp.log import record
from auditapp.models import Account, Member, Workspace

COMMAND_LINE = {"type": "system", "id": "command-line", "name": "Command line"}


def actor_of(account: Account, member: Member) -> dict[str, Any]:
    """Return a person as an event's actor, under the member's id."""
    return {
        "type": "user",
        "id": str(member.id),
        "name": account.name,
        "email": account.email,
    }


def note(
    workspace: Workspace, event: str, actor: dict[str, Any], entity: dict[str, Any], **more: Any
) -> None:
    """Record one of Auditapp's own events in the caller's transaction.

    :param entity: ``id`` and ``name``; the type follows from the event.
    :param more: further fields of the event (``changes``, ``outcome``, ``payload``).
    """
    origin = "ui" if has_request_context() else "system"
    kind = event.rpartition(".")[0]
    record(
        workspace,
        {
            "event": event,
            "actor": actor,
            "entity": {"type": kind, **entity},
            "origin": origin,
            "context": request_context(),
            **more,
        },
    )


def note_everywhere(account: Account, event: str, entity: dict[str, Any], **more: Any) -> None:
    """Record an event of an account in each workspace that it has joined."""
    for workspace in workspaces_of(account.id):
        member = db.session.scalars(
            select(Member).where(Member.workspace_id == workspace.id, Member.account_id == account.id)
        ).one()
        note(workspace, event, actor_of(account, member), entity, **more)


def request_context() -> dict[str, Any]:
    """Return an event's ``context`` for the request at hand; empty outside of one."""
    if not has_request_context():
        return {}
    context: dict[str, Any] = {}
    if address := client_address():
        context["ip"] = address
    if agent := request.user_agent.string.replace("\x00", "")[:512]:
        context["user_agent"] = agent
    return context


def client_address() -> str | None:
    """Return the caller's IP address, or None where the server knows none (a Unix socket)."""
    try:
        return str(ipaddress.ip_address(request.remote_addr or ""))
    except ValueError:
        return None
