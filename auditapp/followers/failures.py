"""Events that a follower failed at: kept, and tried again after waits that grow."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, or_, select, update

from auditapp.models import follower_failure, log_leaf
from auditapp.server_log.errors import describe

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=1)


class Failure(NamedTuple):
    """A row of ``follower_failure``: see there."""

    workspace_id: int
    name: str
    seq: int
    event_id: int
    attempts: int
    error: str
    failed_at: datetime
    next_at: datetime


def keep_failure(
    connection: Connection, name: str, workspace_id: int, seq: int, error: BaseException, attempts: int = 1
) -> None:
    """Note, in the connection's transaction, that a follower failed at the event of a place."""
    place = (log_leaf.c.workspace_id == workspace_id, log_leaf.c.seq == seq)
    key = (
        follower_failure.c.workspace_id == workspace_id,
        follower_failure.c.name == name,
        follower_failure.c.seq == seq,
    )
    connection.execute(delete(follower_failure).where(*key))
    now = datetime.now(UTC)
    connection.execute(
        follower_failure.insert().values(
            workspace_id=workspace_id,
            name=name,
            seq=seq,
            event_id=connection.scalar(select(log_leaf.c.event_id).where(*place)),
            attempts=attempts,
            error=describe(error)[:500],
            failed_at=now,
            next_at=now + wait_after(attempts),
        )
    )


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: a minute, then twice as long each time, up to a day."""
    return min(FIRST_WAIT * (1 << min(attempts - 1, 20)), LONGEST_WAIT)


def due(connection: Connection, names: Sequence[str], most: int = 20) -> Sequence[Failure]:
    """Return some failures whose time has come, or whose clock was put back since.

    :param names: of the followers that there are: what another program's left behind keeps nobody waiting.
    """
    now, columns = datetime.now(UTC), follower_failure.c
    query = select(*follower_failure.columns).where(columns.name.in_(names))
    query = query.where(or_(columns.next_at <= now, columns.failed_at > now + FIRST_WAIT))
    return [Failure(*row) for row in connection.execute(query.order_by(columns.next_at).limit(most))]


def failures_of(connection: Connection, workspace_id: int, most: int = 100) -> Sequence[Failure]:
    """Return a workspace's failures, those of the oldest events first."""
    columns = follower_failure.c
    query = select(*follower_failure.columns).where(columns.workspace_id == workspace_id)
    return [
        Failure(*row) for row in connection.execute(query.order_by(columns.seq, columns.name).limit(most))
    ]


def take_failure(connection: Connection, failure: Failure) -> bool:
    """Take a failure out, in the connection's transaction; False where another process has."""
    columns = follower_failure.c
    key = (columns.workspace_id == failure.workspace_id, columns.name == failure.name)
    result = connection.execute(
        delete(follower_failure).where(*key, columns.seq == failure.seq, columns.attempts == failure.attempts)
    )
    return result.rowcount == 1


def try_at_once(connection: Connection, workspace_id: int) -> None:
    """Have a workspace's failures tried at once, in the connection's transaction."""
    columns = follower_failure.c
    connection.execute(
        update(follower_failure).where(columns.workspace_id == workspace_id).values(next_at=datetime.now(UTC))
    )
