"""The index of words, written beside the log and made from it alone."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, column, delete, table
from sqlalchemy.dialects.postgresql import TSVECTOR

from auditapp.database.copy import add_rows
from auditapp.index.counts import count_events
from auditapp.index.logged import Logged
from auditapp.index.terms import as_text, as_vector, document
from auditapp.models.types import Instant

# On PostgreSQL; the driver of a captured application may need the types.
event_search = table(
    "event_search",
    column("workspace_id", Integer),
    column("event_id", BigInteger),
    column("occurred_at", Instant),
    column("words", TSVECTOR),
)
SEARCH_COLUMNS = ("workspace_id", "event_id", "occurred_at", "words")


def index(connection: Connection, events: Sequence[Logged]) -> None:
    """Add one workspace's events to all that finds and counts them, in the connection's transaction."""
    add_documents(connection, documents_of(connection, events))
    count_events(connection, [event.row for event in events])


def forget(connection: Connection, events: Sequence[Logged]) -> None:
    """Take one workspace's events out of all that :func:`index` added them to, in the same transaction.

    Comes before a text of theirs is erased: SQLite's index holds none, and finds by them what to take out.

    :param events: as they were indexed.
    """
    if _is_sqlite(connection):
        connection.exec_driver_sql(
            "INSERT INTO event_search (event_search, rowid, words) VALUES ('delete', ?, ?)",
            documents_of(connection, events),
        )
    else:
        columns = event_search.c
        mine = columns.workspace_id == events[0].row.workspace_id
        connection.execute(delete(event_search).where(mine, columns.event_id.in_([e.number for e in events])))
    count_events(connection, [event.row for event in events], back=True)


def documents_of(connection: Connection, events: Sequence[Logged]) -> list[tuple[Any, ...]]:
    """Return the rows of some events in the index of words; asks the database nothing."""
    if _is_sqlite(connection):
        return [(event.number, as_text(document(event))) for event in events]
    return [
        (event.row.workspace_id, event.number, event.row.occurred_at, as_vector(document(event)))
        for event in events
    ]


def add_documents(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows of :func:`documents_of` to the index of words, in the connection's transaction."""
    if _is_sqlite(connection):
        connection.exec_driver_sql("INSERT INTO event_search (rowid, words) VALUES (?, ?)", [*rows])
    else:
        add_rows(connection, event_search, SEARCH_COLUMNS, rows)


def _is_sqlite(connection: Connection) -> bool:
    return isinstance(connection.connection.driver_connection, sqlite3.Connection)
