"""The names and kinds of events that a workspace has seen: filters rely on them to find every event."""

from collections.abc import Collection
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Table, and_, delete, exists, select
from sqlalchemy.engine import RootTransaction

from auditapp.database.in_list import in_list
from auditapp.database.read_once import forget
from auditapp.database.upsert import upsert
from auditapp.models import Event, EventName, event_kind
from auditapp.models.event import KIND_COLUMNS

_NAMES: Table = EventName.__table__  # type: ignore[assignment]
MAX_KNOWN = 100_000
Kind = tuple[Any, ...]  # values of KIND_COLUMNS, the event's name first

# What is in both tables for good, because somebody has committed it, and what a transaction has added itself.
_known: WeakKeyDictionary[Engine, set[Kind]] = WeakKeyDictionary()
_added: WeakKeyDictionary[RootTransaction, set[Kind]] = WeakKeyDictionary()


def note_kinds(
    connection: Connection, workspace_id: int, kinds: Collection[Kind], *, anew: bool = False
) -> None:
    """Keep ``event_name`` and ``event_kind`` complete, in the connection's transaction.

    :param kinds: of events that are recorded in it.
    :param anew: look also for those that were there before: somebody may have taken them out.
    """
    known = _known.setdefault(connection.engine, set())
    new = {kind for kind in kinds if anew or (workspace_id, *kind) not in known}
    if not new:
        return
    names = sorted({kind[0] for kind in new})
    stored = _stored_kinds(connection, workspace_id, names)
    stored_names = _stored_names(connection, workspace_id, names)
    transaction = connection.get_transaction()
    assert transaction is not None  # noqa: S101 - asking has begun one
    added = _added.setdefault(transaction, set())
    whole = {kind for kind in stored if kind[0] in stored_names}
    if len(known) > MAX_KNOWN:
        known.clear()
    known |= {(workspace_id, *kind) for kind in whole - added}
    if missing := sorted(new - whole):
        forget(connection)
        added.update(missing)
        _add(connection, workspace_id, missing)


def _stored_kinds(connection: Connection, workspace_id: int, names: Collection[str]) -> set[Kind]:
    columns = [event_kind.c[name] for name in KIND_COLUMNS]
    of_names = in_list(connection, event_kind.c.event, names)
    query = select(*columns).where(event_kind.c.workspace_id == workspace_id, of_names)
    return {tuple(row) for row in connection.execute(query)}


def _stored_names(connection: Connection, workspace_id: int, names: Collection[str]) -> set[str]:
    query = select(EventName.event, EventName.entity_type).where(
        EventName.workspace_id == workspace_id, in_list(connection, EventName.event, names)
    )
    return {name for name, kind in connection.execute(query) if kind == entity_type_of(name)}


def _add(connection: Connection, workspace_id: int, kinds: Collection[Kind]) -> None:
    insert = upsert(_NAMES)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[_NAMES.c.workspace_id, _NAMES.c.event],
            set_={"entity_type": insert.excluded.entity_type},
        ),
        [
            {"workspace_id": workspace_id, "event": name, "entity_type": entity_type_of(name)}
            for name in sorted({kind[0] for kind in kinds})
        ],
    )
    connection.execute(
        upsert(event_kind).on_conflict_do_nothing(),
        [{"workspace_id": workspace_id, **dict(zip(KIND_COLUMNS, kind, strict=True))} for kind in kinds],
    )


def entity_type_of(event: str) -> str:
    """Return the entity type that an event's name tells."""
    return event.rpartition(".")[0]


def forget_unseen(connection: Connection, workspace_id: int) -> None:
    """Take out of both what no event of the workspace has.

    One that somebody records just now for the first time comes back when that is indexed.
    """
    for table, columns in ((_NAMES, KIND_COLUMNS[:1]), (event_kind, KIND_COLUMNS)):
        same = [Event.__table__.c[name] == table.c[name] for name in ("workspace_id", *columns)]
        connection.execute(
            delete(table).where(table.c.workspace_id == workspace_id, ~exists().where(and_(*same)))
        )
