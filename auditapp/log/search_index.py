"""The index of words, written beside the log and made from it alone."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Connection, Integer, column, delete, select, table
from sqlalchemy.dialects.postgresql import TSVECTOR

from auditapp.log.counts import count_events
from auditapp.log.insert import add_rows
from auditapp.log.terms import as_text, as_vector, document
from auditapp.models import SECTIONS, Event, EventPayload, Workspace, event_count
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
REBUILD_BATCH = 1000

# An event's number, the event, its columns and its context.
Told = tuple[int, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]


def index_events(connection: Connection, told: Sequence[Told]) -> None:
    """Add one workspace's events to the index of words and to the counts, in the connection's transaction."""
    if isinstance(connection.connection.driver_connection, sqlite3.Connection):
        connection.exec_driver_sql(
            "INSERT INTO event_search (rowid, words) VALUES (?, ?)",
            [(number, as_text(document(event, row, context))) for number, event, row, context in told],
        )
    else:
        rows = [
            (row["workspace_id"], number, row["occurred_at"], as_vector(document(event, row, context)))
            for number, event, row, context in told
        ]
        add_rows(connection, event_search, SEARCH_COLUMNS, rows)
    count_events(connection, [row for _, _, row, _ in told])


def rebuild(connection: Connection) -> None:
    """Empty the index and the counts and make them again from the log, oldest number first."""
    if isinstance(connection.connection.driver_connection, sqlite3.Connection):
        # An FTS5 table without content is emptied by a command of its own.
        connection.exec_driver_sql("INSERT INTO event_search (event_search) VALUES ('delete-all')")
    else:
        connection.execute(delete(event_search))
    connection.execute(delete(event_count))
    for workspace_id in connection.scalars(select(Workspace.id)).all():
        last = 0
        while told := list(_stored(connection, workspace_id, last)):
            index_events(connection, told)
            last = told[-1][0]


def _stored(connection: Connection, workspace_id: int, after: int) -> Iterator[Told]:
    """Yield the next recorded events as :func:`index_events` takes them; what was erased is not in them."""
    sections = [getattr(EventPayload, name) for name in SECTIONS]
    query = (
        select(*Event.__table__.columns, *(each.label(f"section_{each.key}") for each in sections))
        .join(
            EventPayload,
            (EventPayload.event_id == Event.id) & (EventPayload.workspace_id == Event.workspace_id),
        )
        .where(Event.workspace_id == workspace_id, Event.id > after)
        .order_by(Event.id)
        .limit(REBUILD_BATCH)
    )
    for found in connection.execute(query).mappings().all():
        yield found["id"], _as_told(found), dict(found), _section(found, "context") or {}


def _as_told(row: Any) -> dict[str, Any]:
    names = _section(row, "names") or {"entity": None, "related": []}
    related = [
        {**entity, "name": name}
        for entity, name in zip(_section(row, "related") or [], names["related"], strict=False)
    ]
    return {
        "event": row["event"],
        "actor": _section(row, "actor") or {"type": row["actor_type"], "id": ""},
        "on_behalf_of": _section(row, "on_behalf_of"),
        "entity": {"type": row["entity_type"], "id": row["entity_id"], "name": names["entity"]},
        "related": related,
        "changes": _section(row, "changes") or {},
        "payload": _section(row, "payload") or {},
        "correlation_id": row["correlation_id"],
        "causation_id": row["causation_id"],
    }


def _section(row: Any, name: str) -> Any:
    stored = row[f"section_{name}"]
    return None if stored is None else orjson.loads(stored)
