"""One row of Customermates' audit log: its form, and where in it the record and the changes are.

    {id, event, entityId, userId, companyId, createdAt, eventData: {companyId, entityId, userId, payload}}

``payload`` is the record itself, or ``{<entity>: record, changes: {field: {previous, current}}}``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditapp.inbound.files.json_stream import Element, fault
from auditapp.inbound.mapping import cut
from auditapp.values.strict_json import shorten

STRINGS = ("id", "event", "entityId", "createdAt")
FIELDS = {*STRINGS, "userId", "companyId", "eventData"}
ID = re.compile(r"ids?|[A-Za-z0-9]+Ids?")


@dataclass(frozen=True)
class AuditRow:
    """A row whose form has been checked; ``place`` names it in messages."""

    place: str
    id: str
    event: str
    entity_id: str
    user_id: str | None
    created_at: str
    data: dict[str, Any]

    @property
    def entity_type(self) -> str:
        """The event but its last part: ``custom_column``."""
        return self.event.rpartition(".")[0]

    @property
    def verb(self) -> str:
        """The event's last part: ``created``."""
        return self.event.rpartition(".")[2]

    @property
    def key(self) -> tuple[str, str]:
        """What tells this record from all others."""
        return self.entity_type, self.entity_id

    @property
    def changes(self) -> dict[str, dict[str, Any]] | None:
        """The changes as the row tells them, None where its payload is the bare record."""
        payload: dict[str, Any] = self.data["payload"]
        return payload.get("changes") if self.verb not in {"created", "deleted"} else None

    @property
    def record(self) -> dict[str, Any]:
        """The record as it was afterwards, and before its deletion; empty where changes stand alone."""
        payload: dict[str, Any] = self.data["payload"]
        name = _camel(self.entity_type)
        record = payload.get(name)
        # A webhook wraps the created and the deleted record too, the audit log does not.
        if isinstance(record, dict) and payload.keys() <= {name, "changes"}:
            return record
        if self.changes is None:
            return payload
        return record if isinstance(record, dict) else {}

    @property
    def fields(self) -> dict[str, Any]:
        """The record without what only repeats its own id: ``{"contactId": "ct_1"}``."""
        own = self.own_id_field, self.entity_id
        return {field: value for field, value in self.record.items() if (field, value) != own}

    @property
    def has_ids_only(self) -> bool:
        """Whether the record says which one it is and nothing about it, as a deletion may."""
        return all(_is_id(field, value) for field, value in self.record.items())

    @property
    def own_id_field(self) -> str:
        """What a record's own id may be called beside ``id``: ``customColumnId``."""
        return f"{_camel(self.entity_type)}Id"


def _is_id(field: str, value: object) -> bool:
    """Tell whether a field is ids and nothing else: ``contactId``, ``ids``."""
    ids = value if isinstance(value, list) else [value]
    return bool(ID.fullmatch(field)) and all(item is None or isinstance(item, str) for item in ids)


def audit_row(element: Element) -> AuditRow:
    """Read one row.

    :raise FileError: with the row, the path and what is wrong, if its form is another.
    """
    row, place = element.value(), element.place
    if not isinstance(row, dict):
        raise fault(place, "", "must be an object")
    if _filled(row.get("id")):
        place += f" (id {shorten(row['id'])})"
    for path, message in _problems(row):
        raise fault(place, path, message)
    checked_row = AuditRow(
        place, row["id"], row["event"], row["entityId"], row["userId"], row["createdAt"], row["eventData"]
    )
    changes = checked_row.changes
    if changes is not None and not are_changes(changes):
        raise fault(place, "eventData.payload.changes", "must be {field: {previous, current}}")
    return checked_row


def _problems(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    problems = [
        (name, "must be a string that is not empty") for name in STRINGS if not _filled(row.get(name))
    ]
    if "userId" not in row:
        problems.append(("userId", "is required; null stands for nobody"))
    elif row["userId"] is not None and not _filled(row["userId"]):
        problems.append(("userId", "must be null or a string that is not empty"))
    data = row.get("eventData")
    if not isinstance(data, dict):
        problems.append(("eventData", "must be an object"))
    elif not isinstance(data.get("payload"), dict):
        problems.append(("eventData.payload", "must be an object"))
    # It would be lost in silence: the event keeps eventData and what is known here.
    problems += [(shorten(name), "is no field of an audit log row") for name in row if name not in FIELDS]
    return problems


def _filled(value: object) -> bool:
    return isinstance(value, str) and value != ""


def are_changes(changes: object) -> bool:
    """Tell whether this is ``{field: {…}}``."""
    return isinstance(changes, dict) and all(isinstance(change, dict) for change in changes.values())


def _camel(name: str) -> str:
    """Return ``customColumn`` for ``custom_column``: so the payload names the record."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def name_of(record: Mapping[str, Any]) -> str | None:
    """Return what a record is called: its name, a person's two names, or a column's label.

    Cut to what an event's names may have; the payload keeps it whole.
    """
    parts = [record.get("firstName"), record.get("lastName")]
    person = " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    for name in (record.get("name"), person, record.get("label")):
        if isinstance(name, str) and name:
            return cut(name)
    return None
