"""Rows into the log's tables, by the fastest way that each database has.

With nine indexes the way in decides the rate: by ``bench/ingest.py``, COPY takes half the time of
INSERT on PostgreSQL, and on SQLite an executemany with ids of our own half that of one with RETURNING.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table

from auditapp.database.copy import Rows, add_all
from auditapp.log.rows import Entry, Row, salts_for
from auditapp.models import Event, EventPayload, log_pending
from auditapp.models.types import microseconds

_EVENT: Table = Event.__table__  # type: ignore[assignment]
_PAYLOAD: Table = EventPayload.__table__  # type: ignore[assignment]
EVENT_COLUMNS = ("id", *Row._fields)
PAYLOAD_COLUMNS = tuple(column.name for column in _PAYLOAD.columns)
PENDING_COLUMNS = ("workspace_id", "first_event", "last_event", "events")


def insert_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    """Insert events of one workspace in the connection's transaction, and note that they want places."""
    driver = connection.connection.driver_connection
    workspace_id = entries[0].row.workspace_id
    numbers = _next_ids(connection, driver, len(entries))
    salts = salts_for(len(entries))
    numbered = zip(numbers, entries, salts, strict=True)
    pending = (workspace_id, numbers[0], numbers[-1], len(numbers))
    payloads = [(workspace_id, number, *entry.sections, *salt) for number, entry, salt in numbered]
    if isinstance(driver, sqlite3.Connection):
        rows = [_for_sqlite(number, entry.row) for number, entry in zip(numbers, entries, strict=True)]
        _execute_many(connection, _EVENT, EVENT_COLUMNS, rows)
        _execute_many(connection, _PAYLOAD, PAYLOAD_COLUMNS, payloads)
        _execute_many(connection, log_pending, PENDING_COLUMNS, [pending])
    else:
        # In the order of their keys: batches that share some in other orders would else each wait for the
        # other, until the database ends one of them.
        rows = [(number, *entry.row) for number, entry in zip(numbers, entries, strict=True)]
        rows.sort(key=lambda row: row[_KEY] or "")
        add_all(
            connection,
            [
                Rows(_EVENT, EVENT_COLUMNS, rows),
                Rows(_PAYLOAD, PAYLOAD_COLUMNS, payloads),
                Rows(log_pending, PENDING_COLUMNS, [pending]),
            ],
        )


def _next_ids(connection: Connection, driver: object, count: int) -> Sequence[int]:
    if isinstance(driver, sqlite3.Connection):
        # Nobody else can insert before this transaction ends, see lock_for_writing.
        last = connection.exec_driver_sql("SELECT max(id) FROM event").scalar() or 0
        return range(last + 1, last + 1 + count)
    return connection.exec_driver_sql(_NEXT_IDS, (count,)).scalars().all()


_NEXT_IDS = "SELECT nextval(pg_get_serial_sequence('event', 'id')) FROM generate_series(1, %s)"


def _execute_many(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    marks = ", ".join("?" * len(columns))
    # OR FAIL: with ABORT, the default, SQLite keeps a journal of each statement, at twice the time.
    names = ", ".join(columns)
    connection.exec_driver_sql(f"INSERT OR FAIL INTO {table.name} ({names}) VALUES ({marks})", rows)  # noqa: S608


def _for_sqlite(number: int, row: Row) -> tuple[Any, ...]:
    """Store UUIDs and instants as ``models.types`` does; the driver is addressed past it."""
    workspace_id, uid, occurred_at, recorded_at, *rest = row
    if row.member_id is not None:
        rest[_MEMBER] = row.member_id.bytes
    return (number, workspace_id, uid.bytes, microseconds(occurred_at), microseconds(recorded_at), *rest)


_KEY = EVENT_COLUMNS.index("idempotency_key")
# Of the columns behind recorded_at.
_MEMBER = Row._fields.index("member_id") - Row._fields.index("recorded_at") - 1
