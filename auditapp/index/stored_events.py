"""Recorded events as they are indexed, read out of the log; what was erased is not in them.

A section that is damaged counts as erased: one event keeps nobody from the others. ``flask doctor --deep``
names it.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, Connection, LargeBinary, Select, String, and_, func, or_, select, true

from auditapp.database.dialect import is_sqlite
from auditapp.index.logged import Logged
from auditapp.models import SECTIONS, Event, EventPayload
from auditapp.models.types import BinaryUuid, Instant

Row = Mapping[str, Any]
_COLUMNS = Event.__table__.columns
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 to 9999, in microseconds
log = logging.getLogger(__name__)


class StoredColumns(NamedTuple):
    """The columns of an event that are read to index it."""

    workspace_id: int
    uid: uuid.UUID
    occurred_at: datetime
    event: str
    entity_type: str
    entity_id: str
    actor_type: str
    actor_id: str | None
    member_id: uuid.UUID | None
    origin: str
    outcome: str
    correlation_id: str


def stored_events(connection: Connection, *more: Any) -> Select[Any]:
    """Return a query for events: their columns, and ``section_…`` for each of their sections.

    :param more: further columns.
    """
    sections = [getattr(EventPayload, name).label(f"section_{name}") for name in SECTIONS]
    beside = and_(EventPayload.event_id == Event.id, EventPayload.workspace_id == Event.workspace_id)
    query = select(*_COLUMNS, *sections, *more).outerjoin(EventPayload, beside)
    return query.where(is_typed(connection))


def is_typed(connection: Connection) -> Any:
    """Return the condition that each column of an event is of its type: SQLite keeps whatever comes."""
    if not is_sqlite(connection):
        return true()
    return and_(*(or_(column.is_(None), _fits_type(column)) for column in _COLUMNS))


def _fits_type(column: Any) -> Any:
    kind = func.typeof(column)
    if isinstance(column.type, Instant):
        return and_(kind == "integer", func.coalesce(column, 0).cast(BigInteger).between(_FIRST, _LAST))
    if isinstance(column.type, BinaryUuid):
        return and_(kind == "blob", func.length(column) == 16)
    if isinstance(column.type, LargeBinary):
        return kind == "blob"
    return kind == ("text" if isinstance(column.type, String) else "integer")


def sections_of(row: Row) -> tuple[dict[str, Any], list[str]]:
    """Return an event's sections, None where one was erased, and the names of those that are damaged."""
    sections: dict[str, Any] = {}
    damaged = []
    for name in SECTIONS:
        text = row[f"section_{name}"]
        try:
            value = None if text is None else orjson.loads(text)
        except (orjson.JSONDecodeError, TypeError):
            damaged.append(name)
            value = None
        else:
            if text is not None and not _FITS[name](value):
                damaged.append(name)
                value = None
        sections[name] = value
    related, names = sections["related"], sections["names"]
    if related is not None and names is not None and len(related) != len(names["related"]):
        damaged.append("names")
    return sections, damaged


def logged_of(row: Row, sections: Mapping[str, Any]) -> Logged:
    """Return an event as it is indexed.

    :param row: of :func:`stored_events`.
    :param sections: of :func:`sections_of`.
    """
    names = sections["names"] or {"entity": None, "related": []}
    related = [
        {**entity, "name": name}
        for entity, name in zip(sections["related"] or [], names["related"], strict=False)
    ]
    event = {
        "event": row["event"],
        "actor": sections["actor"] or {"type": row["actor_type"], "id": ""},
        "on_behalf_of": sections["on_behalf_of"],
        "entity": {"type": row["entity_type"], "id": row["entity_id"], "name": names["entity"]},
        "related": related,
        "changes": sections["changes"] or {},
        "payload": sections["payload"] or {},
        "correlation_id": row["correlation_id"],
        "causation_id": row["causation_id"],
    }
    columns = StoredColumns(*[row[name] for name in StoredColumns._fields])
    return Logged(row["id"], event, columns, sections["context"] or {})


def read_logged(connection: Connection, query: Select[Any]) -> list[Logged]:
    """Return the events of a query of :func:`stored_events` as they are indexed."""
    events = []
    for stored in connection.execute(query).mappings().all():
        row = dict(stored)
        sections, damaged = sections_of(row)
        if damaged:
            fields = {"event": str(row["uid"]), "sections": ", ".join(damaged)}
            log.warning("an event's sections are damaged", extra={"fields": fields})
        events.append(logged_of(row, sections))
    return events


def _is_party(value: Any) -> bool:
    """Tell an actor, with its type, id, name and e-mail."""
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(key), str) for key in ("type", "id"))
        and all(isinstance(value.get(key), str | None) for key in ("name", "email"))
    )


def _is_named(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("entity"), str | None)
        and isinstance(value.get("related"), list)
        and all(isinstance(name, str | None) for name in value["related"])
    )


def _is_related(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(record, dict) and all(isinstance(record.get(key), str) for key in ("type", "id"))
        for record in value
    )


def _is_changes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(change, dict)
        and "current" in change
        and all(isinstance(change.get(key), str | None) for key in ("label", "kind"))
        for change in value.values()
    )


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


_FITS: dict[str, Callable[[Any], bool]] = {
    "actor": _is_party,
    "on_behalf_of": lambda value: value is None or _is_party(value),
    "names": _is_named,
    "related": _is_related,
    "changes": _is_changes,
    "payload": _is_object,
    "context": _is_object,
}
