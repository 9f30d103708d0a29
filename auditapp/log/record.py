"""The one door into the log. Adds to the caller's session and never commits, so that a change
and its event land together or not at all."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from auditapp.extensions import db
from auditapp.log.changes import words_of
from auditapp.log.errors import EventError, IdempotencyConflict, Problem
from auditapp.log.schema import MAX_BATCH, EventIn, parse_event
from auditapp.log.sections import payload_row
from auditapp.models import Account, Event, EventName, EventPayload, Member, Workspace


class Recorded(NamedTuple):
    """The event's id; ``duplicate`` if its idempotency key had recorded it before."""

    id: uuid.UUID
    duplicate: bool


def record(workspace: Workspace, event: Mapping[str, Any], *, session: Session | None = None) -> Recorded:
    """Record one event, as :func:`record_batch` does."""
    return record_batch(workspace, [event], session=session)[0]


def record_batch(
    workspace: Workspace, events: Sequence[Mapping[str, Any]], *, session: Session | None = None
) -> list[Recorded]:
    """Record events in the caller's transaction, all or none; the caller commits.

    :param events: 1 to 1,000 events as contract §5 has them, in the order they happened.
    :param session: whose transaction it is; another application's, or Auditapp's own by default.
    :return: for each, in the same order, its id and whether it had been recorded before.
    :raise EventError: if any is refused, with the path of what is wrong; nothing is added.
    :raise IdempotencyConflict: if a key was used before with another event.
    :raise sqlalchemy.exc.IntegrityError: if another transaction records one of the keys meanwhile.
    """
    session = session or db.session()
    now = datetime.now(UTC)
    parsed = _parse(events, now)
    known = _known_keys(session, workspace.id, parsed)
    members = _members_by_email(session, workspace.id, parsed)
    results: list[Recorded] = []
    rows: list[dict[str, Any]] = []
    fresh: list[EventIn] = []
    for index, event in enumerate(parsed):
        digest = _digest(event) if event.idempotency_key else None
        if event.idempotency_key in known:
            uid, first_digest = known[event.idempotency_key]
            if digest != first_digest:
                message = "was used before with another event; use a new key"
                raise IdempotencyConflict([Problem(index, "idempotency_key", message)])
            results.append(Recorded(uid, True))
            continue
        row = _row(workspace.id, event, now, digest, _member_of(event, members))
        if event.idempotency_key:
            known[event.idempotency_key] = (row["uid"], digest)
        results.append(Recorded(row["uid"], False))
        rows.append(row)
        fresh.append(event)
    if rows:
        _insert(session, workspace.id, rows, fresh)
    return results


def _parse(events: Sequence[Mapping[str, Any]], now: datetime) -> list[EventIn]:
    if not events:
        raise EventError([Problem(0, "", "the batch is empty; send one event at least")])
    if len(events) > MAX_BATCH:
        raise EventError([Problem(MAX_BATCH, "", f"a batch has {MAX_BATCH:,} events at most")])
    parsed: list[EventIn] = []
    problems: list[Problem] = []
    for index, event in enumerate(events):
        try:
            parsed.append(parse_event(event, now=now, index=index))
        except EventError as error:
            problems += error.problems
    if problems:
        raise EventError(problems)
    return parsed


def _known_keys(
    session: Session, workspace_id: int, events: Sequence[EventIn]
) -> dict[str | None, tuple[uuid.UUID, bytes | None]]:
    keys = {event.idempotency_key for event in events if event.idempotency_key}
    if not keys:
        return {}
    query = select(Event.idempotency_key, Event.uid, Event.idempotency_digest).where(
        Event.workspace_id == workspace_id, Event.idempotency_key.in_(keys)
    )
    return {key: (uid, digest) for key, uid, digest in session.execute(query)}


def _digest(event: EventIn) -> bytes:
    """Hash what was sent, defaults filled in and keys sorted: the same event gives the same hash."""
    sent = event.model_dump(mode="python", exclude={"idempotency_key"})
    sent["changes"] = {name: change.model_dump(exclude_unset=True) for name, change in event.changes.items()}
    return hashlib.sha256(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)).digest()


