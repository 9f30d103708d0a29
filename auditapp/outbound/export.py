"""All events of a filter, whole and oldest first, as lines of JSON or CSV; two events tell of each export."""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from auditapp.access.own_events import NotNoted, note_first
from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.finding import fetch_page, index_already_awaited
from auditapp.followers import require_whole_index
from auditapp.models import Event
from auditapp.outbound.files import OF_THE_PAGE, Piece, batches_of, broken_off, pieces_of, unpaged
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow, Rows

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """What an export is of, where that is more than a filter says.

    :ivar rows: fetches the rows of a filter out of the index.
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
    :raise IndexStaleError: if the filter asks the index, which would answer short; after ten seconds also if
        the newest events are not in it yet.
    :raise NotNoted: if that it begins cannot be recorded, before anything is read; or at the end: an export
        that cannot be recorded is not a whole one. A last piece says so before.
    :raise sqlalchemy.exc.SQLAlchemyError: if the database fails in between, after such a piece.
    """
    # Before the event that says so: an export does not hold itself. And before the index has all up to it.
    mine = Event.workspace_id == viewer.workspace.id
    last_id = db.session.scalar(select(func.max(Event.id)).where(mine)) or 0
    if filters.needs_index or (chosen and chosen.rows):
        # A file of what was searched for cannot tell of events that could not be.
        require_whole_index(viewer.workspace.id, but_failed=not filters.needs_index)
    # Of its session no more: each piece may come in another one, and this would be read anew.
    if viewer.workspace in db.session:
        db.session.expunge(viewer.workspace)
    return _noted(filters, viewer, form, chosen or Chosen(), last_id, by)


def _noted(
    filters: TimelineFilters,
    viewer: Viewer,
    form: str,
    chosen: Chosen,
    last_id: int,
    by: Mapping[str, Any],
) -> Generator[Piece, None, None]:
    sent, begun = 0, False

    def rows(page_filters: TimelineFilters, limit: int) -> Sequence[EventRow]:
        with index_already_awaited():
            if chosen.rows:
                return chosen.rows(page_filters, limit)
            return fetch_page(page_filters, viewer, SUMMARY_COLUMNS, limit)

    export = _Export(chosen.query or query_of(filters), viewer, form, by)
    try:
        for events, piece in pieces_of(batches_of(unpaged(filters), viewer, rows, last_id), form):
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
            yield 0, broken_off(form, sent)
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
        self._format_and_query = {"format": form, "query": query}
        self._began = monotonic()
        self._started = note_first(
            self._workspace, "export.started", payload=self._format_and_query, **self._by
        )

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
            payload={**self._format_and_query, **ended},
            causation_id=str(self._started.id),
            **self._by,
        )


def _all_of(viewer: Viewer) -> str:
    return "everything" if viewer.audit_level is AuditLevel.ALL else "all that its reader may see"


def query_of(filters: TimelineFilters) -> str:
    """Return the filter of an export as a query string to read; empty for everything."""
    return urlencode(filters.to_query(**dict.fromkeys(OF_THE_PAGE)), safe=":*!@/,")
