"""To which database a statement goes: to the primary, or from a request that only reads to a replica of it.

Only what reads the log goes to the replica: who may do what is asked of the primary alone, so that a change
of rights counts at once. When a request reads from the replica, ``database/replica.py`` decides.
"""

from typing import Any

from flask_sqlalchemy.session import Session
from sqlalchemy import Connection, Engine, TableClause, UpdateBase, inspect
from sqlalchemy.sql import visitors

REPLICA = "replica"  # the name of its engine, beside the primary's, which has none

# The log and what is derived from it. They stand together: an index of the one beside the events of the other
# would answer short.
OF_THE_LOG = frozenset(
    {
        *("event", "event_payload", "event_name", "renamed_event", "renaming"),
        *("event_search", "event_count", "event_kind"),
        *("log_leaf", "log_head", "log_pending", "follower", "follower_failure"),
    }
)
# Statements on these tell the log nothing, and are no reason to look at the primary afterwards. What the log
# tells of keys is written by a flush.
UNTOLD = frozenset({"session", "throttle", "view_visit", "api_key"})


class RoutedSession(Session):
    """A session with one place that chooses.

    :ivar replica: the connection on which the log is read, None where that is the primary's. It is one for
        all of the session's transactions: behind an address may be several replicas, one ahead of the other.
    :ivar replayed: how far the replica was when it was first read here, in bytes of WAL.
    :ivar has_written: that it may have written what the log tells of; from then on it asks the primary.
    """

    def __init__(self, db: Any, **options: Any) -> None:
        super().__init__(db, **options)
        self.replica: Connection | None = None
        self.replayed = 0
        self.has_written = False
        self._opened: Connection | None = None

    def get_bind(
        self,
        mapper: Any | None = None,
        clause: Any | None = None,
        bind: Engine | Connection | None = None,
        **more: Any,
    ) -> Engine | Connection:
        """Return what a statement is asked of, or where a flush writes a mapper's rows."""
        if self._flushing or _writes(clause):
            self._note_writing()
        if self.replica is not None and bind is None and _is_of_the_log(mapper, clause):
            return self.replica
        return super().get_bind(mapper=mapper, clause=clause, bind=bind, **more)

    def connection(
        self,
        bind_arguments: Any | None = None,
        execution_options: Any | None = None,
    ) -> Connection:
        """Return a connection; without arguments it is one to write with."""
        if bind_arguments is None:
            self._note_writing()
        return super().connection(bind_arguments, execution_options)

    def open_replica(self, engine: Engine) -> Connection:
        """Return a connection to a replica, which this session may read on and closes at its end.

        :raise sqlalchemy.exc.SQLAlchemyError: if there is none to be had.
        """
        if self._opened is None:
            self._opened = engine.connect()
        return self._opened

    def close(self) -> None:
        """End the session."""
        super().close()
        self.replica, opened, self._opened = None, self._opened, None
        if opened is not None:
            opened.close()

    def _note_writing(self) -> None:
        self.has_written, self.replica = True, None


def _writes(clause: Any) -> bool:
    if isinstance(clause, UpdateBase):
        return getattr(clause.table, "name", None) not in UNTOLD
    return getattr(clause, "_for_update_arg", None) is not None


def _is_of_the_log(mapper: Any, clause: Any) -> bool:
    if isinstance(clause, UpdateBase):
        return False
    if mapper is not None:
        return inspect(mapper).local_table.name in OF_THE_LOG
    if clause is None:
        return False
    tables = {part.name for part in visitors.iterate(clause) if isinstance(part, TableClause)}
    return bool(tables) and tables <= OF_THE_LOG
