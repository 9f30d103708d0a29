"""A connection of one's own, for the length of a transaction of a follower."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from auditapp.database.dialect import is_sqlite

# Whoever is stopped in the midst of a transaction, and not killed, would keep its locks from all others.
STOPPED = "10s"


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Open a connection for one transaction, which whoever asks for it commits; else nothing was done."""
    with engine.connect() as connection:
        if not is_sqlite(connection):
            connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{STOPPED}'")
        yield connection
