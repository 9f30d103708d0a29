"""A file into the log, whole or not at all: a pass that checks every row, then one that records them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple, Protocol

import orjson
from sqlalchemy import and_, select

from auditapp.extensions import db
from auditapp.log import EventError, Problem, record_batch
from auditapp.log.changes import same
from auditapp.log.schema import MAX_BATCH, parse_event, parse_instant
from auditapp.models import Event, EventPayload, Workspace
from auditapp.sources.json_stream import FileError, fault

# Of a batch held in memory; a batch of the largest events would else take a gigabyte.
MAX_BATCH_BYTES = 10 * 1024 * 1024


class Row(NamedTuple):
    """One row as an event; ``place`` is where it stands in the file, ``size`` the bytes it takes there."""

    place: str
    event: dict[str, Any]
    size: int


class Reader(Protocol):
    """One form of file. Each row's event has an ``idempotency_key``, so that repeating adds nothing."""

    # What the file calls the event's fields, for messages: {"occurred_at": "createdAt"}.
    paths: Mapping[str, str]
    # Whether names come from outside the row: what tells a changed row is then its payload, not its event.
    known_by_payload: bool

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """Yield the rows; called once for each pass, first to check, then to record."""


class Imported(NamedTuple):
    """How many rows became events, and how many had been recorded before."""

    recorded: int
    known: int


def import_file(
    workspace: Workspace,
    reader: Reader,
    file: BinaryIO,
    progress: Callable[[str, BinaryIO], BinaryIO] = lambda what, file: file,
) -> Imported:
    """Record a file's rows in the caller's transaction, which the caller commits.

    :param file: seekable; memory does not grow with its length.
    :param progress: wraps the file for each pass, to show how far it has been read.
    :raise FileError: for the first row that is wrong. The caller then rolls back.
    """
    file.seek(0)
    now = datetime.now(UTC)
    for row in reader.rows(progress("Checking", file)):
        try:
            parse_event(row.event, now=now)
        except EventError as error:
            raise _refused(row, error.problems[0], reader) from None
    file.seek(0)
    rows = reader.rows(progress("Recording", file))
    counts = [_record(workspace, reader, batch) for batch in _batches(rows)]
    return Imported(sum(count.recorded for count in counts), sum(count.known for count in counts))


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size
        if len(batch) == MAX_BATCH or size >= MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _record(workspace: Workspace, reader: Reader, batch: Sequence[Row]) -> Imported:
    fresh = _without_known(workspace, batch) if reader.known_by_payload else batch
    if not fresh:
        return Imported(0, len(batch))
    try:
        results = record_batch(workspace, [row.event for row in fresh])
    except EventError as error:
        problem = error.problems[0]
        raise _refused(fresh[problem.index], problem, reader) from None
    recorded = sum(not result.duplicate for result in results)
    return Imported(recorded, len(batch) - recorded)


class _Facts(NamedTuple):
    """What an event says that comes from its row alone; None where it has been erased."""

    event: str
    occurred_at: datetime
    entity_id: str
    actor_id: str | None
    payload: Any


def _without_known(workspace: Workspace, batch: Sequence[Row]) -> list[Row]:
    """Leave out the rows whose key has been recorded with the same facts.

    The names beside them may differ by now: somebody got another name, or a file of people came along.

    :raise FileError: if a row's facts are others than those recorded under its key.
    """
    known = _recorded(workspace, [row.event["idempotency_key"] for row in batch])
    fresh: list[Row] = []
    for row in batch:
        key, facts = row.event["idempotency_key"], _facts(row.event)
        if key not in known:
            known[key] = facts
            fresh.append(row)
        elif not all(old is None or same(old, new) for old, new in zip(known[key], facts, strict=True)):
            raise fault(row.place, "", "was imported before with other contents under the same id")
    return fresh


def _facts(event: Mapping[str, Any]) -> _Facts:
    occurred_at = parse_instant(event["occurred_at"])
    return _Facts(event["event"], occurred_at, event["entity"]["id"], event["actor"]["id"], event["payload"])


def _recorded(workspace: Workspace, keys: Sequence[str]) -> dict[str, _Facts]:
    beside = and_(EventPayload.workspace_id == Event.workspace_id, EventPayload.event_id == Event.id)
    query = (
        select(Event.idempotency_key, Event.event, Event.occurred_at, Event.entity_id)
        .add_columns(Event.actor_id, EventPayload.payload)
        .join(EventPayload, beside)
        .where(Event.workspace_id == workspace.id, Event.idempotency_key.in_(keys))
    )
    known: dict[str, _Facts] = {}
    for key, event, occurred_at, entity_id, actor_id, payload in db.session.execute(query):
        stored = None if payload is None else orjson.loads(payload)
        known[key] = _Facts(event, occurred_at, entity_id, actor_id, stored)
    return known


def _refused(row: Row, problem: Problem, reader: Reader) -> FileError:
    """Say what is wrong with a row in the words of its file."""
    path = problem.path
    for ours, theirs in reader.paths.items():
        if path == ours or path.startswith((f"{ours}.", f"{ours}[")):
            path = theirs + path.removeprefix(ours)
            break
    return fault(row.place, path, problem.message)
