"""Retraced's events as events: the open-source audit log of BoxyHQ, its Create Event API, one or in bulk.

https://github.com/retracedhq/retraced: ``CreateEventRequest`` in ``src/handlers/createEvent.ts``; for the
header and the bulk form https://boxyhq.com/docs/retraced/apis/publisher-api. Files: ``retraced_file``.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, NamedTuple

from auditapp.inbound.mapping import (
    Attributes,
    accepted,
    cut,
    digest_of,
    key_of,
    map_each,
    read_object,
    refuse_all,
)
from auditapp.inbound.naming import (
    MAX_EVENT,
    NO_TYPE,
    event_name_of,
    is_event_name,
    snake_case,
)
from auditapp.inbound.retraced.iso8601 import parse_iso_8601
from auditapp.inbound.signatures import header, same_secret
from auditapp.log.own_names import RESERVED, is_reserved
from auditapp.log.schema import instant, parse_instant
from auditapp.values.strict_json import shorten

# What tells an event from all others, the sender's own first.
IDS = ("external_id", "id")
# The SDKs send the scheme ``Token`` before it; the server looks for ``token=`` alone.
AUTHORIZATION = re.compile(r"(?:token +)?token=(.+)", re.IGNORECASE)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_3000 = 32_503_680_000_000
# What the SDK for Go sends for an event without a time.
NO_TIME = "0001-01-01T00:00:00Z"
# Room for a verb in an event's 128 characters.
MAX_TYPE = 126
NOT_WORDS = re.compile(r"[^A-Za-z0-9.]+")


class Reference(NamedTuple):
    """A group, an actor or a target, and the path of its id."""

    path: str
    id: str
    name: str | None = None


def authentic(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Tell whether the sender knows the secret: ``Authorization: token=<secret>``, or ``Token token=…``."""
    match = AUTHORIZATION.fullmatch(header(headers, "authorization"))
    return match is not None and same_secret(match[1], secret)


