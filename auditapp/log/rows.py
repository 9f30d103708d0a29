"""A checked event as it is stored: the narrow row, and its seven sections with their salts."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from auditapp.log.line import line_of
from auditapp.log.schema import EventIn
from auditapp.models import SECTIONS

SALT_BYTES = 16


class Stamp(NamedTuple):
    """What the server gives an event beside what was sent.

    :ivar claimed_by: the API key or source that named the actor; None where Auditapp knows it itself.
    """

    id: uuid.UUID
    recorded_at: datetime
    claimed_by: Mapping[str, Any] | None = None


class Row(NamedTuple):
    """A row of ``event`` but for its number. What was recorded before ``line`` has ``fields`` instead."""

    workspace_id: int
    uid: uuid.UUID
    occurred_at: datetime
    recorded_at: datetime
    event: str
    entity_type: str
    entity_id: str
    entity_name: str | None
    actor_type: str
    actor_id: str | None
    actor_name: str | None
    member_id: uuid.UUID | None
    on_behalf_of_name: str | None
    origin: str
    outcome: str
    correlation_id: str
    causation_id: str | None
    line: str | None
    idempotency_key: str | None
    idempotency_digest: bytes | None


class Sections(NamedTuple):
    """The JSON texts beside a row, each exactly as it is hashed."""

    actor: str
    on_behalf_of: str
    names: str
    related: str
    changes: str
    payload: str
    context: str


class Entry(NamedTuple):
    """All that is written of an event: two rows, and out of the event what finds it.

    :ivar event: as contract §5 has it.
    :ivar context: of the event, as it is recorded.
    """

    row: Row
    sections: Sections
    event: Mapping[str, Any]
    context: Mapping[str, Any]


def entry_of(
    workspace_id: int, event: EventIn, stamp: Stamp, member_id: uuid.UUID | None, digest: bytes | None
) -> Entry:
    """Lay out an event that ``parse_event`` has returned."""
    context = context_of(event, stamp.claimed_by)
    row = _row(workspace_id, event, stamp, member_id, digest, context)
    return Entry(row, section_texts(event, context), event, context)


def _row(
    workspace_id: int,
    event: EventIn,
    stamp: Stamp,
    member_id: uuid.UUID | None,
    digest: bytes | None,
    context: Mapping[str, Any],
) -> Row:
    actor, entity, behalf = event["actor"], event["entity"], event.get("on_behalf_of")
    return Row(
        workspace_id,
        stamp.id,
        event.get("occurred_at") or stamp.recorded_at,
        stamp.recorded_at,
        event["event"],
        entity["type"],
        entity["id"],
        entity.get("name"),
        actor["type"],
        actor["id"],
        actor.get("name") or actor.get("email"),
        member_id,
        (behalf.get("name") or behalf.get("email") or behalf["id"]) if behalf else None,
        event.get("origin", "unknown"),
        event.get("outcome", "success"),
        event.get("correlation_id") or str(stamp.id),
        event.get("causation_id"),
        line_of(event.get("changes") or {}, context),
        event.get("idempotency_key"),
        digest,
    )


def section_texts(event: EventIn, context: Mapping[str, Any]) -> Sections:
    """Return each section's JSON text; key order and values stay as sent."""
    entity, related = event["entity"], event.get("related") or []
    values: tuple[Any, ...] = (
        person_of(event["actor"]),
        behalf_of(event),
        {"entity": entity.get("name"), "related": [record.get("name") for record in related]},
        [{"type": record["type"], "id": record["id"]} for record in related],
        event.get("changes", {}),
        event.get("payload", {}),
        context,
    )
    return Sections(*[orjson.dumps(value).decode() for value in values])


def context_of(event: EventIn, claimed_by: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return an event's context as it is recorded: with whose word its actor is."""
    context: Mapping[str, Any] = event.get("context") or {}
    return {**context, "claimed_by": claimed_by} if claimed_by is not None else context


def salts_for(count: int) -> list[tuple[bytes, ...]]:
    """Return fresh salts for each section of ``count`` events."""
    # One call to the system's generator for a whole batch is far cheaper than one for each salt.
    random, size = secrets.token_bytes(SALT_BYTES * len(SECTIONS) * count), SALT_BYTES
    salts = [random[start : start + size] for start in range(0, len(random), size)]
    return [tuple(salts[start : start + len(SECTIONS)]) for start in range(0, len(salts), len(SECTIONS))]


def person_of(actor: Mapping[str, Any]) -> dict[str, Any]:
    """Return an actor with all that an event tells of one."""
    return {
        "type": actor["type"],
        "id": actor["id"],
        "name": actor.get("name"),
        "email": actor.get("email"),
    }


def behalf_of(event: EventIn) -> dict[str, Any] | None:
    """Return for whom an event was done, as :func:`person_of` does."""
    behalf = event.get("on_behalf_of")
    return person_of(behalf) if behalf else None
