"""Whole events: the narrow row and its sections, as pages, API and history need them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from sqlalchemy import Select, and_, null, select

from auditapp.access.permissions import AuditLevel
from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.log.schema import instant
from auditapp.models import SECTIONS, Event, EventPayload, log_leaf
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow


@dataclass(frozen=True)
class WholeEvent:
    """A row and its sections as stored text; a section that was erased is None.

    :ivar seq: its place in the log; None where it has none yet, or the viewer may not learn it.
    """

    row: EventRow
    texts: dict[str, str | None]
    seq: int | None = None

    def section(self, name: str) -> Any:
        """Return a section as a value; None if it was erased."""
        stored = self.texts[name]
        return None if stored is None else orjson.loads(stored)

    def to_json(self) -> dict[str, Any]:
        """Return the event as contract §5 has it, sections as raw JSON for ``orjson.dumps``."""
        row = self.row
        return {
            "id": str(row.uid),
            "seq": self.seq,
            "event": row.event,
            "occurred_at": instant(row.occurred_at),
            "recorded_at": instant(row.recorded_at),
            "actor": self._raw("actor"),
            "on_behalf_of": self._raw("on_behalf_of"),
            "origin": row.origin,
            "entity": {"type": row.entity_type, "id": row.entity_id, "name": self.entity_name()},
            "related": self.related(),
            "outcome": row.outcome,
            "changes": self._raw("changes"),
            "payload": self._raw("payload"),
            "context": self._raw("context"),
            "correlation_id": row.correlation_id,
            "causation_id": row.causation_id,
        }

    def entity_name(self) -> str | None:
        """Return what the record was called then; None if that was erased too."""
        names = self.section("names")
        name: str | None = names["entity"] if names else None
        return name

    def related(self) -> list[dict[str, Any]] | None:
        """Return the related records with their names; None if they were erased."""
        if self.texts["related"] == "[]":  # most events: nothing to parse
            return []
        related = self.section("related")
        if related is None:
            return None
        names = self.section("names")
        # Names can be erased without what they name.
        texts = names["related"] if names else [None] * len(related)
        return [{**entity, "name": name} for entity, name in zip(related, texts, strict=True)]

    def _raw(self, name: str) -> orjson.Fragment | None:
        stored = self.texts[name]
        return None if stored is None else orjson.Fragment(stored)


def find_event(event_id: str, viewer: Viewer) -> WholeEvent | None:
    """Return one event of the viewer's workspace, None if there is none that the viewer may see."""
    try:
        uid = uuid.UUID(event_id)
    except ValueError:
        return None
    row = db.session.execute(
        select(*SUMMARY_COLUMNS, Event.member_id).where(
            Event.workspace_id == viewer.workspace.id, Event.uid == uid
        )
    ).first()
    if not row or not _visible(row, viewer):
        return None
    return whole_events([cast(EventRow, row)], viewer)[0]


def events_by_uid(uids: Collection[uuid.UUID], viewer: Viewer) -> dict[uuid.UUID, EventRow]:
    """Return those events of some ids that the viewer may see, by id, in one query."""
    if not uids:
        return {}
    query = select(*SUMMARY_COLUMNS, Event.member_id).where(
        Event.workspace_id == viewer.workspace.id, Event.uid.in_(uids)
    )
    rows = db.session.execute(query)
    return {row.uid: cast(EventRow, row) for row in rows if _visible(row, viewer)}


def _visible(row: Any, viewer: Viewer) -> bool:
    """Tell whether a viewer may see an event, by its type and its member."""
    if viewer.audit_level is AuditLevel.ALL:
        return True
    if viewer.audit_level is AuditLevel.PERMITTED and row.entity_type in viewer.entity_types:
        return True
    return bool(viewer.audit_level >= AuditLevel.OWN and row.member_id == viewer.member_id is not None)


def whole_events(rows: Sequence[EventRow], viewer: Viewer) -> list[WholeEvent]:
    """Fetch the sections and places of rows that were already chosen, by key, in one query."""
    # Two places in the log tell how much lies between, so not to everybody.
    placed = log_leaf.c.seq if viewer.audit_level is AuditLevel.ALL else null()
    beside = and_(
        log_leaf.c.workspace_id == EventPayload.workspace_id,
        log_leaf.c.event_id == EventPayload.event_id,
        log_leaf.c.workspace_id == viewer.workspace.id,
    )
    query = _select_sections(rows, viewer, SECTIONS).add_columns(placed.label("seq"))
    if viewer.audit_level is AuditLevel.ALL:
        query = query.outerjoin(log_leaf, beside)
    sections_and_seq = {
        event_id: (dict(zip(SECTIONS, texts, strict=True)), seq)
        for event_id, *texts, seq in db.session.execute(query)
    }
    return [WholeEvent(row, *sections_and_seq[row.id]) for row in rows]


def with_sections(rows: Sequence[EventRow], viewer: Viewer, sections: Sequence[str]) -> list[WholeEvent]:
    """Fetch some sections of rows that were already chosen, by key, in one query."""
    sections_by_row = sections_of(rows, viewer, sections)
    return [WholeEvent(row, sections_by_row[row.id]) for row in rows]


def sections_of(
    rows: Sequence[EventRow], viewer: Viewer, sections: Sequence[str] = SECTIONS
) -> dict[int, dict[str, str | None]]:
    """Return the stored text of the sections of rows, by the rows' ``id``."""
    query = _select_sections(rows, viewer, sections)
    return {
        event_id: dict(zip(sections, texts, strict=True)) for event_id, *texts in db.session.execute(query)
    }


def _select_sections(rows: Sequence[EventRow], viewer: Viewer, sections: Sequence[str]) -> Select[Any]:
    columns = [getattr(EventPayload, name) for name in sections]
    return select(EventPayload.event_id, *columns).where(
        EventPayload.workspace_id == viewer.workspace.id,
        EventPayload.event_id.in_([row.id for row in rows]),
    )
