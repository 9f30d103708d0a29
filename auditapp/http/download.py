"""An export as a streamed download, for pages and API alike."""

from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import ServiceUnavailable

from auditapp.access.viewer import Viewer
from auditapp.capture.host_request import request_context
from auditapp.filters import TimelineFilters
from auditapp.http.replica_reads import LaterReads
from auditapp.outbound.export import Chosen, export_events
from auditapp.outbound.files import Piece

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson; charset=utf-8"}
BYTE_ORDER_MARK = "\ufeff".encode()
# Each has a piece of its file in memory for as long as its reader takes.
AT_ONCE = 64
RETRY_AFTER_SECONDS = 30

_slots = BoundedSemaphore(AT_ONCE)


def download(
    filters: TimelineFilters,
    viewer: Viewer,
    form: str,
    *,
    actor: Mapping[str, Any],
    origin: str,
    head: bytes,
    name: str = "timeline",
    chosen: Chosen | None = None,
) -> Response:
    """Return an export as an attachment; the log has an event of its beginning and of its end.

    :param form: a key of ``CONTENT_TYPES``.
    :param head: what stands before the export: a byte order mark, a line about it, or nothing.
    :param name: what the file is called, between the workspace and the day.
    :param chosen: what it is of, where that is more than the filter says.
    :raise NotNoted: if that it begins cannot be recorded, before anything is read or sent.
    :raise sqlalchemy.exc.SQLAlchemyError: if the database does not answer, before anything is sent.
    :raise werkzeug.exceptions.ServiceUnavailable: if this server sends ``AT_ONCE`` exports just now.
    """
    today = datetime.now(UTC).astimezone(ZoneInfo(viewer.workspace.timezone)).date()
    file_name = f"{viewer.workspace.slug}-{name}-{today}.{form}"
    body: Iterator[bytes] = iter(())
    if request.method != "HEAD":
        context = request_context()
        pieces = export_events(
            filters, viewer, form, chosen=chosen, actor=actor, origin=origin, context=context
        )
        if not _slots.acquire(blocking=False):
            raise ServiceUnavailable(
                "Other exports are running. Try again when one of them is done.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        body = _Body(current_app._get_current_object(), pieces, head)  # type: ignore[attr-defined]
    response = Response(body, content_type=CONTENT_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _in_slot(pieces: Generator[Piece, None, None]) -> Generator[Piece, None, None]:
    try:
        yield from pieces
    finally:
        _slots.release()


class _Body:
    """The pieces, each made in an application context of its own.

    A server may ask for them in any of its threads, long after the view's context is gone.
    """

    def __init__(self, app: Flask, pieces: Generator[Piece, None, None], head: bytes) -> None:
        self.app, self.pieces, self.reads = app, _in_slot(pieces), LaterReads()
        self.ahead: list[bytes] = []
        # Before the answer begins: where this fails, it can still say so.
        self.ahead.append(head + next(self, b""))

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.ahead:
            return self.ahead.pop()
        with self.app.app_context(), self.reads.go_on():
            return next(self.pieces)[1]

    def close(self) -> None:
        with self.app.app_context(), self.reads.go_on():
            self.pieces.close()
