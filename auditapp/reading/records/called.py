"""Which fields of a record are meant by a name or a label."""

from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters, Values
from auditapp.finding import fetch_page
from auditapp.index.field_terms import field_key, field_keys
from auditapp.models import Event
from auditapp.reading.event import with_sections
from auditapp.reading.records.record import Record
from auditapp.reading.timeline import EventRow
from auditapp.values.changes import label_of

LOOKED_AT = 50  # newest versions that tell a field so called
MAX_FIELDS = 20


def fields_called(called: str, record: Record, viewer: Viewer) -> dict[str, str]:
    """Return the fields of a record that are called something, each name with its newest label.

    A source may tell a label with some changes of a field only: those without it are found by the name.

    :return: ``MAX_FIELDS`` at most, of events that the viewer may see; what was called so last comes first.
    """
    key, labels = field_key(called), dict[str, str | None]()
    while len(labels) < MAX_FIELDS:
        # What the key does not find by itself, and is known already, would hide what is behind it.
        known = tuple(name for name in labels if field_key(name) != key)
        pairs = _names_and_labels(
            TimelineFilters({"record": Values((str(record),)), "field": Values((called,), known)}), viewer
        )
        new = [(name, label) for name, label in pairs if key in field_keys(name, label)]
        for name, label in new:
            labels[name] = labels.get(name) or label
        if len(known) == sum(field_key(name) != key for name in labels):
            break
    return {name: label or label_of(name) for name, label in list(labels.items())[:MAX_FIELDS]}


def _names_and_labels(filters: TimelineFilters, viewer: Viewer) -> list[tuple[str, str | None]]:
    """Return the names and labels in the newest events of a filter, the newest first."""
    rows: list[EventRow] = fetch_page(filters, viewer, (Event.id, Event.occurred_at), LOOKED_AT)
    return [
        (name, change.get("label"))
        for event in with_sections(rows, viewer, sections=("changes",))
        for name, change in (event.section("changes") or {}).items()
    ]
