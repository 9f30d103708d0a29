"""Undo, prepared: what would take an event back, or a whole story, and what stands against it.

Nothing is changed anywhere: ``reading.undo.document`` hands it over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters, Values
from auditapp.filters.cursor import BEGINNING
from auditapp.finding import fetch_page
from auditapp.log.own_names import short_name
from auditapp.reading.diffs.field_changes import kind_of
from auditapp.reading.event import find_event
from auditapp.reading.records.many import versions_of_each
from auditapp.reading.records.record import Record
from auditapp.reading.records.versions import rows_of, sees_all
from auditapp.reading.story_tree import head_of
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow
from auditapp.reading.undo.reverse import UPDATE, Reverse, reverse
from auditapp.reading.undo.trace import Traced
from auditapp.values.changes import label_of

# Of a story, so that a page comes in about a second; what is more is said.
MAX_EVENTS = 2_000
MAX_RECORDS = 500
# What happened, not a record of something: nothing of it can be taken back.
NO_RECORDS = {"session", "access", "export", "import", "undo"}


@dataclass(frozen=True)
class Conflict:
    """What stands against taking something back: what ``event`` did since.

    :ivar reason: ``changed`` (the field; its value ``now``), ``deleted`` (the record), ``exists`` (again).
    """

    reason: str
    event: EventRow
    field: str | None = None
    label: str | None = None
    kind: str = "text"
    now: Any = None


@dataclass(frozen=True)
class RecordUndo:
    """What would take back what happened to one record.

    :ivar action: ``update``, ``create`` (again) or ``delete``.
    :ivar changes: from the values now to those before, in the form of an event's ``changes``; a field that
        was not there before becomes null.
    :ivar already_back: labels of the fields that are back already.
    :ivar cautions: why there may be more that stands against it: ``erased``, ``role``, ``lists``.
    """

    record: Record
    name: str | None
    action: str
    changes: dict[str, dict[str, Any]]
    already_back: list[str]
    conflicts: list[Conflict]
    cautions: list[str]


@dataclass(frozen=True)
class Left:
    """An event that cannot be taken back.

    :ivar reason: ``failed``, ``erased``, ``nothing`` (changed), ``back`` (already), ``gone`` (the record that
        it made), ``deleted`` (since, the record), ``limit`` (more versions than are read).
    """

    event: EventRow
    reason: str


@dataclass(frozen=True)
class Undo:
    """What would take back an event, or a story: the last thing that happened first.

    :ivar event: what is taken back; of a story what began it, as far as the viewer may see.
    :ivar correlation_id: of the story; None where it is the event alone.
    :ivar more: whether the story has more than is prepared.
    """

    event: EventRow
    correlation_id: str | None
    records: list[RecordUndo]
    left: list[Left]
    more: bool = False

    @property
    def touched(self) -> set[Record]:
        """Return the records that what is taken back happened to, as far as that is prepared."""
        of_left = {Record(left.event.entity_type, left.event.entity_id) for left in self.left}
        return {undo.record for undo in self.records} | of_left


def is_no_record(row: EventRow) -> bool:
    """Tell whether an event is one of Auditapp's own of which nothing can be taken back."""
    return row.is_own and short_name(row.entity_type) in NO_RECORDS


def undo_of_event(event_id: str, viewer: Viewer) -> Undo | None:
    """Prepare taking one event back; None if there is none that the viewer may see."""
    event = find_event(event_id, viewer)
    if event is None:
        return None
    return _prepared(event.row, None, [event.row], viewer, more=False)


def undo_of_story(correlation_id: str, viewer: Viewer) -> Undo | None:
    """Prepare taking a whole story back; None if there is none of which the viewer may see anything."""
    filters = TimelineFilters({"correlation": Values((correlation_id,))}, after=BEGINNING)
    rows = fetch_page(filters, viewer, SUMMARY_COLUMNS, MAX_EVENTS + 1)
    if not rows:
        return None
    return _prepared(head_of(rows), correlation_id, rows[:MAX_EVENTS], viewer, more=len(rows) > MAX_EVENTS)


