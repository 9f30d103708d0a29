"""The index of words, made from the log alone."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, column, delete, table
from sqlalchemy.dialects.postgresql import TSVECTOR

from auditapp.database.copy import add_rows
from auditapp.index.counts import count_events, kind_of
from auditapp.index.kinds import note_kinds
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
Document = tuple[Any, ...]  # a row of it


def index(connection: Connection, events: Sequence[Logged], documents: Sequence[Document]) -> None:
    """Add one workspace's events to all that finds and counts them, in the connection's transaction.

    Nobody else does so for this workspace meanwhile; ``followers/`` sees to that.

    :param documents: of :func:`documents_of`.
    """
    add_documents(connection, documents)
    count_events(connection, [event.row for event in events])
    # Whoever recorded them has noted their kinds; an index made anew begins without what was there too much.
    kinds = {kind_of(event.row) for event in events}
    note_kinds(connection, events[0].row.workspace_id, kinds, anew=True)


def forget_words(connection: Connection, workspace_id: int, *conditions: Any) -> None:
    """Take rows out of PostgreSQL's index of words."""
    connection.execute(delete(event_search).where(event_search.c.workspace_id == workspace_id, *conditions))


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
        numbers = [event.number for event in events]
        forget_words(connection, events[0].row.workspace_id, event_search.c.event_id.in_(numbers))
    count_events(connection, [event.row for event in events], back=True)


def documents_of(connection: Connection, events: Sequence[Logged]) -> list[Document]:
    """Return the rows of some events in the index of words; asks the database nothing."""
    if _is_sqlite(connection):
        return [(event.number, as_text(document(event))) for event in events]
    return [
        (event.row.workspace_id, event.number, event.row.occurred_at, as_vector(document(event)))
        for event in events
    ]


def add_documents(connection: Connection, rows: Sequence[Document]) -> None:
    """Add rows of :func:`documents_of` to the index of words, in the connection's transaction."""
    if _is_sqlite(connection):
        connection.exec_driver_sql("INSERT INTO event_search (rowid, words) VALUES (?, ?)", [*rows])
    else:
        add_rows(connection, event_search, SEARCH_COLUMNS, rows)


def _is_sqlite(connection: Connection) -> bool:
    return isinstance(connection.connection.driver_connection, sqlite3.Connection)
