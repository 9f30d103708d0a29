"""All events of a filter, whole and oldest first, as lines of JSON or CSV; two events tell of each export."""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from auditapp.access.own_events import NotNoted, note_first
from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import BEGINNING
from auditapp.finding import fetch_page
from auditapp.index.state import require_index
from auditapp.log.schema import instant
from auditapp.models import Event
from auditapp.reading.csv_cells import json_cell, line, text_cell
from auditapp.reading.event import WholeEvent, sections_of
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow, place

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
Rows = Callable[[TimelineFilters, int], Sequence[EventRow]]  # of a filter's page, so many at most

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """What an export is of, where that is more than a filter says.

    :ivar rows: fetches the rows of a filter.
    :ivar query: what stands for the filter in the log.
    :ivar end: the last line of a whole export, of the number of its events.
    """

    rows: Rows | None = None
    query: str | None = None
    end: Callable[[int], bytes] | None = None


def export_events(
    filters: TimelineFilters,
    viewer: Viewer,
    form: str,
    *,
    chosen: Chosen | None = None,
    **by: Mapping[str, Any] | str,
) -> Generator[Piece, None, None]:
    """Return an export piece by piece. That it began is recorded before the first, at the end how it ended.

    Both forms are oldest first: an import restores the log's order so, and a sheet of last month is the
    beginning of the sheet of today. No transaction is open between the pieces. What is recorded after
    the first one is not in it. Whoever stops before the end closes the generator; the second event then says
    that the export is incomplete, and how many events had been handed out.

    :param form: one of ``FORMATS``.
    :param chosen: what it is of, where that is more than the filter says.
    :param by: ``actor`` of the export's event; ``origin`` and ``context`` where they are not at hand later.
    :return: how many events a piece holds, and its bytes in UTF-8.
    :raise IndexStaleError: if the filter asks the index, which would answer short.
    :raise NotNoted: if that it begins cannot be recorded, before anything is read; or at the end: an export
        that cannot be recorded is not a whole one. A last piece says so before.
    :raise sqlalchemy.exc.SQLAlchemyError: if the database fails in between, after such a piece.
    """
    if filters.needs_index:
        require_index(viewer.workspace.id)
    # Of its session no more: each piece may come in another one, and this would be read anew.
    db.session.expunge(viewer.workspace)
    return _noted(filters, viewer, form, chosen or Chosen(), by)


def _noted(
    filters: TimelineFilters, viewer: Viewer, form: str, chosen: Chosen, by: Mapping[str, Any]
) -> Generator[Piece, None, None]:
    sent, begun = 0, False
    rows = chosen.rows or (lambda some, limit: fetch_page(some, viewer, SUMMARY_COLUMNS, limit))
    # Before the event that says so: an export does not hold itself.
    last_id = db.session.scalar(select(func.max(Event.id))) or 0
    export = _Export(chosen.query or query_of(filters), viewer, form, by)
    try:
        for events, piece in _pieces(_batches(_unpaged(filters), viewer, rows, last_id), form):
            sent, begun = sent + events, True
            yield events, piece
        export.finish(sent, complete=True)
    except BaseException as error:
        db.session.rollback()
        try:
            export.finish(sent, complete=False)
        except NotNoted:
            log.exception("an incomplete export could not be recorded", extra={"fields": {"events": sent}})
        if begun and isinstance(error, Exception):
            # Granian ends the answer now as if it were whole, and so may proxies: the file must tell.
            yield 0, _broken_off(form, sent)
        raise
    if chosen.end:
        yield 0, chosen.end(sent)


class _Export:
    """The two events of one export: that it began, committed before anything is read, and how it ended."""

    def __init__(self, query: str, viewer: Viewer, form: str, by: Mapping[str, Any]) -> None:
        """Note that it begins.

        :raise NotNoted: if that cannot be; then it must not.
        """
        entity = {"id": str(uuid7()), "name": query[:512] or _all_of(viewer)}
        self._workspace = viewer.workspace
        self._by: dict[str, Any] = {**by, "entity": entity, "correlation_id": entity["id"]}
        self._asked = {"format": form, "query": query}
        self._began = monotonic()
        self._started = note_first(self._workspace, "export.started", payload=self._asked, **self._by)

    def finish(self, events: int, *, complete: bool) -> None:
        """Note how it ended, after so many events.

        :raise NotNoted: if that cannot be.
        """
        duration = round((monotonic() - self._began) * 1000)
        ended = {"events": events, "skipped": 0, "complete": complete, "duration_ms": duration}
        note_first(
            self._workspace,
            "export.finished",
            outcome="success" if complete else "failure",
            payload={**self._asked, **ended},
            causation_id=str(self._started.id),
            **self._by,
        )


def _all_of(viewer: Viewer) -> str:
    return "everything" if viewer.audit_level is AuditLevel.ALL else "all that its reader may see"


def _broken_off(form: str, events: int) -> bytes:
    message = f"THIS EXPORT IS INCOMPLETE. It broke off after {events:,} events; please export again."
    return line([message]).encode() if form == "csv" else orjson.dumps({"error": message}) + b"\n"


def query_of(filters: TimelineFilters) -> str:
    """Return the filter of an export as a query string to read; empty for everything."""
    return urlencode(filters.to_query(**dict.fromkeys(OF_THE_PAGE)), safe=":*!@/,")


def _unpaged(filters: TimelineFilters) -> TimelineFilters:
    """Return a filter as if it were of one endless page of single events."""
    known = {each.name: each.default for each in fields(filters)}
    return replace(filters, **{name: known[name] for name in OF_THE_PAGE if name in known})  # type: ignore[arg-type]


def _batches(
    filters: TimelineFilters, viewer: Viewer, rows_of: Rows, last_id: int
) -> Iterator[list[WholeEvent]]:
    """Yield the events up to a number, the oldest first, with no transaction open at a yield.

    An open read cursor would keep writers out of SQLite, and its log from being emptied.
    """
    newest = rows_of(filters, 1)
    db.session.rollback()
    # Two bounds: an event that comes late may belong far back, and the end must not run away.
    end = place(newest[0]) if newest else BEGINNING
    at = BEGINNING
    while at < end:
        rows = rows_of(replace(filters, after=at), KEYS)
        db.session.rollback()
        if not rows:
            return
        at = place(rows[-1])
        found = [row for row in rows if row.id <= last_id and place(row) <= end]
        for start in range(0, len(found), BATCH):
            yield _whole(found[start : start + BATCH], viewer)


def _whole(rows: Sequence[EventRow], viewer: Viewer) -> list[WholeEvent]:
    texts = sections_of(rows, viewer)
    db.session.rollback()
    return [WholeEvent(row, texts[row.id]) for row in rows]


def _pieces(batches: Iterator[list[WholeEvent]], form: str) -> Iterator[Piece]:
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
        "",  # seq: given when the event is sealed
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
