"""The one door into the log. Writes in the caller's transaction and never commits, so that a change
and its event land together or not at all."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from auditapp.database.locks import lock_for_writing
from auditapp.extensions import db
from auditapp.index.counts import kind_of
from auditapp.index.kinds import note_kinds
from auditapp.log.announce import announce
from auditapp.log.errors import EventError, IdempotencyConflict, Problem
from auditapp.log.idempotency import First, digest_of, is_again, known_keys
from auditapp.log.insert import insert_entries
from auditapp.log.members import member_of, members_by_email
from auditapp.log.rows import Entry, Stamp, entry_of
from auditapp.log.schema import MAX_BATCH, EventIn, parse_event


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
    known = known_keys(connection, workspace.id, parsed)
    members = members_by_email(connection, workspace.id, parsed)
    results: list[Recorded] = []
    entries: list[Entry] = []
    for place, event in enumerate(parsed):
        key = event.get("idempotency_key")
        digest = ((digests[place] if digests else None) or digest_of(event)) if key else None
        if key in known:
            if not is_again(connection, workspace.id, known[key], event, digest):
                message = "was used before with another event; use a new key"
                raise IdempotencyConflict([Problem(place, "idempotency_key", message)])
            results.append(Recorded(known[key].id, True))
            continue
        stamp = (stamps[place] if stamps else None) or Stamp(uuid7(), now, claimed_by)
        entries.append(entry_of(workspace.id, event, stamp, member_of(event, members), digest))
        results.append(Recorded(stamp.id, False))
        if key:
            known[key] = First(stamp.id, digest, event)
    if entries:
        write(connection, entries)
    return results


def write(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write events of one workspace, in the connection's transaction.

    What finds and counts them follows the log, but for their kinds: whoever walks it by those would else
    miss the first of a kind.
    """
    note_kinds(connection, entries[0].row.workspace_id, {kind_of(entry.row) for entry in entries})
    insert_entries(connection, entries)
    announce(connection)


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
