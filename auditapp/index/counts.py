"""How many events of a kind there were an hour, a day and a week: counted as they are recorded."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, Connection, Integer, bindparam, delete, select, text

from auditapp.database.dialect import is_sqlite
from auditapp.index.kinds import add_kinds
from auditapp.index.logged import Columns
from auditapp.models import Workspace, event_count, event_kind
from auditapp.models.derived import DAY, HOUR, WEEK
from auditapp.models.event import KIND_COLUMNS
from auditapp.models.types import EPOCH, microseconds

QUARTER = timedelta(minutes=15)  # every zone of today is whole quarters of an hour away from UTC
_kind_of = attrgetter(*KIND_COLUMNS)


def count_events(connection: Connection, rows: Sequence[Columns], *, back: bool = False) -> None:
    """Add one workspace's events to the counts, in the connection's transaction.

    :param back: take them out again.
    """
    workspace_id = rows[0].workspace_id
    zone, kinds = _zone_and_kinds(connection, workspace_id, {row.event for row in rows})
    counted = counts_of(zone, rows)
    counts = [(*key, -events if back else events) for key, events in counted.items()]
    if is_sqlite(connection):
        _add_counts(connection, workspace_id, counts)
    else:
        _add_counts_beside_others(connection, workspace_id, counts)
    if back:
        mine = (event_count.c.workspace_id == workspace_id, event_count.c.events == 0)
        connection.execute(delete(event_count).where(*mine))
    else:
        add_kinds(connection, workspace_id, {key[2:] for key in counted} - kinds)


def counts_of(zone: str, rows: Sequence[Columns]) -> Counter[tuple[Any, ...]]:
    """Return how many of some events there were an hour, a day and a week.

    :param zone: of the workspace.
    :return: by how many hours, when they began and the kind.
    """
    # By quarters first: of a thousand events many share one, and its zone's hour, day and week.
    in_quarters = Counter([((row.occurred_at - EPOCH) // QUARTER, _kind_of(row)) for row in rows])
    counted: Counter[tuple[Any, ...]] = Counter()
    for (quarter, kind), events in in_quarters.items():
        for hours, start in zip((HOUR, DAY, WEEK), _starts(zone, quarter), strict=True):
            counted[hours, start, *kind] += events
    return counted


# In one query, because every flush that is captured waits for it.
_ZONE_AND_KINDS = (
    select(Workspace.timezone, *(event_kind.c[name] for name in KIND_COLUMNS))
    .outerjoin_from(
        Workspace,
        event_kind,
        (event_kind.c.workspace_id == Workspace.id)
        & event_kind.c.event.in_(bindparam("events", expanding=True)),
    )
    .where(Workspace.id == bindparam("workspace"))
)


def _zone_and_kinds(
    connection: Connection, workspace_id: int, names: set[str]
) -> tuple[str, set[tuple[Any, ...]]]:
    """Return the zone whose days a workspace counts by, and which kinds of some events it has had."""
    rows = connection.execute(_ZONE_AND_KINDS, {"workspace": workspace_id, "events": sorted(names)}).all()
    return rows[0][0], {tuple(kind) for _, *kind in rows}


_COUNTED = ("hours", "start", *KIND_COLUMNS, "events")
_ADD_OR_COUNT = f"""
    INSERT INTO event_count (workspace_id, {", ".join(_COUNTED)}) VALUES (?, {", ".join("?" * len(_COUNTED))})
    ON CONFLICT DO UPDATE SET events = events + excluded.events
"""  # noqa: S608


def _add_counts(connection: Connection, workspace_id: int, counts: Sequence[tuple[Any, ...]]) -> None:
    # Past SQLAlchemy, which takes longer over a row's parameters than SQLite over the row.
    rows = [(workspace_id, hours, microseconds(start), *rest) for hours, start, *rest in counts]
    connection.exec_driver_sql(_ADD_OR_COUNT, rows)


def _add_counts_beside_others(
    connection: Connection, workspace_id: int, counts: Sequence[tuple[Any, ...]]
) -> None:
    """Add to rows that no other transaction holds, and rows for what is left: nobody waits for anybody."""
    parameters = {
        name: bindparam(name, [count[at] for count in counts], ARRAY(event_count.c[name].type))
        for at, name in enumerate(_COUNTED)
    }
    connection.execute(
        _ADD_COUNTS.bindparams(bindparam("workspace", Integer), *parameters.values()),
        {"workspace": workspace_id},
    )


_SAME = " AND ".join(f"c.{name} = given.{name}" for name in _COUNTED[:-1])
# Made of names of columns alone.
_ADD_COUNTS = text(
    f"""
    WITH given AS (
        SELECT * FROM unnest({", ".join(f":{name}" for name in _COUNTED)}) AS given ({", ".join(_COUNTED)})
    ), free AS (
        SELECT row.place, given.* FROM given CROSS JOIN LATERAL (
            SELECT c.ctid AS place FROM event_count c WHERE c.workspace_id = :workspace AND {_SAME}
            LIMIT 1 FOR UPDATE SKIP LOCKED
        ) AS row
    ), added AS (
        UPDATE event_count c SET events = c.events + free.events FROM free WHERE c.ctid = free.place
        RETURNING {", ".join(f"c.{name}" for name in _COUNTED[:-1])}
    )
    INSERT INTO event_count (workspace_id, {", ".join(_COUNTED)})
    SELECT :workspace, given.* FROM given WHERE NOT EXISTS (SELECT FROM added c WHERE {_SAME})
    """  # noqa: S608
)


@lru_cache(maxsize=4096)
def _starts(zone: str, quarter: int) -> tuple[datetime, datetime, datetime]:
    """Return when the hour, the day and the week began that a quarter of an hour is in, in a zone."""
    moment = EPOCH + quarter * QUARTER
    try:
        local = moment.astimezone(ZoneInfo(zone))
        hour = local.replace(minute=0, second=0, microsecond=0)
        day = hour.replace(hour=0, fold=0)
        # By the zone's calendar: arithmetic of one zone's times goes by its clock.
        week = day - timedelta(days=day.weekday())
        return hour.astimezone(UTC), day.astimezone(UTC), week.astimezone(UTC)
    except OverflowError:  # at the ends of the calendar, where the zone has no date
        hour = moment.replace(minute=0, second=0, microsecond=0)
        return hour, hour.replace(hour=0), hour.replace(hour=0)
