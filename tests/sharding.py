"""Fails a test in which the program sends PostgreSQL a statement that asks of more than one workspace.

Citus would have to ask all nodes for it, or could not answer. What a test itself asks is its own affair.
"""

import sys
from typing import Any

import sqlalchemy as sa

from auditapp.config import ROOT
from auditapp.operating.sharding import our_tables, placement_of
from tests.statements import judge

# By file, or file and function: what tends to the whole installation, and may ask all nodes.
MAY_ASK_ALL = {
    "auditapp/access/system_roles.py:_behind": "a server that starts compares the roles of all workspaces",
    "auditapp/operating/backup.py": "a backup is of all workspaces, and restored before anything is spread",
    "auditapp/operating/deep/": "doctor --deep compares the whole log",
    "auditapp/operating/sharding.py": "flask db distribute counts what it moves, before and after",
    "auditapp/followers/catching_up.py:_behind": "whoever follows the log asks where something is left to do",
    "auditapp/followers/catching_up.py:workspaces_behind": "and who waits for a place",
    "auditapp/followers/failures.py:due": "whoever follows the log asks which failures to try again",
    "auditapp/followers/failures.py:all_failures": "doctor says what failed, in all workspaces",
    "auditapp/followers/lag.py": "/readyz, /metrics and doctor say how far behind all are",
    "auditapp/followers/places.py:want_places": "a rebuild gives places to what an older version recorded",
    "auditapp/followers/rebuild.py:_forget_strangers": "a rebuild clears away what is of no workspace",
    "auditapp/index/state.py:stored_states": "doctor and whoever follows the log ask whose index is stale",
    # The index is of all workspaces, and so is what it costs to look into it.
    "auditapp/finding/postgresql.py:_find_few": "EXPLAIN says how to look, not what is found",
}
OURS = (f"{ROOT}/auditapp/", f"{ROOT}/tests/", f"{ROOT}/migrations/", f"{ROOT}/demo/", f"{ROOT}/bench/")

_spread: frozenset[str] = frozenset()
_refused: list[str] = []


def learn(engine: sa.Engine) -> None:
    """Find out which tables would be spread, from a migrated database."""
    global _spread
    _spread = frozenset(placement_of(our_tables(engine)).spread)


def require_one_workspace(statement: str, parameters: Any) -> None:
    """Refuse what the program sends if it is not held to one workspace, and remember it: see :func:`refused`.

    Called by what the database driver is called through; who called that is the sender.

    :param parameters: as SQLAlchemy hands them to the driver: of one execution, or a list of many.
    """
    if not _spread:
        return  # while the first database is migrated
    judgement = judge(statement, _spread)
    complaint = judgement.complaint
    if not complaint and len(judgement.constants) > 1:
        several = parameters if isinstance(parameters, list) else [parameters]
        complaint = next(filter(None, map(judgement.disagreement, several)), None)
    if complaint and not _may_ask_all(sender := _sender()):
        _refused.append(f"{sender} sends what Citus could not answer on one node: {complaint}: {statement}")
        raise AssertionError(_refused[-1])


def refused() -> list[str]:
    """Return what was refused since this was asked before: a command says it in a line, and goes on."""
    since, _refused[:] = [*_refused], []
    return since


def _sender() -> str:
    """Return the file and function of ours that sends the statement just now."""
    frame = sys._getframe(3)  # behind require_one_workspace and its caller
    while frame is not None and not frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return ""
    name = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
    return f"{name}:{frame.f_code.co_qualname.partition('.<locals>')[0]}"


def _may_ask_all(sender: str) -> bool:
    return not sender.startswith("auditapp/") or sender.startswith(tuple(MAY_ASK_ALL))
