"""Triggers, functions and indexes: those that are there, beside those that the migrations make.

On SQLite a database is migrated for that, in a file of its own. PostgreSQL's definitions are written down in
``guards.json``; ``tests/operating/test_guards.py`` fails where a migration makes others.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, text

from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db
from auditapp.operating.backup import engine_of, migrate

RECORDED = Path(__file__).parent / "guards.json"
# Of the others no index keeps anything apart that the log needs apart.
INDEXED = [
    *("event", "event_payload", "renamed_event", "log_leaf"),
    *("event_name", "event_kind", "event_count", "event_search", "follower", "log_head", "log_pending"),
]
AFTERWARDS = "and look at the log beside a backup: nothing kept it meanwhile"


class Guard(NamedTuple):
    """What a guard is called."""

    kind: str
    table: str
    name: str


Guards = Mapping[Guard, str]  # with the statement that makes it


def problems_of_guards(connection: Connection) -> Iterator[str]:
    """Yield a line for each guard that is missing, not ours or disabled."""
    existing, ours, tables = guards_of(connection), _expected(connection), _tables()
    for guard, statement in ours.items():
        kind, table, name = guard
        on = f" on {table}" if table else ""
        if guard not in existing:
            yield f"{kind} {name}{on} is missing; run {statement}; {AFTERWARDS}"
        elif existing[guard] != statement:
            drop = "" if kind == "function" else f"{_drop(connection, guard)}; "
            yield f"{kind} {name}{on} is not ours; run {drop}{statement}; {AFTERWARDS}"
    for guard in existing:
        if guard not in ours and guard.kind in ("trigger", "rule") and guard.table in tables:
            yield (
                f"{guard.kind} {guard.name} on {guard.table} is none of ours: it may change or lose what is"
                f" recorded; run {_drop(connection, guard)}"
            )
    if not is_sqlite(connection):
        yield from _disabled(connection)


def guards_of(connection: Connection) -> Guards:
    """Return what guards our tables, and what their triggers call; blanks in statements are single."""
    if is_sqlite(connection):
        query = (
            "SELECT type, tbl_name, name, sql FROM sqlite_master"
            " WHERE type IN ('trigger', 'index') AND sql IS NOT NULL ORDER BY type, name"
        )
        rows = connection.execute(text(query)).all()
    else:
        rows = connection.execute(text(_IN_POSTGRESQL), {"tables": _tables(), "indexed": INDEXED}).all()
    return {Guard(*row[:3]): _normal(row[3]) for row in rows}


# Without the schema, which is where the tables are. Functions are those of ours, by name.
_IN_POSTGRESQL = """
    SELECT 'trigger', c.relname, t.tgname, pg_get_triggerdef(t.oid, true)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:tables)
    UNION ALL
    SELECT 'index', c.relname, i.relname, pg_get_indexdef(i.oid, 0, true)
    FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indisvalid AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:indexed)
    UNION ALL
    SELECT 'rule', tablename, rulename, definition FROM pg_rules
    WHERE schemaname = current_schema() AND tablename = ANY(:tables)
    UNION ALL
    SELECT 'function', '', p.proname,
        regexp_replace(pg_get_functiondef(p.oid), 'FUNCTION [^ (]+[.]', 'FUNCTION ')
    FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = 'refuse_change'
    ORDER BY 1, 2, 3
"""


def _tables() -> list[str]:
    return [*db.metadata.tables, "event_search"]


def _normal(statement: str) -> str:
    # SQLite quotes names where a table is renamed, and some versions keep that when it is renamed back.
    return re.sub(r'"(\w+)"', r"\1", re.sub(r"\s+", " ", statement)).strip()


def _expected(connection: Connection) -> Guards:
    if not is_sqlite(connection):
        return {
            Guard(*key.split(" ")): statement for key, statement in json.loads(RECORDED.read_text()).items()
        }
    with tempfile.TemporaryDirectory(prefix="auditapp-") as folder:
        file = Path(folder) / "migrated.db"
        file.touch(mode=0o600)
        with engine_of(file) as engine:
            migrate(engine)
            with engine.connect() as migrated:
                return guards_of(migrated)


def as_recorded(guards: Guards) -> str:
    """Return the text of ``guards.json``."""
    return json.dumps({" ".join(guard): guards[guard] for guard in guards}, indent=2) + "\n"


def _disabled(connection: Connection) -> Iterator[str]:
    query = """
        SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND t.tgenabled NOT IN ('O', 'A')
            AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:tables)
    """
    for table, name in connection.execute(text(query), {"tables": _tables()}):
        mend = f"run ALTER TABLE {table} ENABLE TRIGGER {name}; {AFTERWARDS}"
        yield f"trigger {name} on {table} is disabled; {mend}"
    role = connection.scalar(text("SHOW session_replication_role"))
    if role != "origin":
        yield (
            f"session_replication_role is {role}: no trigger works; reset it for this role and database;"
            f" {AFTERWARDS}"
        )


def _drop(connection: Connection, guard: Guard) -> str:
    quote = connection.dialect.identifier_preparer.quote
    is_everywhere = guard.kind == "index" or is_sqlite(connection)
    on = "" if is_everywhere else f" ON {quote(guard.table)}"
    return f"DROP {guard.kind.upper()} {quote(guard.name)}{on}"
