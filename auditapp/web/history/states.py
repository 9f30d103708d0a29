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
from auditapp.web.history.query import Asked
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


def fields(asked: Asked, head: Head, rail: Rail) -> dict[str, Any]:
    """Return what the table of fields needs."""
    [state] = _states(asked, None)
    room = Room(asked.everything)
    return {"state": state, "shown": _shown(state, None, room), "drift": _drift(state, room)}


def instant(asked: Asked, head: Head, rail: Rail) -> dict[str, Any]:
    """Return what the page of an instant needs: the state then, what differs from now, where to go next."""
    assert asked.at is not None  # noqa: S101 - that is what makes it this view
    then, now = _states(asked, asked.at, None)
    changes = _differences(then, now)
    shown, more = _prepared(asked, changes)
    room = Room(asked.everything)
    before, current, after = _around(asked, asked.at)
    return {
        "state": then,
        "shown": _shown(then, set(changes), room),
        "drift": _drift(then, room),
        "changes": shown,
        "more_changes": more,
        "at_form": _for_form(asked.at),
        "before": before,
        "current": current,
        "after": after,
        "now_exists": now.exists,
    }


def comparison(asked: Asked, head: Head, rail: Rail) -> dict[str, Any]:
    """Return what the page of two versions needs."""
    assert asked.after is not None  # noqa: S101 - that is what makes it this view
    found = compare(asked.record, g.viewer, asked.before, asked.after)
    if found is None:
        abort(404)
    shown, more = _prepared(asked, found.changes)
    rows = list(list_events(_of(asked, limit=CHOICES), g.viewer).events)
    chosen = [row for row in (found.after, found.before) if row is not None]
    known = {row.uid for row in rows}
    rows += [row for row in chosen if row.uid not in known]
    rows.sort(key=lambda row: (row.occurred_at, row.id), reverse=True)
    return {
        "comparison": found,
        "changes": shown,
        "more_changes": more,
        "choices": rows,
        "from_choice": _uid(found.before),
        "to_choice": _uid(found.after),
    }


def _uid(row: EventRow | None) -> UUID | None:
    return None if row is None else row.uid


def _states(asked: Asked, *moments: datetime | None) -> list[RecordState]:
    return states_at(asked.record, g.viewer, moments) or abort(404)


def _prepared(asked: Asked, changes: dict[str, dict[str, Any]]) -> tuple[list[FieldChange], int]:
    """Prepare changes, and count the fields that are left out, unless everything is asked for."""
    if asked.everything:
        return field_changes(changes, max_fields=None, max_chars=None)
    return field_changes(changes, max_fields=MAX_FIELDS, max_chars=MAX_CHARS)


def _shown(state: RecordState, different: set[str] | None, room: Room) -> list[ShownField]:
    most = None if room.everything else MAX_FIELDS
    return [
        ShownField(each, shown_value(each.value, each.kind, room), name in (different or ()))
        for name, each in islice(state.fields.items(), most)
    ]


def _differences(then: RecordState, now: RecordState) -> dict[str, dict[str, Any]]:
    """Return what has become of the fields since, in the form of an event's changes."""
    found: dict[str, dict[str, Any]] = {}
    for name in [*then.fields, *(name for name in now.fields if name not in then.fields)]:
        old, new = then.fields.get(name), now.fields.get(name)
        if old and new and same(old.value, new.value, new.hint or old.hint):
            continue
        told = new or old
        assert told is not None  # noqa: S101 - it is in one of them
        found[name] = {
            **({"previous": old.value} if old else {}),
            **({"current": new.value} if new else {}),
            "label": told.label,
            "kind": told.hint,
        }
    return found


def _drift(state: RecordState, room: Room) -> list[ShownDrift]:
    return [
        ShownDrift(each, *(shown_value(side, each.kind, room) for side in (each.expected, each.found)))
        for each in state.drift
    ]


def _of(asked: Asked, **more: Any) -> TimelineFilters:
    return TimelineFilters({"record": Values((str(asked.record),))}, **more)


def _around(asked: Asked, at: datetime) -> tuple[EventRow | None, EventRow | None, EventRow | None]:
    """Return the newest version before the one that an instant shows, that one, and the next after it."""
    current = _first(asked, before=Cursor(at, _LAST))
    earlier = None if current is None else _first(asked, until=current.occurred_at)
    return earlier, current, _first(asked, after=Cursor(at, _LAST))


def _first(asked: Asked, **place: Any) -> EventRow | None:
    return next(iter(list_events(_of(asked, limit=1, **place), g.viewer).events), None)


def _for_form(at: datetime) -> str:
    """Return an instant as ``datetime-local`` takes it: in the viewer's zone, to the millisecond at most.

    It is rounded up, so that sending it again leaves out no version that it showed, but not into another day.
    """
    local = in_zone(at, viewer_zone()).replace(tzinfo=None)
    with suppress(OverflowError):  # in the last millisecond that there is
        up = local + timedelta(microseconds=-local.microsecond % 1000)
        local = up if up.date() == local.date() else local
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