def _prepared(
    event: EventRow, correlation_id: str | None, rows: Sequence[EventRow], viewer: Viewer, *, more: bool
) -> Undo:
    by_record: dict[Record, list[EventRow]] = {}
    left: list[Left] = []
    for row in reversed(rows):
        if row.outcome != "success":
            left.append(Left(row, "failed"))
        elif is_no_record(row):
            left.append(Left(row, "nothing"))
        else:
            by_record.setdefault(Record(row.entity_type, row.entity_id), []).append(row)
    chosen = dict(list(by_record.items())[:MAX_RECORDS])
    records, unable = _of_records(chosen, viewer)
    left += unable
    return Undo(event, correlation_id, records, left, more or len(by_record) > len(chosen))


def _of_records(
    events: Mapping[Record, Sequence[EventRow]], viewer: Viewer
) -> tuple[list[RecordUndo], list[Left]]:
    """Return what takes back what some events did to their records, and those of them that cannot be."""
    traced = {record: Traced({row.id for row in rows_of_record}) for record, rows_of_record in events.items()}
    for record, version in versions_of_each(list(traced), viewer):
        traced[record].add(version)
    turned, left = {}, []
    for record, trace in traced.items():
        reversal, unable = _reversed(trace.done(), events[record])
        left += unable
        if reversal is not None:
            turned[record] = reversal
    against = [_against(traced[record], reversal) for record, reversal in turned.items()]
    rows = rows_of(viewer, set().union(*against))
    return [
        RecordUndo(
            record,
            next((row.entity_name for row in events[record] if row.entity_name), None),
            *reversal,
            _conflicts(traced[record], reversal, rows),
            list(_cautions(traced[record], reversal, whole=sees_all(record, viewer))),
        )
        for record, reversal in turned.items()
    ], left


def _reversed(traced: Traced, events: Sequence[EventRow]) -> tuple[Reverse | None, list[Left]]:
    left = list(_left(traced, events))
    if traced.existed is None:
        return None, left
    turned = reverse(traced)
    if turned is None or (turned.action == UPDATE and not turned.changes):
        unable = {item.event.id for item in left}
        reason = "gone" if turned is None else "back" if traced.fold.exists else "deleted"
        return None, [*left, *(Left(row, reason) for row in events if row.id not in unable)]
    return turned, left


def _left(traced: Traced, events: Iterable[EventRow]) -> Iterator[Left]:
    for row in events:
        if row.id not in traced.met:
            yield Left(row, "limit")
        elif row.id in traced.erased:
            yield Left(row, "erased")
        elif row.id in traced.nothing:
            yield Left(row, "nothing")


def _conflicts(traced: Traced, turned: Reverse, rows: Mapping[int, EventRow]) -> list[Conflict]:
    """Return what others did since: to the record as a whole, and to the fields that change back.

    :param rows: of the events :func:`_against`.
    """
    reason = "exists" if traced.fold.exists else "deleted"
    return [
        *(Conflict(reason, rows[number]) for number in _reborn(traced, turned)),
        *(
            _changed(name, turned.changes[name], rows[number])
            for name, number in traced.others.items()
            if name in turned.changes
        ),
    ]


def _against(traced: Traced, turned: Reverse) -> set[int]:
    """Return the numbers of the events that stand against taking something back."""
    fields = (number for name, number in traced.others.items() if name in turned.changes)
    return {*_reborn(traced, turned), *fields}


def _reborn(traced: Traced, turned: Reverse) -> list[int]:
    # That it was deleted and came back is none, where it was there before and nothing here ended it.
    is_as_before = turned.action == UPDATE and traced.fold.exists and traced.lost is None
    return [] if is_as_before or traced.reborn is None else [traced.reborn]


def _changed(name: str, change: dict[str, Any], row: EventRow) -> Conflict:
    kind = kind_of(change.get("kind"), [change.get("previous"), change["current"]])
    return Conflict("changed", row, name, change.get("label") or label_of(name), kind, change.get("previous"))


def _cautions(traced: Traced, turned: Reverse, *, whole: bool) -> Iterator[str]:
    if traced.unsure:
        yield "erased"
    if not whole:
        yield "role"
    lists = [change for change in turned.changes.values() if isinstance(change["current"], list)]
    if not traced.fold.begins and lists and turned.action == UPDATE:
        yield "lists"
