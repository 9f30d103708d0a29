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
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from auditapp.log.insert import add_rows
from auditapp.log.terms import as_text, as_vector, document
from auditapp.models import SECTIONS, Event, EventPayload, Workspace, event_count, event_kind
from auditapp.models.derived import DAY, HOUR, WEEK
from auditapp.models.event import KIND
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


def index_events(connection: Connection, told: Sequence[Told]) -> None:
    """Add one workspace's events to the index of words and to the counts, in the connection's transaction."""
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
    _count(connection, [row for _, row, _ in documents])


def _count(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    workspace_id = rows[0]["workspace_id"]
    zone = connection.scalars(select(Workspace.timezone).where(Workspace.id == workspace_id)).one()
    counted: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        kind = tuple([row[name] for name in KIND])
        quarter = int((row["occurred_at"] - EPOCH).total_seconds()) // QUARTER
        for hours, start in zip((HOUR, DAY, WEEK), _starts(zone, quarter), strict=True):
            counted[hours, start, *kind] += 1
    columns = ("hours", "start", *KIND)
    connection.execute(
        insert(event_count),
        [
            {"workspace_id": workspace_id, **dict(zip(columns, key, strict=True)), "events": events}
            for key, events in counted.items()
        ],
    )
    _add_kinds(connection, workspace_id, {key[2:] for key in counted})


def _add_kinds(connection: Connection, workspace_id: int, kinds: set[tuple[Any, ...]]) -> None:
    """Keep ``event_kind`` complete: filters rely on it to find every combination."""
    there = event_kind.c
    query = select(*(there[name] for name in KIND)).where(
        there.workspace_id == workspace_id, there.event.in_({kind[0] for kind in kinds})
    )
    missing = sorted(kinds - {tuple(row) for row in connection.execute(query)})
    if missing:
        upsert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
        connection.execute(
            upsert(event_kind).on_conflict_do_nothing(),
            [{"workspace_id": workspace_id, **dict(zip(KIND, kind, strict=True))} for kind in missing],
        )


@lru_cache(maxsize=4096)
def _starts(zone: str, quarter: int) -> tuple[datetime, datetime, datetime]:
    """Return when the hour, the day and the week began that a quarter of an hour is in, in a zone."""
    moment = EPOCH + timedelta(seconds=quarter * QUARTER)
    try:
        local = moment.astimezone(ZoneInfo(zone))
        hour = local.replace(minute=0, second=0, microsecond=0)
        day = hour.replace(hour=0, fold=0)
        # By the zone's calendar: arithmetic of one zone's times goes by its clock.
        week = day - timedelta(days=day.weekday())
        return hour.astimezone(UTC), day.astimezone(UTC), week.astimezone(UTC)
    except OverflowError:  # at the ends of the calendar, where the zone has no date
        hour = moment.replace(minute=0, second=0, microsecond=0)
        return hour, hour.replace(hour=0), hour.replace(hour=0)


def rebuild(connection: Connection) -> None:
    """Index and count what was recorded before there was an index, oldest number first."""
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
