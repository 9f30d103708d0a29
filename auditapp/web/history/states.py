"""A record as a whole: who set each field, its state at an instant, and two versions compared."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from flask import abort, g

from auditapp.filters import TimelineFilters, Values
from auditapp.filters.cursor import Cursor
from auditapp.filters.moments import in_zone
from auditapp.reading.diffs.field_changes import FieldChange, field_changes
from auditapp.reading.records.compare import compare
from auditapp.reading.records.history import Head
from auditapp.reading.records.rail import Rail
from auditapp.reading.records.state import Drift, FieldState, RecordState, states_at
from auditapp.reading.timeline import EventRow, list_events
from auditapp.values.equality import same
from auditapp.web.formats import viewer_zone
from auditapp.web.history.query import HistoryQuery
from auditapp.web.history.values import Room, ShownValue, shown_value

MAX_FIELDS, MAX_CHARS = 500, 2000
CHOICES = 100  # newest versions to choose from
_LAST = (1 << 63) - 1  # no event is recorded after this one


@dataclass(frozen=True)
class ShownField:
    """A field's state and its value, prepared. ``differs``: from what it is now."""

    state: FieldState
    value: ShownValue
    differs: bool = False


@dataclass(frozen=True)
class ShownDrift:
    """A place where the log contradicts itself, and its two values, prepared."""

    drift: Drift
    expected: ShownValue
    found: ShownValue


def fields(query: HistoryQuery, head: Head, rail: Rail) -> dict[str, Any]:
    """Return what the table of fields needs."""
    [state] = _states(query, None)
    room = Room(query.shows_all)
    return {"state": state, "shown": _shown(state, None, room), "drift": _drift(state, room)}


def instant(query: HistoryQuery, head: Head, rail: Rail) -> dict[str, Any]:
    """Return what the page of an instant needs: the state then, what differs from now, where to go next."""
    assert query.at is not None  # noqa: S101 - that is what makes it this view
    then, now = _states(query, query.at, None)
    changes = _differences(then, now)
    shown, more = _prepared(query, changes)
    room = Room(query.shows_all)
    before, current, after = _around(query, query.at)
    return {
        "state": then,
        "shown": _shown(then, set(changes), room),
        "drift": _drift(then, room),
        "changes": shown,
        "more_changes": more,
        "at_form": _for_form(query.at),
        "before": before,
        "current": current,
        "after": after,
        "now_exists": now.exists,
    }


def comparison(query: HistoryQuery, head: Head, rail: Rail) -> dict[str, Any]:
    """Return what the page of two versions needs."""
    assert query.after is not None  # noqa: S101 - that is what makes it this view
    pair = compare(query.record, g.viewer, query.before, query.after)
    if pair is None:
        abort(404)
    shown, more = _prepared(query, pair.changes)
    rows = list(list_events(_of(query, limit=CHOICES), g.viewer).events)
    chosen = [row for row in (pair.after, pair.before) if row is not None]
    known = {row.uid for row in rows}
    rows += [row for row in chosen if row.uid not in known]
    rows.sort(key=lambda row: (row.occurred_at, row.id), reverse=True)
    return {
        "comparison": pair,
        "changes": shown,
        "more_changes": more,
        "choices": rows,
        "from_choice": _uid(pair.before),
        "to_choice": _uid(pair.after),
    }


def _uid(row: EventRow | None) -> UUID | None:
    return None if row is None else row.uid


def _states(query: HistoryQuery, *moments: datetime | None) -> list[RecordState]:
    return states_at(query.record, g.viewer, moments) or abort(404)


def _prepared(query: HistoryQuery, changes: dict[str, dict[str, Any]]) -> tuple[list[FieldChange], int]:
    """Prepare changes, and count the fields that are left out, unless everything is asked for."""
    if query.shows_all:
        return field_changes(changes, max_fields=None, max_chars=None)
    return field_changes(changes, max_fields=MAX_FIELDS, max_chars=MAX_CHARS)


def _shown(state: RecordState, different: set[str] | None, room: Room) -> list[ShownField]:
    most = None if room.shows_all else MAX_FIELDS
    return [
        ShownField(field, shown_value(field.value, field.kind, room), name in (different or ()))
        for name, field in islice(state.fields.items(), most)
    ]


def _differences(then: RecordState, now: RecordState) -> dict[str, dict[str, Any]]:
    """Return what has become of the fields since, in the form of an event's changes."""
    changes: dict[str, dict[str, Any]] = {}
    for name in [*then.fields, *(name for name in now.fields if name not in then.fields)]:
        old, new = then.fields.get(name), now.fields.get(name)
        if old and new and same(old.value, new.value, new.hint or old.hint):
            continue
        field = new or old
        assert field is not None  # noqa: S101 - it is in one of them
        changes[name] = {
            **({"previous": old.value} if old else {}),
            **({"current": new.value} if new else {}),
            "label": field.label,
            "kind": field.hint,
        }
    return changes


def _drift(state: RecordState, room: Room) -> list[ShownDrift]:
    return [
        ShownDrift(drift, *(shown_value(side, drift.kind, room) for side in (drift.expected, drift.found)))
        for drift in state.drift
    ]


def _of(query: HistoryQuery, **more: Any) -> TimelineFilters:
    return TimelineFilters({"record": Values((str(query.record),))}, **more)


def _around(query: HistoryQuery, at: datetime) -> tuple[EventRow | None, EventRow | None, EventRow | None]:
    """Return the newest version before the one that an instant shows, that one, and the next after it."""
    current = _first(query, before=Cursor(at, _LAST))
    earlier = None if current is None else _first(query, until=current.occurred_at)
    return earlier, current, _first(query, after=Cursor(at, _LAST))


def _first(query: HistoryQuery, **place: Any) -> EventRow | None:
    return next(iter(list_events(_of(query, limit=1, **place), g.viewer).events), None)


def _for_form(at: datetime) -> str:
    """Return an instant as ``datetime-local`` takes it: in the viewer's zone, to the millisecond at most.

    It is rounded up, so that sending it again leaves out no version that it showed, but not into another day.
    """
    local = in_zone(at, viewer_zone()).replace(tzinfo=None)
    with suppress(OverflowError):  # in the last millisecond that there is
        up = local + timedelta(microseconds=-local.microsecond % 1000)
        local = up if up.date() == local.date() else local
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
