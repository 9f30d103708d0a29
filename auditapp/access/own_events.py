"""Auditapp's own doings, written into the log they guard: sign-ins, denials, changes of members."""

import ipaddress
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask import g, has_request_context, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from auditapp.access.viewer import workspaces_of
from auditapp.extensions import db
from auditapp.log import Recorded, record
from auditapp.log.own_names import OWN_PREFIX
from auditapp.models import Account, Member, Workspace

COMMAND_LINE = {"type": "system", "id": "command-line", "name": "Command line"}


def actor_of(account: Account, member: Member) -> dict[str, Any]:
    """Return a person as an event's actor, under the member's id."""
    return _person(account, member.id)


def _person(account: Account, member_id: uuid.UUID) -> dict[str, Any]:
    return {
        "type": "user",
        "id": str(member_id),
        "name": account.name,
        "email": account.email,
    }


_actor: ContextVar[dict[str, Any] | None] = ContextVar("auditapp_actor", default=None)


@contextmanager
def acting_as(actor: dict[str, Any]) -> Iterator[None]:
    """Say whose doing the changes of this block are; flushed before it ends, so that they are captured."""
    token = _actor.set(actor)
    try:
        yield
        db.session.flush()
    finally:
        _actor.reset(token)


_told_elsewhere: ContextVar[bool] = ContextVar("auditapp_told_elsewhere", default=False)


@contextmanager
def told_elsewhere() -> Iterator[None]:
    """Capture nothing of this block's changes: whoever makes them records their events too, as the demo."""
    token = _told_elsewhere.set(True)
    try:
        yield
        db.session.flush()
    finally:
        _told_elsewhere.reset(token)


def is_told_elsewhere() -> bool:
    """Tell whether a change just now is in such a block."""
    return _told_elsewhere.get()


def current_actor() -> dict[str, Any] | None:
    """Return who changes something just now: as a block says, else whoever is signed in."""
    if actor := _actor.get():
        return actor
    viewer = g.get("viewer") if has_request_context() else None
    if viewer is None or viewer.member_id is None or not current_user.is_authenticated:
        return None
    return _person(current_user.account, viewer.member_id)


def note(
    workspace: Workspace, event: str, actor: Mapping[str, Any], entity: Mapping[str, Any], **more: Any
) -> Recorded:
    """Record one of Auditapp's own events in the caller's transaction.

    :param event: without its prefix: ``session.created`` becomes ``auditapp.session.created``.
    :param entity: ``id`` and ``name``; the type follows from the event.
    :param more: further fields of the event (``changes``, ``outcome``, ``payload``).
    """
    origin = "ui" if has_request_context() else "system"
    name = OWN_PREFIX + event
    kind = name.rpartition(".")[0]
    return record(
        workspace,
        {
            "event": name,
            "actor": actor,
            "entity": {"type": kind, **entity},
            "origin": origin,
            "context": request_context(),
            **more,
        },
        own=True,
    )


class NotNoted(Exception):
    """What somebody wants to take out or bring in could not be noted in the log, so it must not begin."""


def note_first(
    workspace: Workspace, event: str, actor: Mapping[str, Any], entity: Mapping[str, Any], **more: Any
) -> Recorded:
    """Record an event as :func:`note` does, and commit it, before what it tells of begins.

    :raise NotNoted: if the database does not take it, for whatever reason.
    """
    try:
        recorded = note(workspace, event, actor, entity, **more)
        db.session.commit()
    except SQLAlchemyError as error:
        db.session.rollback()
        raise NotNoted(f"it could not be noted in the log: {getattr(error, 'orig', error)}") from error
    return recorded


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


def client_network() -> str | None:
    """Return what of the caller's address is one caller: of IPv6 the network of 64 bits that each has."""
    address = client_address()
    if address is None or ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
