"""How the worker learns that something was recorded, without asking the database again and again."""

import logging
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import Engine

from auditapp.database.dialect import is_sqlite
from auditapp.log.announce import CHANNEL, wake_file

LOOK_EVERY = 0.05  # at the time when a file was touched
log = logging.getLogger(__name__)


class Waker(Protocol):
    """Waits for what is recorded."""

    def __call__(self, seconds: float) -> None:
        """Wait so many seconds, or until something was recorded, or until it is time to stop."""

    def close(self) -> None:
        """Wait no more."""


def waker(engine: Engine, stop: threading.Event) -> Waker:
    """Return what waits for an engine's database."""
    if is_sqlite(engine):
        return _Touched(wake_file(str(engine.url.database)), stop)
    return _Notified(engine, stop)


class _Touched:
    """Looks at a file that whoever records touches."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        self._path, self._stop = path, stop
        self._seen = self._touched_at()

    def __call__(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self._stop.is_set():
            touched_at = self._touched_at()
            if touched_at != self._seen:
                self._seen = touched_at
                return
            self._stop.wait(LOOK_EVERY)

    def close(self) -> None:
        """Nothing is open."""

    def _touched_at(self) -> int:
        with suppress(OSError):
            return self._path.stat().st_mtime_ns
        return 0


class _Notified:
    """Listens on a connection of its own; while there is none, it only waits."""

    def __init__(self, engine: Engine, stop: threading.Event) -> None:
        self._engine, self._stop = engine, stop
        self._connection: psycopg.Connection[Any] | None = None

    def __call__(self, seconds: float) -> None:
        try:
            if self._connection is None:
                self._connection = self._listen()
                return  # something may have been recorded before
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass
        except psycopg.Error as error:
            log.warning("the worker hears of no events just now; it looks each second", exc_info=error)
            self.close()
            self._stop.wait(seconds)

    def close(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listen(self) -> psycopg.Connection[Any]:
        arguments = self._engine.dialect.create_connect_args(self._engine.url)[1]
        connection = psycopg.connect(**arguments, autocommit=True)
        connection.execute(f"LISTEN {CHANNEL}")
        return connection
