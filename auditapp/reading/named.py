"""What the actors and records of a filter are called, where no row of its page tells."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from auditapp.access.viewer import Viewer
from auditapp.models import Event
from auditapp.reading.filters import ME, TimelineFilters, Values
from auditapp.reading.query import fetch_page

MAX_NAMED = 10
COLUMNS = (Event.entity_type, Event.entity_id, Event.entity_name, Event.actor_id, Event.actor_name)


def newest_of_unnamed(
    filters: TimelineFilters, viewer: Viewer, rows: Sequence[Any], actors: Collection[str]
) -> list[Any]:
    """Return the newest event of each actor and record that a filter names and whose name is not known yet.

    Costs a page of one row for each, of ten at most; the usual filter has none.

    :param rows: of the page.
    :param actors: ids whose names are known without them.
    """
    found: list[Any] = []
    for wanted in islice(_unnamed(filters, rows, actors), MAX_NAMED):
        found += fetch_page(wanted, viewer, COLUMNS, 1)
    return found


def _unnamed(
    filters: TimelineFilters, rows: Sequence[Any], actors: Collection[str]
) -> Iterator[TimelineFilters]:
    """Yield, for each actor and record without a name, the filter of its events."""
    known_actors = {ME, *actors, *(row.actor_id for row in rows)}
    known_records = {f"{row.entity_type}:{row.entity_id}" for row in rows}
    for value in (*filters.actor.included, *filters.actor.excluded):
        if value not in known_actors:
            yield TimelineFilters(actor=Values((value,)))
    for value in (*filters.record.included, *filters.record.excluded):
        if value not in known_records:
            yield TimelineFilters(record=Values((value,)))
