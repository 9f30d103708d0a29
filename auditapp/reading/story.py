"""Stories: what shares a correlation, one row each, at the earliest event of it that matches a filter.

The rows are found by walking the events that match and leaving out those that are not their story's
first; so every filter works here, and no query depends on how many stories there are.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import Grouping

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.filters import TimelineFilters, Values
from auditapp.filters.cursor import BEGINNING, Cursor
from auditapp.filters.parameter import Condition
from auditapp.finding import check_of, fetch_page
from auditapp.models import Event
from auditapp.reading.event import events_by_uid
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow, Page, place

COUNT_TO = 1000
MIN_CHUNK, MAX_CHUNK = 100, 2000  # events read at once
MAX_WALK = 20_000  # events read for one page; then it is a short one, with a link to where it stopped
LARGE = 20  # a story with a twentieth of a chunk is left out of the next ones: its first event is known
TOGETHER = 200  # stories whose first matches one search by words looks for

_seen = aliased(Event, name="seen")
_here = (Event.workspace_id == _seen.workspace_id, Event.correlation_id == _seen.correlation_id)


@dataclass(frozen=True)
class Story:
    """What stands behind a row: how many ``others`` one may see in its story, at least.

    ``more`` tells that there may be more than that, ``is_part`` that the row's event began it not: another
    that one may see did. ``is_head`` tells that it began it all, which nobody knows who may not see all.
    """

    others: int
    more: bool
    is_part: bool
    is_head: bool


def list_stories(filters: TimelineFilters, viewer: Viewer) -> Page:
    """Return one page of stories as their earliest matching events, newest first.

    A story is where its earliest match is, so it stays there when others follow. Where a page would
    take too long it is shorter than ``filters.limit``, and its cursors go on from where it stopped.

    :param filters: validated; ``filters.limit`` is the page's length, 1 to 200.
    :return: a page with ``stories``, by the ``id`` of its events.
    """
    rows, stopped = _firsts(filters, viewer, filters.limit + 1)
    more = len(rows) > filters.limit
    rows = rows[: filters.limit]
    beyond = place(rows[-1]) if more else stopped
    if filters.after and not filters.before:
        rows.reverse()
        return Page(rows, beyond, place(rows[-1]) if rows else None, stories_of(rows, viewer))
    newer = place(rows[0]) if rows and filters.before else None
    return Page(rows, newer, beyond, stories_of(rows, viewer))


def _firsts(filters: TimelineFilters, viewer: Viewer, wanted: int) -> tuple[list[EventRow], Cursor | None]:
    """Return events that are the first match of their story, in the order of the walk.

    :return: ``wanted`` of them at most, and the place where the walk was given up, if it was.
    """
    walk = _Walk(filters, viewer)
    size, walked = max(2 * wanted, MIN_CHUNK), 0
    while walked < MAX_WALK:
        is_over = walk.go_on(size)
        if len(walk.firsts) >= wanted or is_over:
            return walk.firsts[:wanted], None
        walked, size = walked + size, min(2 * size, MAX_CHUNK)
    return walk.firsts, walk.at


class _Walk:
    """A way through the events that match, back in time or, from ``after`` on, forward."""

    def __init__(self, filters: TimelineFilters, viewer: Viewer) -> None:
        self.filters, self.viewer = filters, viewer
        self.forward = filters.after is not None and filters.before is None
        self.firsts: list[EventRow] = []
        self.at: Cursor | None = None
        self._left_out: tuple[str, ...] = ()
        self._first: dict[str, int | None] = {}  # by correlation: the id of its earliest match
        self._ahead: list[EventRow] = []  # first matches of stories that are left out

    def go_on(self, size: int) -> bool:
        """Read one chunk of events; tell whether it was the last one."""
        rows = fetch_page(self._rest(), self.viewer, SUMMARY_COLUMNS, size)
        unknown = {row.correlation_id: row.id for row in rows if row.correlation_id not in self._first}
        self._first |= first_matches(self.filters, self.viewer, unknown)
        is_over = len(rows) < size
        self.at = None if is_over else place(rows[-1])
        heads = [row for row in rows if self._first.get(row.correlation_id) == row.id]
        self.firsts += sorted([*heads, *self._reached()], key=place, reverse=not self.forward)
        if not is_over:
            self._leave_out(rows)
        return is_over

    def _rest(self) -> TimelineFilters:
        values = self.filters.correlation
        correlation = Values(values.included, (*values.excluded, *self._left_out))
        rest = self.filters.narrowed(correlation=correlation)
        if self.at is None:
            return rest
        return replace(rest, after=self.at) if self.forward else replace(rest, before=self.at)

    def _reached(self) -> list[EventRow]:
        """Take the first matches that the walk would have met by now, had it not left them out."""
        reached = [row for row in self._ahead if self.at is None or place(row) >= self.at]
        self._ahead = [row for row in self._ahead if row not in reached]
        return reached

    def _leave_out(self, rows: Sequence[EventRow]) -> None:
        """Pass by what else a large story holds: only its first match is a row, and that is known."""
        counted = Counter(row.correlation_id for row in rows)
        large = [name for name, count in counted.items() if count * LARGE >= len(rows)]
        self._left_out += tuple(large)
        met = {row.id for row in rows}
        ahead = [self._first[name] for name in large if self._first[name] not in met]
        if ahead and not self.forward:
            least = self.filters.after or BEGINNING  # both bounds may be set
            self._ahead += [row for row in _by_id(ahead, self.viewer) if place(row) > least]


def _by_id(ids: Iterable[int | None], viewer: Viewer) -> list[EventRow]:
    return list(db.session.execute(select(*SUMMARY_COLUMNS).where(*_by_number(Event, ids, viewer))))


def _by_number(event: Any, ids: Iterable[int | None], viewer: Viewer) -> list[Condition]:
    """Return what finds events by ``id``; by the workspace SQLite would walk all of its index."""
    return [Unindexed(event.workspace_id) == viewer.workspace.id, event.id.in_(ids)]


def first_matches(filters: TimelineFilters, viewer: Viewer, known: dict[str, int]) -> dict[str, int | None]:
    """Return the id of the earliest event of each story that matches, wherever on the page it is.

    :param known: the id of any one event of each story, by correlation id.
    """
    if not known:
        return {}
    unpaged = replace(filters, before=None, after=None)
    if filters.needs_index:
        return _first_matches_of_words(unpaged, viewer, sorted(known))
    query = select_first_matches(unpaged, viewer, list(known.values()))
    return {row[0]: row[1] for row in db.session.execute(query)}


def select_first_matches(filters: TimelineFilters, viewer: Viewer, ids: Sequence[int]) -> Select[Any]:
    """Return the query of :func:`first_matches`: a walk into one index for each story."""
    first = select(Event.id).where(*_here, _checked(filters, viewer))
    first = first.order_by(Event.occurred_at, Event.id).limit(1)
    return select(_seen.correlation_id, first.correlate(_seen).scalar_subquery()).where(
        *_by_number(_seen, ids, viewer)
    )


def _checked(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return a filter as a condition to check on a walk through a story, which has its own index."""
    return cast(Condition, Unindexed(Grouping(check_of(filters, viewer))))


