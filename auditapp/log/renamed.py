"""Which restored events say by their names otherwise than today whether they are Auditapp's own.

See ``models/renamed.py``; what was there before the upgrade, migration 0009 has noted.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, literal, select

from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.log.own_names import is_reserved, was_own
from auditapp.log.rows import Stamp
from auditapp.log.schema import EventIn
from auditapp.models import Event, RenamedEvent, Renaming, Workspace


def note_restored(workspace: Workspace, restored: Iterable[tuple[EventIn, Stamp]]) -> None:
    """Note those of some events, just recorded in this transaction, that need it."""
    to_note: dict[bool, list[Stamp]] = {True: [], False: []}
    since = db.session.scalars(select(Renaming.at)).first()
    for event, stamp in restored:
        is_own = own_in_spite(event, stamp, since)
        if is_own is not None:
            to_note[is_own].append(stamp)
    for is_own, stamps in to_note.items():
        if stamps:
            _note(db.session.connection(), workspace.id, stamps, is_own=is_own)


def own_in_spite(event: EventIn, stamp: Stamp, since: datetime | None) -> bool | None:
    """Tell whether an event is Auditapp's own in spite of what its name says; None where that says it.

    :param since: when the prefix came into force.
    """
    is_claimed = stamp.claimed_by is not None
    if is_reserved(event["event"]):
        return False if is_claimed else None
    is_old = since is not None and stamp.recorded_at < since
    return True if is_old and not is_claimed and was_own(event["event"]) else None


def _note(connection: Connection, workspace_id: int, stamps: list[Stamp], *, is_own: bool) -> None:
    rows = select(Event.workspace_id, Event.id, literal(is_own)).where(
        Unindexed(Event.workspace_id) == workspace_id, Event.uid.in_([stamp.id for stamp in stamps])
    )
    columns = ["workspace_id", "event_id", "is_own"]
    connection.execute(insert(RenamedEvent).from_select(columns, rows))
