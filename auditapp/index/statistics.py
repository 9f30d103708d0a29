"""What the database knows of the log, from which it chooses how to answer."""

from sqlalchemy import text

from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db

# Of fewer events PostgreSQL learns by itself in time.
WORTH_IT = 1000


def know_what_is_there(events: int) -> None:
    """Have PostgreSQL look at the log after many events came at once, in the session's transaction.

    By itself it does so a minute or more later, and until then takes any plan for as good as another.

    :param events: how many came.
    """
    if events >= WORTH_IT and not is_sqlite(db.session.get_bind()):
        db.session.execute(text("ANALYZE event, event_search, event_count, event_kind"))
