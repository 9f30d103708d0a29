"""How many events of a kind there were an hour, a day and a week: counted as they are indexed."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, select

from auditapp.database.dialect import is_sqlite
from auditapp.index.logged import Columns
from auditapp.models import Workspace, event_count
from auditapp.models.derived import DAY, HOUR, WEEK
from auditapp.models.event import KIND_COLUMNS
from auditapp.models.types import EPOCH, microseconds

QUARTER = timedelta(minutes=15)  # every zone of today is whole quarters of an hour away from UTC
kind_of: Callable[[Columns], tuple[Any, ...]] = attrgetter(*KIND_COLUMNS)


def count_events(connection: Connection, rows: Sequence[Columns], *, back: bool = False) -> None:
    """Add one workspace's events to the counts, in the connection's transaction; nobody else does meanwhile.

    :param back: take them out again.
    """
    workspace_id = rows[0].workspace_id
    zone = connection.scalar(select(Workspace.timezone).where(Workspace.id == workspace_id)) or "UTC"
    counted = counts_of(zone, rows)
    _add_counts(
        connection,
        [(workspace_id, *key, -events if back else events) for key, events in counted.items()],
    )
    if back:
        mine = (event_count.c.workspace_id == workspace_id, event_count.c.events == 0)
        connection.execute(delete(event_count).where(*mine))


def counts_of(zone: str, rows: Sequence[Columns]) -> Counter[tuple[Any, ...]]:
    """Return how many of some events there were an hour, a day and a week.

    :param zone: of the workspace.
    :return: by how many hours, when they began and the kind.
    """
    # By quarters first: of a thousand events many share one, and its zone's hour, day and week.
    in_quarters = Counter([((row.occurred_at - EPOCH) // QUARTER, kind_of(row)) for row in rows])
    counted: Counter[tuple[Any, ...]] = Counter()
    for (quarter, kind), events in in_quarters.items():
        for hours, start in zip((HOUR, DAY, WEEK), _starts(zone, quarter), strict=True):
            counted[hours, start, *kind] += events
    return counted


def _add_counts(connection: Connection, counts: Sequence[tuple[Any, ...]]) -> None:
    # Past SQLAlchemy, which takes longer over a row's parameters than the database over the row.
    if is_sqlite(connection):
        rows = [(number, hours, microseconds(start), *rest) for number, hours, start, *rest in counts]
        connection.exec_driver_sql(_ADD_OR_COUNT.format("?, " * (len(_COUNTED) - 1) + "?"), rows)
    else:
        connection.exec_driver_sql(_ADD_OR_COUNT.format("%s, " * (len(_COUNTED) - 1) + "%s"), [*counts])


_COUNTED = ("workspace_id", "hours", "start", *KIND_COLUMNS, "events")
_ADD_OR_COUNT = f"""
    INSERT INTO event_count ({", ".join(_COUNTED)}) VALUES ({{}})
    ON CONFLICT ({", ".join(_COUNTED[:-1])}) DO UPDATE SET events = event_count.events + excluded.events
"""  # noqa: S608 - made of names of columns alone


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
