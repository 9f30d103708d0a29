"""The versions of many records, by few queries: those of small records are read together."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import func, or_, select

from auditapp.access.viewer import Viewer
from auditapp.database.in_list import in_list
from auditapp.database.replica import log_connection
from auditapp.extensions import db
from auditapp.filters.parameter import Condition
from auditapp.finding import database
from auditapp.models import Event
from auditapp.reading.records.record import Record
from auditapp.reading.records.versions import (
    FIRST_BATCH,
    Version,
    events_of,
    first_read,
    parsed,
    sees_all,
    select_versions,
    versions_of,
)

# Whoever has more events under its id is read alone.
SMALL = FIRST_BATCH // 2


def versions_of_each(records: Sequence[Record], viewer: Viewer) -> Iterator[tuple[Record, Version]]:
    """Yield the versions of many records, those of each oldest first, as ``versions_of`` does.

    Costs a query for each ``FIRST_BATCH`` events, or nearly, and of a larger record what that costs alone.

    :param records: of each the viewer may see an event.
    """
    if not records:
        return
    for group in _groups(records, _sizes(records, viewer)):
        if len(group) == 1:
            yield from _of_one(group[0], viewer)
        else:
            yield from _together(group, viewer)


def _sizes(records: Sequence[Record], viewer: Viewer) -> dict[str, int]:
    """Return how many events there are under each id, counted in the index up to ``SMALL``."""
    ids = database().texts_as_table([*{record.id for record in records}])
    events = select(Event.id).where(Event.workspace_id == viewer.workspace.id, Event.entity_id == ids.c.value)
    counted = select(func.count()).select_from(events.limit(SMALL + 1).correlate(ids).subquery("some"))
    query = select(ids.c.value, counted.scalar_subquery())
    return {row[0]: row[1] for row in db.session.execute(query)}


def _groups(records: Sequence[Record], sizes: dict[str, int]) -> Iterator[list[Record]]:
    group: list[Record] = []
    events = 0
    for record in records:
        size = sizes[record.id]
        if size > SMALL:
            yield [record]
            continue
        if events + size > FIRST_BATCH:
            yield group
            group, events = [], 0
        group.append(record)
        events += size
    if group:
        yield group


def _of_one(record: Record, viewer: Viewer) -> Iterator[tuple[Record, Version]]:
    conditions = events_of(record, viewer)
    assert conditions is not None  # noqa: S101 - the viewer sees some of its events
    with closing(versions_of(conditions, first_read(conditions))) as versions:
        for version in versions:
            yield record, version


def _together(records: Sequence[Record], viewer: Viewer) -> Iterator[tuple[Record, Version]]:
    wanted, connection = set(records), log_connection()
    ids = in_list(connection, Event.entity_id, {record.id for record in records})
    mine: list[Any] = [Event.workspace_id == viewer.workspace.id, ids, *_visible(records, viewer)]
    place = (Event.occurred_at, Event.id, Event.entity_type, Event.entity_id)
    with connection.execute(select_versions(mine).add_columns(*place)) as result:
        rows = list(result.cursor.fetchall())
    # Other types may have records of these ids.
    rows = [row for row in rows if Record(*row[-2:]) in wanted]
    # Not by the database: SQLite would walk the whole workspace for the order.
    rows.sort(key=lambda row: (row[4], row[5]))
    for row, version in zip(rows, parsed(rows), strict=True):
        yield Record(*row[-2:]), version


def _visible(records: Sequence[Record], viewer: Viewer) -> list[Condition]:
    open_types = {record.type for record in records if sees_all(record, viewer)}
    if all(record.type in open_types for record in records):
        return []
    own: Condition = Event.member_id == viewer.member_id
    return [or_(Event.entity_type.in_(sorted(open_types)), own) if open_types else own]
