"""Rows that have been checked, on disk until they are recorded: a second look at them would cost more."""

import marshal
import struct
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, cast

from auditapp.inbound.files.known import Unindexed
from auditapp.log.rows import Stamp
from auditapp.models.types import EPOCH, microseconds

_LENGTH = struct.Struct("<Q")


class Spool:
    """Batches of rows in a temporary file that only this process reads, so Python's own marshal will do."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="auditapp-import-")  # noqa: SIM115  # closed below

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, batch: Sequence[Unindexed]) -> None:
        """Append a batch."""
        text = marshal.dumps([_packed(row) for row in batch])
        self._file.write(_LENGTH.pack(len(text)))
        self._file.write(text)

    def batches(self, progress: Callable[[BinaryIO], BinaryIO]) -> Iterator[list[Unindexed]]:
        """Yield the batches in their order."""
        self._file.seek(0)
        file = progress(cast(BinaryIO, self._file))
        while length := file.read(_LENGTH.size):
            # marshal is unsafe with foreign bytes; these were written by put() above.
            rows = marshal.loads(file.read(_LENGTH.unpack(length)[0]))  # noqa: S302
            yield [_unpacked(*row) for row in rows]


def _packed(row: Unindexed) -> tuple[Any, ...]:
    occurred_at, stamp = row.event["occurred_at"], row.stamp
    event: dict[str, Any] = {**row.event, "occurred_at": None}
    return (
        event,
        _microseconds(occurred_at),
        stamp and (stamp.id.bytes, _microseconds(stamp.recorded_at), stamp.claimed_by),
        row.by_facts,
        row.derived,
        row.digest,
    )


def _unpacked(
    event: Any,
    occurred_at: int | None,
    packed_stamp: Any,
    by_facts: bool,
    derived: bool,
    digest: bytes | None,
) -> Unindexed:
    event["occurred_at"] = _moment(occurred_at)
    stamp = None
    if packed_stamp:
        uid, recorded_at, claimed_by = packed_stamp
        stamp = Stamp(uuid.UUID(bytes=uid), cast(datetime, _moment(recorded_at)), claimed_by)
    return Unindexed.of("", event, stamp, by_facts=by_facts, derived=derived, digest=digest)


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else (EPOCH + timedelta(microseconds=microseconds)).astimezone(UTC)
