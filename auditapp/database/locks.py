"""Turns for transactions that may record the same idempotency keys; SQLite's writers take turns anyway.

Without them each only learns that another was first when that one commits, loses what it wrote, and may
lose again: of 24 batches of 300 out of 1,000 keys, sent eight at once, a third lost five times over.
"""

import sqlite3
from enum import IntEnum

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db


class Lock(IntEnum):
    """Who waits for whom: PostgreSQL's advisory locks are told apart by this and the workspace's number."""

    REQUESTS = 0x61756401
    IMPORTS = 0x61756402


def take_lock(turn: Lock, workspace_id: int, *, beside_others: bool = False) -> None:
    """Wait until nobody else of this kind writes to the workspace; the turn ends with the transaction.

    :param beside_others: go on beside all who say so too, and wait only for who does not.
    """
    session = db.session
    if is_sqlite(session.get_bind()):
        return
    lock = "pg_advisory_xact_lock_shared" if beside_others else "pg_advisory_xact_lock"
    session.execute(
        text(f"SELECT {lock}(:turn, :workspace)"), {"turn": turn.value, "workspace": workspace_id}
    )


def lock_for_writing(connection: Connection) -> None:
    """Take SQLite's write lock before anything is looked up, so that what was looked up stays true.

    A transaction that reads first and writes then would be refused if another wrote in between.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        return
    # What an application or a savepoint began may be without the lock; writing, even nothing, takes it.
    statement = "DELETE FROM event WHERE 0" if driver.in_transaction else "BEGIN IMMEDIATE"
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, None, error, sqlite3.Error) from error
