"""Auditapp's own doings, written into the log they guard: sign-ins, denials, changes of members."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

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
    return person(account, member.id)


def person(account: Account, member_id: uuid.UUID) -> dict[str, Any]:
    """Return an account as an event's actor, in the workspace where it has this member's id."""
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


_recorded_elsewhere: ContextVar[bool] = ContextVar("auditapp_recorded_elsewhere", default=False)


@contextmanager
def recorded_elsewhere() -> Iterator[None]:
    """Capture nothing of this block's changes: whoever makes them records their events too, as the demo."""
    token = _recorded_elsewhere.set(True)
    try:
        yield
        db.session.flush()
    finally:
        _recorded_elsewhere.reset(token)


def is_recorded_elsewhere() -> bool:
    """Tell whether a change just now is in such a block."""
    return _recorded_elsewhere.get()


def current_actor() -> dict[str, Any] | None:
    """Return who changes something just now: as a block says, else whoever is signed in."""
    return _actor.get() or _front_door.actor()


class FrontDoor(NamedTuple):
    """How the front doors answer about the request at hand, of which this room knows nothing.

    ``context`` returns an event's, None outside of a request; ``actor`` the member who was let in, if any.
    """

    context: Callable[[], dict[str, Any] | None]
    actor: Callable[[], dict[str, Any] | None]


_front_door = FrontDoor(context=lambda: None, actor=lambda: None)


def ask_about_requests(front_door: FrontDoor) -> None:
    """Say, once a process, whom to ask about requests; until then there are none."""
    global _front_door
    _front_door = front_door


def note(
    workspace: Workspace, event: str, actor: Mapping[str, Any], entity: Mapping[str, Any], **more: Any
) -> Recorded:
    """Record one of Auditapp's own events in the caller's transaction.

    :param event: without its prefix: ``session.created`` becomes ``auditapp.session.created``.
    :param entity: ``id`` and ``name``; the type follows from the event.
    :param more: further fields of the event (``changes``, ``outcome``, ``payload``).
    """
    context = _front_door.context()
    name = OWN_PREFIX + event
    kind = name.rpartition(".")[0]
    return record(
        workspace,
        {
            "event": name,
            "actor": actor,
            "entity": {"type": kind, **entity},
            "origin": "system" if context is None else "ui",
            "context": context or {},
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
