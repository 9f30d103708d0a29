"""Can this installation record? Tried by a write that is committed, and asked of the disk.

A write that is rolled back notices no full disk: SQLite keeps it in memory, and PostgreSQL finds room in
pages that it has.
"""

import errno
import logging
import os
import re
import shutil
import sqlite3
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from auditapp.database.dialect import is_sqlite
from auditapp.database.upsert import upsert
from auditapp.followers.lag import Lag, read_lag
from auditapp.models import Throttle
from auditapp.operating.kept import Kept
from auditapp.operating.places import sqlite_file
from auditapp.operating.remembered import advice, has_workspace, is_remembered, remember
from auditapp.server_log import describe

# A row of the table of counters, which is nobody's attempt: no other key hashes to it.
KEY = b"the database can be written".ljust(32, b".")
ROOM = 1024 * 1024  # bytes: a few of the largest events, with their index and journal
TRY_EVERY = 5.0  # seconds

log = logging.getLogger(__name__)


class Trouble(NamedTuple):
    """What is wrong, fit for everybody, and what an operator does about it."""

    what: str
    mend: str


MOVED = Trouble("the database was moved or replaced", "start the server anew")


class Readiness:
    """The last answers, for some seconds: health checks may come as often as they like."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = _identity(engine)
        self._trouble = Kept(lambda: find_trouble(engine) or self._replaced(), lambda: TRY_EVERY)
        self._lag = Kept(lambda: _lag(engine), lambda: TRY_EVERY)

    def trouble(self) -> Trouble | None:
        """Return what keeps this installation from recording, as of ``TRY_EVERY`` seconds ago at most."""
        return self._trouble.get()

    def lag(self) -> Lag | None:
        """Return how far what follows the log is behind, as of ``TRY_EVERY`` seconds ago at most.

        :return: None where that cannot be read; the server's log says why.
        """
        return self._lag.get()

    def _replaced(self) -> Trouble | None:
        """A file put in the place of an open one is another database: what is recorded goes into the old."""
        was, self._file = self._file, self._file or _identity(self._engine)
        return MOVED if was and was != _identity(self._engine) else None


def _lag(engine: Engine) -> Lag | None:
    try:
        with engine.connect() as connection:
            return read_lag(connection)
    except SQLAlchemyError as error:
        log.warning("how far what follows the log is cannot be read", exc_info=error)
        return None


def _identity(engine: Engine) -> tuple[int, int] | None:
    try:
        status = file.stat() if (file := sqlite_file(engine.url)) else None
    except OSError:  # not there yet, or no longer: that is found out by trying
        return None
    return (status.st_dev, status.st_ino) if status else None


def find_trouble(engine: Engine) -> Trouble | None:
    """Write, and return what stood in the way; remember a database that has a workspace."""
    try:
        file = sqlite_file(engine.url)
        if file is not None and not file.exists():
            return _missing(engine)
        filled = has_workspace(engine)
        if not filled and is_remembered(engine.url):
            return Trouble("the database is empty, and was not", advice(engine.url))
        if file is not None and shutil.disk_usage(file.parent).free < ROOM:
            return _full(engine)
        with engine.connect() as connection:
            _write(connection)
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error, OSError) as error:
        log.warning("the database cannot be written", exc_info=error)
        return explain(error, engine)
    if filled:
        _remember(engine)
    return None


def _write(connection: Connection) -> None:
    if not is_sqlite(connection):
        # A table of its own takes new room on the disk, as a growing log does.
        connection.execute(
            text("CREATE TEMPORARY TABLE ready (filling text STORAGE EXTERNAL) ON COMMIT DROP")
        )
        connection.execute(text("INSERT INTO ready SELECT repeat('x', 64000)"))
    values = {"window_start": datetime.now(UTC), "count": 0}
    connection.execute(
        upsert(Throttle)
        .values(key=KEY, **values)
        .on_conflict_do_update(index_elements=[Throttle.key], set_=values)
    )
    connection.commit()


def _remember(engine: Engine) -> None:
    try:
        remember(engine.url)
    except OSError as error:  # events are recorded all the same
        log.warning("instance/databases was not written", exc_info=error)


def _missing(engine: Engine) -> Trouble:
    if is_remembered(engine.url):
        return Trouble("the database is missing", advice(engine.url))
    return Trouble("there is no database yet", "run flask --app app db upgrade, or restore a backup")


def _full(engine: Engine) -> Trouble:
    file = sqlite_file(engine.url)
    return Trouble(
        "the disk is full", f"free some space {f'where {file} is' if file else 'on the database server'}"
    )


def explain(error: BaseException, engine: Engine) -> Trouble:
    """Return what a database's error means to whoever runs this installation."""
    driver = getattr(error, "orig", None) or error
    if isinstance(driver, psycopg.Error):
        return _explain_postgresql(driver, engine)
    name = getattr(driver, "sqlite_errorname", "") or ""
    number = getattr(driver, "errno", None)
    file, user = sqlite_file(engine.url), os.geteuid()
    if name.startswith("SQLITE_FULL") or number in {errno.ENOSPC, errno.EDQUOT}:
        return _full(engine)
    if name.startswith("SQLITE_READONLY_DBMOVED"):
        return MOVED
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")) or number in {
        errno.EACCES,
        errno.EROFS,
        errno.EPERM,
    }:
        mend = f"let the user with the number {user} write {file} and its folder, on a disk that takes writes"
        return Trouble("the database cannot be written", mend)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Trouble("the database is locked", "end the other program that holds it")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return Trouble("the database is damaged, or none of ours", f"restore a backup in place of {file}")
    if name == "SQLITE_ERROR":
        return Trouble("the database lacks a table", "run flask --app app db upgrade")
    return _unanswered(error)


def _explain_postgresql(error: psycopg.Error, engine: Engine) -> Trouble:
    state = error.sqlstate or _state_of_connecting(str(error))
    if state.startswith("53"):
        is_disk = isinstance(error, psycopg.errors.DiskFull)
        return _full(engine) if is_disk else Trouble("the database server is out of means", describe(error))
    if state.startswith("25"):
        return Trouble("the database takes no writes", "connect to a primary whose transactions may write")
    if state.startswith("42501"):
        return Trouble(
            "the database may not be written",
            f"GRANT what is missing to the role of AUDITAPP_DATABASE_URL: {describe(error)}",
        )
    if state.startswith("42"):
        return Trouble("the database lacks a table", "run flask --app app db upgrade")
    if state.startswith("55"):
        return Trouble("the database is locked", "end the other session that holds it, see pg_stat_activity")
    if state.startswith("28"):
        return Trouble("the database refuses the sign-in", "mend user and password of AUDITAPP_DATABASE_URL")
    if state.startswith("3D"):
        return Trouble(
            "there is no such database", "CREATE DATABASE, or mend the name in AUDITAPP_DATABASE_URL"
        )
    return _unanswered(error)


def _state_of_connecting(message: str) -> str:
    """While it connects, psycopg tells no SQLSTATE: only what the server said, if it speaks English."""
    if re.search('database ".*" does not exist', message):
        return "3D000"
    if re.search(
        'role ".*" does not exist|authentication failed|no password supplied|no pg_hba.conf entry', message
    ):
        return "28000"
    return ""


def _unanswered(error: BaseException) -> Trouble:
    mend = f"see that its server runs, and check AUDITAPP_DATABASE_URL; it said: {describe(error)}"
    return Trouble("the database does not answer", mend)
