"""What was recorded since somebody looked: found by the order of recording, whatever time it tells of.

Looks at a bounded number of new rows only, and at one entry of an index where there is none. On PostgreSQL
an event may appear after a later one, if its transaction took longer; whoever looked in between sees it
where it belongs, but is not told that it is new.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, func, literal, select, tuple_, union_all
from sqlalchemy.sql.util import ClauseAdapter

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import Cursor
from auditapp.finding.checks import check_of
from auditapp.finding.databases import database
from auditapp.finding.places import as_bound
from auditapp.finding.visibility import known_names
from auditapp.models import Event

MAX_LOOKED_AT = 1000
# Once, when somebody comes back to a view after long.
MAX_AT_A_VISIT = 20_000
MAX_ID = 2**63 - 1
# SQLite takes 500 terms in a compound SELECT, and 32,766 values in a query.
MAX_AT_ONCE, MAX_VALUES = 200, 10_000


@dataclass(frozen=True)
class News:
    """How many of the new events match.

    ``further_down`` of them lie behind the page's last row. ``is_capped`` says that there are more new
    ones than were looked at; those up to ``looked_to`` were.
    """

    count: int = 0
    further_down: int = 0
    is_capped: bool = False
    looked_to: int = 0

    @property
    def words(self) -> str:
        """Return the count as it is read: "12", or "12+" where there may be more."""
        return f"{self.count:,}{'+' if self.is_capped and self.count else ''}"

    @property
    def is_unknown(self) -> bool:
        """Tell whether nothing was found, but more is new than was looked at."""
        return self.is_capped and not self.count


def newest_id(viewer: Viewer) -> int:
    """Return the id of the newest event, 0 where there is none: one entry of an index.

    On SQLite the rows of all workspaces count up together; an event of another one is then looked at
    in vain, and no more.
    """
    return db.session.scalar(database().select_newest_number(viewer)) or 0


def count_new(
    filters: TimelineFilters,
    viewer: Viewer,
    after_id: int,
    last: Cursor | None = None,
    *,
    newest: int | None = None,
    most: int = MAX_LOOKED_AT,
) -> News:
    """Count the matching, visible events that were recorded since.

    :param after_id: the newest event that was there when somebody looked.
    :param last: the place of their page's last row.
    :param newest: of :func:`newest_id`, where it is known already.
    :param most: so many new events are looked at.
    """
    newest = newest_id(viewer) if newest is None else newest
    if newest <= after_id:
        return News(looked_to=after_id)
    counted = db.session.execute(select_count(filters, viewer, after_id, last, most)).one()
    return _news(counted, newest, most)


def count_new_in_each(
    looks: Sequence[tuple[TimelineFilters, int]], viewer: Viewer, newest: int, most: int
) -> list[News]:
    """Count what is new in each of many filters, as :func:`count_new` does, many of them in a query.

    :param looks: each filter, and the newest event that was there when somebody looked.
    """
    news = [News(looked_to=after_id) for _, after_id in looks]
    for places in _groups(looks, viewer, newest):
        counts = [select(literal(place), _count_of(*looks[place], viewer, most)) for place in places]
        for place, *counted in db.session.execute(union_all(*counts)):
            news[place] = _news(counted, newest, most)
    return news


def _count_of(filters: TimelineFilters, after_id: int, viewer: Viewer, most: int) -> Any:
    return select_count(filters, viewer, after_id, None, most).subquery()


def _groups(looks: Sequence[tuple[TimelineFilters, int]], viewer: Viewer, newest: int) -> Iterator[list[int]]:
    """Yield the places of the filters in which something may be new, as many as a query takes together."""
    group: list[int] = []
    values = 0
    for place, (filters, after_id) in enumerate(looks):
        if after_id >= newest:
            continue
        # A filter may come down to a choice of names.
        size = len(known_names(viewer)) + len(filters.to_query())
        if group and (len(group) >= MAX_AT_ONCE or values + size > MAX_VALUES):
            yield group
            group, values = [], 0
        group.append(place)
        values += size
    if group:
        yield group


def _news(counted: Sequence[int], newest: int, most: int) -> News:
    looked_at, looked_to, count, further_down = counted
    is_capped = looked_at >= most
    return News(count, further_down, is_capped, looked_to if is_capped else newest)


def select_count(
    filters: TimelineFilters,
    viewer: Viewer,
    after_id: int,
    last: Cursor | None,
    most: int = MAX_LOOKED_AT,
) -> Select[Any]:
    """Return the query of :func:`count_new`: the new rows in the order of recording, each one checked."""
    new = (
        select(Event)
        .where(Unindexed(Event.workspace_id) == viewer.workspace.id, Event.id > after_id)
        .order_by(Event.id)
        .limit(most)
        .subquery("new")
    )
    check = check_of(filters, viewer)
    matches = ClauseAdapter(new).traverse(check)
    behind = [tuple_(new.c.occurred_at, new.c.id) < as_bound(last)] if last else [false()]
    counted = func.count().filter
    columns: list[Any] = [func.count(), func.max(new.c.id), counted(matches), counted(*behind, matches)]
    return select(*columns).select_from(new)
