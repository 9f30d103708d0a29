"""What follows the log: after an event is recorded, and in the order of the log.

:mod:`places` gives each event its place; a :class:`Follower` then takes the events by their places, some
hundred at a time, and notes how far it came in the transaction of what it made of them. ``worker.py`` is the
process that has them do so; whoever cannot wait calls :func:`catch_up`.
"""

from auditapp.followers.catching_up import FOLLOWERS, catch_up, follow_once, workspaces_behind
from auditapp.followers.follower import Follower
from auditapp.followers.waiting import IndexBehindError, await_index, require_whole_index
from auditapp.followers.worker import Worker, worker_runs

__all__ = [
    "FOLLOWERS",
    "Follower",
    "IndexBehindError",
    "Worker",
    "await_index",
    "catch_up",
    "follow_once",
    "require_whole_index",
    "worker_runs",
    "workspaces_behind",
]
