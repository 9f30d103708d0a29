"""The last step into the log. The events of a group differ in the record and its changes only.

So the first of them is checked and laid out by the log itself, and the others take its layout. That
is several times cheaper than one by one; whatever is unusual goes by ``record_batch``.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from uuid_utils.compat import uuid7

from auditapp.capture.refused import mended
from auditapp.database.locks import lock_for_writing
from auditapp.index.search_index import index_events
from auditapp.log import EventError, record_batch
from auditapp.log.insert import EVENT_COLUMNS, insert_rows
from auditapp.log.rows import Given, event_row, fields_line, fold_email, salts_for, section_texts
from auditapp.log.schema import parse_event
from auditapp.models import SECTIONS, Account, EventName, Member

MAX_CHANGES = 128 * 1024
MAX_LINES = 4096
Changes = Mapping[str, Mapping[str, Any]]
UID, EVENT, FIELDS = (EVENT_COLUMNS.index(name) for name in ("uid", "event", "fields"))
TYPE, ID, NAME = (EVENT_COLUMNS.index(f"entity_{name}") for name in ("type", "id", "name"))
NAMES, CHANGES = SECTIONS.index("names"), SECTIONS.index("changes")
NUL = b"\\u0000"  # as orjson writes it

# Names that are in ``event_name`` for good, by engine; a rollback empties it.
_known_names: WeakKeyDictionary[Engine, set[tuple[int, str]]] = WeakKeyDictionary()
_lines: dict[tuple[str, ...], str | None] = {}


class Told:
    """What one event says beside what its group shares.

    The changes are kept as their JSON text: thousands of small dicts, kept until the end of a flush,
    would set off Python's garbage collector again and again.
    """

    __slots__ = ("_changes", "event", "id", "line", "more", "name", "text", "type")

    def __init__(self, event: str, kind: str, entity_id: str, name: str | None, changes: Changes) -> None:
        self.event, self.type, self.id, self.name = event, kind, entity_id, name
        self.more: dict[str, Any] | None = None
        self.line = _line(changes)
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


def write(
    connection: Connection,
    workspace_id: int,
    shared: Mapping[str, Any],
    events: Sequence[Told],
    own_names: set[tuple[int, str]],
) -> list[uuid.UUID]:
    """Record up to 1,000 events that share actor, origin, context, correlation and cause.

    :param own_names: names of events that this transaction added; may roll back, so never taken as known.
    :return: their ids, in the same order.
    :raise EventError: if the log refuses what is shared, or an event even after it was mended.
    """
    known = _known_names.setdefault(connection.engine, set())
    names = {(workspace_id, told.event) for told in events}
    if names <= known:
        laid_out = _laid_out(connection, workspace_id, shared, events)
        if laid_out is not None:
            rows, sections = laid_out
            _insert(connection, rows, sections, [_whole(told, shared) for told in events])
            return [row[UID] for row in rows]
    there = _names_there(connection, workspace_id, names)
    ids = _write_checked(connection, workspace_id, [_whole(told, shared) for told in events])
    known |= there - own_names
    own_names |= names - there
    return ids


def _insert(
    connection: Connection, rows: list[Any], sections: list[Any], events: Sequence[Mapping[str, Any]]
) -> None:
    numbers = insert_rows(connection, rows, sections)
    told = zip(numbers, events, rows, strict=True)
    index_events(
        connection,
        [
            (number, event, dict(zip(EVENT_COLUMNS, row, strict=True)), event.get("context") or {})
            for number, event, row in told
        ],
    )


def _names_there(
    connection: Connection, workspace_id: int, names: set[tuple[int, str]]
) -> set[tuple[int, str]]:
    query = sa.select(EventName.event).where(
        EventName.workspace_id == workspace_id, EventName.event.in_([name for _, name in names])
    )
    return {(workspace_id, name) for name in connection.scalars(query)}


def forget_names() -> None:
    """Take no name as known: something was rolled back."""
    _known_names.clear()


def _laid_out(
    connection: Connection, workspace_id: int, shared: Mapping[str, Any], events: Sequence[Told]
) -> tuple[list[Any], list[Any]] | None:
    """Return the rows to insert, None where one of the events needs a closer look."""
    if not all(told.is_usual for told in events):
        return None
    now = datetime.now(UTC)
    try:
        # ``options.model_options`` has refused reserved types: what has one is Auditapp's own record.
        first = parse_event(_shared_event(events[0], shared), now=now, own=True)
        names = [_names_text(told.name) for told in events]
    except (EventError, TypeError):
        return None
    lock_for_writing(connection)
    given = Given(uuid7(), now)
    layout = event_row(workspace_id, first, given, _member(connection, workspace_id, first), None)
    texts = section_texts(first, given)
    rows, sections = [], []
    for told, name, salts in zip(events, names, salts_for(len(events)), strict=True):
        row = list(layout)
        row[UID] = uuid7()
        row[EVENT], row[TYPE], row[ID], row[NAME] = told.event, told.type, told.id, told.name
        row[FIELDS] = told.line
        rows.append(row)
        sections.append(
            (
                *texts[:NAMES],
                name,
                *texts[NAMES + 1 : CHANGES],
                told.text.decode(),
                *texts[CHANGES + 1 :],
                *salts,
            )
        )
    return rows, sections


def _names_text(name: str | None) -> str:
    text = orjson.dumps({"entity": name, "related": []})
    if NUL in text:
        raise TypeError
    return text.decode()


def _line(changes: Changes) -> str | None:
    labels = tuple([change.get("label") or name for name, change in changes.items()])
    line = _lines.get(labels)  # once: another thread may empty them before the next look
    if line is None:
        if len(_lines) > MAX_LINES:
            _lines.clear()
        line = _lines[labels] = fields_line(changes)
    return line


def _member(connection: Connection, workspace_id: int, event: Any) -> uuid.UUID | None:
    """Find the member that the actor is, as the log does."""
    email = event["actor"].get("email")
    if not email or event["actor"]["type"] != "user":
        return None
    given = {"workspace": workspace_id, "email": fold_email(email)}
    return connection.execute(_MEMBER, given).scalar()


_MEMBER = (
    sa.select(Member.id)
    .join(Account, Account.id == Member.account_id)
    .where(Member.workspace_id == sa.bindparam("workspace"), Member.removed_at.is_(None))
    .where(Account.email == sa.bindparam("email"))
)


def _shared_event(told: Told, shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event with nothing of its own but its type; it stands for all of its group."""
    return {"event": told.event, "entity": {"type": told.type, "id": "0"}, **shared}


def _whole(told: Told, shared: Mapping[str, Any]) -> dict[str, Any]:
    entity: dict[str, Any] = {"type": told.type, "id": told.id}
    if told.name is not None:
        entity["name"] = told.name
    return {"event": told.event, "entity": entity, "changes": told.changes, **(told.more or {}), **shared}


@dataclass(frozen=True)
class WorkspaceId:
    """As much of a workspace as the log needs."""

    id: int


def _write_checked(
    connection: Connection, workspace_id: int, events: list[dict[str, Any]]
) -> list[uuid.UUID]:
    workspace = WorkspaceId(workspace_id)
    try:
        return [each.id for each in record_batch(workspace, events, connection=connection, own=True)]
    except EventError:
        # Nothing was written. Values that the log cannot hold are rare, so looked for only now.
        events = [mended(event) for event in events]
        return [each.id for each in record_batch(workspace, events, connection=connection, own=True)]
