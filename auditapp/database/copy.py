"""Rows into tables of PostgreSQL: many by COPY where its driver has that, few in one go."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection, TableClause, insert
from sqlalchemy.exc import DBAPIError

# COPY asks the server twice for each table, and is worth it for more.
FEW = 4


class Rows(NamedTuple):
    """Rows of a table."""

    table: TableClause
    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


def add_rows(
    connection: Connection, table: TableClause, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows into a table of PostgreSQL, in the connection's transaction."""
    add_all(connection, [Rows(table, columns, rows)])


def add_all(connection: Connection, parts: Sequence[Rows]) -> None:
    """Insert rows into tables of PostgreSQL, in the connection's transaction; asks it once for the few."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        # Another driver of PostgreSQL, as an application that is captured may use.
        for table, columns, rows in parts:
            connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    statement = ""
    try:
        for table, columns, rows in parts:
            if len(rows) <= FEW:
                continue
            statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
            with driver.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        statement = "INSERT"
        if few := [part for part in parts if len(part.rows) <= FEW]:
            _insert(driver, few)
    except psycopg.Error as error:
        # Both go past SQLAlchemy, which then does not translate what is raised.
        raise DBAPIError.instance(statement, None, error, psycopg.Error) from error


def _insert(driver: psycopg.Connection[Any], parts: Sequence[Rows]) -> None:
    with driver.pipeline(), driver.cursor() as cursor:
        for table, columns, rows in parts:
            names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
            for row in rows:
                cursor.execute(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", row)  # noqa: S608
