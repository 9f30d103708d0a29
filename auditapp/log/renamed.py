"""Which restored events say by their names otherwise than today whether they are Auditapp's own.

See ``models/renamed.py``; what was there before the upgrade, migration 0009 has noted.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, literal, select

from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.log.own_names import is_reserved, was_own
from auditapp.log.rows import Given
from auditapp.log.schema import EventIn
from auditapp.models import Event, RenamedEvent, Renaming, Workspace


def note_restored(workspace: Workspace, restored: Iterable[tuple[EventIn, Given]]) -> None:
    """Note those of some events, just recorded in this transaction, that need it."""
    found: dict[bool, list[Given]] = {True: [], False: []}
    since = db.session.scalars(select(Renaming.at)).first()
    for event, given in restored:
        is_own = own_in_spite(event, given, since)
        if is_own is not None:
            found[is_own].append(given)
    for is_own, some in found.items():
        if some:
            _note(db.session.connection(), workspace.id, some, is_own=is_own)


def own_in_spite(event: EventIn, given: Given, since: datetime | None) -> bool | None:
    """Tell whether an event is Auditapp's own in spite of what its name says; None where that says it.

    :param since: when the prefix came into force.
    """
    is_claimed = given.claimed_by is not None
    if is_reserved(event["event"]):
        return False if is_claimed else None
    is_old = since is not None and given.recorded_at < since
    return True if is_old and not is_claimed and was_own(event["event"]) else None


def _note(connection: Connection, workspace_id: int, some: list[Given], *, is_own: bool) -> None:
    there = select(Event.workspace_id, Event.id, literal(is_own)).where(
        Unindexed(Event.workspace_id) == workspace_id, Event.uid.in_([each.id for each in some])
    )
    columns = ["workspace_id", "event_id", "is_own"]
    connection.execute(insert(RenamedEvent).from_select(columns, there))
