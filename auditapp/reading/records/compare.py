"""Two versions of a record compared: what is different after the one from what was after the other."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters.parameter import Condition
from auditapp.models import Event
from auditapp.reading.records.changes import Fold, Held, Snapshot, difference
from auditapp.reading.records.record import Record
from auditapp.reading.records.versions import events_of, first_read, rows_of, versions_of
from auditapp.reading.timeline import EventRow


@dataclass(frozen=True)
class Comparison:
    """What two versions differ by.

    :ivar before: None where ``after`` is the first version.
    :ivar changes: in the form of an event's ``changes``, but that a side which was not there has no key;
        a deleted record has no fields.
    :ivar versions_between: how many versions lie between the two.
    """

    before: EventRow | None
    after: EventRow
    changes: dict[str, dict[str, Any]]
    versions_between: int


def compare(record: Record, viewer: Viewer, from_uid: UUID | None, to_uid: UUID) -> Comparison | None:
    """Compare a record after one of its events with the same record after another.

    :param from_uid: None for the version before ``to_uid``. It may be the later one of the two.
    :return: None where either is no event of this record that the viewer may see.
    """
    conditions = events_of(record, viewer)
    if conditions is None:
        return None
    uids = {uid for uid in (from_uid, to_uid) if uid is not None}
    query = select(Event.uid, Event.id).where(*conditions, Event.uid.in_(uids))
    numbers: dict[UUID | None, int] = {row[0]: row[1] for row in db.session.execute(query)}
    if len(numbers) < len(uids):
        return None
    places = _places(conditions, numbers.get(from_uid), numbers[to_uid])
    if places is None:
        return None
    start, end = places
    rows = rows_of(viewer, {place.number for place in places if place.number is not None})
    return Comparison(
        before=None if start.number is None else rows[start.number],
        after=rows[numbers[to_uid]],
        changes=difference(_fields(start.then), _fields(end.then)),
        versions_between=max(0, abs(end.then.versions - start.then.versions) - 1),
    )


class _Place(NamedTuple):
    number: int | None
    then: Snapshot


def _places(conditions: list[Condition], from_: int | None, to: int) -> tuple[_Place, _Place] | None:
    """Return a record after two of its versions; None where one is older than what is read at most.

    :param from_: None for the version before ``to``.
    """
    states: dict[int, Snapshot] = {}
    fold, before = Fold(), _Place(None, Fold().snapshot())
    with closing(versions_of(conditions, first_read(conditions))) as versions:
        for version in versions:
            number = version[0]
            if number == to and from_ is None:
                before = _Place(fold.last, fold.snapshot())
            fold.add(*version)
            if number in (from_, to):
                states[number] = fold.snapshot()
            if to in states and (from_ is None or from_ in states):
                return (before if from_ is None else _Place(from_, states[from_])), _Place(to, states[to])
    return None


def _fields(then: Snapshot) -> dict[str, Held]:
    return {} if then.ended else then.fields
