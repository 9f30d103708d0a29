"""Which requests read the log from a replica, and how somebody reads what they have just written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask import Flask, Response, g, request
from werkzeug.exceptions import NotFound

from auditapp.database.replica import begin_reading, has_written, or_from_primary, replayed_here, stop_reading
from auditapp.http.gates import View
from auditapp.index.state import IndexStaleError

READING = ("GET", "HEAD")
NOT_THERE = (404, 503)


class Reader(NamedTuple):
    """Who asks: up to where a replica must be for them, and what notes that they have written since."""

    position: int
    note_position: Callable[[], None]


def init_app(app: Flask) -> None:
    """Note after each request whether it wrote."""
    app.after_request(_after_request)


def let_read(reader: Reader) -> None:
    """Say whose request it is, which a gate or a sign-in has found out."""
    g.reader = reader


def answer_of(view: View, **kwargs: Any) -> Any:
    """Return the answer of a view behind a gate; where it reads only, from the replica if that is far enough.

    What the replica does not have, or fails at, is asked of the primary: nothing is called missing, and no
    index not whole, that may only not have come there yet.
    """
    if request.method not in READING or getattr(view, "reads_primary", False):
        return view(**kwargs)
    begin_reading(g.reader.position)
    answer = or_from_primary(lambda: view(**kwargs), NotFound, IndexStaleError)
    if isinstance(answer, Response) and answer.status_code in NOT_THERE and stop_reading():
        return view(**kwargs)
    return answer


def reads_primary(view: View) -> View:
    """Have a view read the primary, whose answer somebody acts on. Stands under the gate."""
    view.reads_primary = True  # type: ignore[attr-defined]
    return view


class LaterReads:
    """Reads that go on after the view, each piece in a session of its own, as the request read."""

    def __init__(self) -> None:
        self._position = replayed_here()
        self._reader: Reader | None = g.get("reader")

    @contextmanager
    def go_on(self) -> Iterator[None]:
        """Read the next piece; where the replica was read, it must not be behind what was found there."""
        if self._position is not None:
            begin_reading(self._position)
        try:
            yield
        finally:
            _note_position(self._reader)


def _after_request(response: Response) -> Response:
    if response.status_code < 500:  # where the database does not answer, it is not asked once more
        _note_position(g.get("reader"))
    return response


def _note_position(reader: Reader | None) -> None:
    if reader is not None and has_written():
        reader.note_position()
