"""The one door into the log. Writes in the caller's transaction and never commits, so that a change
and its event land together or not at all."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ARRAY, Connection, String, func, literal, select, true
from uuid_utils.compat import uuid7

from auditapp.database.dialect import is_sqlite
from auditapp.database.in_list import in_list
from auditapp.database.locks import lock_for_writing
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.index import Logged, index
from auditapp.index.kinds import add_names
from auditapp.log.errors import EventError, IdempotencyConflict, Problem
from auditapp.log.insert import insert_entries
from auditapp.log.resent import is_same_event, sent, stored
from auditapp.log.rows import Entry, Stamp, digest_of, entry_of, fold_email, folded_emails
from auditapp.log.schema import MAX_BATCH, EventIn, parse_event
from auditapp.models import Account, Event, Member


class Recorded(NamedTuple):
    """The event's id; ``duplicate`` if its idempotency key had recorded it before."""

    id: uuid.UUID
    duplicate: bool


class InWorkspace(Protocol):
    """A workspace, or whatever else knows its number."""

    @property
    def id(self) -> int:
        """Return ``workspace.id``."""


def record(workspace: InWorkspace, event: Mapping[str, Any], **more: Any) -> Recorded:
    """Record one event, as :func:`record_batch` does."""
    return record_batch(workspace, [event], **more)[0]


def record_batch(
    workspace: InWorkspace,
    events: Sequence[Mapping[str, Any]],
    *,
    connection: Connection | None = None,
    claimed_by: Mapping[str, Any] | None = None,
    clean: bool = False,
    own: bool = False,
) -> list[Recorded]:
    """Record events in the caller's transaction, all or none; the caller commits.

    :param events: 1 to 1,000 events as contract §5 has them, in the order they happened.
    :param connection: whose transaction it is; another application's, or by default Auditapp's own.
    :param claimed_by: ``{"type", "id", "name"}`` of the API key or source whose word the actors are.
    :param clean: that ``strict_json.is_clean`` has been asked of each.
    :param own: that Auditapp itself says this, of its own doings; never of what came from outside.
    :return: for each, in the same order, its id and whether it had been recorded before.
    :raise EventError: if any is refused, with the path of what is wrong; nothing is added.
    :raise IdempotencyConflict: if a key was used before with another event.
    :raise sqlalchemy.exc.IntegrityError: if another transaction records one of the keys meanwhile.
    """
    parsed = parse_batch(events, datetime.now(UTC), clean, own)
    return record_parsed(workspace, parsed, connection=connection, claimed_by=claimed_by)


def record_parsed(
    workspace: InWorkspace,
    parsed: Sequence[EventIn],
    *,
    connection: Connection | None = None,
    claimed_by: Mapping[str, Any] | None = None,
    stamps: Sequence[Stamp | None] = (),
    digests: Sequence[bytes | None] = (),
) -> list[Recorded]:
    """Record events that :func:`parse_event` has returned; else as :func:`record_batch`.

    :param stamps: for each event what a server gave it before, where a log is restored.
    :param digests: for each event its ``digest_of``, where it is known already.
    """
    now = datetime.now(UTC)
    if connection is None:
        db.session.flush()
        connection = db.session.connection()
    lock_for_writing(connection)
    known = _known_keys(connection, workspace.id, parsed)
    members = _members_by_email(connection, workspace.id, parsed)
    results: list[Recorded] = []
    entries: list[Entry] = []
    for place, event in enumerate(parsed):
        key = event.get("idempotency_key")
        digest = ((digests[place] if digests else None) or digest_of(event)) if key else None
        if key in known:
            if not _is_again(connection, workspace.id, known[key], event, digest):
                message = "was used before with another event; use a new key"
                raise IdempotencyConflict([Problem(place, "idempotency_key", message)])
            results.append(Recorded(known[key].id, True))
            continue
        stamp = (stamps[place] if stamps else None) or Stamp(uuid7(), now, claimed_by)
        entries.append(entry_of(workspace.id, event, stamp, _member_of(event, members), digest))
        results.append(Recorded(stamp.id, False))
        if key:
            known[key] = First(stamp.id, digest, event)
    if entries:
        add_names(connection, workspace.id, {(entry.row.event, entry.row.entity_type) for entry in entries})
        write(connection, entries)
    return results


