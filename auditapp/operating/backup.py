"""The whole of a database in one file and back, whichever database it is.

The file is a SQLite database with this program's own tables: of SQLite a copy by its online backup, of
PostgreSQL the rows of one snapshot. So any SQLite can look into it, either database can be restored from it,
and no other program is needed. What each database has in a form of its own is derived, and made anew.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.exc import DBAPIError

from auditapp.config import ROOT
from auditapp.database.copy import add_rows
from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db
from auditapp.extensions import migrate as migrations
from auditapp.index.state import NAME
from auditapp.models import Event, Workspace, event_count, follower, follower_failure, worker
from auditapp.operating.places import sqlite_file

# Made anew where they are missing, as the words are, which no table of both databases holds.
DERIVED = (event_count, follower, follower_failure)
# Whoever follows the original does not follow its copy.
OF_A_PROCESS = (worker,)
# Neither written nor locked, so that it may lie on a disk that takes no writes.
READ_ONLY = {"mode": "ro", "immutable": "1"}
BATCH = 500  # rows, each of which may be large
Progress = Callable[[int, int], None]  # of what is done, and what is to do in all


class BackupError(Exception):
    """It cannot be done; the message says why and what to do."""


def back_up(file: Path, tell: Progress) -> int:
    """Write the database into a file, while others go on recording; return how many events it holds.

    On PostgreSQL nobody waits for it, nor on SQLite with a WAL; with a rollback journal writers wait while
    the file is copied. Keys and settings are not in it.

    :param file: is there and empty.
    :raise BackupError: if there is nothing to back up.
    :raise OSError: if the file cannot be written.
    :raise sqlalchemy.exc.DBAPIError: if the database cannot be read.
    """
    if (here := sqlite_file(db.engine.url)) and not here.exists():
        raise BackupError(f"there is no database at {here}")
    if _revision(db.engine) is None:
        raise BackupError("the database has no tables: there is nothing to back up")
    if is_sqlite(db.engine):
        with _of_the_database(), db.engine.connect() as source, closing(sqlite3.connect(file)) as target:
            # Whoever ends before the end throws the file away.
            target.execute("PRAGMA journal_mode = OFF")
            target.execute("PRAGMA synchronous = OFF")
            _copy_file(cast(sqlite3.Connection, source.connection.driver_connection), target, tell)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, also where the original has a WAL
    else:
        _require_this_version()
        with engine_of(file) as engine:
            migrate(engine)
            with _snapshot() as source, engine.begin() as target:
                _copy_rows(source, target, tell)
            with engine.connect() as connection:
                connection.execute(sa.text("PRAGMA journal_mode = DELETE"))
    with engine_of(file, READ_ONLY) as engine, engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(Event)) or 0


def restore(file: Path, tell: Progress) -> int:
    """Bring a backup into the database, which is empty, and to this version; return how many events it holds.

    All of it is there afterwards, or nothing. What is derived may be stale then: see ``followers.rebuild``.

    :raise BackupError: if the file is no backup, damaged or of a newer version, or the database not empty.
    :raise sqlalchemy.exc.DBAPIError: if the database cannot be written.
    """
    _check(file)
    _require_empty(db.engine)
    if is_sqlite(db.engine):
        with (
            _of_the_database(),
            closing(_opened(file)) as source,
            db.engine.connect() as target,
        ):
            _copy_file(source, cast(sqlite3.Connection, target.connection.driver_connection), tell)
        db.engine.dispose()  # so that each connection sets up the journal anew
        migrate(db.engine)
    else:
        migrate(db.engine)
        with tempfile.TemporaryDirectory() as folder:
            current = _of_this_version(file, Path(folder))
            with (
                engine_of(current, READ_ONLY) as engine,
                engine.connect() as source,
                db.engine.begin() as target,
            ):
                target.execute(sa.text(f"LOCK TABLE {Workspace.__tablename__} IN EXCLUSIVE MODE"))
                _require_empty(target)
                _copy_rows(source, target, tell)
                _count_on(target)
    return db.session.scalar(select(func.count()).select_from(Event)) or 0


def _copy_file(source: sqlite3.Connection, target: sqlite3.Connection, tell: Progress) -> None:
    # At one go: of a copy in steps every write begins a new one.
    source.backup(target, progress=lambda _status, left, total: tell(total - left, total))


@contextmanager
def _of_the_database() -> Iterator[None]:
    """Raise what SQLite says past SQLAlchemy as SQLAlchemy does."""
    try:
        yield
    except sqlite3.Error as error:
        raise DBAPIError.instance("backup", None, error, sqlite3.Error) from error


@contextmanager
def _snapshot() -> Iterator[Connection]:
    """Read PostgreSQL as it is at this moment, however long that takes."""
    with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        yield connection


def _copy_rows(source: Connection, target: Connection, tell: Progress) -> None:
    tables = [table for table in db.metadata.sorted_tables if table not in (*DERIVED, *OF_A_PROCESS)]
    total = sum(source.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
    copied = 0
    for table in reversed(tables):  # what migrations put there comes with the rows
        if _is_filled(target, table):
            target.execute(table.delete())
    for table in tables:
        for rows in _batches(source, table):
            _insert(target, table, rows)
            copied += len(rows)
            tell(copied, total)
    _mark_stale(target)


def _batches(source: Connection, table: Table) -> Iterator[Sequence[Any]]:
    query = select(table).order_by(*table.primary_key.columns)
    with source.execution_options(stream_results=True, yield_per=BATCH).execute(query) as result:
        yield from result.partitions()


def _insert(target: Connection, table: Table, rows: Sequence[Any]) -> None:
    names = [column.name for column in table.columns]
    if not is_sqlite(target):
        add_rows(target, table, names, [tuple(row) for row in rows])
    else:
        target.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])


def _mark_stale(target: Connection) -> None:
    nothing = {"name": NAME, "version": 0, "seq": 0, "goal": 0}
    for number in target.scalars(select(Workspace.id)).all():
        target.execute(follower.insert().values(workspace_id=number, **nothing))


def _count_on(target: Connection) -> None:
    """Let PostgreSQL go on counting behind the numbers that came with the rows."""
    sequence = sa.text("SELECT pg_get_serial_sequence(:table, :column)")
    for table in db.metadata.sorted_tables:
        for column in table.primary_key.columns:
            name = target.scalar(sequence, {"table": table.name, "column": column.name})
            last = target.scalar(select(func.max(column))) if name else None
            if last is not None:
                target.execute(sa.text("SELECT setval(:name, :last)"), {"name": name, "last": last})


def _is_filled(connection: Connection, table: Table) -> bool:
    return connection.scalar(select(sa.literal(1)).select_from(table).limit(1)) is not None


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?{urlencode(READ_ONLY)}", uri=True)


@contextmanager
def engine_of(file: Path, options: Mapping[str, str] | None = None) -> Iterator[Engine]:
    """Open a SQLite database beside the application's own, and close it afterwards.

    :param options: of a SQLite URI, as ``READ_ONLY``.
    """
    name, query = (file.resolve().as_uri(), {**options, "uri": "true"}) if options else (str(file), {})
    engine = sa.create_engine(sa.URL.create("sqlite", database=name, query=query), hide_parameters=True)
    try:
        yield engine
    finally:
        engine.dispose()


def migrate(engine: Engine) -> None:
    """Bring another database to this version, out of an empty one too."""
    config = migrations.get_config(str(ROOT / "migrations"))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")


def _of_this_version(file: Path, folder: Path) -> Path:
    """Return a backup itself, or a copy that was brought to this version."""
    with engine_of(file, READ_ONLY) as engine:
        if _revision(engine) == _scripts().get_current_head():
            return file
    copy = folder / "backup.db"
    with _of_the_database(), closing(_opened(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with engine_of(copy) as engine:
        migrate(engine)
    return copy


def _check(file: Path) -> None:
    if not file.is_file():
        raise BackupError(f"{file}: there is no such file")
    try:
        with engine_of(file, READ_ONLY) as engine:
            is_whole, revision = _is_whole(engine), _revision(engine)
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_CORRUPT":
            raise BackupError(f"{file} is damaged: restore another backup") from None
        revision = None  # it is no database
    if revision is None:
        raise BackupError(f"{file} is no backup that flask backup has written")
    if not is_whole:
        raise BackupError(f"{file} is damaged: restore another backup")
    if revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise BackupError(f"{file} is of a newer version of Auditapp ({revision}): restore it with that one")


def _is_whole(engine: Engine) -> bool:
    with engine.connect() as connection:
        verdict: str = connection.scalars(sa.text("PRAGMA quick_check(1)")).one()
        return verdict == "ok"


def _require_empty(place: Engine | Connection) -> None:
    if not sa.inspect(place).has_table(Workspace.__tablename__):
        return
    with place.connect() if isinstance(place, Engine) else nullcontext(place) as connection:
        if any(_is_filled(connection, cast(Table, model.__table__)) for model in (Workspace, Event)):
            raise BackupError(
                "the database is not empty: point AUDITAPP_DATABASE_URL at a new one, and restore into that"
            )


def _require_this_version() -> None:
    if _revision(db.engine) != _scripts().get_current_head():
        raise BackupError("the database is of another version: run flask --app app db upgrade first")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(ROOT / "migrations"))
