"""Small rows of Customermates' audit log, as its table has them, for the tests of this folder."""

import io
import json
from typing import Any

from auditapp.inbound.customermates.audit_log import Customermates
from tests.inbound.reading import strictly

MAX = {
    "id": "u1",
    "email": "max@acme.example",
    "firstName": "Max",
    "lastName": "Muster",
    "avatarUrl": "https://x/max",
}
JULIA = {"id": "u2", "email": "julia@acme.example", "firstName": "Julia", "lastName": "Weber"}
STATUS = {
    "id": "c-status",
    "entityType": "deal",
    "label": "Status",
    "type": "singleSelect",
    "options": {"options": [{"value": "o-open", "label": "Open"}, {"value": "o-won", "label": "Won"}]},
}


def audit_row(
    event: str, payload: dict[str, Any], entity: str = "d1", row: str = "r1", **more: Any
) -> dict[str, Any]:
    """Return a row; ``more`` replaces fields of it."""
    user = more.pop("userId", "u1")
    return {
        "id": row,
        "event": event,
        "entityId": entity,
        "userId": user,
        "companyId": "acme",
        "createdAt": more.pop("createdAt", "2026-03-24T09:00:00.123Z"),
        "eventData": {"companyId": "acme", "entityId": entity, "userId": user, "payload": payload},
        **more,
    }


def updated(entity_type: str, record: dict[str, Any], changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the row of an update that tells its changes."""
    first, *rest = entity_type.split("_")
    name = first + "".join(part.title() for part in rest)
    return audit_row(f"{entity_type}.updated", {name: record, "changes": changes}, **more)


def file_of(rows: list[Any]) -> io.BytesIO:
    """Return the file that holds these rows."""
    return io.BytesIO(json.dumps(rows).encode())


def events_of(rows: list[Any], people: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the events of a file's second pass, the one that is recorded."""
    reader = Customermates(people)
    for _ in reader.rows(file_of(rows)):
        pass
    return [row.event for row in strictly(reader.rows(file_of(rows)))]
