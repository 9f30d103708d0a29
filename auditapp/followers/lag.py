"""How far the followers are behind the log, in one workspace or in all: for whoever looks after them.

Cheap however long the log is, and with thousands of workspaces: what is not bounded by their number is
counted to ``MOST`` only.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Select, and_, cast, func, select

from auditapp.followers.catching_up import FOLLOWERS
from auditapp.followers.follower import Follower
from auditapp.followers.lease import last_beat, runs_at
from auditapp.models import (
    Event,
    Workspace,
    follower,
    follower_failure,
    log_head,
    log_leaf,
    log_pending,
)
from auditapp.models.types import EPOCH

MOST = 10_000  # rows counted of what has no place yet, and of what failed
# A follower waits for nobody so long; the worker looks once a second.
STANDS_AFTER = timedelta(minutes=1)


class WorkspaceLag(NamedTuple):
    """How far a follower is in one workspace's log.

    :ivar seq: the place that it has come to; 0 where it must begin anew.
    :ivar goal: the place from which on its effects are whole, where they are being made anew.
    :ivar size: how many events have a place.
    :ivar pending: how many have none yet.
    :ivar is_stale: its effects are of another version, or being made anew.
    :ivar moved_at: when it last went on.
    """

    slug: str
    seq: int
    goal: int
    size: int
    pending: int
    is_stale: bool
    moved_at: datetime | None

    @property
    def behind(self) -> int:
        """Return how many events it does not know yet."""
        return self.pending + max(0, self.size - self.seq)

    @property
    def percent(self) -> int:
        """Return how much of what is being made anew has been made, 0 to 99; 100 where nothing is."""
        if not self.is_stale:
            return 100
        return min(99, 100 * self.seq // self.goal) if self.goal else 0


class FollowerLag(NamedTuple):
    """How far a follower is behind.

    :ivar workspaces: those in which it is behind or stale, the furthest behind first.
    :ivar failed: at how many events it failed, ``MOST`` at most.
    :ivar oldest_at: when the oldest event was recorded that it does not know; None where it knows all, but
        for what is being made anew.
    """

    name: str
    workspaces: Sequence[WorkspaceLag]
    failed: int
    oldest_at: datetime | None

    @property
    def behind(self) -> int:
        """Return how many events it does not know yet, in all workspaces."""
        return sum(each.behind for each in self.workspaces)

    @property
    def worst(self) -> int:
        """Return how many it does not know where it is furthest behind."""
        return max((each.behind for each in self.workspaces), default=0)

    @property
    def stale(self) -> int:
        """Return in how many workspaces its effects are of another version, or being made anew."""
        return sum(each.is_stale for each in self.workspaces)

    def waited(self, now: datetime) -> timedelta:
        """Return for how long the oldest event that it does not know has waited."""
        return max(timedelta(), now - self.oldest_at) if self.oldest_at else timedelta()


class Lag(NamedTuple):
    """How far all followers are behind, at one moment.

    :ivar placed: how many events have a place in the log.
    :ivar pending: how many have none yet.
    :ivar is_more: more than those have none: of many, the first ones were counted.
    :ivar seen_at: when a worker last showed that it is there; None where none holds the lease.
    """

    now: datetime
    placed: int
    pending: int
    is_more: bool
    seen_at: datetime | None
    followers: Sequence[FollowerLag]

    @property
    def worker_runs(self) -> bool:
        """Tell whether a worker follows the log."""
        return runs_at(self.seen_at, self.now)

    def stands(self, of: FollowerLag) -> bool:
        """Tell whether a follower waits for a worker, and has for a while."""
        if self.worker_runs:
            return False
        still = [each for each in of.workspaces if self.now - (each.moved_at or EPOCH) > STANDS_AFTER]
        return bool(still) and (any(each.is_stale for each in still) or of.waited(self.now) > STANDS_AFTER)


def read_lag(connection: Connection, workspace_id: int | None = None) -> Lag:
    """Return how far all followers are behind, by a few statements however many workspaces there are.

    :param workspace_id: of the one that is looked at; by default all are.
    :raise sqlalchemy.exc.DBAPIError: if the database fails.
    """
    waiting = _first(select(log_pending), log_pending, workspace_id).subquery()
    query = select(waiting.c.workspace_id, cast(func.sum(waiting.c.events), BigInteger), func.count())
    rows = connection.execute(query.group_by(waiting.c.workspace_id)).all()
    pending = {number: events for number, events, _ in rows}
    oldest = _oldest(connection, waiting.c.workspace_id, waiting.c.first_event)
    failed = _failed(connection, workspace_id)
    query = select(Workspace.id, Workspace.slug, func.coalesce(log_head.c.size, 0))
    query = query.outerjoin(log_head, log_head.c.workspace_id == Workspace.id)
    if workspace_id is not None:
        query = query.where(Workspace.id == workspace_id)
    heads = connection.execute(query.order_by(Workspace.slug)).all()
    return Lag(
        now=datetime.now(UTC),
        placed=sum(size for _, _, size in heads),
        pending=sum(pending.values()),
        is_more=sum(counted for _, _, counted in rows) >= MOST,
        seen_at=last_beat(connection),
        followers=[
            _lag_of(connection, each, workspace_id, heads, pending, failed.get(each.name, 0), oldest)
            for each in FOLLOWERS
        ],
    )


def _lag_of(
    connection: Connection,
    of: Follower,
    workspace_id: int | None,
    heads: Sequence[Any],
    pending: dict[int, int],
    failed: int,
    oldest_pending: datetime | None,
) -> FollowerLag:
    columns = follower.c
    query = select(columns.workspace_id, columns.version, columns.seq, columns.goal, columns.changed_at)
    query = query.where(columns.name == of.name)
    # The event behind the last one that it knows; of what is made anew that says nothing.
    behind = and_(columns.version == of.version, columns.seq >= columns.goal, columns.seq < log_head.c.size)
    leaf = (log_leaf.c.workspace_id == columns.workspace_id, log_leaf.c.seq == columns.seq + 1)
    next_event = select(log_leaf.c.event_id).where(*leaf).correlate(follower).scalar_subquery()
    waits = select(columns.workspace_id, next_event.label("event_id")).select_from(follower)
    waits = waits.join(log_head, log_head.c.workspace_id == columns.workspace_id)
    waits = waits.where(columns.name == of.name, behind)
    if workspace_id is not None:
        query = query.where(columns.workspace_id == workspace_id)
        waits = waits.where(columns.workspace_id == workspace_id)
    noted = {number: row for number, *row in connection.execute(query)}
    following = waits.subquery()
    oldest = _oldest(connection, following.c.workspace_id, following.c.event_id)
    lags = []
    for number, slug, size in heads:
        version, seq, goal, moved_at = noted.get(number, (None, 0, 0, None))
        is_ours = version == of.version
        is_stale = not is_ours or seq < goal
        known, waiting = seq if is_ours else 0, pending.get(number, 0)
        lags.append(WorkspaceLag(slug, known, goal, size, waiting, is_stale, moved_at))
    return FollowerLag(
        name=of.name,
        workspaces=sorted(
            (each for each in lags if each.behind or each.is_stale), key=lambda each: -each.behind
        ),
        failed=failed,
        oldest_at=min((each for each in (oldest, oldest_pending) if each), default=None),
    )


def _failed(connection: Connection, workspace_id: int | None) -> dict[str, int]:
    some = _first(select(follower_failure.c.name), follower_failure, workspace_id).subquery()
    rows = connection.execute(select(some.c.name, func.count()).group_by(some.c.name))
    return {row[0]: row[1] for row in rows}


def _first(query: Select[Any], table: Any, workspace_id: int | None) -> Select[Any]:
    """Let a query return some rows, ``MOST``, in the order of the table's key."""
    if workspace_id is not None:
        query = query.where(table.c.workspace_id == workspace_id)
    return query.order_by(*table.primary_key.columns).limit(MOST)


def _oldest(connection: Connection, workspace_id: Any, event_id: Any) -> datetime | None:
    """Return when the oldest of some events was recorded, each looked up by itself: no plan reads the log."""
    found = select(Event.recorded_at).where(Event.workspace_id == workspace_id, Event.id == event_id)
    recorded_at = found.correlate(event_id.table).scalar_subquery()
    oldest: datetime | None = connection.scalar(select(func.min(recorded_at)).select_from(event_id.table))
    return oldest
