"""Counters that slow guessing down. Kept in the database: every worker and restart sees them."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import case, delete, literal, update

from auditapp.database.upsert import upsert
from auditapp.extensions import db
from auditapp.models import Throttle
from auditapp.models.types import Instant

WINDOW = timedelta(minutes=15)
LONGEST_WINDOW = timedelta(hours=1)


class Count:
    """How often something happened in its window, this time included."""

    def __init__(self, count: int, window_start: datetime) -> None:
        self.count = count
        left = min(WINDOW, window_start + WINDOW - datetime.now(UTC))
        self.retry_after = max(1, int(left.total_seconds()))


def count_up(key: str) -> Count:
    """Count one attempt under ``key`` and commit at once, so that parallel attempts see it."""
    count, window_start = _count(key, WINDOW)
    db.session.commit()
    return Count(count, window_start)


def is_first_in_hour(key: str) -> bool:
    """Count once under ``key``, and tell whether it is the first time in its hour.

    The caller commits: what is done the first time and that it was done stand together.
    """
    return _count(key, LONGEST_WINDOW)[0] == 1


def _count(key: str, window: timedelta) -> tuple[int, datetime]:
    now = datetime.now(UTC)
    over = Throttle.window_start <= now - window
    # The clock was ahead and has been put right: nobody waits for it to get there again.
    ahead = Throttle.window_start > now
    statement = (
        upsert(Throttle)
        .values(key=_hash(key), window_start=now, count=1)
        .on_conflict_do_update(
            index_elements=[Throttle.key],
            set_={
                "count": case((over, 1), else_=Throttle.count + 1),
                "window_start": case((over | ahead, literal(now, Instant)), else_=Throttle.window_start),
            },
        )
        .returning(Throttle.count, Throttle.window_start)
    )
    count, window_start = db.session.execute(statement).one()
    return count, window_start


def count_down(key: str) -> None:
    """Take one attempt back: it turned out to be the rightful one. The caller commits."""
    db.session.execute(
        update(Throttle)
        .where(Throttle.key == _hash(key), Throttle.count > 0)
        .values(count=Throttle.count - 1)
    )


def forget(key: str) -> None:
    """Start over for ``key``, and drop the windows that have passed. The caller commits."""
    passed = Throttle.window_start <= datetime.now(UTC) - LONGEST_WINDOW
    db.session.execute(delete(Throttle).where((Throttle.key == _hash(key)) | passed))


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
