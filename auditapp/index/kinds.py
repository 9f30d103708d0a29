"""The names and kinds of events that a workspace has seen: filters rely on them to find every event."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, exists, select

from auditapp.database.in_list import in_list
from auditapp.database.read_once import forget
from auditapp.database.upsert import upsert
from auditapp.models import Event, EventName, event_kind
from auditapp.models.event import KIND_COLUMNS

_NAMES: Table = EventName.__table__  # type: ignore[assignment]


def add_names(connection: Connection, workspace_id: int, names: Collection[tuple[str, str]]) -> None:
    """Keep ``event_name`` complete.

    :param names: of events, each with its entity type, which is one that the name tells.
    """
    query = select(EventName.event, EventName.entity_type).where(
        EventName.workspace_id == workspace_id,
        in_list(connection, EventName.event, [event for event, _ in names]),
    )
    known = {tuple(row) for row in connection.execute(query)}
    missing = sorted(pair for pair in names if pair not in known)
    if missing:
        forget(connection)
        insert = upsert(_NAMES)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=[_NAMES.c.workspace_id, _NAMES.c.event],
                set_={"entity_type": insert.excluded.entity_type},
            ),
            [{"workspace_id": workspace_id, "event": event, "entity_type": kind} for event, kind in missing],
        )


def add_kinds(connection: Connection, workspace_id: int, missing: set[tuple[Any, ...]]) -> None:
    """Keep ``event_kind`` complete.

    :param missing: kinds that were not there, as ``KIND_COLUMNS`` has them.
    """
    if not missing:
        return
    forget(connection)
    connection.execute(
        upsert(event_kind).on_conflict_do_nothing(),
        [
            {"workspace_id": workspace_id, **dict(zip(KIND_COLUMNS, kind, strict=True))}
            for kind in sorted(missing)
        ],
    )


def forget_unseen(connection: Connection, workspace_id: int) -> None:
    """Take out of both what no event of the workspace has; nobody may be recording in it meanwhile."""
    for table, columns in ((_NAMES, KIND_COLUMNS[:1]), (event_kind, KIND_COLUMNS)):
        same = [Event.__table__.c[name] == table.c[name] for name in ("workspace_id", *columns)]
        connection.execute(
            delete(table).where(table.c.workspace_id == workspace_id, ~exists().where(and_(*same)))
        )
