"""Many rows into a table of PostgreSQL at once, by COPY where its driver has that."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection, TableClause, insert
from sqlalchemy.exc import DBAPIError


def add_rows(
    connection: Connection, table: TableClause, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows into a table of PostgreSQL, in the connection's transaction."""
    driver = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        _copy(driver, table, columns, rows)
    else:
        _insert(connection, table, columns, rows)


def _copy(
    driver: psycopg.Connection[Any],
    table: TableClause,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    names = ", ".join(columns)
    statement = f"COPY {table.name} ({names}) FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        # COPY goes past SQLAlchemy, which then does not translate what it raises.
        raise DBAPIError.instance(statement, None, error, psycopg.Error) from error


def _insert(
    connection: Connection, table: TableClause, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert through another driver of PostgreSQL, as an application that is captured may use."""
    connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
