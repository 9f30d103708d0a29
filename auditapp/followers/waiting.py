"""Until the index has what was recorded before one asks: it follows the log, mostly within milliseconds."""

import sqlite3
import time
from typing import Any

from sqlalchemy import func, select

from auditapp.database.dialect import is_sqlite
from auditapp.database.replica import log_connection
from auditapp.extensions import db, setting
from auditapp.followers.catching_up import catch_up
from auditapp.followers.worker import worker_runs
from auditapp.index.state import IndexStaleError, IndexState, index_state_of
from auditapp.models import log_pending

PAGE_SECONDS = 0.3  # then it answers, and says what is missing
WHOLE_SECONDS = 10.0  # then it answers nothing
LOOK_EVERY = 0.02


class IndexBehindError(IndexStaleError):
    """What was asked needs the index, which does not know the newest events yet."""

    def __init__(self, state: IndexState) -> None:
        super().__init__(state)
        self.title = state._replace(failed=0).lag_words("searchable")[0]
        self.advice = "Nothing is answered short: ask again in some seconds."
        self.args = (f"{self.title} {self.advice}",)


def require_whole_index(workspace_id: int) -> None:
    """Go on only where the index has every event that was there when one asks.

    :raise IndexStaleError: if it is being made anew.
    :raise IndexBehindError: if it was not there after ``WHOLE_SECONDS``.
    """
    state = await_index(workspace_id, WHOLE_SECONDS)
    if state.behind:
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
    may_help = _may_help()
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
        if may_help:
            catch_up(db.engine, [workspace_id], seconds=left)
        else:
            time.sleep(min(LOOK_EVERY, left))


def _current(workspace_id: int) -> IndexState:
    state = index_state_of(workspace_id)
    if not state.is_current:
        raise IndexStaleError(state)
    return state


def _may_help() -> bool:
    """Tell whether this process may write what is derived: not while it waits for itself to commit."""
    if not setting("WORKER") or worker_runs(db.engine):
        return False
    driver: Any = log_connection().connection.driver_connection
    is_writing = isinstance(driver, sqlite3.Connection) and driver.in_transaction
    return not (is_sqlite(db.engine) and is_writing)
