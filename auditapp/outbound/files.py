"""Events, whole and oldest first, as lines of JSON or CSV, read and written piece by piece."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from functools import partial

import orjson

from auditapp.access.viewer import Viewer
from auditapp.database.replica import or_from_primary
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import BEGINNING
from auditapp.index.state import IndexStaleError
from auditapp.log.schema import instant
from auditapp.outbound.csv_cells import json_cell, line, text_cell
from auditapp.reading.event import WholeEvent, whole_events
from auditapp.reading.timeline import EventRow, Rows, place

KEYS = 2000  # rows chosen at once, without their payloads
BATCH = 100  # whole events in memory, of 256 KiB at most
PIECE_BYTES = 512 * 1024  # of what is written at once, and the event that exceeds it
# Parameters that say how a page shows, not which events there are.
OF_THE_PAGE = ("before", "after", "limit", "group")
COLUMNS = (
    *("id", "seq", "occurred_at", "recorded_at", "event", "entity_type", "entity_id", "entity_name"),
    *("actor_type", "actor_id", "actor_name", "actor_email", "on_behalf_of", "origin", "outcome"),
    *("correlation_id", "causation_id", "related", "changes", "payload", "context"),
)
FORMATS = ("jsonl", "csv")

Piece = tuple[int, bytes]  # how many events, and what is written of them


def broken_off(form: str, events: int) -> bytes:
    """Return the last line of a file that broke off after so many events."""
    message = f"THIS EXPORT IS INCOMPLETE. It broke off after {events:,} events; please export again."
    return line([message]).encode() if form == "csv" else orjson.dumps({"error": message}) + b"\n"


def unpaged(filters: TimelineFilters) -> TimelineFilters:
    """Return a filter as if it were of one endless page of single events."""
    known = {field.name: field.default for field in fields(filters)}
    return replace(filters, **{name: known[name] for name in OF_THE_PAGE if name in known})  # type: ignore[arg-type]


def batches_of(
    filters: TimelineFilters, viewer: Viewer, rows_of: Rows, last_id: int
) -> Iterator[list[WholeEvent]]:
    """Yield the events up to a number, the oldest first, with no transaction open at a yield.

    An open read cursor would keep writers out of SQLite, and its log from being emptied.
    """
    newest = or_from_primary(lambda: rows_of(filters, 1), IndexStaleError)
    db.session.rollback()
    # Two bounds: an event that comes late may belong far back, and the end must not run away.
    end = place(newest[0]) if newest else BEGINNING
    at = BEGINNING
    while at < end:
        rows = or_from_primary(partial(rows_of, replace(filters, after=at), KEYS), IndexStaleError)
        db.session.rollback()
        if not rows:
            return
        at = place(rows[-1])
        chosen = [row for row in rows if row.id <= last_id and place(row) <= end]
        for start in range(0, len(chosen), BATCH):
            yield _whole(chosen[start : start + BATCH], viewer)


def _whole(rows: Sequence[EventRow], viewer: Viewer) -> list[WholeEvent]:
    events = or_from_primary(lambda: whole_events(rows, viewer))
    db.session.rollback()
    return events


def pieces_of(batches: Iterator[list[WholeEvent]], form: str) -> Iterator[Piece]:
    """Yield a file of events in pieces."""
    # The head comes with the first events: a database that does not answer is found before any of it.
    parts, write = ([line(COLUMNS).encode()], _csv) if form == "csv" else ([], _jsonl)
    events = size = 0
    for batch in batches:
        for event in batch:
            parts.append(write(event))
            events, size = events + 1, size + len(parts[-1])
            if size >= PIECE_BYTES:
                yield events, b"".join(parts)
                parts, events, size = [], 0, 0
        if parts:
            yield events, b"".join(parts)
            parts, events, size = [], 0, 0
    if parts:
        yield 0, b"".join(parts)


def _jsonl(event: WholeEvent) -> bytes:
    return orjson.dumps(event.to_json(), option=orjson.OPT_APPEND_NEWLINE)


def _csv(event: WholeEvent) -> bytes:
    return line(_cells(event)).encode()


def _cells(event: WholeEvent) -> tuple[str, ...]:
    """Return an event in the order of ``COLUMNS``; a section that was erased is empty, unlike null or {}."""
    row, texts = event.row, event.texts
    actor = event.section("actor") or {"id": row.actor_id, "name": row.actor_name, "email": None}
    related = event.related()
    return (
        str(row.uid),
        "" if event.seq is None else str(event.seq),
        instant(row.occurred_at),
        instant(row.recorded_at),
        row.event,
        row.entity_type,
        text_cell(row.entity_id),
        text_cell(event.entity_name()),
        row.actor_type,
        text_cell(actor["id"]),
        text_cell(actor["name"]),
        text_cell(actor["email"]),
        json_cell(texts["on_behalf_of"]),
        row.origin,
        row.outcome,
        text_cell(row.correlation_id),
        text_cell(row.causation_id),
        "" if related is None else json_cell(orjson.dumps(related).decode()),
        json_cell(texts["changes"]),
        json_cell(texts["payload"]),
        json_cell(texts["context"]),
    )
