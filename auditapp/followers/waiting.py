"""Until the index has what was recorded before one asks: it follows the log, mostly within milliseconds."""

import logging
import sqlite3
import threading
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db, setting
from auditapp.followers.catching_up import catch_up
from auditapp.followers.lease import last_beat, runs_at
from auditapp.followers.step import is_trouble
from auditapp.index.state import IndexStaleError, IndexState, index_state_of
from auditapp.models import log_pending

PAGE_SECONDS = 0.3  # then it answers, and says what is missing
WHOLE_SECONDS = 10.0  # then it answers nothing
LOOK_EVERY = 0.02
HELP_SECONDS = 0.2  # how long at once it lets the index follow by itself
WORKER_EVERY = 1.0  # between two looks whether a worker runs
log = logging.getLogger(__name__)
_helping = threading.Lock()  # one thread of a process: each helper takes a second connection


class IndexBehindError(IndexStaleError):
    """What was asked needs the index, which does not know the newest events yet."""

    def __init__(self, state: IndexState) -> None:
        super().__init__(state)
        self.title = " ".join(state.lag_words("searchable"))
        self.advice = "Nothing is answered short: ask again in some seconds, or without words and changes."
        self.args = (f"{self.title} {self.advice}",)


def require_whole_index(workspace_id: int, *, but_failed: bool = True) -> None:
    """Go on only where the index has every event that was there when one asks.

    :param but_failed: also where it went past some events, of which the answer can tell.
    :raise IndexStaleError: if it is being made anew.
    :raise IndexBehindError: if it was not there after ``WHOLE_SECONDS``, or not all of them.
    """
    state = await_index(workspace_id, WHOLE_SECONDS)
    if state.behind or (state.failed and not but_failed):
        raise IndexBehindError(state)


def await_index(workspace_id: int, seconds: float | None = None) -> IndexState:
    """Wait until the index of a workspace has every event that was there when one asked, or time is up.

    Where no worker runs, this process lets the index follow meanwhile, unless it was told not to.

    :param seconds: to wait; by default ``PAGE_SECONDS``.
    :return: its state; ``behind`` and ``pending`` are 0 where it has them.
    :raise IndexStaleError: if it is being made anew.
    """
    ends = time.monotonic() + (PAGE_SECONDS if seconds is None else seconds)
    state = _current(workspace_id)
    if not state.behind:
        return state
    waiting = log_pending.c.workspace_id == workspace_id
    last = db.session.scalar(select(func.max(log_pending.c.first_event)).where(waiting)) or 0
    is_pending = select(log_pending.c.first_event).where(waiting, log_pending.c.first_event <= last).limit(1)
    may_help, looked_at = _may_help(), time.monotonic()
    goal: int | None = None  # the place of the last of them, once they have places
    while True:
        if goal is None and db.session.scalar(is_pending) is None:
            goal = index_state_of(workspace_id).size
        state = _current(workspace_id)
        if goal is not None and state.seq >= goal:
            return state._replace(size=state.seq, pending=0)
        left = ends - time.monotonic()
        if left <= 0:
            return state
        if not may_help and time.monotonic() - looked_at > WORKER_EVERY:
            may_help, looked_at = _may_help(), time.monotonic()
        if not (may_help and _help(workspace_id, min(HELP_SECONDS, left))):
            time.sleep(min(LOOK_EVERY, left))


def _help(workspace_id: int, seconds: float) -> bool:
    """Let the index follow for a while; False where another thread does so, or the database fails at it."""
    if not _helping.acquire(blocking=False):
        return False
    try:
        catch_up(db.engine, [workspace_id], seconds=seconds)
    except Exception as error:
        if not is_trouble(error):
            raise
        log.warning("the index does not follow just now", exc_info=error)
        return False
    finally:
        _helping.release()
    return True


def _current(workspace_id: int) -> IndexState:
    state = index_state_of(workspace_id)
    if not state.is_current:
        raise IndexStaleError(state)
    return state


def _may_help() -> bool:
    """Tell whether this process may write what is derived: not while it waits for itself to commit."""
    connection = db.session.connection()
    if not setting("WORKER") or runs_at(last_beat(connection), datetime.now(UTC)):
        return False
    driver: Any = connection.connection.driver_connection
    is_writing = isinstance(driver, sqlite3.Connection) and driver.in_transaction
    return not (is_sqlite(db.engine) and is_writing)
