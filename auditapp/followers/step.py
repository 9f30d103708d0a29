"""One step of a follower: the next events, their effect and how far it came, in one transaction."""

import logging
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from auditapp.database.locks import lock_for_writing
from auditapp.database.unindexed import Unindexed
from auditapp.followers.failures import keep_failure
from auditapp.followers.follower import Follower
from auditapp.followers.transaction import transaction
from auditapp.index import Logged
from auditapp.index.stored_events import read_logged, stored_events
from auditapp.models import Event, follower, follower_failure, log_head, log_leaf

BATCH = 500  # events at once; on SQLite others wait to write meanwhile
# What says something of the database, not of the event: classes of PostgreSQL's SQLSTATE, SQLite's errors.
_TROUBLE_POSTGRESQL = ("08", "25", "40", "53", "55", "57", "58", "XX")
_TROUBLE_SQLITE = (
    "BUSY",
    "LOCKED",
    "PROTOCOL",
    "NOMEM",
    "FULL",
    "IOERR",
    "CANTOPEN",
    "READONLY",
    "NOTADB",
    "CORRUPT",
    "INTERRUPT",
)
log = logging.getLogger(__name__)


class Cursor(NamedTuple):
    """A row of ``follower``: see there."""

    version: int
    seq: int
    goal: int


class FailedError(Exception):
    """A follower failed at one or more events: which, and in ``__cause__`` of what."""

    def __init__(self, seen: Cursor, last: int) -> None:
        """Say between which places they are.

        :param seen: how far the follower was.
        :param last: the last place.
        """
        super().__init__(f"failed between the places {seen.seq} and {last}")
        self.seen, self.last = seen, last