def write(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write events of one workspace and what finds them, in the connection's transaction.

    :param entries: new ones, whose names ``event_name`` has.
    """
    numbers = insert_entries(connection, entries)
    index(
        connection,
        [
            Logged(number, entry.event, entry.row, entry.context)
            for number, entry in zip(numbers, entries, strict=True)
        ],
    )


class First(NamedTuple):
    """What is known of the event that had a key first.

    :ivar event: where it is of the same batch; else it is in the database.
    """

    id: uuid.UUID
    digest: bytes | None
    event: EventIn | None = None


def _is_again(
    connection: Connection, workspace_id: int, first: First, event: EventIn, digest: bytes | None
) -> bool:
    """Tell whether an event is the one that had its key first: nearly always to the byte, by its digest."""
    if digest == first.digest:
        return True
    key = event["idempotency_key"] or ""
    before = sent(first.event) if first.event else stored(connection, workspace_id, key)
    return before is not None and is_same_event(before, sent(event))


def parse_batch(
    events: Sequence[Mapping[str, Any]], now: datetime, clean: bool, own: bool = False
) -> list[EventIn]:
    """Check 1 to 1,000 events as :func:`record_batch` takes them.

    :raise EventError: with every problem of every event.
    """
    if not events:
        raise EventError([Problem(0, "", "the batch is empty; send one event at least")])
    if len(events) > MAX_BATCH:
        raise EventError([Problem(MAX_BATCH, "", f"a batch has {MAX_BATCH:,} events at most")])
    parsed: list[EventIn] = []
    problems: list[Problem] = []
    for place, event in enumerate(events):
        try:
            parsed.append(parse_event(event, now=now, index=place, clean=clean, own=own))
        except EventError as error:
            problems += error.problems
    if problems:
        raise EventError(problems)
    return parsed


def _known_keys(
    connection: Connection, workspace_id: int, events: Sequence[EventIn]
) -> dict[str | None, First]:
    keys = {key for event in events if (key := event.get("idempotency_key"))}
    if not keys:
        return {}
    ids = ids_of_keys(connection, workspace_id, keys)
    if not ids:
        return {}
    query = select(Event.idempotency_key, Event.uid, Event.idempotency_digest).where(
        Unindexed(Event.workspace_id) == workspace_id, Event.id.in_(ids)
    )
    return {key: First(uid, digest) for key, uid, digest in connection.execute(query)}


def ids_of_keys(connection: Connection, workspace_id: int, keys: Collection[str]) -> Sequence[int]:
    """Return the numbers of the events that have one of these idempotency keys."""
    mine = Event.workspace_id == workspace_id
    if is_sqlite(connection):
        query = select(Event.id).where(mine, in_list(connection, Event.idempotency_key, keys))
        return connection.scalars(query).all()
    # LIMIT 1 for each key leaves the planner the index alone: before the first ANALYZE it would else
    # compare every row of the table with every key.
    key_table = func.unnest(literal([*keys], ARRAY(String))).table_valued("key").render_derived()
    matches = select(Event.id).where(mine, Event.idempotency_key == key_table.c.key).limit(1).lateral()
    return connection.scalars(select(matches.c.id).select_from(key_table).join(matches, true())).all()


def _members_by_email(
    connection: Connection, workspace_id: int, events: Sequence[EventIn]
) -> dict[str, uuid.UUID]:
    """Find the members among the actors, by e-mail; Auditapp's own events name the member's id."""
    emails = folded_emails(events)
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


def _member_of(event: EventIn, members: Mapping[str, uuid.UUID]) -> uuid.UUID | None:
    email = event["actor"].get("email")
    if not members or not email or event["actor"]["type"] != "user":
        return None
    return members.get(fold_email(email))
