"""What was recorded since somebody looked: found by the order of recording, whatever time it tells of.

Looks at a bounded number of new rows only, and at one entry of an index where there is none. On PostgreSQL
an event may appear after a later one, if its transaction took longer; whoever looked in between sees it
where it belongs, but is not told that it is new.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, func, select, tuple_
from sqlalchemy.sql.util import ClauseAdapter

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.log.checked import Checked
from auditapp.models import Event
from auditapp.reading.conditions import check_of
from auditapp.reading.cursor import Cursor
from auditapp.reading.filters import TimelineFilters
from auditapp.reading.scopes import as_bound

MAX_LOOKED_AT = 1000
# Once, when somebody comes back to a view after long.
MAX_AT_A_VISIT = 20_000
MAX_ID = 2**63 - 1


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
    return db.session.scalar(select_newest(viewer)) or 0


def select_newest(viewer: Viewer) -> Select[Any]:
    """Return the query of :func:`newest_id`."""
    newest = select(func.max(Event.id))
    if db.session.get_bind().dialect.name == "sqlite":
        return newest
    return newest.where(Event.workspace_id == viewer.workspace.id)


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
    looked_at, looked_to, count, further_down = db.session.execute(
        select_count(filters, viewer, after_id, last, most)
    ).one()
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
        .where(Checked(Event.workspace_id) == viewer.workspace.id, Event.id > after_id)
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
