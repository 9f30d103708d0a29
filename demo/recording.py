"""The demo goes into the log by the one door, and the people who may sign in are made before it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from uuid_utils.compat import uuid7

from auditapp.access.members import MemberError
from auditapp.access.own_events import recorded_elsewhere
from auditapp.access.permissions import SYSTEM_ROLES
from auditapp.access.roles import add_system_role
from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.log.schema import MAX_BATCH
from auditapp.models import Account, Member, Role, Workspace
from demo.cast import MEMBERS, PEOPLE
from demo.company import NAME, TIMEZONE
from demo.world import Planned

SLUG = "demo"


def add_company(password_hash: str, began: datetime) -> Workspace:
    """Add the demo workspace and its three members, who can sign in at once. The caller commits.

    Not by ``access.members``: that would note them in the log as made just now, while the story
    notes them where they belong, at its beginning four months ago.

    :raise MemberError: if one of the demo's addresses is in use by somebody real.
    """
    emails = [PEOPLE[key].email for key, _ in MEMBERS]
    taken = db.session.scalars(select(Account.email).where(Account.email.in_(emails))).first()
    if taken:
        raise MemberError(f"there is an account {taken} already; the demo would give it a known password")
    with recorded_elsewhere():
        workspace = Workspace(uid=uuid7(), slug=SLUG, name=NAME, timezone=TIMEZONE, created_at=began)
        db.session.add(workspace)
        db.session.flush()
        for role_name in SYSTEM_ROLES:
            add_system_role(workspace, role_name)
        for key, role_name in MEMBERS:
            _add_member(workspace, key, role_name, password_hash, began)
    return workspace


def _add_member(workspace: Workspace, key: str, role_name: str, password_hash: str, began: datetime) -> None:
    person = PEOPLE[key]
    account = Account(
        id=uuid.UUID(person.account_id),
        email=person.email,
        name=person.name,
        password_hash=password_hash,
        is_demo=True,
        created_at=began,
    )
    db.session.add(account)
    db.session.flush()
    role = db.session.scalars(
        select(Role).where(Role.workspace_id == workspace.id, Role.name == role_name)
    ).one()
    member = Member(
        workspace_id=workspace.id,
        id=uuid.UUID(person.id),
        account_id=account.id,
        role_id=role.id,
        created_at=began,
        joined_at=began,
    )
    db.session.add(member)


def record_story(workspace: Workspace, story: Sequence[Planned]) -> None:
    """Record a story in its order, in the caller's transaction.

    A batch ends before an event whose cause it holds: the cause's id is known only after it.
    """
    ids: list[str] = []
    batch: list[dict[str, Any]] = []
    for plan in story:
        waiting_for_cause = plan.cause is not None and plan.cause >= len(ids)
        if batch and (waiting_for_cause or len(batch) == MAX_BATCH):
            ids += [str(recorded.id) for recorded in record_batch(workspace, batch, own=True)]
            batch = []
        caused = {} if plan.cause is None else {"causation_id": ids[plan.cause]}
        batch.append({**plan.event, **caused})
    if batch:
        record_batch(workspace, batch, own=True)
