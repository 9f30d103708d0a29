"""Workspaces and their members: each change is an event in the same transaction."""

import hashlib
import re
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select, update
from uuid_utils.compat import uuid7

from auditapp.access.own_events import acting_as, actor_of
from auditapp.access.passwords import hash_password
from auditapp.access.permissions import SYSTEM_ROLES, owns
from auditapp.access.roles import add_system_role, grants_of, lock_access, owning_roles
from auditapp.extensions import db
from auditapp.log.members import fold_email
from auditapp.models import Account, Invitation, Member, Role, Workspace
from auditapp.values.strict_json import text_problem

INVITATION_LIFETIME = timedelta(days=7)
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")

ActorDict = dict[str, Any]


class MemberError(ValueError):
    """Something about a workspace or member cannot be; the message says what to do."""


def create_workspace(slug: str, name: str, timezone: str, by: ActorDict) -> Workspace:
    """Add a workspace with the three system roles. The caller commits.

    :raise MemberError: if the slug is malformed or taken, or the name empty.
    """
    if not SLUG.fullmatch(slug):
        raise MemberError(f"{slug!r} is no slug: use 1 to 64 lower-case letters, digits and hyphens")
    if db.session.scalars(select(Workspace.id).where(Workspace.slug == slug)).first():
        raise MemberError(f"there is a workspace {slug!r} already")
    workspace = Workspace(
        uid=uuid7(), slug=slug, name=clean_name(name), timezone=timezone, created_at=datetime.now(UTC)
    )
    with acting_as(by):
        db.session.add(workspace)
        db.session.flush()
        for role_name in SYSTEM_ROLES:
            add_system_role(workspace, role_name)
    return workspace


def find_workspace(slug: str) -> Workspace:
    """Return a workspace by its slug.

    :raise MemberError: if there is none.
    """
    # Checked first: a slug that could not be one may hold what a database cannot take.
    query = select(Workspace).where(Workspace.slug == slug)
    workspace = db.session.scalars(query).first() if SLUG.fullmatch(slug) else None
    if not workspace:
        raise MemberError(f"there is no workspace {slug!r}; flask workspace create makes one")
    return workspace


def find_member(workspace: Workspace, member_id: uuid.UUID) -> Member | None:
    """Return a member who has not been removed."""
    member = db.session.get(Member, (workspace.id, member_id))
    return member if member and not member.removed_at else None


def members_of(workspace: Workspace) -> list[Member]:
    """Return the members who have not been removed, by name."""
    query = select(Member).where(Member.workspace_id == workspace.id, Member.removed_at.is_(None))
    return sorted(db.session.scalars(query), key=lambda member: (member.name, member.account.email))


def add_member(workspace: Workspace, email: str, name: str, role: Role, by: ActorDict) -> Member:
    """Add somebody, not yet joined; makes the account where there is none. The caller commits.

    :raise MemberError: if the address is none, the name empty, or the person a member already.
    """
    name = clean_name(name)
    account = _account_for(email, name)
    member = db.session.scalars(
        select(Member).where(Member.workspace_id == workspace.id, Member.account_id == account.id)
    ).first()
    if member and not member.removed_at:
        raise MemberError(f"{account.email} is a member already")
    with acting_as(by):
        if member:
            member.removed_at, member.joined_at, member.role = None, None, role
            member.invited_as = name
        else:
            member = Member(
                workspace_id=workspace.id,
                id=uuid7(),
                account=account,
                role=role,
                invited_as=name,
                created_at=datetime.now(UTC),
            )
            db.session.add(member)
    db.session.refresh(member)
    return member


def change_role(workspace: Workspace, member: Member, role: Role, by: ActorDict) -> None:
    """Give a member another role. The caller commits.

    :raise MemberError: if it would leave the workspace without an owner, or the member is one no more.
    """
    _keep_an_owner(workspace, member, role)
    if member.removed_at:
        raise MemberError(f"{member.name} has been removed meanwhile.")
    if member.role_id == role.id:
        return
    with acting_as(by):
        member.role = role  # not its id: capture names the role then
    db.session.refresh(member)


