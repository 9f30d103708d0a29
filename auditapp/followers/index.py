"""The first follower: words, terms and counts of events."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, select

from auditapp.database.dialect import is_sqlite
from auditapp.followers.follower import Follower
from auditapp.index import Logged, documents_of, index
from auditapp.index.kinds import forget_unseen
from auditapp.index.search_index import event_search, forget_words
from auditapp.index.state import NAME
from auditapp.index.terms import INDEX_VERSION
from auditapp.models import Event, Workspace, event_count


def _apply(connection: Connection, events: Sequence[Logged], documents: Any, is_anew: bool) -> None:
    if is_anew and not is_sqlite(connection):
        numbers = [event.number for event in events]
        forget_words(connection, events[0].row.workspace_id, event_search.c.event_id.in_(numbers))
    index(connection, events, documents)


def _forget(connection: Connection, workspace_id: int) -> Sequence[int]:
    """Empty the counts, and of words what belongs to no event; the rest is replaced event by event.

    An FTS5 table without content cannot forget a single event, so on SQLite all workspaces are emptied, and
    made anew together.
    """
    if is_sqlite(connection):
        connection.exec_driver_sql("INSERT INTO event_search (event_search) VALUES ('delete-all')")
        connection.execute(delete(event_count))
        numbers = connection.scalars(select(Workspace.id).order_by(Workspace.id)).all()
    else:
        connection.execute(delete(event_count).where(event_count.c.workspace_id == workspace_id))
        here = (Event.workspace_id == workspace_id, Event.id == event_search.c.event_id)
        # Of a log that it has not looked at yet, PostgreSQL might compare each word's event with all others.
        connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
        forget_words(connection, workspace_id, ~exists().where(*here))
        connection.exec_driver_sql("SET LOCAL enable_nestloop = on")
        numbers = [workspace_id]
    for number in numbers:
        forget_unseen(connection, number)
    return numbers


INDEX = Follower(
    name=NAME,
    version=INDEX_VERSION,
    prepare=lambda connection, events: documents_of(connection, events),
    apply=_apply,
    forget=_forget,
)
