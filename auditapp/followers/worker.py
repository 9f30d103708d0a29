"""The process that has the followers follow: woken when something was recorded, one at a time."""

import logging
import threading
import time

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from auditapp.followers.catching_up import follow_once, look_at_index, retry_failures, workspaces_behind
from auditapp.followers.lease import Lease, worker_runs
from auditapp.followers.step import is_trouble
from auditapp.followers.wake import waker

LOOK_SECONDS = 1.0  # where nobody told it
RETRY_SECONDS = 15.0  # between two looks at what failed
# After a database that failed.
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
log = logging.getLogger(__name__)

__all__ = ["Worker", "worker_runs"]


class Worker:
    """Follows the log until it is told to stop."""

    def __init__(self, engine: Engine, stop: threading.Event) -> None:
        self._engine, self._stop = engine, stop
        self._lease = Lease(engine)
        self._retried_at = float("-inf")
        self._left_until: dict[int, float] = {}  # workspaces that cannot be followed, until when
        self._done = 0  # since the database last looked at the index

    def run(self) -> None:
        """Follow; another worker takes over where this one ends or is not seen any more."""
        wait, pause = waker(self._engine, self._stop), FIRST_WAIT
        try:
            while not self._stop.is_set():
                try:
                    if not self._lease.hold():
                        self._stop.wait(LOOK_SECONDS)
                    elif not self._round():
                        wait(LOOK_SECONDS)
                    pause = FIRST_WAIT
                except Exception as error:  # whatever it is, it may be gone at the next look
                    level = logging.WARNING if is_trouble(error) else logging.ERROR
                    log.log(level, "the worker cannot go on just now", exc_info=error)
                    self._stop.wait(pause)
                    pause = min(2 * pause, LONGEST_WAIT)
        finally:
            wait.close()
            self._end()

    def _round(self) -> bool:
        """Let each workspace that is behind have its turn; return whether anything was done."""
        done = 0
        for workspace_id in workspaces_behind(self._engine):
            if self._stop.is_set() or not self._lease.hold():
                return True
            done += self._follow(workspace_id)
        if time.monotonic() - self._retried_at > RETRY_SECONDS:
            self._retried_at = time.monotonic()
            done += retry_failures(self._engine)
        self._done += done
        if not done:
            look_at_index(self._engine, self._done)
            self._done = 0
        return done > 0

    def _follow(self, workspace_id: int) -> int:
        """Let one workspace have its turn; a fault of the program there keeps nobody from the others."""
        if time.monotonic() < self._left_until.get(workspace_id, 0.0):
            return 0
        try:
            return follow_once(self._engine, workspace_id)
        except Exception as error:
            if is_trouble(error):
                raise
            fields = {"workspace": workspace_id, "again_in": RETRY_SECONDS}
            log.error("a log cannot be followed", exc_info=error, extra={"fields": fields})
            self._left_until[workspace_id] = time.monotonic() + RETRY_SECONDS
            return 0

    def _end(self) -> None:
        try:
            self._lease.release()
        except SQLAlchemyError as error:
            log.warning("the lease ends by itself in some seconds", exc_info=error)
