"""A file into the log: a pass that checks every row, then one that records what was checked.

A bad row is found before anything is recorded. What is recorded is committed by the ten thousand rows,
so that other writers get their turn; an import that was killed is repeated, and goes on where it was.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple, Protocol

from auditapp.database.locks import Lock, take_lock
from auditapp.extensions import db
from auditapp.inbound.files.json_stream import FileError, fault
from auditapp.inbound.files.known import Seen, Unindexed, differs, recorded
from auditapp.inbound.files.spool import Spool
from auditapp.inbound.files.unzipped import unzipped
from auditapp.inbound.import_note import Tally, noted
from auditapp.index.statistics import know_what_is_there
from auditapp.log import EventError, Problem
from auditapp.log.record import record_parsed
from auditapp.log.renamed import note_restored
from auditapp.log.rows import Stamp
from auditapp.log.schema import MAX_BATCH, parse_event
from auditapp.models import Workspace

# Of a batch held in memory; a batch of the largest events would else take a gigabyte.
MAX_BATCH_BYTES = 10 * 1024 * 1024
COMMIT_EVERY = 10  # batches

CONFLICT = "was imported before with other contents under the same id"


OF_AN_EXPORT = "has an id or recorded_at, as an export has; --restore takes an export of Auditapp back"


class Row(NamedTuple):
    """One row as an event.

    :ivar place: where it stands in the file.
    :ivar size: the bytes it takes there.
    :ivar stamp: what a server gave it before, where the file is an export.
    :ivar derived: its key was made of its content and its number, so that no other row has it.
    :ivar clean: ``strict_json.is_clean`` has been asked.
    """

    place: str
    event: dict[str, Any]
    size: int
    stamp: Stamp | None = None
    derived: bool = False
    clean: bool = False


class Reader(Protocol):
    """One form of file. Each row's event has an ``idempotency_key``, so that repeating adds nothing."""

    # What the file calls the event's fields, for messages: {"occurred_at": "createdAt"}.
    paths: Mapping[str, str]
    # Whether names come from outside the row: what tells a changed row is then its payload, not its event.
    known_by_payload: bool
    # Whether a row may need what stands behind it: the file is then read once more, before all else.
    learns: bool

    def rows(self, file: BinaryIO) -> Iterator[Row | FileError]:
        """Yield the rows, and in the place of a row that cannot be read the reason."""


class Imported(NamedTuple):
    """How many rows became events, had been recorded before, and were left out because they were bad."""

    recorded: int
    known: int
    bad: int


def import_file(
    workspace: Workspace,
    reader: Reader,
    file: BinaryIO,
    progress: Callable[[str, BinaryIO], BinaryIO] = lambda what, file: file,
    on_bad: Callable[[FileError], None] | None = None,
    *,
    restore: bool = False,
    about: Mapping[str, Any],
) -> Imported:
    """Record a file's rows, and commit. Memory does not grow with the file; it is copied to disk once.

    That it began is recorded before the file is read, and afterwards how it ended.

    :param about: what the two events say of the file: its ``file``, a name, and its ``format``.
    :param file: seekable; gzip is recognised.
    :param progress: wraps a file for each pass, to show how far it has been read.
    :param on_bad: is told of each bad row, which is then left out; None stops at the first one.
    :param restore: whether the file may be an export of Auditapp, which then comes back as it was, Auditapp's
        own events included; only whoever runs this server may say so.
    :raise FileError: for a bad row without ``on_bad``, or a file that is broken as a whole.
    :raise NotNoted: if that it begins cannot be recorded; then nothing is read.
    """
    tally = Tally()
    with noted(workspace, tally, {**about, "restore": restore}):
        _import(workspace, reader, file, progress, on_bad, tally, restore=restore)
    return Imported(tally.recorded, tally.known, tally.skipped)


def _import(
    workspace: Workspace,
    reader: Reader,
    file: BinaryIO,
    progress: Callable[[str, BinaryIO], BinaryIO],
    on_bad: Callable[[FileError], None] | None,
    tally: Tally,
    *,
    restore: bool,
) -> None:
    if reader.learns:
        for _ in reader.rows(unzipped(progress("Reading", file))):
            pass
    with Spool() as spool, Seen() as seen:
        check = _Check(workspace, reader, seen, on_bad, tally, restore=restore)
        for batch in _batches(reader.rows(unzipped(progress("Checking", file)))):
            spool.put(check.fresh(batch))
        _record(workspace, spool, progress, tally)


