"""What is derived from the log, made anew out of it, while the log goes on.

Where it begins, nobody else is recording: so there is a last event that was there before, and all up to
it are visible. Whatever is recorded later puts itself into the index as ever. The events up to that one
follow in batches, each a transaction of its own that also notes how far it came: a rebuild that was
killed goes on there, and of two at once each batch is one's only.

On PostgreSQL a batch replaces the words of its events. An FTS5 table without content cannot forget
a single event, so on SQLite all workspaces are emptied together, and made anew together.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.exc import OperationalError

from auditapp.extensions import db
from auditapp.log.checked import Checked
from auditapp.log.counts import count_events
from auditapp.log.index_state import IndexState, index_state_of
from auditapp.log.insert import lock_for_writing
from auditapp.log.search_index import Told, add_words, event_search, words_of
from auditapp.log.statistics import WORTH_IT, know_what_is_there
from auditapp.log.terms import INDEX_VERSION
from auditapp.log.turns import Turn, take_turn
from auditapp.models import SECTIONS, Event, EventPayload, Workspace, event_count, index_state

BATCH = 500
# So long recording may wait for the rebuild to begin; then it lets them go first, and tries again.
PATIENCE = "500ms"
PAUSE_SECONDS = 0.5
ATTEMPTS = 20

Progress = Callable[[int, IndexState], None]  # of the workspace's number, after each batch


def rebuild(workspaces: Sequence[int], tell: Progress = lambda _workspace, _state: None) -> list[int]:
    """Make the index and the counts of some workspaces anew. Commits as it goes.

    Where some of them are stale, or were begun and not finished, these alone; else all. On SQLite, what
    begins one begins all.

    :param workspaces: their numbers.
    :return: those whose was made anew.
    :raise sqlalchemy.exc.DBAPIError: if the database fails; what was done until then stays done.
    """
    states = {number: index_state_of(number) for number in workspaces}
    db.session.rollback()
    stale = [number for number, state in states.items() if not state.is_current]
    chosen = stale or list(workspaces)
    for number in chosen:
        if not (stale and states[number].is_begun):
            _patiently(_begin, number, states[number])
    if _is_sqlite() and chosen:
        chosen = list(db.session.scalars(select(Workspace.id).order_by(Workspace.id)))
    for number in chosen:
        while _patiently(_step, number):
            tell(number, index_state_of(number))
    _patiently(_look_at_it)
    return chosen


def _patiently(attempt: Callable[..., bool], *given: Any) -> bool:
    """Try again where others write for long just now; they are not to wait for this."""
    for _ in range(ATTEMPTS):
        try:
            return attempt(*given)
        except OperationalError as error:
            db.session.rollback()
            if not _is_locked(error):
                raise
            time.sleep(PAUSE_SECONDS)
    return attempt(*given)


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
        take_turn(Turn.INDEX, workspace_id)
    if index_state_of(workspace_id) != seen:
        db.session.rollback()
        return False
    if _is_sqlite():
        # An FTS5 table without content is emptied by a command of its own.
        connection.exec_driver_sql("INSERT INTO event_search (event_search) VALUES ('delete-all')")
        connection.execute(delete(event_count))
        last = connection.scalar(select(func.max(Event.id))) or 0
        for number in connection.scalars(select(Workspace.id)).all():
            _put(connection, number, 0, 0, last)
    else:
        connection.execute(delete(event_count).where(event_count.c.workspace_id == workspace_id))
        ends = select(func.min(Event.id), func.max(Event.id)).where(Event.workspace_id == workspace_id)
        first, last = connection.execute(ends).one()
        before = (first or 1) - 1
        _put(connection, workspace_id, before, before, last or 0)
    db.session.commit()
    return True


def _put(connection: Connection, workspace_id: int, first: int, done: int, last: int) -> None:
    state = IndexState(INDEX_VERSION, first, min(done, last), last, datetime.now(UTC))
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
    told = list(_stored(connection, workspace_id, state.done_event, state.last_event))
    rows = words_of(connection, told)  # takes the longest, so before anything is locked
    lock_for_writing(connection)
    if not _hold(connection, workspace_id, state):
        db.session.rollback()
        return True
    done = told[-1][0] if told else state.last_event
    if told:
        if not _is_sqlite():
            found = event_search.c
            connection.execute(
                delete(event_search).where(
                    found.workspace_id == workspace_id,
                    found.event_id > state.done_event,
                    found.event_id <= done,
                )
            )
        add_words(connection, rows)
        count_events(connection, [row for _, _, row, _ in told])
    mine = index_state.c.workspace_id == workspace_id
    connection.execute(update(index_state).where(mine).values(done_event=done, changed_at=datetime.now(UTC)))
    db.session.commit()
    return True


def _hold(connection: Connection, workspace_id: int, seen: IndexState) -> bool:
    """Keep others from the same batch until the transaction ends; False where one has done it."""
    mine = select(index_state.c.version, index_state.c.done_event, index_state.c.last_event)
    row = connection.execute(mine.where(index_state.c.workspace_id == workspace_id).with_for_update()).first()
    return row is not None and tuple(row) == (seen.version, seen.done_event, seen.last_event)


def _stored(connection: Connection, workspace_id: int, after: int, last: int) -> Iterator[Told]:
    """Yield the next recorded events as they are indexed; what was erased is not in them."""
    sections = [getattr(EventPayload, name) for name in SECTIONS]
    query = (
        select(*Event.__table__.columns, *(each.label(f"section_{each.key}") for each in sections))
        .join(
            EventPayload,
            (EventPayload.event_id == Event.id) & (EventPayload.workspace_id == Event.workspace_id),
        )
        .where(Checked(Event.workspace_id) == workspace_id, Event.id > after, Event.id <= last)
        .order_by(Event.id)
        .limit(BATCH)
    )
    for found in connection.execute(query).mappings().all():
        yield found["id"], _as_told(found), dict(found), _section(found, "context") or {}


def _as_told(row: Any) -> dict[str, Any]:
    names = _section(row, "names") or {"entity": None, "related": []}
    related = [
        {**entity, "name": name}
        for entity, name in zip(_section(row, "related") or [], names["related"], strict=False)
    ]
    return {
        "event": row["event"],
        "actor": _section(row, "actor") or {"type": row["actor_type"], "id": ""},
        "on_behalf_of": _section(row, "on_behalf_of"),
        "entity": {"type": row["entity_type"], "id": row["entity_id"], "name": names["entity"]},
        "related": related,
        "changes": _section(row, "changes") or {},
        "payload": _section(row, "payload") or {},
        "correlation_id": row["correlation_id"],
        "causation_id": row["causation_id"],
    }


def _section(row: Any, name: str) -> Any:
    stored = row[f"section_{name}"]
    return None if stored is None else orjson.loads(stored)


def _is_sqlite() -> bool:
    return db.session.get_bind().dialect.name == "sqlite"
