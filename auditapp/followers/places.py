"""Places in the log: given after the commit, in the order of what is committed, by one at a time.

A number (``event.id``) is given before the commit, so that on PostgreSQL one that is lower may appear later:
whoever follows the numbers would pass over it. Recording leaves a row in ``log_pending`` in its transaction,
so what waits for a place is known whenever it appears, however late. Nobody who records waits for this.
"""

from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, exists, func, select, update

from auditapp.database.copy import add_rows
from auditapp.database.dialect import is_sqlite
from auditapp.database.locks import lock_for_writing
from auditapp.database.unindexed import Unindexed
from auditapp.database.upsert import upsert
from auditapp.followers.transaction import transaction
from auditapp.models import Event, log_head, log_leaf, log_pending

BATCH = 2_000  # events at once, about
MAX_ROWS = 500  # of log_pending
RANGE = 100_000  # numbers at once
_LEAF_COLUMNS = ("workspace_id", "seq", "event_id")


def give_places(engine: Engine, workspace_id: int) -> int:
    """Give places to some hundred events of a workspace that have none; return how many.

    :return: 0 where nothing waits.
    :raise sqlalchemy.exc.DBAPIError: if the database fails; what was given before stays given.
    """
    given: int | None = 0
    while given == 0:  # all that some rows told of may have been taken along with others
        given = _give_some(engine, workspace_id)
    return given or 0


def _give_some(engine: Engine, workspace_id: int) -> int | None:
    """Give places to what some rows of ``log_pending`` tell of; return how many, None where none are left."""
    with transaction(engine) as connection:
        first = select(log_pending.c.first_event).where(log_pending.c.workspace_id == workspace_id)
        if connection.scalar(first.limit(1)) is None:
            return None
        lock_for_writing(connection)
        size = _hold_head(connection, workspace_id)
        ends = _waiting(connection, workspace_id)
        if not ends:  # another has given them meanwhile
            return None
        numbers = _unplaced(connection, workspace_id, ends)
        _add_leaves(connection, [(workspace_id, size + at, event) for at, event in enumerate(numbers, 1)])
        mine = log_head.c.workspace_id == workspace_id
        connection.execute(update(log_head).where(mine).values(size=size + len(numbers)))
        done = (
            log_pending.c.workspace_id == workspace_id,
            log_pending.c.first_event.in_([first for first, _ in ends]),
        )
        connection.execute(delete(log_pending).where(*done))
        connection.commit()
    return len(numbers)


def want_places(engine: Engine) -> int:
    """Note all events that have no place though nobody noted it; return how many. Commits as it goes."""
    with engine.connect() as connection:
        first, last = connection.execute(select(func.min(Event.id), func.max(Event.id))).one()
    noted = 0
    # In ranges, so that nobody waits on SQLite while a long log is read.
    for start in range(first or 0, (last or 0) + 1, RANGE) if first is not None else ():
        with transaction(engine) as connection:
            missing = connection.execute(_missing(start, start + RANGE)).all()
            connection.rollback()
            if not missing:
                continue
            lock_for_writing(connection)
            rows = [(number, event, event, 1) for number, event in missing]
            columns = [column.name for column in log_pending.columns]
            connection.execute(
                upsert(log_pending).on_conflict_do_nothing(),
                [dict(zip(columns, row, strict=True)) for row in rows],
            )
            connection.commit()
            noted += len(rows)
    return noted


def _missing(start: int, end: int) -> Any:
    beside = and_(log_leaf.c.workspace_id == Event.workspace_id, log_leaf.c.event_id == Event.id)
    waiting = exists().where(
        log_pending.c.workspace_id == Event.workspace_id,
        log_pending.c.first_event <= Event.id,
        log_pending.c.last_event >= Event.id,
    )
    query = select(Event.workspace_id, Event.id).outerjoin(log_leaf, beside)
    return query.where(Event.id >= start, Event.id < end, log_leaf.c.event_id.is_(None), ~waiting)


def _hold_head(connection: Connection, workspace_id: int) -> int:
    """Keep others from giving places in a workspace until the transaction ends; return how many it has."""
    size = select(log_head.c.size).where(log_head.c.workspace_id == workspace_id).with_for_update()
    held = connection.scalar(size)
    if held is None:
        connection.execute(
            upsert(log_head).values(workspace_id=workspace_id, size=0).on_conflict_do_nothing()
        )
        held = connection.scalar(size)
    return int(held or 0)


def _waiting(connection: Connection, workspace_id: int) -> list[tuple[int, int]]:
    """Return the first and the last number of some rows of ``log_pending``."""
    columns = log_pending.c
    query = select(columns.first_event, columns.last_event, columns.events)
    query = query.where(columns.workspace_id == workspace_id).order_by(columns.first_event).limit(MAX_ROWS)
    ends, events = [], 0
    for row in connection.execute(query):
        if events >= BATCH:
            break
        ends.append((row.first_event, row.last_event))
        events += row.events
    return ends


def _unplaced(connection: Connection, workspace_id: int, ends: list[tuple[int, int]]) -> list[int]:
    """Return the numbers of the events that rows of ``log_pending`` tell of, in their order.

    Some may have a place already: between two numbers of one transaction there may be those of another one on
    PostgreSQL, and whichever is asked for first takes them along.
    """
    if not is_sqlite(connection):
        return _unplaced_between(connection, workspace_id, ends)
    # Whoever writes there is alone, so that all between is its own, unless it was restored from PostgreSQL.
    numbers = sorted({number for first, last in ends for number in range(first, last + 1)})
    mine = select(Event.id).where(Unindexed(Event.workspace_id) == workspace_id, Event.id.in_(numbers))
    between = log_leaf.c.event_id.between(numbers[0], numbers[-1])
    placed = select(log_leaf.c.event_id).where(log_leaf.c.workspace_id == workspace_id, between)
    return sorted({*connection.scalars(mine)} - {*connection.scalars(placed)})


def _unplaced_between(connection: Connection, workspace_id: int, ends: list[tuple[int, int]]) -> list[int]:
    beside = and_(log_leaf.c.workspace_id == Event.workspace_id, log_leaf.c.event_id == Event.id)
    between = (
        log_pending.c.workspace_id == Event.workspace_id,
        Event.id >= log_pending.c.first_event,
        Event.id <= log_pending.c.last_event,
    )
    lowest, highest = ends[0][0], max(last for _, last in ends)
    query = (
        select(Event.id)
        .distinct()
        .select_from(log_pending)
        .join(Event, and_(*between))
        .outerjoin(log_leaf, beside)
        .where(log_pending.c.workspace_id == workspace_id, log_pending.c.first_event <= ends[-1][0])
        # The lowest one too, or the whole log before it may be read.
        .where(Event.workspace_id == workspace_id, Event.id >= lowest, Event.id <= highest)
        .where(log_leaf.c.event_id.is_(None))
        .order_by(Event.id)
    )
    return list(connection.scalars(query))


def _add_leaves(connection: Connection, rows: list[tuple[int, int, int]]) -> None:
    if not rows:
        return
    if is_sqlite(connection):
        names = ", ".join(_LEAF_COLUMNS)
        connection.exec_driver_sql(f"INSERT INTO log_leaf ({names}) VALUES (?, ?, ?)", rows)  # noqa: S608
    else:
        add_rows(connection, log_leaf, _LEAF_COLUMNS, rows)
