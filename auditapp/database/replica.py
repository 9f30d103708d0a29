"""A replica of the primary: whether a request may read the log there, and what happens where it cannot.

Nothing waits for the replica. Where it is not as far as a reader needs, does not answer or refuses a query,
the primary is asked.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from auditapp.database.rollback import roll_back
from auditapp.extensions import db
from auditapp.models import Event
from auditapp.routing import REPLICA, RoutedSession

MAX_AGE = 60.0  # seconds: nobody reads a log that is older
TRY_AGAIN = 5.0  # seconds, after it did not answer

# Places in the primary's WAL as numbers of bytes, which either database can keep.
PRIMARY_POSITION = "CAST(pg_current_wal_insert_lsn() - '0/0' AS bigint)"
FLUSHED_POSITION = "CAST(pg_current_wal_flush_lsn() - '0/0' AS bigint)"
_STATE = text(
    "SELECT pg_is_in_recovery(), CAST(pg_last_wal_replay_lsn() - '0/0' AS bigint),"
    " CAST(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) AS double precision)"
)
# The same on a primary and its standbys, on no other server and in no other database.
_IDENTITY = text(
    "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())"
    " FROM pg_control_system()"
)

Value = TypeVar("Value")
log = logging.getLogger(__name__)


class ReplicaState(NamedTuple):
    """How many bytes of WAL a replica has replayed, and how many seconds ago its last commit was made.

    The age grows while nobody writes to the primary. It is None where nothing was replayed since the start.
    """

    replayed: int
    age: float | None


class NotAStandby(Exception):
    """The server answers, but is no standby of this primary."""


class _Health:
    """Whether a replica answered when it was last asked; said in the log where that changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._try_at = 0.0
        self._is_lost = False
        self.is_known = False  # to be a standby of this primary

    def is_to_be_tried(self) -> bool:
        """Tell whether to ask it: always, but where it was lost one request from time to time."""
        with self._lock:
            if not self._is_lost:
                return True
            if time.monotonic() < self._try_at:
                return False
            self._try_at = time.monotonic() + TRY_AGAIN
            return True

    def lost(self, error: Exception) -> None:
        """Leave it alone for a while."""
        with self._lock:
            was_lost, self._is_lost, self.is_known = self._is_lost, True, False
            self._try_at = time.monotonic() + TRY_AGAIN
        if was_lost:
            return
        if isinstance(error, NotAStandby):
            log.warning("the replica is not read; the primary is read instead: %s", error)
        else:
            log.warning("the replica does not answer; the primary is read instead", exc_info=error)

    def found(self) -> None:
        """Read there again."""
        with self._lock:
            was_lost, self._is_lost, self.is_known = self._is_lost, False, True
        if was_lost:
            log.warning("the replica is read again")


_health: WeakKeyDictionary[Engine, _Health] = WeakKeyDictionary()


def replica() -> Engine | None:
    """Return the replica's engine, None where there is none."""
    return db.engines.get(REPLICA)


def has_written() -> bool:
    """Tell whether this session wrote what is to be read back, and a replica may not have it yet."""
    return replica() is not None and _session().has_written


def log_connection() -> Connection:
    """Return the connection on which this request reads the log."""
    return db.session.connection(bind_arguments={"mapper": Event})


def begin_reading(position: int) -> bool:
    """Read the log from the replica from now on, if it is as far as that; else go on with the primary.

    :param position: in the primary's WAL, in bytes, which the replica must have replayed.
    :return: whether the replica is read.
    """
    engine, session = replica(), _session()
    if engine is None or session.has_written:
        return False
    health = _health.setdefault(engine, _Health())
    if not health.is_to_be_tried():
        return False
    try:
        connection = session.open_replica(engine)
        state = state_of(connection, is_known=health.is_known)
        connection.rollback()  # the session begins its own transactions
    except (DBAPIError, NotAStandby) as error:
        health.lost(error)
        return False
    except PoolTimeout as error:
        log.warning("the replica has no connection left, the primary is asked", exc_info=error)
        return False
    health.found()
    if not _is_far_enough(state, position):
        return False
    session.replica, session.replayed = connection, state.replayed
    return True


def _is_far_enough(state: ReplicaState, position: int) -> bool:
    is_old = state.age is None or state.age > MAX_AGE
    if state.replayed >= position and not is_old:
        return True
    written, flushed = primary_positions()
    if position > written:
        position = 0  # of another server, whose rows were restored into this one
    # Where nobody writes, the last commit is old though nothing is missing. Only what is flushed is sent.
    return state.replayed >= (max(position, flushed) if is_old else position)


def replayed_here() -> int | None:
    """Return how far the replica was when this session began to read it; None if the primary is read."""
    session = _session()
    return session.replayed if session.replica is not None else None


def stop_reading(error: Exception | None = None) -> bool:
    """Go on with the primary, in a new transaction.

    :param error: for which that is done.
    :return: whether the replica was read until now; only then may something else come out.
    """
    session, engine = _session(), replica()
    if session.replica is None or engine is None:
        return False
    session.replica = None
    roll_back()
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        _health[engine].lost(error)
    elif isinstance(error, SQLAlchemyError):
        # As a query that was in the way of what is replayed, or a table that a migration makes just now.
        log.warning("a query failed while the replica was read; the primary is asked", exc_info=error)
    return True


def or_from_primary(read: Callable[[], Value], *also: type[Exception]) -> Value:
    """Return what ``read`` does; where the replica fails it, it reads again, from the primary.

    :param also: what it raises where something is not there, which may be on the primary.
    """
    not_there: tuple[type[Exception], ...] = (SQLAlchemyError, *also)
    try:
        return read()
    except not_there as error:
        if not stop_reading(error):
            raise
    return read()


def state_of(connection: Connection, *, is_known: bool = False) -> ReplicaState:
    """Ask a replica how far it is.

    :param is_known: that it was asked before whether it is one of this primary.
    :raise NotAStandby: if it is none, or of another server or database.
    """
    is_standby, replayed, age = connection.execute(_STATE).one()
    if not is_standby or replayed is None:
        raise NotAStandby("it is no standby, it takes writes of its own")
    if not is_known:
        with db.engine.connect() as primary:
            here = primary.execute(_IDENTITY).one()
        if tuple(connection.execute(_IDENTITY).one()) != tuple(here):
            raise NotAStandby("it is a standby of another server or another database")
    return ReplicaState(replayed, age)


def primary_positions() -> tuple[int, int]:
    """Return up to where the primary has written its WAL, and up to where that is on its disk, in bytes."""
    written, flushed = db.session.execute(text(f"SELECT {PRIMARY_POSITION}, {FLUSHED_POSITION}")).one()
    return written, flushed


def _session() -> RoutedSession:
    return cast(RoutedSession, db.session())
