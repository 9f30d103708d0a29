"""``flask doctor``: what is wrong with this installation, and how to mend it."""

import shutil
import sqlite3
from collections.abc import Iterator
from itertools import chain

import click
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from auditapp.cli.base import command
from auditapp.cli.deep_findings import deep_findings
from auditapp.cli.following_findings import following_findings
from auditapp.cli.replica_findings import replica_findings
from auditapp.cli.sharding import sharding_findings
from auditapp.cli.source_findings import source_findings
from auditapp.config import INSTANCE, ROOT
from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db
from auditapp.index.state import index_state_of, stale_workspaces
from auditapp.operating.places import files_of, opened_to_others, sqlite_file
from auditapp.operating.readiness import explain, find_trouble

# SQLite needs one more a table against REPLACE, which passes its delete trigger.
TRIGGERS = {
    "sqlite": {"event": 3, "event_payload": 3, "log_leaf": 3},
    "postgresql": {"event": 2, "event_payload": 2, "log_leaf": 3},
}


@command("doctor")
@click.option("--deep", is_flag=True, help="Compare all that is derived with the log, too; takes minutes.")
def command_doctor(deep: bool) -> None:
    """Say what is wrong with this installation and how to mend it; exit 1 if anything is.

    With --deep, what is derived from the log (words, counts, kinds and names of events), its guards and the
    log itself are compared event by event. Events may be recorded meanwhile.
    """
    is_well = True
    for fine, line in chain(_findings(), deep_findings() if deep else ()):
        is_well &= fine
        click.echo(f"{'ok   ' if fine else 'WRONG'}  {' '.join(line.split())}")
    if not is_well:
        raise SystemExit(1)


def _findings() -> Iterator[tuple[bool, str]]:
    trouble = find_trouble(db.engine)
    if trouble:
        yield False, f"{trouble.what}: {trouble.mend}"
    else:
        yield True, "an event can be recorded: a write was tried"
    file = sqlite_file(db.engine.url)
    if file is None or file.exists():
        try:
            with db.engine.connect() as connection:
                yield from _database(connection)
        except DBAPIError as error:
            further = explain(error, db.engine)
            if further != trouble:
                yield False, f"{further.what}: {further.mend}"
    yield from _files()
    if not current_app.config["HTTPS"]:
        yield True, "AUDITAPP_HTTPS is off: right on loopback, wrong anywhere else"


def _files() -> Iterator[tuple[bool, str]]:
    """Whatever holds the log or a secret is for its owner only."""
    if (file := sqlite_file(db.engine.url)) and file.parent.is_dir():
        yield True, f"{shutil.disk_usage(file.parent).free / 1e9:,.1f} GB are free where {file} is"
    for path in (INSTANCE, INSTANCE / "secret_key", ROOT / ".env", *files_of(db.engine.url)):
        if path.exists():
            private, mode = not opened_to_others(path), 700 if path.is_dir() else 600
            yield private, f"{path} is {'private' if private else f'open to others; chmod {mode} it'}"


def _database(connection: Connection) -> Iterator[tuple[bool, str]]:
    if is_sqlite(connection):
        journal = connection.scalar(text("PRAGMA journal_mode"))
        yield True, f"SQLite {sqlite3.sqlite_version}, journal {journal}"
        sound = connection.scalar(text("PRAGMA quick_check"))
        yield sound == "ok", f"quick_check says {sound}"
    else:
        version = connection.scalar(text("SHOW server_version"))
        yield True, f"PostgreSQL {version}"
        durable = connection.scalar(text("SHOW synchronous_commit")) != "off"
        yield durable, "synchronous_commit is " + ("on" if durable else _commit_durably(connection))
    head = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    yield (
        current == head,
        f"the database is at version {current}"
        + ("" if current == head else f", this program needs {head}: run flask --app app db upgrade"),
    )
    yield from replica_findings()
    if current == head:
        yield from _triggers(connection)
        yield from sharding_findings(connection)
        yield from source_findings()
        yield _index()
        yield from following_findings(connection)


def _index() -> tuple[bool, str]:
    """A stale index answers nobody; the server makes it anew when it starts."""
    stale = stale_workspaces()
    if not stale:
        return True, "the search index is whole and of this version"
    state, many = index_state_of(stale[0]), f"of {len(stale)} workspace{'' if len(stale) == 1 else 's'}"
    return False, f"the search index {many} is stale: {state.words} {state.advice}"


def _commit_durably(connection: Connection) -> str:
    """Say what wins over every other place where the setting may be off, and asks for no restart."""
    quote = connection.dialect.identifier_preparer.quote
    role = quote(connection.scalar(text("SELECT session_user")))
    database = quote(connection.scalar(text("SELECT current_database()")))
    mend = f"ALTER ROLE {role} IN DATABASE {database} SET synchronous_commit = on"
    return f"off: a crash may lose acknowledged events; run {mend}"


def _triggers(connection: Connection) -> Iterator[tuple[bool, str]]:
    """The triggers keep the log append-only; a restored dump or a careless migration may lack them."""
    if is_sqlite(connection):
        query = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
            " AND tgrelid::regclass::text IN ('event', 'event_payload', 'log_leaf')"
        )
    tables = list(connection.scalars(text(query)))
    missing = [
        table
        for table, least in TRIGGERS["sqlite" if is_sqlite(connection) else "postgresql"].items()
        if tables.count(table) < least
    ]
    yield (
        not missing,
        "the log is append-only by trigger"
        if not missing
        else (f"triggers are missing on {', '.join(missing)}: doctor --deep says what makes them"),
    )
