"""The index of words, written beside the log and made from it alone."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, column, table
from sqlalchemy.dialects.postgresql import TSVECTOR

from auditapp.database.copy import add_rows
from auditapp.index.counts import count_events
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

# An event's number, the event, its columns and its context.
Told = tuple[int, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]


def index_events(connection: Connection, told: Sequence[Told]) -> None:
    """Add one workspace's events to the index of words and to the counts, in the connection's transaction."""
    add_documents(connection, documents_of(connection, told))
    count_events(connection, [row for _, _, row, _ in told])


def documents_of(connection: Connection, told: Sequence[Told]) -> list[tuple[Any, ...]]:
    """Return the rows of some events in the index of words; asks the database nothing."""
    if _is_sqlite(connection):
        return [(number, as_text(document(event, row, context))) for number, event, row, context in told]
    return [
        (row["workspace_id"], number, row["occurred_at"], as_vector(document(event, row, context)))
        for number, event, row, context in told
    ]


def add_documents(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows of :func:`documents_of` to the index of words, in the connection's transaction."""
    if _is_sqlite(connection):
        connection.exec_driver_sql("INSERT INTO event_search (rowid, words) VALUES (?, ?)", [*rows])
    else:
        add_rows(connection, event_search, SEARCH_COLUMNS, rows)


def _is_sqlite(connection: Connection) -> bool:
    return isinstance(connection.connection.driver_connection, sqlite3.Connection)
