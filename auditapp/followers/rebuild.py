"""What the index made of the log, made anew out of it, while the log goes on.

Its follower begins at the first place again. Until it comes to the place that was the last one when it began,
nothing answers out of it. A rebuild that was killed goes on there, and beside a worker or another rebuild
each batch is one's only.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import and_, delete, func, select
from sqlalchemy.exc import OperationalError

from auditapp.database.dialect import is_sqlite
from auditapp.database.locks import lock_for_writing
from auditapp.extensions import db
from auditapp.followers.index import INDEX
from auditapp.followers.places import give_places, want_places
from auditapp.followers.step import begin_anew, cursor_of, follow, has_more
from auditapp.followers.transaction import transaction
from auditapp.index.search_index import event_search
from auditapp.index.state import IndexState, index_state_of
from auditapp.index.statistics import WORTH_IT, know_what_is_indexed, know_what_is_there
from auditapp.index.stored_events import is_typed
from auditapp.models import (
    Event,
    EventName,
    Workspace,
    event_count,
    event_kind,
    follower,
    follower_failure,
    log_leaf,
)
from auditapp.models.derived import HOUR

# So long recording may wait for the rebuild to begin; then it lets them go first, and tries again.
PAUSE_SECONDS = 0.5
ATTEMPTS = 20

Progress = Callable[[int, IndexState], None]  # of the workspace's number, after each batch


def rebuild(workspaces: Sequence[int], tell: Progress = lambda _workspace, _state: None) -> list[int]:
    """Make the index and the counts of some workspaces anew. Commits as it goes.

    Where some of them were begun and not finished, it goes on with these, and begins those that are stale;
    else all are begun. On SQLite, what begins one begins all. Events without a place get theirs.

    :param workspaces: their numbers.
    :return: those whose was made anew.
    :raise sqlalchemy.exc.DBAPIError: if the database fails; what was done until then stays done.
    """
    states = {number: index_state_of(number) for number in workspaces}
    unfinished = [number for number, state in states.items() if state.is_begun and not state.is_current]
    goes_on = bool(unfinished) and all(_adds_up(number, states[number]) for number in unfinished)
    db.session.rollback()
    _patiently(_forget_strangers)
    _patiently(want_places, db.engine)
    chosen = [number for number, state in states.items() if not (goes_on and state.is_current)]
    for number in chosen:
        while _patiently(give_places, db.engine, number):
            pass
        if not (goes_on and states[number].is_begun):
            _patiently(_begin, number, states[number])
    if is_sqlite(db.engine) and chosen:
        chosen = list(db.session.scalars(select(Workspace.id).order_by(Workspace.id)))
        db.session.rollback()
    for number in chosen:
        while _patiently(follow, db.engine, INDEX, number) or _is_others(number):
            tell(number, index_state_of(number))
            db.session.rollback()
    _patiently(_look_at_it)
    return chosen


def _patiently(attempt: Callable[..., Any], *arguments: Any) -> Any:
    """Try again where others write for long just now; they are not to wait for this."""
    for _ in range(ATTEMPTS):
        try:
            return attempt(*arguments)
        except OperationalError as error:
            if not _is_locked(error):
                raise
            time.sleep(PAUSE_SECONDS)
    return attempt(*arguments)


def _is_locked(error: OperationalError) -> bool:
    # PostgreSQL's "lock not available" and "deadlock detected"; SQLite's SQLITE_BUSY.
    return getattr(error.orig, "sqlstate", None) in ("55P03", "40P01") or "locked" in str(error.orig)


def _is_others(workspace_id: int) -> bool:
    """Tell whether something is left, which another process does just now; if so, wait a moment."""
    is_left = has_more(db.engine, INDEX, workspace_id)
    if is_left:
        time.sleep(PAUSE_SECONDS / 10)
    return is_left


def _look_at_it() -> None:
    """Have PostgreSQL learn what the index holds now."""
    know_what_is_there(WORTH_IT)
    know_what_is_indexed(db.session.connection(), WORTH_IT)
    db.session.commit()


def _begin(workspace_id: int, seen: IndexState) -> bool:
    """Begin anew; False where another process did meanwhile."""
    with transaction(db.engine) as connection:
        cursor = cursor_of(connection, INDEX, workspace_id)
        is_as_seen = cursor is None or cursor[:2] == (seen.version, seen.seq)
        # It may have followed since its state was looked at; only who begins sets another goal.
        if not is_as_seen and cursor is not None and cursor.goal != seen.goal:
            return False
        begun = begin_anew(connection, INDEX, workspace_id, cursor)
        connection.commit()
    return begun


def _forget_strangers() -> None:
    """Take out what belongs to no workspace that there is."""
    with transaction(db.engine) as connection:
        lock_for_writing(connection)
        tables: list[Any] = [event_count, event_kind, EventName.__table__, follower, follower_failure]
        for table in tables if is_sqlite(connection) else [*tables, event_search]:
            connection.execute(delete(table).where(table.c.workspace_id.not_in(select(Workspace.id))))
        connection.commit()


def _adds_up(workspace_id: int, state: IndexState) -> bool:
    """Tell whether what an unfinished rebuild noted is what it did: else it would count events twice."""
    typed = is_typed(db.session.connection())
    beside = and_(log_leaf.c.workspace_id == Event.workspace_id, log_leaf.c.event_id == Event.id)
    indexed = select(func.count()).select_from(Event).join(log_leaf, beside)
    mine = (Event.workspace_id == workspace_id, log_leaf.c.workspace_id == workspace_id)
    indexed = indexed.where(*mine, log_leaf.c.seq <= state.seq)
    events = db.session.scalar(indexed.where(typed)) or 0
    hours = (event_count.c.workspace_id == workspace_id, event_count.c.hours == HOUR)
    counted = db.session.scalar(select(func.sum(event_count.c.events)).where(*hours)) or 0
    return events - state.failed == counted
