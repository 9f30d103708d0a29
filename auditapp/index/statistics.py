"""What PostgreSQL knows of the log, from which it chooses how to answer.

By itself it looks a minute or more after many events came at once, and until then takes any plan for as good
as another.
"""

from sqlalchemy import Connection, text

from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db

# Of fewer events PostgreSQL learns by itself in time.
WORTH_IT = 1000


def know_what_is_there(events: int) -> None:
    """Have PostgreSQL look at the log after many events came at once, in the session's transaction.

    :param events: how many came.
    """
    if events >= WORTH_IT:
        _look_at(db.session.connection(), "event, event_kind")


def know_what_is_indexed(connection: Connection, events: int) -> None:
    """Have PostgreSQL look at the index after many events were indexed at once, in a transaction.

    :param events: how many were.
    """
    if events >= WORTH_IT:
        _look_at(connection, "event_search, event_count, log_leaf")


def _look_at(connection: Connection, tables: str) -> None:
    if not is_sqlite(connection):
        connection.execute(text(f"ANALYZE {tables}"))
