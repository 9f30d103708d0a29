"""Which of several workers follows the log: whoever holds the lease, as long as it shows that it is there.

No clock decides: the holder counts on, and another takes over when it has seen the same count for a while by
its own stopwatch. That two may believe to hold it, as when one was stopped and woken, harms nothing: whoever
moves a follower must find it where it was. A time is noted too, for those who only look.
"""

import os
import secrets
import socket
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.exc import IntegrityError

from auditapp.database.locks import lock_for_writing
from auditapp.followers.transaction import transaction
from auditapp.models import worker

NAME = "log"
BEAT_SECONDS = 3.0
LEASE_SECONDS = 10.0
_mine = worker.c.name == NAME


class Lease:
    """The lease as one worker sees it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.holder = f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._is_held = False
        self._beaten_at = float("-inf")
        self._seen: tuple[str, int] | None = None
        self._seen_at = 0.0

    def hold(self) -> bool:
        """Take the lease or keep it; return whether it is held. Writes each ``BEAT_SECONDS`` only.

        :raise sqlalchemy.exc.DBAPIError: if the database fails.
        """
        now = time.monotonic()
        if self._is_held and now - self._beaten_at < BEAT_SECONDS:
            return True
        with transaction(self._engine) as connection:
            seen = self._look(connection)
            self._is_held = self._take(connection, seen, now)
            connection.commit()
        if self._is_held:
            self._beaten_at = now
        return self._is_held

    def release(self) -> None:
        """Leave it to others at once, if it is held."""
        if self._is_held:
            with transaction(self._engine) as connection:
                connection.execute(delete(worker).where(_mine, worker.c.holder == self.holder))
                connection.commit()
            self._is_held = False

    def _look(self, connection: Connection) -> tuple[str, int] | None:
        row = connection.execute(select(worker.c.holder, worker.c.beat).where(_mine)).first()
        return (row.holder, row.beat) if row else None

    def _take(self, connection: Connection, seen: tuple[str, int] | None, now: float) -> bool:
        if seen is None:
            return self._take_first(connection)
        holder, beat = seen
        if holder != self.holder:
            if seen != self._seen:
                self._seen, self._seen_at = seen, now
            if now - self._seen_at < LEASE_SECONDS:
                return False
        lock_for_writing(connection)
        result = connection.execute(
            update(worker)
            .where(_mine, worker.c.holder == holder, worker.c.beat == beat)
            .values(holder=self.holder, beat=beat + 1, beat_at=datetime.now(UTC))
        )
        return result.rowcount == 1

    def _take_first(self, connection: Connection) -> bool:
        lock_for_writing(connection)
        try:
            connection.execute(
                worker.insert().values(name=NAME, holder=self.holder, beat=0, beat_at=datetime.now(UTC))
            )
        except IntegrityError:  # another was first
            connection.rollback()
            return False
        return True


def last_beat(connection: Connection) -> datetime | None:
    """Return when a worker last showed that it is there; None where none holds the lease."""
    return connection.scalar(select(worker.c.beat_at).where(_mine))


def runs_at(beat_at: datetime | None, now: datetime) -> bool:
    """Tell whether a worker that last showed so at a moment is there."""
    # After a clock was put back, the next beat tells.
    return beat_at is not None and abs(now - beat_at) < timedelta(seconds=LEASE_SECONDS)


def worker_runs(engine: Engine) -> bool:
    """Tell whether a worker showed within ``LEASE_SECONDS`` that it is there."""
    with engine.connect() as connection:
        return runs_at(last_beat(connection), datetime.now(UTC))
