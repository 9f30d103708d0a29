"""The versions of a record as the fold needs them, oldest first, read narrow and in batches.

A batch is a query of its own: on SQLite a cursor held open over long work would hold up the log.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import Any, cast

import orjson
import psycopg
from sqlalchemy import and_, select, tuple_

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.database.replica import log_connection
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.filters.cursor import BEGINNING, Cursor
from auditapp.filters.parameter import Condition
from auditapp.finding import as_bound, database
from auditapp.models import Event, EventPayload
from auditapp.reading.records.changes import Changes
from auditapp.reading.records.record import Record
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow

MAX_VERSIONS = 250_000
FIRST_BATCH, MAX_BATCH = 1_000, 10_000
# Characters of changes that a batch should hold at most.
BATCH_TEXT = 16_000_000
KEYS_AT_ONCE = 1_000
NAMES_ASKED = 100

# So many changes are parsed at once: a text each takes longer, and what is alive for long the garbage
# collector looks through again and again.
PARSED_AT_ONCE = 500
# An event's number, name and outcome, and its changes (None: erased).
Version = tuple[int, str, str, Changes | None]


def sees_all(record: Record, viewer: Viewer) -> bool:
    """Tell whether a viewer may see every event of a record, whoever caused it."""
    level = viewer.audit_level
    return level is AuditLevel.ALL or (level is AuditLevel.PERMITTED and record.type in viewer.entity_types)


def events_of(record: Record, viewer: Viewer) -> list[Condition] | None:
    """Return the conditions that a record's events meet that a viewer may see; None if there are none."""
    own: list[Condition] = []
    if not sees_all(record, viewer):
        if viewer.audit_level is AuditLevel.NOTHING or viewer.member_id is None:
            return None
        own = [Unindexed(Event.member_id) == viewer.member_id]
    mine = Event.workspace_id == viewer.workspace.id
    return [mine, Event.entity_id == record.id, Unindexed(Event.entity_type) == record.type, *own]


def is_known(record: Record, viewer: Viewer) -> bool:
    """Tell whether there is an event of a record that a viewer may see."""
    conditions = events_of(record, viewer)
    if conditions is None:
        return False
    return db.session.scalar(select(Event.id).where(*conditions).order_by(*_NEWEST).limit(1)) is not None


def last_before(conditions: list[Condition], moment: datetime) -> int | None:
    """Return the number of the last event up to a moment, that moment included."""
    query = select(Event.id).where(*conditions, Event.occurred_at <= moment).order_by(*_NEWEST).limit(1)
    return db.session.scalar(query)


def known_name(record: Record, viewer: Viewer) -> str | None:
    """Return what a record is called now, as far as a viewer may see."""
    conditions = events_of(record, viewer)
    return None if conditions is None else name_of(conditions, None)


def name_of(conditions: list[Condition], moment: datetime | None) -> str | None:
    """Return what a record was called at a moment (None: now), else what it is called now.

    Asks the newest versions up to then: a name is not worth going through all of them.
    """
    query = select(Event.entity_name).where(*conditions).order_by(*_NEWEST).limit(NAMES_ASKED)
    if moment is not None:
        then = [name for name in db.session.scalars(query.where(Event.occurred_at <= moment)) if name]
        if then:
            return then[0]
    return next((name for name in db.session.scalars(query).all() if name), None)


def first_read(conditions: list[Condition]) -> Cursor | None:
    """Return the place before the newest ``MAX_VERSIONS`` events; None where there are no more than these."""
    # First without the type, which the index does not have: there are rarely so many under one id.
    if _first_of_newest(conditions[:2]) is None:
        return None
    return _first_of_newest(conditions)


def _first_of_newest(conditions: list[Condition]) -> Cursor | None:
    query = select(Event.occurred_at, Event.id).where(*conditions).order_by(*_NEWEST)
    row = db.session.execute(query.offset(MAX_VERSIONS).limit(1)).first()
    return None if row is None else Cursor(row.occurred_at, row.id)


def versions_of(conditions: list[Condition], after: Cursor | None = None) -> Generator[Version, None, None]:
    """Yield the versions after a place, oldest first.

    On PostgreSQL nothing else may be asked until the end, or until the generator is closed.
    """
    read = _as_they_come if database().STREAMS else _in_batches
    with closing(read(conditions, after or BEGINNING)) as batches:
        for rows in batches:
            yield from parsed(rows)


def parsed(rows: Sequence[Any]) -> Iterator[Version]:
    """Yield rows that begin with the columns of :func:`select_versions` as versions."""
    changes_of_rows: list[Any] = orjson.loads(f"[{','.join([row[3] or 'null' for row in rows])}]")
    for row, changes in zip(rows, changes_of_rows, strict=True):
        yield row[0], row[1], row[2], changes


# Both yield plain tuples of the driver: no column of these is to be converted, which would take a third.


