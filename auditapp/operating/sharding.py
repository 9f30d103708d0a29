"""Citus: which tables are spread over its nodes by workspace, and which each node has whole.

Decided by what the database itself says of its tables, so that a new one needs nothing here. What Citus calls
a reference table is one that each node has whole; docs/scaling.md says when all this is worth while.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection, Engine, MetaData, Table, UniqueConstraint, inspect, text
from sqlalchemy.exc import DBAPIError

from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db
from auditapp.index.search_index import event_search

KEY = "workspace_id"
# Spread first: the rows that the others have of a workspace then lie where its events do.
FIRST = "event"
# Triggers keep the log append-only. A transaction that had worked on the coordinator's own shards could
# write to no other node afterwards.
SETTINGS = {"citus.enable_unsafe_triggers": "on", "citus.enable_local_execution": "off"}
INSUFFICIENT_PRIVILEGE = "42501"
_NO_TRUNCATE = text(
    "SELECT quote_ident(relname), quote_ident(tgname) FROM pg_trigger"
    " JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_dist_partition ON logicalrelid = tgrelid"
    r" WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgname LIKE '%\_no\_truncate'"
)

Told = Callable[[str], None]


class ShardingError(Exception):
    """It cannot be done; the message says why and what to do."""


class Placement(NamedTuple):
    """Names of tables, each behind those that its foreign keys refer to."""

    whole: list[str]
    spread: list[str]


def our_tables(bind: Engine | Connection) -> MetaData:
    """Return Auditapp's tables as they are in a database, which may have others beside them."""
    ours = {*db.metadata.tables, event_search.name}
    tables = MetaData()
    tables.reflect(bind, only=lambda name, _: name in ours)
    return tables


def placement_of(tables: MetaData) -> Placement:
    """Return where each table belongs.

    Spread are those of a workspace. Whole on each node are those that have none, and those in which a row is
    looked up before its workspace is known: a key that is unique without the workspace cannot be spread. What
    a table refers to that is whole has to be whole too.
    """
    whole = {table.name for table in tables.sorted_tables if not _can_be_spread(table)}
    for table in reversed(tables.sorted_tables):
        if table.name in whole:
            whole |= {key.referred_table.name for key in table.foreign_key_constraints}
    names = [table.name for table in tables.sorted_tables]
    spread = [name for name in names if name not in whole]
    return Placement(
        [name for name in names if name in whole], sorted(spread, key=lambda name: name != FIRST)
    )


