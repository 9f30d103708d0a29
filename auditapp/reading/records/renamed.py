"""One of Auditapp's own records under the other name that it has: before there was the prefix, or since."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.log.own_names import OLD_NAMES, OWN_PREFIX, is_reserved, short_name
from auditapp.models import Renaming
from auditapp.reading.records.record import Record
from auditapp.reading.records.versions import events_of, is_known
from auditapp.reading.timeline import IS_OWN


@dataclass(frozen=True)
class OtherName:
    """Where the rest of a record's history is.

    :ivar is_older: whether that is what was recorded before ``since``, when the prefix came into force.
    """

    record: Record
    is_older: bool
    since: datetime


def other_name(record: Record, viewer: Viewer) -> OtherName | None:
    """Return where else a record's history is; None where it is no record of Auditapp's own, or all here.

    Of the old names only what was Auditapp's own counts, not what others recorded under the same.
    """
    is_new = is_reserved(record.type)
    old = Record(short_name(record.type), record.id)
    if old.type not in OLD_NAMES or not _has_own(old, viewer):
        return None
    new = Record(OWN_PREFIX + old.type, record.id)
    since = db.session.scalars(select(Renaming.at)).first()
    if since is None or (not is_new and not is_known(new, viewer)):
        return None
    return OtherName(old if is_new else new, is_new, since)


def _has_own(record: Record, viewer: Viewer) -> bool:
    conditions = events_of(record, viewer)
    if conditions is None:
        return False
    return db.session.scalar(select(IS_OWN).where(*conditions, IS_OWN).limit(1)) is not None
