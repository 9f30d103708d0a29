"""One story: an action and all it set off, as a tree by cause, the oldest first."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters, Values
from auditapp.filters.cursor import BEGINNING, Cursor
from auditapp.finding import fetch_page
from auditapp.models import Event
from auditapp.reading.event import events_by_uid
from auditapp.reading.story import Story, cause_of, stories_of
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow, place

PAGE_SIZE = 200
LOOKED_AT = 2_000  # events of a story whose causes are followed beyond the page
MAX_DEPTH = 6  # deeper steps stand side by side: each level takes room from a phone


Parents = dict[uuid.UUID, uuid.UUID | None]
Known = Mapping[uuid.UUID, EventRow]


@dataclass(frozen=True)
class Cause:
    """A cause that the tree cannot show: ``event``, None where there is none that the viewer may see.

    ``how`` is ``unknown`` (in this log), ``elsewhere`` (of another story), ``paged`` (on another page),
    ``deep`` (further up, past the last level), ``itself``, or ``effect`` (set off by what it set off).
    """

    how: str
    event: EventRow | None = None


@dataclass(frozen=True)
class Step:
    """An event, how long after the story's head it came, what it set off, and what else is its cause."""

    event: EventRow
    after: timedelta
    steps: list["Step"] = field(default_factory=list)
    cause: Cause | None = None


@dataclass(frozen=True)
class WholeStory:
    """A page of a story's steps; ``head`` began it, as far as the viewer may see, and ``story`` counts.

    ``older`` tells whether this is not the story's first page, ``newer`` where the next one begins.
    """

    head: EventRow
    story: Story
    steps: Sequence[Step]
    older: bool
    newer: Cursor | None


def story_of(correlation_id: str, viewer: Viewer, *, after: Cursor | None = None) -> WholeStory | None:
    """Return a page of a story, 200 events at most; None if the viewer may see none of them.

    Causes are looked for on the page: what has none there stands by itself, and says where it is.

    :param after: the place after which the page begins.
    """
    filters = TimelineFilters({"correlation": Values((correlation_id,))}, after=BEGINNING)
    first = fetch_page(filters, viewer, SUMMARY_COLUMNS, PAGE_SIZE + 1)
    if not first:
        return None
    head = head_of(first)
    rows = first
    if after is not None:
        rows = fetch_page(replace(filters, after=after), viewer, SUMMARY_COLUMNS, PAGE_SIZE + 1)
    newer = place(rows[PAGE_SIZE - 1]) if len(rows) > PAGE_SIZE else None
    rows = rows[:PAGE_SIZE]
    known = events_by_uid({cause for row in rows if (cause := cause_of(row))}, viewer)
    others = _causes_in(filters, viewer) if _names_a_later_one(rows, known) else {}
    steps = tree_of(rows, head, known, others)
    story = stories_of([head], viewer)[head.id]
    # Who sees all of it sees what began it, though an effect may claim an earlier time.
    story = replace(story, is_head=viewer.audit_level is AuditLevel.ALL)
    return WholeStory(head, story, steps, after is not None, newer)


def head_of(rows: Sequence[EventRow]) -> EventRow:
    """Return the event that began a story: by cause, for an effect may claim an earlier time.

    :param rows: the story's first, the oldest first, one at least.
    """
    return tree_of(rows[:PAGE_SIZE], rows[0], {})[0].event


def _names_a_later_one(rows: Sequence[EventRow], known: Known) -> bool:
    """Tell whether a cause comes after its effect and is not on the page: that may be a circle."""
    here = {row.uid for row in rows}
    named = ((row, known.get(cause)) for row in rows if (cause := cause_of(row)) and cause not in here)
    return any(cause is not None and place(cause) > place(row) for row, cause in named)


def _causes_in(filters: TimelineFilters, viewer: Viewer) -> Parents:
    """Return the causes of a story's first events, by their ids."""
    columns = (Event.id, Event.occurred_at, Event.uid, Event.causation_id)
    return {row.uid: cause_of(row) for row in fetch_page(filters, viewer, columns, LOOKED_AT)}


def without(steps: Sequence[Step], event_id: str | None) -> list[Step]:
    """Return a tree without one of its events; what that event set off takes its place."""
    remaining: list[Step] = []
    for step in steps:
        below = without(step.steps, event_id)
        remaining += below if str(step.event.uid) == event_id else [replace(step, steps=below)]
    return remaining


def each_step(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps of a tree as they stand on the page."""
    for step in steps:
        yield step
        yield from each_step(step.steps)


def tree_of(
    rows: Sequence[EventRow], head: EventRow, known: Known, others: Parents | None = None
) -> list[Step]:
    """Return events as a tree, in their order, each below the event that set it off.

    An event whose cause is unknown, itself, or one of its own effects, stands by itself.

    :param rows: the oldest first.
    :param known: the events that rows name as their causes, by ``uid``.
    :param others: causes of the story's events on other pages, where they may lead back to one of the rows.
    """
    causes = {row.uid: cause_of(row) for row in rows}
    parents: Parents = {uid: cause for uid, cause in causes.items() if cause and cause in causes}
    for row in rows:
        if _is_own_cause(row, parents):
            del parents[row.uid]
    events = {row.uid: row for row in rows}
    steps: dict[uuid.UUID, Step] = {}
    depths: dict[uuid.UUID, int] = {}
    roots: list[Step] = []
    for uid in _causes_first(rows, parents):
        row = events[uid]
        parent, cause = parents.get(uid), _cause(row, parents, known, others or {})
        above = parent
        # Past the last level, what an event set off follows it.
        while parent is not None and above is not None and depths[parent] == MAX_DEPTH:
            parent, cause = parents.get(parent), Cause("deep", events[above])
        depths[uid] = 1 if parent is None else depths[parent] + 1
        steps[uid] = Step(row, row.occurred_at - head.occurred_at, cause=cause)
        (roots if parent is None else steps[parent].steps).append(steps[uid])
    return roots


def _cause(row: EventRow, parents: Parents, known: Known, others: Parents) -> Cause | None:
    """Return the cause of a row that is not its parent in the tree."""
    if not row.causation_id or row.uid in parents:
        return None
    cause = cause_of(row)
    event = known.get(cause) if cause else None
    if cause == row.uid:
        return Cause("itself", row)
    if event is None:
        return Cause("unknown")
    if event.correlation_id != row.correlation_id:
        return Cause("elsewhere", event)
    is_effect = _leads_to(cause, row.uid, parents)
    # A circle that leaves the page is told where it begins, at its oldest event.
    is_effect = is_effect or (place(event) > place(row) and _leads_to(cause, row.uid, others))
    return Cause("effect" if is_effect else "paged", event)


def _leads_to(uid: uuid.UUID | None, target: uuid.UUID, parents: Parents) -> bool:
    """Tell whether the way up from one event leads to another."""
    for _ in parents:
        if uid is None or uid == target:
            break
        uid = parents.get(uid)
    return uid == target


def _is_own_cause(row: EventRow, parents: Parents) -> bool:
    """Tell whether the way up from an event leads back to it."""
    return _leads_to(parents.get(row.uid), row.uid, parents)


def _causes_first(rows: Sequence[EventRow], parents: Parents) -> list[uuid.UUID]:
    """Return the ids in the order of the rows, but each behind its cause, and what it set off behind it."""
    below: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for row in rows:
        below.setdefault(parents.get(row.uid), []).append(row.uid)
    ordered: list[uuid.UUID] = []
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        uid = waiting.pop()
        ordered.append(uid)
        waiting += reversed(below.get(uid, []))
    return ordered
