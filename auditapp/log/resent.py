"""Whether an event that comes again under its idempotency key is the one that was recorded."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, and_, select

from auditapp.database.unindexed import Unindexed
from auditapp.log.schema import EventIn
from auditapp.models import SECTIONS, Event, EventPayload
from auditapp.values.equality import same


def is_same_event(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two events say the same, each as :func:`sent` or :func:`stored` returns it.

    Values of fields are the same by the kind of their change; names and ids letter for letter.
    """
    return (
        one.keys() == other.keys()
        and one["occurred_at"] == other["occurred_at"]
        and _are_same_changes(one["changes"], other["changes"])
        and all(same(one[name], other[name]) for name in ("payload", "context"))
        and all(same(one[name], other[name], "text") for name in one.keys() - _VALUES)
    )


_VALUES = {"occurred_at", "changes", "payload", "context"}


def _are_same_changes(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(_is_same_change(one[name], other[name]) for name in one)


def _is_same_change(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    hints = [(change.get("label"), change.get("kind")) for change in (one, other)]
    sides = [change.keys() & {"previous", "current"} for change in (one, other)]
    kind = one.get("kind")
    return (
        hints[0] == hints[1]
        and sides[0] == sides[1]
        and all(same(one[side], other[side], kind) for side in sides[0])
    )


def sent(event: EventIn) -> dict[str, Any]:
    """Return what a sender says with an event, defaults filled in; what the server gives then is None."""
    behalf = event.get("on_behalf_of")
    return {
        "event": event["event"],
        "occurred_at": event.get("occurred_at"),
        "actor": _person(event["actor"]),
        "on_behalf_of": _person(behalf) if behalf else None,
        "origin": event.get("origin", "unknown"),
        "entity": _entity(event["entity"]),
        "related": [_entity(record) for record in event.get("related") or []],
        "outcome": event.get("outcome", "success"),
        "changes": event.get("changes") or {},
        "payload": event.get("payload") or {},
        "context": event.get("context") or {},
        "correlation_id": event.get("correlation_id"),
        "causation_id": event.get("causation_id"),
    }


def stored(connection: Connection, workspace_id: int, key: str) -> dict[str, Any] | None:
    """Return what was said with the event that was recorded under a key; None where some of it was erased."""
    sections = [getattr(EventPayload, name).label(f"section_{name}") for name in SECTIONS]
    beside = and_(EventPayload.workspace_id == Event.workspace_id, EventPayload.event_id == Event.id)
    by_key = select(Event.id).where(Event.workspace_id == workspace_id, Event.idempotency_key == key)
    number = connection.scalars(by_key).one()
    query = (
        select(*Event.__table__.columns, *sections)
        .join(EventPayload, beside)
        .where(Unindexed(Event.workspace_id) == workspace_id, Event.id == number)
    )
    row = connection.execute(query).mappings().one()
    if any(row[f"section_{name}"] is None for name in SECTIONS):
        return None
    values = {name: orjson.loads(row[f"section_{name}"]) for name in SECTIONS}
    names = values["names"]
    values["context"].pop("claimed_by", None)
    return {
        "event": row["event"],
        # Where the sender said neither, the server gave both.
        "occurred_at": None if row["occurred_at"] == row["recorded_at"] else row["occurred_at"],
        "correlation_id": None if row["correlation_id"] == str(row["uid"]) else row["correlation_id"],
        "actor": values["actor"],
        "on_behalf_of": values["on_behalf_of"],
        "origin": row["origin"],
        "entity": {"type": row["entity_type"], "id": row["entity_id"], "name": names["entity"]},
        "related": [
            {**entity, "name": name} for entity, name in zip(values["related"], names["related"], strict=True)
        ],
        "outcome": row["outcome"],
        "changes": values["changes"],
        "payload": values["payload"],
        "context": values["context"],
        "causation_id": row["causation_id"],
    }


def _person(actor: Mapping[str, Any]) -> dict[str, Any]:
    return {name: actor.get(name) for name in ("type", "id", "name", "email")}


def _entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entity.get(name) for name in ("type", "id", "name")}
