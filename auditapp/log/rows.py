"""A checked event as the rows that are stored: the narrow one, and its seven sections with their salts."""

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from auditapp.log.schema import EventIn
from auditapp.models import SECTIONS
from auditapp.values.changes import label_of

SALT_BYTES = 16


class Given(NamedTuple):
    """What the server gives an event beside what was sent.

    :ivar claimed_by: the API key or source that named the actor; None where Auditapp knows it itself.
    """

    id: uuid.UUID
    recorded_at: datetime
    claimed_by: Mapping[str, Any] | None = None


def digest_of(event: EventIn) -> bytes:
    """Hash what was sent, defaults filled in and keys sorted: the same event gives the same hash."""
    sent = {
        "event": event["event"],
        "occurred_at": event.get("occurred_at"),
        "actor": _actor(event["actor"]),
        "on_behalf_of": _on_behalf_of(event),
        "origin": event.get("origin", "unknown"),
        "entity": event["entity"],
        "related": event.get("related", []),
        "outcome": event.get("outcome", "success"),
        "changes": event.get("changes", {}),
        "payload": event.get("payload", {}),
        "context": event.get("context", {}),
        "correlation_id": event.get("correlation_id"),
        "causation_id": event.get("causation_id"),
    }
    return hashlib.sha256(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)).digest()


def event_row(
    workspace_id: int, event: EventIn, given: Given, member_id: uuid.UUID | None, digest: bytes | None
) -> tuple[Any, ...]:
    """Return the columns of ``event`` in the table's order, without ``id``."""
    actor, entity, behalf = event["actor"], event["entity"], event.get("on_behalf_of")
    return (
        workspace_id,
        given.id,
        event.get("occurred_at") or given.recorded_at,
        given.recorded_at,
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
        event.get("correlation_id") or str(given.id),
        event.get("causation_id"),
        fields_line(event.get("changes") or {}),
        event.get("idempotency_key"),
        digest,
    )


def fields_line(changes: Mapping[str, Mapping[str, Any]], limit: int = 120) -> str | None:
    """Join the labels of changed fields into one line, ``and N more`` where they don't fit."""
    if not changes:
        return None
    shown: list[str] = []
    length = 0
    for name, change in changes.items():
        label = change.get("label") or label_of(name)
        short = label if len(label) <= 60 else label[:59] + "…"
        length += len(short) + 2
        if shown and length > limit:
            break
        shown.append(short)
    more = len(changes) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def section_texts(event: EventIn, given: Given) -> tuple[str, ...]:
    """Return each section's JSON text in the order of ``SECTIONS``; key order and values stay as sent."""
    entity, related = event["entity"], event.get("related") or []
    values: tuple[Any, ...] = (
        _actor(event["actor"]),
        _on_behalf_of(event),
        {"entity": entity.get("name"), "related": [each.get("name") for each in related]},
        [{"type": each["type"], "id": each["id"]} for each in related],
        event.get("changes", {}),
        event.get("payload", {}),
        context_of(event, given.claimed_by),
    )
    return tuple(orjson.dumps(value).decode() for value in values)


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


def _actor(actor: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": actor["type"],
        "id": actor["id"],
        "name": actor.get("name"),
        "email": actor.get("email"),
    }


def _on_behalf_of(event: EventIn) -> dict[str, Any] | None:
    behalf = event.get("on_behalf_of")
    return _actor(behalf) if behalf else None


def folded_emails(events: Sequence[EventIn]) -> set[str]:
    """Return the e-mail addresses of the people who acted, as they are compared."""
    emails = {event["actor"].get("email") for event in events if event["actor"]["type"] == "user"}
    return {fold_email(email) for email in emails if email}


def fold_email(email: str) -> str:
    """Return the form in which e-mail addresses are compared: trimmed, ASCII letters in lower case.

    Other letters stay: Unicode's folding makes one address of two (``K``, the Kelvin sign, of ``k``).
    """
    trimmed = email.strip()
    return trimmed.lower() if trimmed.isascii() else trimmed
