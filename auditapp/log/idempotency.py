"""Idempotency keys: which are known, and whether an event that comes again under one is the recorded one."""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, Connection, String, and_, func, literal, select, true

from auditapp.database.dialect import is_sqlite
from auditapp.database.in_list import in_list
from auditapp.database.unindexed import Unindexed
from auditapp.log.rows import behalf_of, person_of
from auditapp.log.schema import EventIn
from auditapp.models import SECTIONS, Event, EventPayload
from auditapp.values.equality import same


class First(NamedTuple):
    """What is known of the event that had a key first.

    :ivar event: where it is of the same batch; else it is in the database.
    """

    id: uuid.UUID
    digest: bytes | None
    event: EventIn | None = None


def known_keys(
    connection: Connection, workspace_id: int, events: Sequence[EventIn]
) -> dict[str | None, First]:
    """Return what is known of the events that had one of some events' keys, by the key."""
    keys = {key for event in events if (key := event.get("idempotency_key"))}
    if not keys:
        return {}
    ids = ids_of_keys(connection, workspace_id, keys)
    if not ids:
        return {}
    query = select(Event.idempotency_key, Event.uid, Event.idempotency_digest).where(
        Unindexed(Event.workspace_id) == workspace_id, Event.id.in_(ids)
    )
    return {key: First(uid, digest) for key, uid, digest in connection.execute(query)}


def ids_of_keys(connection: Connection, workspace_id: int, keys: Collection[str]) -> Sequence[int]:
    """Return the numbers of the events that have one of these idempotency keys."""
    mine = Event.workspace_id == workspace_id
    if is_sqlite(connection):
        query = select(Event.id).where(mine, in_list(connection, Event.idempotency_key, keys))
        return connection.scalars(query).all()
    # LIMIT 1 for each key leaves the planner the index alone: before the first ANALYZE it would else
    # compare every row of the table with every key.
    key_table = func.unnest(literal([*keys], ARRAY(String))).table_valued("key").render_derived()
    matches = select(Event.id).where(mine, Event.idempotency_key == key_table.c.key).limit(1).lateral()
    return connection.scalars(select(matches.c.id).select_from(key_table).join(matches, true())).all()


def digest_of(event: EventIn) -> bytes:
    """Hash what was sent, defaults filled in and keys sorted: the same event gives the same hash."""
    sent = {
        "event": event["event"],
        "occurred_at": event.get("occurred_at"),
        "actor": person_of(event["actor"]),
        "on_behalf_of": behalf_of(event),
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


def is_again(
    connection: Connection, workspace_id: int, first: First, event: EventIn, digest: bytes | None
) -> bool:
    """Tell whether an event is the one that had its key first: nearly always to the byte, by its digest."""
    if digest == first.digest:
        return True
    key = event["idempotency_key"] or ""
    before = sent(first.event) if first.event else stored(connection, workspace_id, key)
    return before is not None and is_same_event(before, sent(event))


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
    return {
        "event": event["event"],
        "occurred_at": event.get("occurred_at"),
        "actor": person_of(event["actor"]),
        "on_behalf_of": behalf_of(event),
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


def _entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entity.get(name) for name in ("type", "id", "name")}