def _first_matches_of_words(
    filters: TimelineFilters, viewer: Viewer, correlations: Sequence[str]
) -> dict[str, int | None]:
    first_ids: dict[str, int | None] = {}
    columns, size = (Event.id, Event.correlation_id), 5 * TOGETHER
    remaining = list(correlations)
    while remaining:
        values = Values(tuple(remaining[:TOGETHER]), filters.correlation.excluded)
        rows = fetch_page(
            replace(filters.narrowed(correlation=values), after=BEGINNING), viewer, columns, size
        )
        for row in rows:  # the oldest first
            first_ids.setdefault(row.correlation_id, row.id)
        if len(rows) < size:  # what was not found now is there no more
            first_ids = {**dict.fromkeys(values.included), **first_ids}
        remaining = [name for name in remaining if name not in first_ids]
    return first_ids


def stories_of(rows: Sequence[EventRow], viewer: Viewer) -> dict[int, Story]:
    """Return what stands behind rows, by their ``id``, in one query and for causes another one."""
    if not rows:
        return {}
    caused = _caused_in_their_story(rows, viewer)
    query = select_stories([row.id for row in rows], viewer)
    stories = {}
    for event_id, first_id, visible in db.session.execute(query):
        others = max(visible - 1, 0)
        is_part = first_id != event_id or event_id in caused
        is_head = not is_part and viewer.audit_level is AuditLevel.ALL
        stories[event_id] = Story(min(others, COUNT_TO), others > COUNT_TO, is_part, is_head)
    return stories


def select_stories(ids: Sequence[int], viewer: Viewer) -> Select[Any]:
    """Return the query of :func:`stories_of`, which counts 1,002 events of a story at most.

    Only what the viewer may see counts, whatever else there is: how much that is, and whether it came
    first, is not theirs to know.
    """
    visible = _checked(TimelineFilters(), viewer)
    first = select(Event.id).where(*_here, visible).order_by(Event.occurred_at, Event.id).limit(1)
    visible_events = select(Event.id).where(*_here, visible).limit(COUNT_TO + 2)
    counted = visible_events.correlate(_seen).subquery("each")
    return select(
        _seen.id,
        first.correlate(_seen).scalar_subquery(),
        select(func.count()).select_from(counted).scalar_subquery(),
    ).where(*_by_number(_seen, ids, viewer))


def cause_of(row: EventRow) -> uuid.UUID | None:
    """Return the id of the event that set a row off; None where a source names its causes otherwise."""
    try:
        return uuid.UUID(row.causation_id) if row.causation_id else None
    except ValueError:
        return None


def _caused_in_their_story(rows: Sequence[EventRow], viewer: Viewer) -> set[int]:
    """Return the ids of rows that a visible event of their own story set off, so they began none."""
    causes = {row.id: cause for row in rows if (cause := cause_of(row)) and cause != row.uid}
    known = events_by_uid(set(causes.values()), viewer)
    return {
        row.id
        for row in rows
        if row.id in causes
        and (set_off_by := known.get(causes[row.id]))
        and set_off_by.correlation_id == row.correlation_id
    }
