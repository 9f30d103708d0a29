"""Events that a follower failed at: kept, and tried again after waits that grow."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from auditapp.models import Workspace, follower_failure, log_leaf
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
    connection: Connection,
    name: str,
    workspace_id: int,
    seq: int,
    error: BaseException,
    before: Failure | None = None,
) -> None:
    """Note, in the connection's transaction, that a follower failed at the event of a place.

    :param before: what was noted when it last failed there.
    """
    place = (log_leaf.c.workspace_id == workspace_id, log_leaf.c.seq == seq)
    key = (
        follower_failure.c.workspace_id == workspace_id,
        follower_failure.c.name == name,
        follower_failure.c.seq == seq,
    )
    connection.execute(delete(follower_failure).where(*key))
    now = datetime.now(UTC)
    attempts = before.attempts + 1 if before else 1
    connection.execute(
        follower_failure.insert().values(
            workspace_id=workspace_id,
            name=name,
            seq=seq,
            event_id=connection.scalar(select(log_leaf.c.event_id).where(*place)),
            attempts=attempts,
            error=describe(error)[:500],
            # Not later than now: a clock that was put back would have it tried again and again.
            failed_at=min(before.failed_at, now) if before else now,
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


def count_failures(connection: Connection, workspace_id: int, most: int = 1000) -> int:
    """Return how many events of a workspace followers failed at; not more than ``most``."""
    some = select(follower_failure.c.seq).where(follower_failure.c.workspace_id == workspace_id).limit(most)
    return connection.scalar(select(func.count()).select_from(some.subquery())) or 0


def failures_of(connection: Connection, workspace_id: int, most: int = 100) -> Sequence[Failure]:
    """Return a workspace's failures, those of the oldest events first."""
    columns = follower_failure.c
    query = select(*follower_failure.columns).where(columns.workspace_id == workspace_id)
    return [
        Failure(*row) for row in connection.execute(query.order_by(columns.seq, columns.name).limit(most))
    ]


class Failures(NamedTuple):
    """How many events of a workspace a follower failed at, and what is noted of the oldest of them."""

    slug: str
    events: int
    oldest: Failure


def all_failures(connection: Connection) -> Sequence[Failures]:
    """Return what all followers failed at, by workspace and follower."""
    columns = follower_failure.c
    failed = select(
        columns.workspace_id, columns.name, func.count().label("count"), func.min(columns.seq).label("seq")
    )
    by = failed.group_by(columns.workspace_id, columns.name).subquery()
    same = (by.c.workspace_id == columns.workspace_id, by.c.name == columns.name, by.c.seq == columns.seq)
    query = select(Workspace.slug, by.c.count, *columns).join_from(by, follower_failure, and_(*same))
    query = query.join(Workspace, Workspace.id == columns.workspace_id).order_by(Workspace.slug, columns.name)
    return [Failures(slug, events, Failure(*row)) for slug, events, *row in connection.execute(query)]


def take_failure(connection: Connection, failure: Failure) -> bool:
    """Take a failure out, in the connection's transaction; False where another process has."""
    columns = follower_failure.c
    key = (columns.workspace_id == failure.workspace_id, columns.name == failure.name)
    result = connection.execute(
        delete(follower_failure).where(*key, columns.seq == failure.seq, columns.attempts == failure.attempts)
    )
    return result.rowcount == 1


def try_at_once(connection: Connection, workspace_id: int) -> int:
    """Have a workspace's failures tried at once, in the connection's transaction; return how many."""
    columns = follower_failure.c
    result = connection.execute(
        update(follower_failure).where(columns.workspace_id == workspace_id).values(next_at=datetime.now(UTC))
    )
    return result.rowcount
