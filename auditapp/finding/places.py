"""Where a page begins and which way it is read: by an event's time, then by its number."""

from typing import Any

from sqlalchemy import literal, tuple_

from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import Cursor
from auditapp.filters.parameter import Condition
from auditapp.models import Event
from auditapp.models.types import Instant

# Each function takes the columns that hold an event's time and number, in whatever table.
_TIME, _NUMBER = Event.occurred_at, Event.id


def is_forward(filters: TimelineFilters) -> bool:
    """Tell whether a page is read from the older to the newer."""
    return filters.after is not None and filters.before is None


def order_of(filters: TimelineFilters, occurred_at: Any = _TIME, number: Any = _NUMBER) -> list[Any]:
    """Return the order of a page."""
    return [column.asc() if is_forward(filters) else column.desc() for column in (occurred_at, number)]


def position(filters: TimelineFilters, occurred_at: Any = _TIME, number: Any = _NUMBER) -> list[Condition]:
    """Return the conditions of a page's place."""
    place = tuple_(occurred_at, number)
    return [
        *([place < as_bound(filters.before)] if filters.before else []),
        *([place > as_bound(filters.after)] if filters.after else []),
    ]


def times_of(filters: TimelineFilters, occurred_at: Any = _TIME) -> list[Condition]:
    """Return the conditions of a filter's time."""
    return [
        *([occurred_at >= filters.since] if filters.since else []),
        *([occurred_at < filters.until] if filters.until else []),
    ]


def place_of(filters: TimelineFilters, occurred_at: Any = _TIME, number: Any = _NUMBER) -> list[Condition]:
    """Return the conditions of a page's place and of its filter's time."""
    return [*position(filters, occurred_at, number), *times_of(filters, occurred_at)]


def as_bound(cursor: Cursor) -> Any:
    """Return a place as a value to compare with."""
    return tuple_(literal(cursor.occurred_at, Instant), literal(cursor.id))