def fold_email(email: str) -> str:
    """Return the form in which e-mail addresses are compared: trimmed, ASCII letters in lower case.

    Other letters stay: Unicode's folding makes one address of two (``K``, the Kelvin sign, of ``k``).
    """
    trimmed = email.strip()
    return trimmed.lower() if trimmed.isascii() else trimmed


def _members_by_email(session: Session, workspace_id: int, events: Sequence[EventIn]) -> dict[str, uuid.UUID]:
    """Find the members among the actors, by e-mail; Auditapp's own events name the member's id."""
    emails = {fold_email(event.actor.email) for event in events if event.actor.email}
    if not emails:
        return {}
    query = (
        select(Account.email, Member.id)
        .join(Account, Account.id == Member.account_id)
        .where(Member.workspace_id == workspace_id, Member.removed_at.is_(None), Account.email.in_(emails))
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _member_of(event: EventIn, members: Mapping[str, uuid.UUID]) -> uuid.UUID | None:
    if event.actor.type != "user" or not event.actor.email:
        return None
    return members.get(fold_email(event.actor.email))


def _row(
    workspace_id: int, event: EventIn, now: datetime, digest: bytes | None, member_id: uuid.UUID | None
) -> dict[str, Any]:
    uid = uuid7()
    behalf = event.on_behalf_of
    labels = [change.label or words_of(name) for name, change in event.changes.items()]
    return {
        "workspace_id": workspace_id,
        "uid": uid,
        "occurred_at": event.occurred_at or now,
        "recorded_at": now,
        "event": event.event,
        "entity_type": event.entity.type,
        "entity_id": event.entity.id,
        "entity_name": event.entity.name,
        "actor_type": event.actor.type,
        "actor_id": event.actor.id,
        "actor_name": event.actor.name or event.actor.email,
        "member_id": member_id,
        "on_behalf_of_name": (behalf.name or behalf.email or behalf.id) if behalf else None,
        "origin": event.origin,
        "outcome": event.outcome,
        "correlation_id": event.correlation_id or str(uid),
        "causation_id": event.causation_id,
        "fields": fields_line(labels),
        "idempotency_key": event.idempotency_key,
        "idempotency_digest": digest,
    }


def fields_line(labels: Sequence[str], limit: int = 120) -> str | None:
    """Join the labels of changed fields into one line, ``and N more`` where they don't fit."""
    if not labels:
        return None
    shown: list[str] = []
    length = 0
    for label in labels:
        short = label if len(label) <= 60 else label[:59] + "…"
        length += len(short) + 2
        if shown and length > limit:
            break
        shown.append(short)
    more = len(labels) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _insert(session: Session, workspace_id: int, rows: list[dict[str, Any]], events: list[EventIn]) -> None:
    session.flush()
    _add_names(session, workspace_id, {(row["event"], row["entity_type"]) for row in rows})
    ids = session.scalars(insert(Event).returning(Event.id, sort_by_parameter_order=True), rows).all()
    session.execute(
        insert(EventPayload),
        [
            {"workspace_id": workspace_id, "event_id": event_id, **payload_row(event)}
            for event_id, event in zip(ids, events, strict=True)
        ],
    )


def _add_names(session: Session, workspace_id: int, names: set[tuple[str, str]]) -> None:
    """Keep ``event_name`` complete: filters rely on it to find every name."""
    known = set(
        session.scalars(
            select(EventName.event).where(
                EventName.workspace_id == workspace_id, EventName.event.in_([event for event, _ in names])
            )
        )
    )
    missing = sorted(pair for pair in names if pair[0] not in known)
    if not missing:
        return
    dialect = session.get_bind().dialect.name
    upsert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    session.execute(
        upsert(EventName).on_conflict_do_nothing(),
        [{"workspace_id": workspace_id, "event": event, "entity_type": kind} for event, kind in missing],
    )
