"""A page of a record's versions: its events with the changes each one made, newest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters, Values
from auditapp.filters.cursor import Cursor
from auditapp.finding import effect_of
from auditapp.reading.event import events_by_uid, with_sections
from auditapp.reading.records.changes import DELETES, record_effect_of
from auditapp.reading.records.record import Record
from auditapp.reading.story import cause_of
from auditapp.reading.timeline import EventRow, Page, list_events, place
from auditapp.values.equality import same

PAGE_SIZE = 25
CHUNK = 200  # events read at once, after the first ones
LOOKED_AT = 1_000  # events read for one page; then it ends, with a link to where it stopped

Fetch = Callable[[TimelineFilters], Page]


@dataclass(frozen=True)
class Version:
    """One event of the record and its ``changes`` as recorded; None if they were erased."""

    event: EventRow
    changes: dict[str, dict[str, Any]] | None

    @property
    def is_idle(self) -> bool:
        """Tell whether it left the record as it was: no changes, or none with a difference.

        Whatever failed was an attempt, and what was erased might have been anything: these are not idle.
        """
        if self.changes is None or effect_of(self.event.event, self.event.outcome) in _NEVER_IDLE:
            return False
        return all(
            "previous" in change and same(change["previous"], change["current"], change.get("kind"))
            for change in self.changes.values()
        )


_NEVER_IDLE = ("created", "deleted", "failed")


@dataclass(frozen=True)
class Run:
    """Versions in a row, the newest first: a single one, or idle ones that are folded."""

    versions: list[Version]
    is_folded: bool

    @property
    def verbs(self) -> dict[str, int]:
        """Return how many versions there are of each event's name."""
        counts: dict[str, int] = {}
        for version in self.versions:
            counts[version.event.event] = counts.get(version.event.event, 0) + 1
        return counts


@dataclass(frozen=True)
class History:
    """A page of versions, and the cursors to the pages around it, None where there is none."""

    runs: Sequence[Run]
    newer: Cursor | None
    older: Cursor | None

    @property
    def events(self) -> list[EventRow]:
        """Return the events of the page, newest first."""
        return [version.event for run in self.runs for version in run.versions]


def history_of(filters: TimelineFilters, viewer: Viewer, fetch: Fetch, *, folds: bool) -> History:
    """Return a page of versions.

    :param filters: ``limit`` is how many versions to show, folded ones not counted.
    :param fetch: returns the page of events of a filter, as ``timeline.list_events`` does.
    :param folds: fold versions that changed nothing; they may be many, so the page reads on past them, up
        to ``LOOKED_AT`` events.
    """
    forward = filters.after is not None and filters.before is None
    versions, more = _walk(filters, viewer, fetch, folds=folds, forward=forward)
    if not versions:
        return History([], None, None)
    last = place(versions[-1].event) if more else None
    if forward:
        versions.reverse()
        return History(_runs(versions, folds), last, place(versions[-1].event))
    first = place(versions[0].event) if filters.before else None
    return History(_runs(versions, folds), first, last)


def _walk(
    filters: TimelineFilters, viewer: Viewer, fetch: Fetch, *, folds: bool, forward: bool
) -> tuple[list[Version], bool]:
    """Return versions in the order of the walk, and whether there are more."""
    walked: list[Version] = []
    shown, rest = 0, replace(filters, limit=filters.limit + 1)
    while True:
        page = fetch(rest)
        versions = _versions(page.events, viewer)
        for version in versions[::-1] if forward else versions:
            if shown == filters.limit:
                return walked, True
            walked.append(version)
            shown += not (folds and version.is_idle)
        beyond = page.newer if forward else page.older
        if beyond is None or len(walked) >= LOOKED_AT:
            return walked, beyond is not None
        rest = replace(rest, limit=CHUNK)
        rest = replace(rest, after=beyond) if forward else replace(rest, before=beyond)


def _versions(events: Sequence[EventRow], viewer: Viewer) -> list[Version]:
    whole_events = with_sections(events, viewer, sections=("changes",))
    return [Version(event.row, event.section("changes")) for event in whole_events]


def _runs(versions: Sequence[Version], folds: bool) -> list[Run]:
    runs: list[Run] = []
    for version in versions:
        is_folded = folds and version.is_idle
        if is_folded and runs and runs[-1].is_folded:
            runs[-1].versions.append(version)
        else:
            runs.append(Run([version], is_folded))
    return runs


def causes_of(rows: Sequence[EventRow], viewer: Viewer) -> dict[int, EventRow]:
    """Return what set rows off, by their ``id``, in one query: only what the viewer may see."""
    causes = {row.id: cause for row in rows if (cause := cause_of(row)) and cause != row.uid}
    events = events_by_uid(set(causes.values()), viewer)
    return {event_id: events[uid] for event_id, uid in causes.items() if uid in events}


@dataclass(frozen=True)
class Head:
    """What stands over every page of a record.

    :ivar newest: its newest event, whatever became of it.
    :ivar ended_at: when it was deleted, None where it was not.
    """

    name: str | None
    newest: EventRow
    ended_at: datetime | None


def head_of(record: Record, viewer: Viewer) -> Head | None:
    """Return a record's head; None where the viewer may see none of its events."""
    mine = TimelineFilters({"record": Values((str(record),))}, limit=PAGE_SIZE)
    rows = list_events(mine, viewer).events
    if not rows:
        return None
    succeeded = [row for row in rows if row.outcome == "success"]
    if not succeeded:
        newest_success = replace(mine.narrowed(outcome=Values(("success",))), limit=1)
        succeeded = list(list_events(newest_success, viewer).events)
    is_over = bool(succeeded) and record_effect_of(succeeded[0].event) == DELETES
    name = next((row.entity_name for row in rows if row.entity_name), None)
    return Head(name, rows[0], succeeded[0].occurred_at if is_over else None)