def _batches(rows: Iterator[Row | FileError]) -> Iterator[list[Row | FileError]]:
    batch: list[Row | FileError] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size if isinstance(row, Row) else 0
        if len(batch) == MAX_BATCH or size >= MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Check:
    """The first pass: what is wrong with a row, and whether the log or the file has it already."""

    def __init__(
        self,
        workspace: Workspace,
        reader: Reader,
        seen: Seen,
        on_bad: Callable[[FileError], None] | None,
        tally: Tally,
        *,
        restore: bool,
    ) -> None:
        self._tally, self._restore = tally, restore
        self._workspace, self._reader, self._seen, self._on_bad = workspace, reader, seen, on_bad
        self._now = datetime.now(UTC)

    def fresh(self, batch: Sequence[Row | FileError]) -> list[Unindexed]:
        """Return the rows that are to be recorded.

        :raise FileError: for the first bad row, if nobody wants to be told of it.
        """
        rows = [checked for row in batch if (checked := self._checked(row))]
        known = recorded(self._workspace, rows)
        fresh = []
        for row in rows:
            before = known.get(row.identity) or (None if row.derived else self._seen.before(row))
            if before is None:
                fresh.append(row)
            elif differs(self._workspace, before, row):
                self._refuse(fault(row.place, *self._conflict(row)))
            else:
                self._tally.known += 1
        return fresh

    def _checked(self, row: Row | FileError) -> Unindexed | None:
        if isinstance(row, FileError):
            self._refuse(row)
            return None
        is_restored = row.stamp is not None
        if is_restored and not self._restore:
            self._refuse(fault(row.place, "", OF_AN_EXPORT))
            return None
        try:
            event = parse_event(row.event, now=self._now, clean=row.clean, own=is_restored)
        except EventError as error:
            self._refuse(_refused(row, error.problems[0], self._reader))
            return None
        by_facts = self._reader.known_by_payload or is_restored
        return Unindexed.of(row.place, event, row.stamp, by_facts=by_facts, derived=row.derived)

    def _conflict(self, row: Unindexed) -> tuple[str, str]:
        if row.by_facts:
            return "", CONFLICT
        return "idempotency_key", "was used before with another event; use a new key"

    def _refuse(self, error: FileError) -> None:
        if self._on_bad is None:
            raise error
        self._tally.skipped += 1
        self._on_bad(error)


def _record(
    workspace: Workspace, spool: Spool, progress: Callable[[str, BinaryIO], BinaryIO], tally: Tally
) -> None:
    """Record what was checked, but for what another import recorded meanwhile."""
    counted: Counter[bool] = Counter()
    for number, batch in enumerate(spool.batches(lambda file: progress("Recording", file)), 1):
        if not batch:
            continue
        take_lock(Lock.IMPORTS, workspace.id)
        results = record_parsed(
            workspace,
            [row.event for row in batch],
            stamps=[row.stamp for row in batch],
            digests=[row.digest for row in batch],
        )
        note_restored(
            workspace,
            [
                (row.event, row.stamp)
                for row, result in zip(batch, results, strict=True)
                if row.stamp and not result.duplicate
            ],
        )
        counted.update(result.duplicate for result in results)
        if number % COMMIT_EVERY == 0:
            _commit(counted, tally)
    know_what_is_there(tally.recorded + counted[False])
    _commit(counted, tally)


def _commit(counted: Counter[bool], tally: Tally) -> None:
    db.session.commit()
    tally.recorded, tally.known = tally.recorded + counted[False], tally.known + counted[True]
    counted.clear()


def _refused(row: Row, problem: Problem, reader: Reader) -> FileError:
    """Say what is wrong with a row in the words of its file."""
    path = problem.path
    for ours, theirs in reader.paths.items():
        if path == ours or path.startswith((f"{ours}.", f"{ours}[")):
            path = theirs + path.removeprefix(ours)
            break
    return fault(row.place, path, problem.message)
