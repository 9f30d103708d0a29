"""Customermates' webhooks as events: the same ones that its audit log gives, as far as one body tells.

    {event, data: {userId, companyId, entityId, payload}, timestamp}

``payload`` is as in ``customermates_row``, but a created or deleted record may be wrapped there too, a
deletion may carry ids only or no payload at all, and ``entityId`` may be missing. What custom columns and
their choices are called is not told: their ids stay.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auditapp.inbound.customermates import changes as changed
from auditapp.inbound.customermates.audit_log import SYSTEM, Person, actor_of, event_of, sides_of, users_in
from auditapp.inbound.customermates.columns import Columns
from auditapp.inbound.customermates.row import AuditRow, are_changes
from auditapp.inbound.mapping import Attributes, accepted, digest_of, map_each, read_object
from auditapp.inbound.signatures import header, is_signed

PATHS = {
    "event": "event",
    "entity.type": "event",
    "occurred_at": "timestamp",
    "actor.id": "data.userId",
    "changes": "data.payload",
}


def authentic(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Tell whether ``X-Webhook-Signature`` is the raw body's HMAC-SHA256 in lower-case hex."""
    return is_signed(header(headers, "x-webhook-signature"), body, secret)


def events_of(document: object, *, default_actor: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Map one body to one event as contract §5 has it for senders; the payload is the body as it came.

    A body has no id: it is known by its content, whatever the order of its keys, so that a repeated
    delivery is recorded once.

    :param document: from a JSON parser, but otherwise unchecked.
    :param default_actor: not used; what no user did was done by Customermates itself.
    :raise EventError: with every problem, its path in the body.
    """
    return map_each([document], _event)


def _event(document: object, index: int) -> dict[str, Any]:
    body = read_object(document, index)
    row = _row(body)
    event = event_of(
        row,
        payload=body.fields,
        actor=_actor(row),
        changes=changed.changes_of(sides_of(row, None), Columns({})),
        key=f"customermates-webhook:{digest_of(body.fields).hex()}",
    )
    id_path = "data.entityId" if row.data.get("entityId") else "data.payload.id"
    return accepted(event, index, {**PATHS, "entity.id": id_path})


def _row(body: Attributes) -> AuditRow:
    """Return the body as the row that the audit log has of the same.

    :raise EventError: if the body has another form.
    """
    data = body.part("data", required=True)
    event, timestamp = body.required("event"), body.required("timestamp")
    payload = data.part("payload", required=not event.endswith(".deleted"))
    user_id, entity_id = data.optional("userId"), data.optional("entityId")
    if user_id == "":
        data.refuse("userId", "must be null or a string that is not empty")
    body.finish()
    # A body has neither a place in a file nor an id.
    row_data = {**data.fields, "payload": payload.fields}
    row = AuditRow("", "", event, entity_id or "", user_id, timestamp, row_data)
    if row.changes is not None and not are_changes(row.changes):
        data.refuse("payload.changes", "must be {field: {previous, current}}")
    if not entity_id:
        row = replace(row, entity_id=_id_in(row, data))
    body.finish()
    return row


def _id_in(row: AuditRow, data: Attributes) -> str:
    for field in ("id", row.own_id_field):
        record_id = row.record.get(field)
        if isinstance(record_id, str) and record_id:
            return record_id
    data.refuse("entityId", "is required where the record in payload has no id")
    return ""


def _actor(row: AuditRow) -> dict[str, Any]:
    """Return who acted, named if the body itself describes them."""
    if row.user_id is None:
        return SYSTEM
    user: Person = {}
    for user_id, description in users_in(row):
        if user_id == row.user_id:
            user |= description
    return actor_of(row.user_id, user)
