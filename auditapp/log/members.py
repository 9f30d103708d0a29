"""Which member an actor is, told by the e-mail address."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from auditapp.database.in_list import in_list
from auditapp.log.schema import EventIn
from auditapp.models import Account, Member


def members_by_email(
    connection: Connection, workspace_id: int, events: Sequence[EventIn]
) -> dict[str, uuid.UUID]:
    """Find the members among the actors, by e-mail; Auditapp's own events name the member's id."""
    emails = _folded_emails(events)
    if not emails:
        return {}
    query = (
        select(Account.email, Member.id)
        .join(Member, Account.id == Member.account_id)
        .where(
            Member.workspace_id == workspace_id,
            Member.removed_at.is_(None),
            in_list(connection, Account.email, emails),
        )
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def member_of(event: EventIn, members: Mapping[str, uuid.UUID]) -> uuid.UUID | None:
    """Return the member that an event's actor is, None if nobody.

    :param members: of :func:`members_by_email`.
    """
    email = event["actor"].get("email")
    if not members or not email or event["actor"]["type"] != "user":
        return None
    return members.get(fold_email(email))


def _folded_emails(events: Sequence[EventIn]) -> set[str]:
    """Return the e-mail addresses of the people who acted, as they are compared."""
    emails = {event["actor"].get("email") for event in events if event["actor"]["type"] == "user"}
    return {fold_email(email) for email in emails if email}


def fold_email(email: str) -> str:
    """Return the form in which e-mail addresses are compared: trimmed, ASCII letters in lower case.

    Other letters stay: Unicode's folding makes one address of two (``K``, the Kelvin sign, of ``k``).
    """
    trimmed = email.strip()
    return trimmed.lower() if trimmed.isascii() else trimmed
