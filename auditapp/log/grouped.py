"""Many events at once that differ in the record and its changes only, as a flush brings them.

The first of them is checked and laid out as any event, and the others take its layout: several times cheaper
than one by one. Whatever is unusual goes by ``record_batch``.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from uuid_utils.compat import uuid7

from auditapp.database.locks import lock_for_writing
from auditapp.log.errors import EventError
from auditapp.log.line import Changes, fields_line, line_with
from auditapp.log.members import fold_email
from auditapp.log.record import record_batch, write
from auditapp.log.rows import Entry, Stamp, entry_of
from auditapp.log.schema import EventIn, parse_event
from auditapp.models import Account, Member

MAX_CHANGES = 128 * 1024
MAX_KEPT = 4096
NUL = b"\\u0000"  # as orjson writes it

_fields_lines: dict[tuple[str, ...], str | None] = {}


class GroupedEvent:
    """What one event says beside what its group shares.

    The changes are kept as their JSON text: thousands of small dicts, kept until the end of a flush,
    would set off Python's garbage collector again and again.

    :ivar more: further fields of the event, as contract §5 has them.
    """

    __slots__ = ("_changes", "event", "fields", "id", "more", "name", "text", "type")

    def __init__(self, event: str, kind: str, entity_id: str, name: str | None, changes: Changes) -> None:
        self.event, self.type, self.id, self.name = event, kind, entity_id, name
        self.more: dict[str, Any] | None = None
        self.fields = _fields_line(changes)
        self._changes: Changes | None = None
        try:
            self.text = orjson.dumps(changes)
        except TypeError:  # no JSON, as a lone surrogate
            self.text, self._changes = b"", changes

    @property
    def changes(self) -> Changes:
        """Return the changes as they were given."""
        return orjson.loads(self.text) if self._changes is None else self._changes

    @property
    def is_usual(self) -> bool:
        """Tell whether there is nothing about the event that the log might refuse."""
        return (
            self.more is None
            and 0 < len(self.text) <= MAX_CHANGES
            and NUL not in self.text
            and self.id.isprintable()
        )

    def whole(self, shared: Mapping[str, Any]) -> dict[str, Any]:
        """Return the event as contract §5 has it."""
        entity: dict[str, Any] = {"type": self.type, "id": self.id}
        if self.name is not None:
            entity["name"] = self.name
        return {"event": self.event, "entity": entity, "changes": self.changes, **(self.more or {}), **shared}


@dataclass(frozen=True)
class WorkspaceId:
    """As much of a workspace as the log needs."""

    id: int


def record_group(
    connection: Connection,
    workspace_id: int,
    shared: Mapping[str, Any],
    events: Sequence[GroupedEvent],
) -> list[uuid.UUID]:
    """Record up to 1,000 events that share actor, origin, context, correlation and cause.

    Says what Auditapp itself may say: whoever calls has kept reserved types away.

    :return: their ids, in the same order.
    :raise EventError: if the log refuses what is shared, or one of the events; nothing is written then.
    """
    entries = _entries(connection, workspace_id, shared, events)
    if entries is not None:
        write(connection, entries)
        return [entry.row.uid for entry in entries]
    whole = [event.whole(shared) for event in events]
    recorded = record_batch(WorkspaceId(workspace_id), whole, connection=connection, own=True)
    return [event.id for event in recorded]


def _entries(
    connection: Connection, workspace_id: int, shared: Mapping[str, Any], events: Sequence[GroupedEvent]
) -> list[Entry] | None:
    """Return what to write, None where one of the events needs a closer look."""
    if not all(event.is_usual for event in events):
        return None
    now = datetime.now(UTC)
    try:
        first = parse_event(_shared_event(events[0], shared), now=now, own=True)
        names = [_names_text(event.name) for event in events]
    except (EventError, TypeError):
        return None
    lock_for_writing(connection)
    member = _member(connection, workspace_id, first)
    layout = entry_of(workspace_id, first, Stamp(uuid7(), now), member, None)
    entries = []
    for event, name in zip(events, names, strict=True):
        whole = event.whole(shared)
        row = layout.row._replace(
            uid=uuid7(),
            event=event.event,
            entity_type=event.type,
            entity_id=event.id,
            entity_name=event.name,
            line=line_with(event.fields, whole["changes"], layout.context),
        )
        sections = layout.sections._replace(names=name, changes=event.text.decode())
        entries.append(Entry(row, sections, whole, layout.context))
    return entries


def _shared_event(event: GroupedEvent, shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event with nothing of its own but its type; it stands for all of its group."""
    return {"event": event.event, "entity": {"type": event.type, "id": "0"}, **shared}


def _names_text(name: str | None) -> str:
    text = orjson.dumps({"entity": name, "related": []})
    if NUL in text:
        raise TypeError
    return text.decode()


def _fields_line(changes: Changes) -> str | None:
    """Return ``fields_line``, kept by the labels, of which the same come again and again."""
    labels = tuple([change.get("label") or name for name, change in changes.items()])
    line = _fields_lines.get(labels)  # once: another thread may empty them before the next look
    if line is None:
        if len(_fields_lines) > MAX_KEPT:
            _fields_lines.clear()
        line = _fields_lines[labels] = fields_line(changes)
    return line


def _member(connection: Connection, workspace_id: int, event: EventIn) -> uuid.UUID | None:
    """Find the member that the actor is, as the log does."""
    email = event["actor"].get("email")
    if not email or event["actor"]["type"] != "user":
        return None
    parameters = {"workspace": workspace_id, "email": fold_email(email)}
    return connection.execute(_MEMBER, parameters).scalar()


_MEMBER = (
    sa.select(Member.id)
    .join(Account, Account.id == Member.account_id)
    .where(Member.workspace_id == sa.bindparam("workspace"), Member.removed_at.is_(None))
    .where(Account.email == sa.bindparam("email"))
)
