"""Whether the numbers of events are in the order in which they were recorded, and none stands for two."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from auditapp.index.stored_events import Row
from auditapp.models.types import EPOCH
from auditapp.operating.deep.finding import RESTORE, Problem

# An event is timed before it has its number, and may have to wait for that.
SLACK = timedelta(minutes=1)
UNLESS_CLOCK = f"unless the server's clock was put back then, {RESTORE}"
OUT_OF_ORDER = Problem("events numbered after events that were recorded later", UNLESS_CLOCK)
OTHER_TIME = Problem("events whose id is of another time than they were recorded at", RESTORE)
SAME_ID = Problem("ids that several events have", RESTORE)
SAME_KEY = Problem("idempotency keys that several events have", RESTORE)


class Order:
    """What was recorded so far, by workspace."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self._last: dict[int, datetime] = {}
        self._restoring: dict[int, set[str]] = {}

    def problems_of(self, row: Row, sections: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield what is wrong about the next event of its workspace, by number."""
        number, moment = row["workspace_id"], row["recorded_at"]
        if self._is_restored(row, sections["payload"] or {}):
            return
        id_time = _time_of(row["uid"].int)
        if id_time is not None and abs(id_time - moment) > SLACK:
            yield OTHER_TIME
        last = self._last.setdefault(number, moment)
        if moment < last - SLACK:
            yield OUT_OF_ORDER
        self._last[number] = max(last, moment)

    def _is_restored(self, row: Row, payload: Mapping[str, Any]) -> bool:
        """Tell whether an event may be one that an import took back, with the time that it had before."""
        under_way = self._restoring.setdefault(row["workspace_id"], set())
        if row["event"] == "auditapp.import.started" and payload.get("restore") is True:
            under_way.add(row["entity_id"])
        elif row["event"] == "auditapp.import.finished":
            under_way.discard(row["entity_id"])
        return bool(under_way)


def _time_of(uid: int) -> datetime | None:
    """Return when a UUIDv7 was made; None of another."""
    if uid >> 76 & 0xF != 7:
        return None
    try:
        return (EPOCH + timedelta(milliseconds=uid >> 80)).astimezone(UTC)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def sequence_problem(last: int, highest: int) -> Problem | None:
    """Return that PostgreSQL is about to give numbers that events have."""
    if last >= highest:
        return None
    mend = f"run SELECT setval(pg_get_serial_sequence('event', 'id'), {highest})"
    return Problem("numbers about to be given twice", mend)
