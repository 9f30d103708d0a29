"""The database as of one moment: what is derived at once, the log in batches.

PostgreSQL has snapshots. On SQLite a transaction that lasts would lock writers out; but the log only grows,
and what is derived holds it up to a number: so events up to that are read, in transactions of their own.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    and_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    tuple_,
)

from auditapp.database.dialect import is_sqlite
from auditapp.index.state import NAME as INDEX
from auditapp.index.state import IndexState, stored_states
from auditapp.index.stored_events import Row, is_typed, stored_events
from auditapp.log.schema import instant
from auditapp.models import (
    SECTIONS,
    Event,
    EventName,
    EventPayload,
    Member,
    RenamedEvent,
    Workspace,
    event_count,
    event_kind,
    follower_failure,
    log_head,
    log_leaf,
    log_pending,
)
from auditapp.models.types import microseconds
from auditapp.operating.deep.scratch import COUNTED, KIND_COLUMNS, NAME, WORDS, WORDS_TABLES, Scratch, attach

BATCH = 1_000
RANGE = 100_000  # numbers at once, where SQLite looks for what stands alone
_SALTS = [(getattr(EventPayload, name), getattr(EventPayload, f"{name}_salt")) for name in SECTIONS]


class LogReader:
    """Reads one moment of the database.

    :ivar zones: of the workspaces, by number.
    :ivar slugs: of the workspaces, by number.
    :ivar members: number of the workspace and id, of all who ever were.
    :ivar states: of the workspaces' indexes, by number.
    :ivar failed: of the events that the index went past, by number: how often it failed, at what, what next.
    :ivar events: about how many there are.
    """

    def __init__(self, connection: Connection, scratch: Scratch) -> None:
        """Take what is derived into the scratch file."""
        self.connection = connection
        self.is_sqlite = is_sqlite(connection)
        if self.is_sqlite:
            self._copy(scratch)
        else:
            self._last = 0  # the snapshot ends by itself
            self._describe()
            self._fetch(scratch)
        scratch.settle()

    def batches(self) -> Iterator[Sequence[Row]]:
        """Yield the events of the moment, with their sections: by workspace and number; on SQLite, by number.

        Beside ``stored_events``: ``beside``, None where there are no sections, and ``is_salted``, whether
        each that is there has its salt, and none that is not; ``seq``, its place, and ``waits``, whether it
        is known to have none yet.
        """
        salted = and_(
            *(
                (section.is_(None) & salt.is_(None))
                | (section.is_not(None) & salt.is_not(None) & (func.length(salt) == 16))
                for section, salt in _SALTS
            )
        )
        waits = exists().where(
            log_pending.c.workspace_id == Event.workspace_id,
            log_pending.c.first_event <= Event.id,
            log_pending.c.last_event >= Event.id,
        )
        more = (
            EventPayload.event_id.label("beside"),
            salted.label("is_salted"),
            log_leaf.c.seq,
            waits.label("waits"),
        )
        placed = and_(log_leaf.c.workspace_id == Event.workspace_id, log_leaf.c.event_id == Event.id)
        query = stored_events(self.connection, *more).outerjoin(log_leaf, placed).limit(BATCH)
        place: tuple[int, int] = (-1, 0)
        while True:
            if self.is_sqlite:
                following = query.where(Event.id > place[1], Event.id <= self._last).order_by(Event.id)
            else:
                key = tuple_(Event.workspace_id, Event.id)
                after = tuple_(literal(place[0]), literal(place[1], BigInteger))
                following = query.where(key > after).order_by(Event.workspace_id, Event.id)
            rows = self._all(following)
            if not rows:
                return
            yield rows
            place = rows[-1]["workspace_id"], rows[-1]["id"]

    def mistyped(self) -> Iterator[Row]:
        """Yield number and workspace of the events that SQLite keeps with values of other types."""
        if self.is_sqlite:
            query = select(Event.id, Event.workspace_id).where(not_(is_typed(self.connection)))
            yield from self._in_ranges(query, Event.id)

    def alone(self) -> Iterator[tuple[str, Row]]:
        """Yield what is beside an event that there is none of: its table, its workspace and its number."""
        for table in (EventPayload.__table__, RenamedEvent.__table__, log_leaf):
            number: Any = table.c.event_id
            beside = (Event.id == number) & (Event.workspace_id == table.c.workspace_id)
            query = select(table.c.workspace_id, number.label("id")).where(
                ~select(Event.id).where(beside).exists()
            )
            for row in self._in_ranges(query, number):
                yield str(table.name), row  # type: ignore[attr-defined]

    def twice(self, column: Any) -> Sequence[Row]:
        """Return workspaces and values of a column that several events have."""
        query = select(Event.workspace_id, column.label("value")).where(column.is_not(None))
        return self._all(query.group_by(Event.workspace_id, column).having(func.count() > 1))

    def gaps(self) -> Sequence[Row]:
        """Return the workspaces whose places are not dense from 1, or not as many as the head says."""
        columns = log_leaf.c
        counted = select(
            columns.workspace_id, func.count().label("places"), func.max(columns.seq).label("last")
        ).group_by(columns.workspace_id)
        leaves = counted.subquery("leaves")
        query = select(
            log_head.c.workspace_id, log_head.c.size, func.coalesce(leaves.c.places, 0).label("places")
        ).outerjoin(leaves, leaves.c.workspace_id == log_head.c.workspace_id)
        last = func.coalesce(leaves.c.last, 0)
        return self._all(
            query.where(or_(log_head.c.size != func.coalesce(leaves.c.places, 0), last != log_head.c.size))
        )

    def sequence(self) -> tuple[int, int] | None:
        """Return the number that PostgreSQL gave last, and the highest that an event has."""
        if self.is_sqlite:
            return None
        name = self.connection.scalar(text("SELECT pg_get_serial_sequence('event', 'id')"))
        if name is None:
            return 0, self.connection.scalar(select(func.max(Event.id))) or 0
        last, is_called = self.connection.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
        return last if is_called else last - 1, self.connection.scalar(select(func.max(Event.id))) or 0

    def _in_ranges(self, query: Any, number: Any) -> Iterator[Row]:
        if not self.is_sqlite:
            yield from self._all(query)
            return
        first, last = self.connection.execute(select(func.min(number), func.max(number))).one()
        self.connection.rollback()
        for start in range(first or 0, (last or 0) + 1, RANGE) if first is not None else ():
            yield from self._all(query.where(number >= start, number < start + RANGE))

    def _all(self, query: Any) -> Sequence[Row]:
        rows = self.connection.execute(query).mappings().all()
        if self.is_sqlite:
            self.connection.rollback()  # nobody waits between two batches
        return cast(Sequence[Row], rows)

    def _describe(self) -> None:
        ask = self.connection.execute
        workspaces = ask(select(Workspace.id, Workspace.slug, Workspace.timezone)).all()
        self.slugs: dict[int, str] = {row.id: row.slug for row in workspaces}
        self.zones: dict[int, str] = {row.id: row.timezone for row in workspaces}
        self.members = {tuple(row) for row in ask(select(Member.workspace_id, Member.id))}
        self.states: dict[int, IndexState] = stored_states(self.connection)
        failures = ask(select(follower_failure).where(follower_failure.c.name == INDEX))
        self.failed: dict[int, str] = {row.event_id: _failure_words(row) for row in failures}
        self.events = self.connection.scalar(select(func.count()).select_from(Event)) or 0

    def _copy(self, scratch: Scratch) -> None:
        """Take all of it in one transaction, by SQLite itself: writers wait for this only."""
        scratch.connection.execute(WORDS)
        for table in WORDS_TABLES:
            scratch.connection.execute(f"DELETE FROM {table}")  # noqa: S608
        driver = cast(sqlite3.Connection, self.connection.connection.driver_connection)
        with attach(driver, scratch.path):
            self.connection.exec_driver_sql("BEGIN")
            try:
                key = ", ".join(COUNTED)
                for statement in (
                    f"INSERT INTO scratch.kept SELECT {key}, events FROM main.event_count",  # noqa: S608
                    f"INSERT INTO scratch.kind SELECT {', '.join(KIND_COLUMNS)} FROM main.event_kind",  # noqa: S608
                    f"INSERT INTO scratch.name SELECT {', '.join(NAME)} FROM main.event_name",  # noqa: S608
                    *(f"INSERT INTO scratch.{table} SELECT * FROM main.{table}" for table in WORDS_TABLES),  # noqa: S608
                ):
                    self.connection.exec_driver_sql(statement)
                self._last = self.connection.scalar(select(func.max(Event.id))) or 0
                self._describe()
            finally:
                self.connection.commit()
        scratch.reopen()

    def _fetch(self, scratch: Scratch) -> None:
        key = [event_count.c[name] for name in COUNTED]
        query = select(*key, func.sum(event_count.c.events)).group_by(*key)
        at = COUNTED.index("start")
        counts = (
            (*row[:at], microseconds(row[at]), *row[at + 1 : -1], int(row[-1])) for row in self._stream(query)
        )
        scratch.keep("kept", counts)
        scratch.keep("kind", self._stream(select(*(event_kind.c[name] for name in KIND_COLUMNS))))
        scratch.keep("name", self._stream(select(*(getattr(EventName, name) for name in NAME))))

    def _stream(self, query: Any) -> Iterator[tuple[Any, ...]]:
        streamed = query.execution_options(stream_results=True, yield_per=10_000)
        yield from map(tuple, self.connection.execute(streamed))


def _failure_words(failure: Any) -> str:
    times = "once" if failure.attempts == 1 else f"{failure.attempts:,} times"
    return f"failed {times} with {failure.error}, next at {instant(failure.next_at)}"


@contextmanager
def open_log(engine: Engine, scratch: Scratch) -> Iterator[LogReader]:
    """Read the database as of now, however long it takes."""
    with engine.connect() as connection:
        if not is_sqlite(connection):
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            connection.execute(text("SET TRANSACTION READ ONLY"))
        yield LogReader(connection, scratch)
