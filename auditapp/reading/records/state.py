"""A record's state at an instant: its fields then, who set each, and where the log contradicts itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditapp.access.viewer import Viewer
from auditapp.filters.parameter import Condition
from auditapp.reading.diffs.field_changes import kind_of
from auditapp.reading.records.changes import Fold, Held, Mismatch, Snapshot
from auditapp.reading.records.record import Record
from auditapp.reading.records.recorded import recorded_in
from auditapp.reading.records.versions import (
    events_of,
    first_payloads,
    first_read,
    last_before,
    name_of,
    rows_of,
    sees_all,
    versions_of,
)
from auditapp.reading.timeline import EventRow
from auditapp.values.changes import label_of
from auditapp.values.references import differ

MAX_WHOLES = 20  # payloads that are asked what the record was, the newest first


@dataclass(frozen=True)
class FieldState:
    """A field's value and who set it.

    :ivar hint: the kind that the source said; ``kind`` is what its value looks like where it said none.
    :ivar since: when it was set; None, as ``event``, where it was so before the log saw it change.
    :ivar changes: how many versions changed it up to then; a first value at the creation is no change.
    """

    name: str
    label: str
    kind: str
    hint: str | None
    value: Any
    since: datetime | None
    event: EventRow | None
    changes: int


@dataclass(frozen=True)
class Drift:
    """A change that never reached the log: at ``event``, ``expected`` is what the versions add up to.

    :ivar found: what the event says it was (or, ``from_snapshot``, what the record is in its payload).
    """

    event: EventRow
    field: str
    label: str
    kind: str
    expected: Any
    found: Any
    from_snapshot: bool


@dataclass(frozen=True)
class RecordState:
    """A record at an instant, as far as the viewer may see.

    :ivar at: None for now.
    :ivar exists: false before its first version and once it was deleted; then ``fields`` is what it had.
    :ivar reasons: why it is not ``complete``: ``creation`` (the log does not reach back to it), ``erased``
        (some changes were), ``role`` (the viewer may see only some versions), ``limit`` (too many to read).
    :ivar drift: in the order of the log, the newest hundred.
    :ivar versions: how many there were up to then.
    """

    record: Record
    name: str | None
    at: datetime | None
    exists: bool
    complete: bool
    reasons: list[str]
    fields: dict[str, FieldState]
    drift: list[Drift]
    versions: int


def state_at(record: Record, viewer: Viewer, at: datetime | None = None) -> RecordState | None:
    """Return a record as it was at an instant; events at exactly ``at`` count.

    :param at: None for now.
    :return: None where the viewer may see no event of the record.
    :raise sqlalchemy.exc.OperationalError: if the database cannot be reached.
    """
    states = states_at(record, viewer, [at])
    return None if states is None else states[0]


def states_at(record: Record, viewer: Viewer, moments: Sequence[datetime | None]) -> list[RecordState] | None:
    """Return a record as it was at each of some instants, by reading its versions once.

    :param moments: None for now.
    :return: None where the viewer may see no event of the record.
    """
    conditions = events_of(record, viewer)
    if conditions is None:
        return None
    cuts = [None if at is None else last_before(conditions, at) for at in moments]
    after, fold = first_read(conditions), Fold()
    # Before the first version there is nothing.
    snapshots: dict[int | None, Snapshot] = {None: fold.snapshot()}
    for version in versions_of(conditions, after):
        fold.add(*version)
        if version[0] in cuts:
            snapshots[version[0]] = fold.snapshot()
    if not fold.versions:
        return None
    reading = _Reading(record, viewer, conditions, fold, reaches_back=after is None)
    return [
        reading.state(at, fold.snapshot() if at is None else snapshots.get(cut, snapshots[None]))
        for at, cut in zip(moments, cuts, strict=True)
    ]


@dataclass(frozen=True)
class _Reading:
    """A record's versions, read to the end."""

    record: Record
    viewer: Viewer
    conditions: list[Condition]
    fold: Fold
    reaches_back: bool

    def state(self, at: datetime | None, snapshot: Snapshot) -> RecordState:
        """Return the record as a snapshot of these versions has it."""
        record, viewer = self.record, self.viewer
        whole = sees_all(record, viewer)
        reasons = [
            *_reasons(self.fold, snapshot, reaches_back=self.reaches_back),
            *([] if whole else ["role"]),
        ]
        fields = snapshot.fields if snapshot.versions else {}
        numbers = {held.set_by for held in fields.values() if held.set_by is not None}
        # Who sees some versions only would take the others for changes that never reached the log.
        drift = [*snapshot.drift, *_against_wholes(record, viewer, snapshot)] if whole else []
        rows = rows_of(viewer, numbers | {mismatch.event for mismatch in drift})
        return RecordState(
            record=record,
            name=name_of(self.conditions, at),
            at=at,
            exists=snapshot.exists,
            complete=not reasons,
            reasons=reasons,
            fields={name: _field(name, held, rows) for name, held in fields.items()},
            drift=[_drift(mismatch, rows[mismatch.event]) for mismatch in drift],
            versions=snapshot.versions,
        )


def _reasons(fold: Fold, snapshot: Snapshot, *, reaches_back: bool) -> list[str]:
    if not reaches_back:
        return ["limit"]
    return [*(["erased"] if snapshot.erased else []), *([] if fold.begins else ["creation"])]


def _against_wholes(record: Record, viewer: Viewer, snapshot: Snapshot) -> Iterator[Mismatch]:
    """Yield where the whole that a version recorded is not what the versions add up to.

    A field is compared with the newest whole that tells it, if no version has told the field since.
    """
    numbers = dict(reversed(snapshot.recent))
    fields = {name: held for name, held in snapshot.fields.items() if held.last_told >= snapshot.sure_since}
    for number, payload in first_payloads(viewer, [*numbers], MAX_WHOLES):
        recorded = recorded_in(payload, record)
        for name in [name for name in fields if name in recorded]:
            held, value = fields.pop(name), recorded[name]
            if held.last_told <= numbers[number] and differ(held.value, value, held.kind):
                yield Mismatch(number, name, held.value, value, held.label, held.kind, from_snapshot=True)
        if not fields:
            return


def _field(name: str, held: Held, rows: Mapping[int, EventRow]) -> FieldState:
    row = None if held.set_by is None else rows[held.set_by]
    since = None if row is None else row.occurred_at
    label, kind = held.label or label_of(name), kind_of(held.kind, [held.value])
    return FieldState(name, label, kind, held.kind, held.value, since, row, held.changes)


def _drift(mismatch: Mismatch, row: EventRow) -> Drift:
    label, kind = (
        mismatch.label or label_of(mismatch.field),
        kind_of(mismatch.kind, [mismatch.expected, mismatch.found]),
    )
    return Drift(row, mismatch.field, label, kind, mismatch.expected, mismatch.found, mismatch.from_snapshot)