def _in_batches(conditions: list[Condition], place: Cursor) -> Generator[list[Any], None, None]:
    size = FIRST_BATCH
    while True:
        with log_connection().execute(_batch(conditions, place, size)) as result:
            rows = list(result.cursor.fetchall())
        for start in range(0, len(rows), PARSED_AT_ONCE):
            yield rows[start : start + PARSED_AT_ONCE]
        if len(rows) < size:
            return
        place = _place_of(conditions, rows[-1][0])
        size = max(1, min(MAX_BATCH, size * BATCH_TEXT // max(1, sum(len(row[3] or "") for row in rows))))


def _as_they_come(conditions: list[Condition], place: Cursor) -> Generator[list[Any], None, None]:
    """Fold while PostgreSQL still reads: of 100,000 versions each takes half of the time."""
    connection = log_connection()
    query = _batch(conditions, place, MAX_VERSIONS).compile(connection)
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    # Whoever has found what they looked for leaves early: psycopg then cancels the query, after which only a
    # savepoint has the transaction go on.
    with driver.transaction(), driver.cursor() as cursor, _stream(cursor, query) as rows:
        while batch := list(islice(rows, PARSED_AT_ONCE)):
            yield batch


def _stream(cursor: psycopg.Cursor[Any], query: Any) -> closing[Generator[Any, None, None]]:
    rows = cursor.stream(str(query), query.params, size=PARSED_AT_ONCE)
    return closing(cast(Generator[Any, None, None], rows))


def newest_that_tell(field: str, conditions: list[Condition], limit: int) -> list[Version]:
    """Return the newest versions that tell a field, oldest first.

    :param limit: versions at most.
    """
    # As it stands in the stored text: read whole and parsed, the other versions would take most of the time.
    tells_field = EventPayload.changes.contains(f"{orjson.dumps(field).decode()}:{{", autoescape=True)
    query = select_versions([*conditions, tells_field], first_read(conditions) or BEGINNING)
    rows = db.session.execute(query.order_by(*_NEWEST).limit(limit)).all()
    versions = (
        (number, event, outcome, orjson.loads(changes)) for number, event, outcome, changes in rows[::-1]
    )
    return [version for version in versions if field in version[3]]


def _batch(conditions: list[Condition], place: Cursor, size: int) -> Any:
    return select_versions(conditions, place).order_by(Event.occurred_at, Event.id).limit(size)


def select_versions(conditions: list[Condition], place: Cursor = BEGINNING) -> Any:
    """Return the query of versions after a place, in no order."""
    sections = and_(EventPayload.workspace_id == Event.workspace_id, EventPayload.event_id == Event.id)
    return (
        select(Event.id, Event.event, Event.outcome, EventPayload.changes)
        .outerjoin(EventPayload, sections)
        .where(*conditions, tuple_(Event.occurred_at, Event.id) > as_bound(place))
    )


def _place_of(conditions: list[Condition], number: int) -> Cursor:
    """Return the place of an event: asked for one, rather than read and converted for each."""
    query = select(Event.occurred_at).where(conditions[0], Event.id == number)
    return Cursor(db.session.execute(query).scalar_one(), number)


def first_payloads(viewer: Viewer, numbers: Sequence[int], limit: int) -> Iterator[tuple[int, Any]]:
    """Yield the first payloads of some events with their numbers; none that is empty or was erased.

    :param numbers: in the order asked for.
    :param limit: payloads at most.
    """
    # Whoever has found what was looked for among the first few does not ask for the rest.
    for group in (numbers[:limit], numbers[limit:]):
        with_payload = _payloads(viewer, group, EventPayload.event_id)
        chosen = [number for number in group if number in with_payload][:limit]
        texts = _payloads(viewer, chosen, EventPayload.payload)
        for number in chosen:
            yield number, orjson.loads(texts[number])
        limit -= len(chosen)
        if not limit:
            return


def _payloads(viewer: Viewer, numbers: Sequence[int], column: Any) -> dict[int, Any]:
    """Return a column of those events of some that have a payload."""
    query = select(EventPayload.event_id, column).where(
        EventPayload.workspace_id == viewer.workspace.id,
        EventPayload.event_id.in_(numbers),
        EventPayload.payload != "{}",
    )
    return {row[0]: row[1] for row in db.session.execute(query)} if numbers else {}


def rows_of(viewer: Viewer, numbers: set[int]) -> dict[int, EventRow]:
    """Return the rows of events that were found already, by their number."""
    ordered = sorted(numbers)
    rows: dict[int, EventRow] = {}
    for start in range(0, len(ordered), KEYS_AT_ONCE):
        # By the keys: SQLite would go through a whole workspace rather than look up more than one.
        mine = Unindexed(Event.workspace_id) == viewer.workspace.id
        query = select(*SUMMARY_COLUMNS).where(mine, Event.id.in_(ordered[start : start + KEYS_AT_ONCE]))
        rows |= {row.id: row for row in db.session.execute(query)}
    return rows


_NEWEST = (Event.occurred_at.desc(), Event.id.desc())