def unique_keys(table: Table) -> list[list[str]]:
    """Return the columns of each key of a table that no two rows share."""
    keys = [table.primary_key.columns]
    keys += [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
    keys += [each.columns for each in table.indexes if each.unique]
    return [[column.name for column in key] for key in keys if len(key)]


def _can_be_spread(table: Table) -> bool:
    return KEY in table.columns and all(KEY in key for key in unique_keys(table))


def citus_version(connection: Connection) -> str | None:
    """Return which Citus a database has; None where it has none."""
    if is_sqlite(connection):
        return None
    version: str | None = connection.scalar(
        text("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
    )
    return version


def placed(connection: Connection) -> Placement:
    """Return which of Auditapp's tables Citus has placed where; needs the extension."""
    # Citus lists a table that it only knows of, and left where it was, as neither hashed nor replicated.
    rows = connection.execute(
        text(
            "SELECT relname, partmethod = 'h' FROM pg_dist_partition"
            " JOIN pg_class ON pg_class.oid = logicalrelid"
            " WHERE (partmethod = 'h' OR repmodel = 't') AND pg_table_is_visible(logicalrelid)"
            " ORDER BY relname"
        )
    ).all()
    ours = {*db.metadata.tables, event_search.name}
    return Placement(
        [name for name, is_spread in rows if name in ours and not is_spread],
        [name for name, is_spread in rows if name in ours and is_spread],
    )


def unplaced(connection: Connection) -> Placement:
    """Return which tables are not where they belong.

    :raise ShardingError: if one is somewhere else.
    """
    wanted, there = placement_of(our_tables(connection)), placed(connection)
    wrong = [*({*wanted.whole} & {*there.spread}), *({*wanted.spread} & {*there.whole})]
    if wrong:
        raise ShardingError(
            f"Citus has placed {', '.join(sorted(wrong))} in another way than this program needs: run"
            " SELECT undistribute_table('…') for each, and then this again"
        )
    return Placement(
        [name for name in wanted.whole if name not in there.whole],
        [name for name in wanted.spread if name not in there.spread],
    )


def missing_settings(connection: Connection) -> dict[str, str]:
    """Return which of Citus's settings are otherwise than needed, and their right values."""
    return {
        name: value
        for name, value in SETTINGS.items()
        if connection.scalar(text("SELECT current_setting(:name, true)"), {"name": name}) != value
    }


def setting_statement(connection: Connection, name: str, value: str) -> str:
    """Return what gives a setting to all that connect to this database from now on."""
    database = connection.scalar(text("SELECT current_database()"))
    return f"ALTER DATABASE {_quoted(connection, str(database))} SET {name} = {value}"


def distribute(engine: Engine, tell: Told) -> None:
    """Place each table that is not placed yet, each with its rows in a transaction of its own.

    Stopped on the way, it goes on where it was when it is called again.

    :param tell: is given a line for each thing that was done.
    :raise ShardingError: if this is no database of Citus, or rows were lost on the way.
    :raise sqlalchemy.exc.DBAPIError: if Citus or the database refuses.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _require_citus(connection)
        _set(connection, tell)
        todo = unplaced(connection)
        for name in todo.whole:
            _place(connection, name, "SELECT create_reference_table(CAST(:name AS regclass))", tell)
        for name in todo.spread:
            group = "none" if name == FIRST else FIRST
            _place(
                connection,
                name,
                "SELECT create_distributed_table(CAST(:name AS regclass), :key, colocate_with => :group)",
                tell,
                key=KEY,
                group=group,
            )
        for name in _kept_behind(connection):
            _free(engine, name)
            tell(f"{name}: the rows that stayed behind here were freed")


def _require_citus(connection: Connection) -> None:
    if is_sqlite(connection):
        raise ShardingError("the database is SQLite; Citus is an extension of PostgreSQL")
    if not inspect(connection).has_table(FIRST):
        raise ShardingError("the database has no tables: run flask --app app db upgrade first")
    if citus_version(connection) is None:
        raise ShardingError(
            "the extension citus is not in this database: install it on each node, put citus into"
            " shared_preload_libraries, and run CREATE EXTENSION citus in it as a superuser"
        )


def _set(connection: Connection, tell: Told) -> None:
    """Give the database the settings, and this session too, which began before."""
    for name, value in missing_settings(connection).items():
        statement = setting_statement(connection, name, value)
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
                raise
            raise ShardingError(
                f"this user may not change settings of the database: have its owner run {statement}"
            ) from error
        connection.execute(text(f"SET {name} = {value}"))
        tell(f"{name} is {value} for all who connect from now on")


def _place(connection: Connection, name: str, statement: str, tell: Told, **more: str) -> None:
    before = _count(connection, name)
    connection.execute(text(statement), {"name": _quoted(connection, name), **more})
    after = _count(connection, name)
    if after != before:
        raise ShardingError(f"{name} had {before} rows and now has {after}: was somebody writing meanwhile?")
    where = f"spread by {KEY}" if more else "whole on each node"
    tell(f"{name}: {where}, {after:,} row{'' if after == 1 else 's'}")


def _count(connection: Connection, name: str) -> int:
    return connection.scalar(text(f"SELECT count(*) FROM {_quoted(connection, name)}")) or 0  # noqa: S608


def _kept_behind(connection: Connection) -> list[str]:
    """Return which tables still have rows here that nothing reads since they were placed.

    They take room, and a later constraint or unique index would be checked on them too.
    """
    there = placed(connection)
    size = text("SELECT pg_relation_size(CAST(:name AS regclass))")
    return [
        name
        for name in (*there.whole, *there.spread)
        if connection.scalar(size, {"name": _quoted(connection, name)})
    ]


def _free(engine: Engine, name: str) -> None:
    """Empty the coordinator's own copy of a table, and of what refers to it: all is placed by now."""
    here_only = text("SET LOCAL citus.enable_ddl_propagation = off")
    with engine.begin() as connection:
        guards = connection.execute(_NO_TRUNCATE).all()
        # The guards of the shards stay on: there the rows are.
        connection.execute(here_only)
        for table, guard in guards:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {guard}"))
        connection.execute(
            text("SELECT truncate_local_data_after_distributing_table(CAST(:name AS regclass))"),
            {"name": _quoted(connection, name)},
        )
        connection.execute(here_only)  # Citus switches it on again when it has emptied a table
        for table, guard in guards:
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {guard}"))


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
