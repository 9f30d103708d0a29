"""What a follower is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from auditapp.index import Logged


@dataclass(frozen=True)
class Follower:
    """A function over events in the order of the log, in two parts.

    Its effects are committed together with how far it came: each event has its effect once, whatever is
    killed in between. What it does elsewhere than in this database may come twice.

    :ivar name: under which ``follower`` notes how far it came; 32 characters at most.
    :ivar version: of its effects; where another one is noted, it begins anew.
    :ivar prepare: makes of events of one workspace what ``apply`` needs, before anything is locked.
    :ivar apply: has its effect, in the connection's transaction; given the events, what ``prepare`` made, and
        whether they may have had their effect before it began anew.
    :ivar forget: takes back its effects on a workspace before it begins anew, in the connection's
        transaction; returns the workspaces that must begin anew together with it.
    """

    name: str
    version: int
    prepare: Callable[[Connection, Sequence[Logged]], Any]
    apply: Callable[[Connection, Sequence[Logged], Any, bool], None]
    forget: Callable[[Connection, int], Sequence[int]]