def events_of(document: object, *, default_actor: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Map one event, or ``{"events": […]}`` with 1 to 1,000, to events as contract §5 has them for senders.

    An event is known by its ``external_id`` or ``id``, else by its whole content with its ``created``; equal
    ones of a request are told apart by their number. Without any of them it has no idempotency key: sent
    again, it is another event.

    :param document: from a JSON parser, but otherwise unchecked; null and empty strings stand for absent.
    :param default_actor: not used; an event without an actor is the doing of its ``component``.
    :raise EventError: with every problem, its path in Retraced's words.
    """
    events = map_each(documents_in(document), event_of)
    times: Counter[str] = Counter()
    for event in events:
        key = event["idempotency_key"]
        if key and not has_id(event["payload"]):
            times[key] += 1
            event["idempotency_key"] = numbered(key, times[key])
    return events


def has_id(document: Mapping[str, Any]) -> bool:
    """Tell whether the sender tells this event from all others."""
    return any(document.get(name) for name in IDS)


def numbered(key: str, number: int) -> str:
    """Return the key of the second, the third, of equal events; of the first the key itself."""
    return f"{key}:{number}" if number > 1 else key


def documents_in(document: object) -> list[object]:
    """Return the events of a bulk request, or the one that this is.

    :raise EventError: if ``events`` is no array, or something stands beside it that would be lost.
    """
    if not isinstance(document, dict) or "events" not in document:
        return [document]
    events = document["events"]
    if not isinstance(events, list):
        refuse_all("must be an array", "events")
    if others := [name for name in document if name != "events"]:
        refuse_all("stands beside events; only events may", shorten(others[0]))
    return events


def event_of(document: object, index: int = 0) -> dict[str, Any]:
    """Map one event; the payload is the document as it came.

    :param index: its place in its batch, for the problems.
    :raise EventError: with every problem, its path in Retraced's words.
    """
    attributes = read_object(document, index)
    group, actor, target = (_reference(attributes, name) for name in ("group", "actor", "target"))
    target_type = _target_type(attributes)
    name = _event_name(attributes, target_type)
    entity_type = name.rpartition(".")[0]
    entity = target or actor or group or Reference("", "unknown")
    created = _created(attributes)
    event = {
        "event": name,
        "occurred_at": created,
        "actor": _actor(attributes, actor),
        "entity": {"type": entity_type, "id": entity.id, "name": entity.name},
        "related": _related(target, target_type, entity_type),
        "outcome": "failure" if attributes.flag("is_failure") else "success",
        "payload": attributes.fields,
        "context": _context(attributes),
        "idempotency_key": _key(attributes, created),
    }
    attributes.finish()
    return accepted(event, index, _paths(actor, entity))


def _reference(attributes: Attributes, name: str) -> Reference | None:
    """Return what an object names; an empty one is as good as none, as it is to Retraced."""
    part = attributes.part(name)
    if not part.fields:
        return None
    called = part.optional("name")
    return Reference(f"{name}.id", part.required("id"), cut(called) if called else None)


def _target_type(attributes: Attributes) -> str | None:
    """Return the target's type as an entity type, None where it is none or cannot be one."""
    words = _words(attributes.part("target").optional("type") or "")
    fits = len(words) <= MAX_TYPE and is_event_name(f"{words}.x") and not is_reserved(words)
    return words if fits else None


def _event_name(attributes: Attributes, target_type: str | None) -> str:
    action = attributes.required("action")
    if not action:
        return ""
    words = _words(action)
    name = words if "." in words else f"{target_type or NO_TYPE}.{words}"
    if not is_event_name(name) or len(name) > MAX_EVENT:
        name = event_name_of(action, target_type or NO_TYPE)
    if is_reserved(name):
        attributes.refuse("action", RESERVED)
    return name


def _words(text: str) -> str:
    """Return ``user.logged_in`` for ``User.Logged In``; letters lose their accents, others are left out."""
    # A letter by itself: many marks on one would take time by their square, and all are left out.
    apart = "".join([unicodedata.normalize("NFKD", char) for char in text])
    plain = apart.encode("ascii", "ignore").decode()
    parts = snake_case(NOT_WORDS.sub("_", plain)).split(".")
    return ".".join(part.strip("_") for part in parts if part.strip("_"))


def _actor(attributes: Attributes, actor: Reference | None) -> dict[str, Any]:
    component = attributes.optional("component") or "retraced"
    if attributes.flag("is_anonymous"):
        actor = actor or Reference("", "anonymous")
        return {"type": "anonymous", "id": actor.id, "name": actor.name}
    if actor is None:
        return {"type": "system", "id": component}
    return {"type": "user", "id": actor.id, "name": actor.name}


def _related(target: Reference | None, target_type: str | None, entity_type: str) -> list[dict[str, Any]]:
    if target is None or target_type in {None, entity_type}:
        return []
    return [{"type": target_type, "id": target.id, "name": target.name}]


def _created(attributes: Attributes) -> str | None:
    """Return ``created`` as RFC 3339; Retraced takes any ISO 8601, and gives milliseconds since 1970."""
    value = attributes.fields.get("created")
    if value is None or value == "" or value == NO_TIME:
        return None
    if not isinstance(value, str):
        return _since_1970(attributes, value)
    try:
        parse_instant(value)
    except ValueError:
        pass  # not RFC 3339, or no time at all
    else:
        return value
    try:
        return instant(parse_iso_8601(value))
    except ValueError as error:
        attributes.refuse("created", str(error))
        return None


def _since_1970(attributes: Attributes, number: object) -> str | None:
    if isinstance(number, bool) or not isinstance(number, int | float):
        attributes.refuse("created", "must be an ISO 8601 text, or a number of milliseconds since 1970")
        return None
    # As Retraced does: what would be past the year 3000 is micro- or nanoseconds.
    unit = next((unit for unit in (1, 1000, 10**6) if number / unit <= YEAR_3000), 1)
    try:
        return (EPOCH + timedelta(milliseconds=number / unit)).isoformat()
    except OverflowError:
        attributes.refuse("created", "is no time that exists in the years 1 to 9999")
        return None


def _context(attributes: Attributes) -> dict[str, Any]:
    """Return the address; one that is none stays in the payload only."""
    address = attributes.optional("source_ip") or ""
    try:
        ip_address(address)
    except ValueError:
        return {}
    return {"ip": address}


def _key(attributes: Attributes, created: str | None) -> str | None:
    for name, sender_id in [(name, attributes.optional(name)) for name in IDS]:
        if sender_id:
            return key_of("retraced", name, sender_id)
    return f"retraced:{digest_of(attributes.fields).hex()}" if created else None


def _paths(actor: Reference | None, entity: Reference) -> dict[str, str]:
    return {
        "event": "action",
        "entity.type": "action",
        "entity.id": entity.path,
        "occurred_at": "created",
        "actor.id": actor.path if actor else "component",
        "related[0].id": "target.id",
    }
