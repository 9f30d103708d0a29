"""Tells the worker that something was recorded: after the commit, and once for many.

On PostgreSQL by NOTIFY in a transaction of its own: inside of a writer's, commits would wait for one another.
On SQLite by touching a file beside the database. Where nobody is told, as by an application whose changes are
captured, the worker looks by itself once a second.
"""

import logging
import os
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from auditapp.database.dialect import is_sqlite

CHANNEL = "auditapp_log"
# Of what is recorded within it the worker is told once.
COALESCED_SECONDS = 0.02
RECORDED = "auditapp_recorded"  # in the connection, until it is given back
log = logging.getLogger(__name__)


def announce(connection: Connection) -> None:
    """Have the worker told when the connection's transaction is over."""
    connection.info[RECORDED] = True


def wake_file(database: str) -> Path:
    """Return the file that is touched where SQLite was written."""
    return Path(f"{database}.recorded")


def tell_the_worker(engine: Engine) -> None:
    """Tell the worker of what is recorded on an engine's connections, from now on."""
    tell = _touching(engine) if is_sqlite(engine) else _Notifier(engine).wake

    @event.listens_for(engine, "checkin")
    def given_back(_connection: Any, record: Any) -> None:
        # A session gives its connection back when its transaction is over.
        if record.info.pop(RECORDED, False):
            tell()


def _touching(engine: Engine) -> Any:
    path = wake_file(str(engine.url.database))

    def touch() -> None:
        try:
            os.utime(path)
        except FileNotFoundError:  # no worker has run here yet; its file is its owner's only
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            log.warning("the worker was not told of new events; it looks once a second", exc_info=error)

    return touch


class _Notifier:
    """A thread that notifies, begun at the first event: a server forks before."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wanted = threading.Event()
        self._begun = threading.Lock()
        self._pid = 0

    def wake(self) -> None:
        """Notify soon."""
        if self._pid != os.getpid():
            with self._begun:
                if self._pid != os.getpid():
                    self._pid = os.getpid()
                    self._wanted = threading.Event()
                    threading.Thread(target=self._run, name="notifier", daemon=True).start()
        self._wanted.set()

    def _run(self) -> None:
        wanted = self._wanted
        while True:
            wanted.wait()
            wanted.clear()
            try:
                with self._engine.connect() as connection:
                    driver: Any = connection.connection.driver_connection
                    connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
                    driver.commit()
            except SQLAlchemyError as error:
                log.warning("the worker was not told of new events; it looks once a second", exc_info=error)
            threading.Event().wait(COALESCED_SECONDS)
