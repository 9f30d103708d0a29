"""What the actors and records of a filter are called, where no row of its page tells."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import select, union_all

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters import ME, TimelineFilters, Values
from auditapp.finding import select_page
from auditapp.models import Event
from auditapp.reading.timeline import EventRow

MAX_NAMED = 10
COLUMNS = (Event.entity_type, Event.entity_id, Event.entity_name, Event.actor_id, Event.actor_name)


def newest_of_unnamed(
    filters: TimelineFilters, viewer: Viewer, rows: Sequence[EventRow], actors: Collection[str]
) -> list[Any]:
    """Return the newest event of each actor and record that a filter names and whose name is not known yet.

    Costs one query, of ten at most; the usual filter has none.

    :param rows: of the page.
    :param actors: ids whose names are known without them.
    """
    wanted = islice(_unnamed(filters, rows, actors), MAX_NAMED)
    pages = [select_page(unnamed, viewer, COLUMNS, 1) for unnamed in wanted]
    # A SELECT around each: SQLite takes no ORDER BY inside of a UNION ALL.
    newest = [select(page.subquery()) for page in pages if page is not None]
    return list(db.session.execute(union_all(*newest))) if newest else []


def _unnamed(
    filters: TimelineFilters, rows: Sequence[EventRow], actors: Collection[str]
) -> Iterator[TimelineFilters]:
    """Yield, for each actor and record without a name, the filter of its events."""
    known_actors = {ME, *actors, *(row.actor_id for row in rows)}
    known_records = {f"{row.entity_type}:{row.entity_id}" for row in rows}
    for value in (*filters.actor.included, *filters.actor.excluded):
        if value not in known_actors:
            yield TimelineFilters({"actor": Values((value,))})
    for value in (*filters.record.included, *filters.record.excluded):
        if value not in known_records:
            yield TimelineFilters({"record": Values((value,))})
