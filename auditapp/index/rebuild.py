"""What is derived from the log, made anew out of it, while the log goes on.

Where it begins, nobody else is recording: so there is a last event that was there before, and all up to
it are visible. Whatever is recorded later puts itself into the index as ever. The events up to that one
follow in batches, each a transaction of its own that also notes how far it came: a rebuild that was
killed goes on there, and of two at once each batch is one's only.

On PostgreSQL a batch replaces the words of its events. An FTS5 table without content cannot forget
a single event, so on SQLite all workspaces are emptied together, and made anew together.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, or_, select, text, update
from sqlalchemy.exc import OperationalError

from auditapp.database.dialect import is_sqlite
from auditapp.database.locks import Lock, lock_for_writing, take_lock
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.index.counts import count_events
from auditapp.index.kinds import add_names, forget_unseen
from auditapp.index.search_index import add_documents, documents_of, event_search
from auditapp.index.state import IndexState, index_state_of
from auditapp.index.statistics import WORTH_IT, know_what_is_there
from auditapp.index.stored_events import is_typed, read_logged, stored_events
from auditapp.index.terms import INDEX_VERSION
from auditapp.models import Event, EventName, Workspace, event_count, event_kind, index_state
from auditapp.models.derived import HOUR

BATCH = 500
# So long recording may wait for the rebuild to begin; then it lets them go first, and tries again.
PATIENCE = "500ms"
PAUSE_SECONDS = 0.5
ATTEMPTS = 20

Progress = Callable[[int, IndexState], None]  # of the workspace's number, after each batch


def rebuild(workspaces: Sequence[int], tell: Progress = lambda _workspace, _state: None) -> list[int]:
    """Make the index and the counts of some workspaces anew. Commits as it goes.

    Where some of them were begun and not finished, it goes on with these, and begins those that are stale;
    else all are begun. On SQLite, what begins one begins all.

    :param workspaces: their numbers.
    :return: those whose was made anew.
    :raise sqlalchemy.exc.DBAPIError: if the database fails; what was done until then stays done.
    """
    states = {number: index_state_of(number) for number in workspaces}
    unfinished = [number for number, state in states.items() if state.is_begun and not state.is_current]
    goes_on = bool(unfinished) and all(_adds_up(number, states[number]) for number in unfinished)
    db.session.rollback()
    _patiently(_forget_strangers)
    chosen = [number for number, state in states.items() if not (goes_on and state.is_current)]
    for number in chosen:
        if not (goes_on and states[number].is_begun):
            _patiently(_begin, number, states[number])
    if _is_sqlite() and chosen:
        chosen = list(db.session.scalars(select(Workspace.id).order_by(Workspace.id)))
    for number in chosen:
        while _patiently(_step, number):
            tell(number, index_state_of(number))
    _patiently(_look_at_it)
    return chosen


def _patiently(attempt: Callable[..., bool], *arguments: Any) -> bool:
    """Try again where others write for long just now; they are not to wait for this."""
    for _ in range(ATTEMPTS):
        try:
            return attempt(*arguments)
        except OperationalError as error:
            db.session.rollback()
            if not _is_locked(error):
                raise
            time.sleep(PAUSE_SECONDS)
    return attempt(*arguments)


def _look_at_it() -> bool:
    """Have PostgreSQL learn what the index holds now."""
    know_what_is_there(WORTH_IT)
    db.session.commit()
    return True


def _is_locked(error: OperationalError) -> bool:
    # PostgreSQL's "lock not available" and "deadlock detected"; SQLite's SQLITE_BUSY.
    return getattr(error.orig, "sqlstate", None) in ("55P03", "40P01") or "locked" in str(error.orig)


def _begin(workspace_id: int, seen: IndexState) -> bool:
    """Empty what is derived and note what is to do; False where another process did meanwhile."""
    connection = db.session.connection()
    if _is_sqlite():
        lock_for_writing(connection)
    else:
        connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
        take_lock(Lock.INDEX, workspace_id)
    if index_state_of(workspace_id) != seen:
        db.session.rollback()
        return False
    if _is_sqlite():
        # An FTS5 table without content is emptied by a command of its own.
        connection.exec_driver_sql("INSERT INTO event_search (event_search) VALUES ('delete-all')")
        connection.execute(delete(event_count))
        last = connection.scalar(select(func.max(Event.id))) or 0
        for number in connection.scalars(select(Workspace.id)).all():
            forget_unseen(connection, number)
            _put(connection, number, 0, 0, last)
    else:
        connection.execute(delete(event_count).where(event_count.c.workspace_id == workspace_id))
        ends = select(func.min(Event.id), func.max(Event.id)).where(Event.workspace_id == workspace_id)
        first, last = connection.execute(ends).one()
        before = (first or 1) - 1
        event_id = event_search.c.event_id
        _forget_words(connection, workspace_id, or_(event_id <= before, event_id > (last or 0)))
        forget_unseen(connection, workspace_id)
        _put(connection, workspace_id, before, before, last or 0)
    db.session.commit()
    return True


def _forget_words(connection: Connection, workspace_id: int, *conditions: Any) -> None:
    connection.execute(delete(event_search).where(event_search.c.workspace_id == workspace_id, *conditions))


def _forget_strangers() -> bool:
    """Take out what belongs to no workspace that there is."""
    connection = db.session.connection()
    lock_for_writing(connection)
    tables: list[Any] = [event_count, event_kind, EventName.__table__, index_state]
    for table in tables if _is_sqlite() else [*tables, event_search]:
        connection.execute(delete(table).where(table.c.workspace_id.not_in(select(Workspace.id))))
    db.session.commit()
    return True


def _adds_up(workspace_id: int, state: IndexState) -> bool:
    """Tell whether what an unfinished rebuild noted is what it did: else it would count events twice."""
    is_indexed = or_(Event.id <= state.done_event, Event.id > state.last_event)
    typed = is_typed(db.session.connection())
    mine = Event.workspace_id == workspace_id
    events = db.session.scalar(select(func.count()).select_from(Event).where(mine, is_indexed, typed))
    hours = (event_count.c.workspace_id == workspace_id, event_count.c.hours == HOUR)
    return events == (db.session.scalar(select(func.sum(event_count.c.events)).where(*hours)) or 0)


def _put(
    connection: Connection, workspace_id: int, first_event: int, done_event: int, last_event: int
) -> None:
    state = IndexState(INDEX_VERSION, first_event, min(done_event, last_event), last_event, datetime.now(UTC))
    mine = index_state.c.workspace_id == workspace_id
    connection.execute(delete(index_state).where(mine))
    connection.execute(index_state.insert().values(workspace_id=workspace_id, **state._asdict()))


def _step(workspace_id: int) -> bool:
    """Do the next batch; False where nothing is left to do."""
    state = index_state_of(workspace_id)
    if not state.is_begun or state.is_current:
        db.session.rollback()
        return False
    connection = db.session.connection()
    events = read_logged(connection, _stored(workspace_id, state.done_event, state.last_event))
    rows = documents_of(connection, events)  # takes the longest, so before anything is locked
    lock_for_writing(connection)
    if not _hold(connection, workspace_id, state):
        db.session.rollback()
        return True
    done_event = events[-1].number if events else state.last_event
    if not _is_sqlite():
        event_id = event_search.c.event_id
        _forget_words(connection, workspace_id, event_id > state.done_event, event_id <= done_event)
    if events:
        add_documents(connection, rows)
        count_events(connection, [event.row for event in events])
        names = {event.row.event for event in events}
        add_names(connection, workspace_id, {(name, name.rpartition(".")[0]) for name in names})
    mine = index_state.c.workspace_id == workspace_id
    connection.execute(
        update(index_state).where(mine).values(done_event=done_event, changed_at=datetime.now(UTC))
    )
    db.session.commit()
    return True


def _hold(connection: Connection, workspace_id: int, seen: IndexState) -> bool:
    """Keep others from the same batch until the transaction ends; False where one has done it."""
    mine = select(index_state.c.version, index_state.c.done_event, index_state.c.last_event)
    row = connection.execute(mine.where(index_state.c.workspace_id == workspace_id).with_for_update()).first()
    return row is not None and tuple(row) == (seen.version, seen.done_event, seen.last_event)


def _stored(workspace_id: int, after: int, last: int) -> Select[Any]:
    """Return a query for the next events."""
    query = stored_events(db.session.connection())
    mine = Unindexed(Event.workspace_id) == workspace_id
    return query.where(mine, Event.id > after, Event.id <= last).order_by(Event.id).limit(BATCH)


def _is_sqlite() -> bool:
    return is_sqlite(db.session.get_bind())