def follow(engine: Engine, of: Follower, workspace_id: int, most: int | None = None) -> int:
    """Let a follower take the next events of a workspace; return how many places it went on.

    An event that it fails at is kept in ``follower_failure``, and it goes on behind it.

    :param most: events at once; by default ``BATCH``.
    :return: 0 where nothing is left, or another process was first.
    :raise sqlalchemy.exc.DBAPIError: if the database fails; nothing was done then.
    """
    try:
        return _follow(engine, of, workspace_id, most or BATCH)
    except FailedError as error:
        failed = error
    places = failed.last - failed.seen.seq
    if places > 1:  # find out which one it is
        return follow(engine, of, workspace_id, places // 2)
    return _go_past(engine, of, workspace_id, failed)


def _follow(engine: Engine, of: Follower, workspace_id: int, most: int) -> int:
    with transaction(engine) as connection:
        cursor = cursor_of(connection, of, workspace_id)
        if cursor is None or cursor.version != of.version:
            begin_anew(connection, of, workspace_id, cursor)
            connection.commit()
            cursor = cursor_of(connection, of, workspace_id) or Cursor(of.version, 0, 0)
        last = _last_of_batch(connection, workspace_id, cursor.seq, most)
        if last is None:
            return 0
        try:
            is_first = _have_effect(connection, of, workspace_id, cursor, last)
        except Exception as error:
            if is_trouble(error):
                raise
            raise FailedError(cursor, last) from error
    return last - cursor.seq if is_first else 0


def _have_effect(connection: Connection, of: Follower, workspace_id: int, seen: Cursor, last: int) -> bool:
    """Let events have their effect, move the cursor and commit; False where another process was first."""
    events = _events(connection, workspace_id, seen.seq, last)
    made = of.prepare(connection, events) if events else None  # takes the longest: nothing is locked yet
    lock_for_writing(connection)
    if not _move(connection, of, workspace_id, seen, last):
        return False
    if events:
        of.apply(connection, events, made, seen.seq < seen.goal)
    connection.commit()
    return True


def begin_anew(connection: Connection, of: Follower, workspace_id: int, seen: Cursor | None) -> bool:
    """Take back what a follower made of a workspace's log, in the connection's transaction.

    :return: False where another process has done so meanwhile.
    """
    lock_for_writing(connection)
    # Nobody gives places meanwhile: so the goal is all that there is.
    mine = log_head.c.workspace_id == workspace_id
    connection.execute(select(log_head.c.size).where(mine).with_for_update())
    if cursor_of(connection, of, workspace_id, for_update=True) != seen:
        return False
    for number in of.forget(connection, workspace_id):
        size = connection.scalar(select(log_head.c.size).where(log_head.c.workspace_id == number)) or 0
        key = (follower.c.workspace_id == number, follower.c.name == of.name)
        connection.execute(delete(follower).where(*key))
        connection.execute(
            delete(follower_failure).where(
                follower_failure.c.workspace_id == number, follower_failure.c.name == of.name
            )
        )
        connection.execute(
            follower.insert().values(
                workspace_id=number,
                name=of.name,
                version=of.version,
                seq=0,
                goal=size,
                changed_at=datetime.now(UTC),
            )
        )
    return True


def has_more(engine: Engine, of: Follower, workspace_id: int) -> bool:
    """Tell whether there are places that a follower has not come to."""
    with engine.connect() as connection:
        cursor = cursor_of(connection, of, workspace_id)
        return cursor is None or _last_of_batch(connection, workspace_id, cursor.seq, 1) is not None


def cursor_of(
    connection: Connection, of: Follower, workspace_id: int, *, for_update: bool = False
) -> Cursor | None:
    """Return how far a follower has come in a workspace's log; None where that was never noted."""
    query = select(follower.c.version, follower.c.seq, follower.c.goal)
    query = query.where(follower.c.workspace_id == workspace_id, follower.c.name == of.name)
    row = connection.execute(query.with_for_update() if for_update else query).first()
    return Cursor(*row) if row else None


def read_placed(connection: Connection, workspace_id: int, seq: int) -> Sequence[Logged]:
    """Return the event at a place, in a list; none where it is not there any more."""
    return _events(connection, workspace_id, seq - 1, seq)


def is_trouble(error: Exception) -> bool:
    """Tell whether an error says something of the database, so that the next attempt may go well."""
    if isinstance(error, OSError | PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return bool(state.startswith(_TROUBLE_POSTGRESQL))
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:
        return bool(name.removeprefix("SQLITE_").startswith(_TROUBLE_SQLITE))
    # A connection that was lost says neither. Nor does sqlite3 itself of a text that it cannot read.
    lost = isinstance(error, OperationalError | InterfaceError) and not isinstance(error.orig, sqlite3.Error)
    return error.connection_invalidated or lost


def _last_of_batch(connection: Connection, workspace_id: int, seq: int, most: int) -> int | None:
    columns = log_leaf.c
    places = select(columns.seq).where(columns.workspace_id == workspace_id, columns.seq > seq)
    batch = places.order_by(columns.seq).limit(most).subquery("batch")
    last: int | None = connection.scalar(select(func.max(batch.c.seq)))
    return last


def _events(connection: Connection, workspace_id: int, after: int, last: int) -> list[Logged]:
    """Return the events of some places, as they are indexed.

    In two steps: of a log that grew faster than PostgreSQL looks at it, it thinks that it has a row, and
    joined each place with all events, which took nine seconds for 500 places of 3,000.
    """
    leaf = log_leaf.c
    mine = (leaf.workspace_id == workspace_id, leaf.seq > after, leaf.seq <= last)
    numbers = connection.scalars(select(leaf.event_id).where(*mine).order_by(leaf.seq)).all()
    if not numbers:
        return []
    between = (Event.id >= min(numbers), Event.id <= max(numbers), Event.id.in_(numbers))
    # By their numbers: by the workspace SQLite would look through all of it.
    query = stored_events(connection).where(Unindexed(Event.workspace_id) == workspace_id, *between)
    events = {event.number: event for event in read_logged(connection, query)}
    return [events[number] for number in numbers if number in events]


def _move(connection: Connection, of: Follower, workspace_id: int, seen: Cursor, seq: int) -> bool:
    """Note how far the follower came; False where another process has moved it, or begun anew."""
    columns = follower.c
    result = connection.execute(
        update(follower)
        .where(columns.workspace_id == workspace_id, columns.name == of.name, columns.version == seen.version)
        .where(columns.seq == seen.seq, columns.goal == seen.goal)
        .values(seq=seq, changed_at=datetime.now(UTC))
    )
    return result.rowcount == 1


def _go_past(engine: Engine, of: Follower, workspace_id: int, failed: FailedError) -> int:
    """Keep an event that the follower failed at, and go on behind it, unless another process has."""
    seen, last, error = failed.seen, failed.last, failed.__cause__ or failed
    with transaction(engine) as connection:
        lock_for_writing(connection)
        if not _move(connection, of, workspace_id, seen, last):
            return 0
        keep_failure(connection, of.name, workspace_id, last, error)
        connection.commit()
    fields = {"follower": of.name, "workspace": workspace_id, "seq": last}
    log.error("a follower of the log failed at an event", exc_info=error, extra={"fields": fields})
    return last - seen.seq
