"""The index of words, and the counts by hour and day: written beside the log, made from it alone."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import BigInteger, Connection, Integer, column, insert, select, table
from sqlalchemy.dialects.postgresql import TSVECTOR

from auditapp.log.insert import add_rows
from auditapp.log.terms import as_text, as_vector, document
from auditapp.models import SECTIONS, Event, EventPayload, Workspace, event_count
from auditapp.models.derived import DAY, HOUR
from auditapp.models.types import EPOCH, Instant

# On PostgreSQL; the driver of a captured application may need the types.
event_search = table(
    "event_search",
    column("workspace_id", Integer),
    column("event_id", BigInteger),
    column("occurred_at", Instant),
    column("words", TSVECTOR),
)
SEARCH_COLUMNS = ("workspace_id", "event_id", "occurred_at", "words")
QUARTER = 900  # seconds; every zone of today is whole quarters of an hour away from UTC
REBUILD_BATCH = 1000

# An event's number, the event, its columns and its context.
Told = tuple[int, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]


def index_events(
    connection: Connection,
    zone: str,
    told: Sequence[Told],
) -> None:
    """Add events to the index of words and to the counts, in the connection's transaction.

    :param zone: the workspace's, whose hours and days are counted by.
    """
    documents = [(number, row, document(event, row, context)) for number, event, row, context in told]
    if isinstance(connection.connection.driver_connection, sqlite3.Connection):
        connection.exec_driver_sql(
            "INSERT INTO event_search (rowid, words) VALUES (?, ?)",
            [(number, as_text(found)) for number, _, found in documents],
        )
    else:
        rows = [
            (row["workspace_id"], number, row["occurred_at"], as_vector(found))
            for number, row, found in documents
        ]
        add_rows(connection, event_search, SEARCH_COLUMNS, rows)
    _count(connection, zone, [row for _, row, _ in documents])


def _count(connection: Connection, zone: str, rows: Sequence[Mapping[str, Any]]) -> None:
    counted: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        hour, day = _starts(zone, int((row["occurred_at"] - EPOCH).total_seconds()) // QUARTER)
        kind = (row["event"], row["actor_type"], row["origin"], row["outcome"])
        counted[row["workspace_id"], HOUR, hour, *kind] += 1
        counted[row["workspace_id"], DAY, day, *kind] += 1
    names = [each.name for each in event_count.columns]
    connection.execute(
        insert(event_count), [dict(zip(names, (*key, times), strict=True)) for key, times in counted.items()]
    )


@lru_cache(maxsize=4096)
def _starts(zone: str, quarter: int) -> tuple[datetime, datetime]:
    """Return when the hour and the day began that a quarter of an hour is in, in a zone."""
    moment = EPOCH + timedelta(seconds=quarter * QUARTER)
    try:
        local = moment.astimezone(ZoneInfo(zone))
        hour = local.replace(minute=0, second=0, microsecond=0)
        return hour.astimezone(UTC), hour.replace(hour=0, fold=0).astimezone(UTC)
    except OverflowError:  # at the ends of the calendar, where the zone has no date
        hour = moment.replace(minute=0, second=0, microsecond=0)
        return hour, hour.replace(hour=0)


def rebuild(connection: Connection) -> None:
    """Index and count what was recorded before there was an index, oldest number first."""
    for workspace_id, zone in connection.execute(select(Workspace.id, Workspace.timezone)).all():
        last = 0
        while told := list(_stored(connection, workspace_id, last)):
            index_events(connection, zone, told)
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
