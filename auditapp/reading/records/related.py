"""A record's events together with those of its relations: which they are, and one page of them.

A relation is a record that an event names as ``related``, or that a changed field refers to.
"""

from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters, Values
from auditapp.filters.expression import Node, one_of
from auditapp.finding import fetch_among, fetch_page, known_names
from auditapp.index.terms import value_term
from auditapp.models import Event
from auditapp.reading.event import with_sections
from auditapp.reading.records.record import Record
from auditapp.reading.records.relations import fields_of, references
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow, Page, Rows, page_of

MAX_RECORDS = 50  # relations whose own events are shown
LOOKED_AT = 100  # newest events of a record that are asked what it is related to


def list_related(record: Record, viewer: Viewer, filters: TimelineFilters) -> Page:
    """Return a page of a record's events, of events that refer to it, and of its relations' events.

    :param filters: what narrows them further, the page's place and length; its ``record`` does not count.
    :return: the newest first, with cursors, as ``timeline.list_events`` returns it; only what the viewer
        may see.
    """
    return page_of(related_rows(record, viewer)(filters, filters.limit + 1), filters)


def related_rows(record: Record, viewer: Viewer) -> Rows:
    """Return what fetches such events page by page; which relations there are is asked once, now."""
    of_all = _of_all(record, viewer)

    def fetch(filters: TimelineFilters, limit: int) -> list[EventRow]:
        filters = filters.narrowed(record=Values())
        return fetch_among(of_all, filters, viewer, SUMMARY_COLUMNS, limit)

    return fetch


def related_records(record: Record, viewer: Viewer) -> dict[Record, str | None]:
    """Return what a record's newest events refer to, the last named first, by the newest name.

    :return: ``MAX_RECORDS`` at most, of the events that the viewer may see; not the record itself.
    """
    filters = TimelineFilters({"record": Values((str(record),))})
    rows: list[EventRow] = fetch_page(filters, viewer, (Event.id, Event.occurred_at), LOOKED_AT)
    types = set(known_names(viewer).values())
    records: dict[Record, str | None] = {}
    for event in with_sections(rows, viewer, sections=("related", "names", "changes")):
        named = [(Record(entity["type"], entity["id"]), entity["name"]) for entity in event.related() or []]
        for reference, name in [*named, *references(event.section("changes") or {}, types)]:
            records[reference] = records.get(reference) or name
    records.pop(record, None)
    return dict(list(records.items())[:MAX_RECORDS])


def _of_all(record: Record, viewer: Viewer) -> Node:
    workspace = viewer.workspace.id
    own = [
        value_term(workspace, "record", *reference)
        for reference in (record, *related_records(record, viewer))
    ]
    changed = [value_term(workspace, "item", field, record.id) for field in fields_of(record.type)]
    return one_of([value_term(workspace, "related", *record), *own, *changed])