def remove_member(workspace: Workspace, member: Member, by: ActorDict) -> None:
    """End a membership; the row stays, since events name it. The caller commits.

    :raise MemberError: if it would leave the workspace without an owner.
    """
    _keep_an_owner(workspace, member, None)
    if member.removed_at:  # meanwhile, by somebody else
        return
    with acting_as(by):
        member.removed_at = datetime.now(UTC)


def join(member: Member) -> None:
    """Let a member in, and say so in the log. The caller commits."""
    with acting_as(actor_of(member.account, member)):
        member.joined_at = datetime.now(UTC)


def invite(member: Member) -> str:
    """Return the token of a new one-time link, valid for seven days; older links of the member end.

    The caller commits.
    """
    now = datetime.now(UTC)
    db.session.execute(
        update(Invitation)
        .where(
            Invitation.workspace_id == member.workspace_id,
            Invitation.member_id == member.id,
            Invitation.used_at.is_(None),
        )
        .values(used_at=now)
    )
    token = secrets.token_urlsafe(32)
    db.session.add(
        Invitation(
            token_hash=_hash(token),
            workspace_id=member.workspace_id,
            member_id=member.id,
            expires_at=now + INVITATION_LIFETIME,
        )
    )
    return token


def find_invitation(token: str) -> Invitation | None:
    """Return the invitation that a link stands for, while it can be used."""
    invitation = db.session.get(Invitation, _hash(token))
    if (
        not invitation
        or invitation.used_at
        or invitation.expires_at <= datetime.now(UTC)
        or invitation.member.removed_at
    ):
        return None
    return invitation


def accept(invitation: Invitation, password: str | None) -> Account:
    """Use a one-time link. A password is set only for an account that has none: a link must never
    let the one who made it into an account that somebody else uses. The caller commits.

    :raise PasswordError: if the new password is too short or too long.
    :raise MemberError: if the link has been used meanwhile.
    """
    account = invitation.member.account
    if password is not None and account.password_hash is None:
        account.password_hash = hash_password(password)
        # Of those who invited them, this is whom they answer: what the others call them stays theirs.
        account.name = invitation.member.name
    used = db.session.execute(
        update(Invitation)
        .where(Invitation.token_hash == invitation.token_hash, Invitation.used_at.is_(None))
        .values(used_at=datetime.now(UTC))
        .returning(Invitation.member_id)
    )
    if not used.first():
        raise MemberError("This link has been used already.")
    if not invitation.member.joined_at:
        join(invitation.member)
    return account


def _keep_an_owner(workspace: Workspace, member: Member, role: Role | None) -> None:
    """See to it that somebody is left who owns the workspace, by what their role holds and not by its name.

    :param role: the member's from now on; None where they leave.
    """
    lock_access(workspace)
    db.session.refresh(member)  # of two who demote each other at once, the second sees what the first did
    if not owns(grants_of(member.role)) or (role and owns(grants_of(role))):
        return
    owning = [owning_role.id for owning_role in owning_roles(workspace)]
    others = db.session.scalar(
        select(func.count())
        .select_from(Member)
        .where(
            Member.workspace_id == workspace.id,
            Member.role_id.in_(owning),
            Member.id != member.id,
            Member.removed_at.is_(None),
            Member.joined_at.is_not(None),
        )
    )
    if not others:
        raise MemberError(
            f"A workspace needs an owner: give the role {member.role.name} to somebody else first, or another"
            " that manages members and roles."
        )


def _account_for(email: str, name: str) -> Account:
    if text_problem(email):
        raise MemberError("This is no e-mail address.")
    try:
        address = fold_email(validate_email(email, check_deliverability=False).normalized)
    except EmailNotValidError as error:
        raise MemberError(f"{email[:100]!r} is no e-mail address: {error}") from None
    account = db.session.scalars(select(Account).where(Account.email == address)).first()
    if not account:
        account = Account(id=uuid7(), email=address, name=name, created_at=datetime.now(UTC))
        db.session.add(account)
        db.session.flush()
    return account


def clean_name(name: str) -> str:
    """Return a name trimmed.

    :raise MemberError: unless it has 1 to 200 characters that can be stored.
    """
    name = name.strip()
    if not name or len(name) > 200 or text_problem(name):
        raise MemberError("A name needs 1 to 200 characters.")
    return name


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
