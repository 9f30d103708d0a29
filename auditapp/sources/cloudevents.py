"""CloudEvents 1.0 as events: structured JSON, one or a batch.

https://github.com/cloudevents/spec: ``spec.md``, ``formats/json-format.md`` and the extensions Auth Context
(``authtype``, ``authid``) and Correlation (``correlationid``, ``causationid``).
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter, ValidationError

from auditapp.log.schema import Change
from auditapp.sources.mapping import (
    MAX_NAME,
    Attributes,
    accepted,
    is_event_name,
    key_of,
    map_each,
    read_object,
    refuse_all,
    snake_case,
)
from auditapp.sources.signatures import header, same_secret

REQUIRED = {"specversion", "id", "source", "type", "subject"}
OPTIONAL = (
    *("datacontenttype", "dataschema", "time"),
    *("authtype", "authid", "correlationid", "causationid"),
)
# Auth Context's principals, and Auditapp's own that have no name there.
ACTOR_TYPES = {
    "app_user": "user",
    "user": "user",
    "service_account": "api_key",
    "api_key": "api_key",
    "system": "system",
    "unauthenticated": "anonymous",
    "unknown": "anonymous",
    "workflow": "workflow",
    "anonymous": "anonymous",
}
# Who acted where ``authid``, which is optional, does not say.
UNTOLD_IDS = {"system": "system", "anonymous": "anonymous"}
PATHS = {
    "event": "type",
    "entity.type": "type",
    "entity.id": "subject",
    "occurred_at": "time",
    "actor.id": "authid",
    "correlation_id": "correlationid",
    "causation_id": "causationid",
    "changes": "data.changes",
}
# As in an event, whatever form the schema gives a change.
CHANGES = TypeAdapter(dict[Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)], Change])
NO_ATTRIBUTE = "must be a string, a boolean or an integer"


def authentic(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Tell whether the sender knows the secret: ``Authorization: Bearer <secret>`` (RFC 6750)."""
    scheme, _, told = header(headers, "authorization").partition(" ")
    return scheme.lower() == "bearer" and same_secret(told.strip(" "), secret)


def events_of(
    document: object, *, default_actor: Mapping[str, Any], batch: bool | None = None
) -> list[dict[str, Any]]:
    """Map one CloudEvent, or a batch of them, to events as contract §5 has them for senders.

    ``type`` becomes the event and ``subject`` the record's id; the payload is the CloudEvent as it came.
    ``data.changes`` are the event's changes if they have the contract's form, else there are none.

    :param document: an object, or an array of 1 to 1,000; from a JSON parser, but otherwise unchecked.
    :param default_actor: who acted where the CloudEvent has no ``authtype``.
    :param batch: true if it must be an array, false if it must not; None takes either.
    :raise EventError: with every problem, its path in CloudEvents' words.
    """
    if isinstance(document, list) and batch is False:
        refuse_all("must be an object, one CloudEvent")
    if not isinstance(document, list) and batch:
        refuse_all("must be an array of CloudEvents")
    documents = document if isinstance(document, list) else [document]
    return map_each(documents, lambda one, index: _event(one, index, default_actor))


def _event(document: object, index: int, default_actor: Mapping[str, Any]) -> dict[str, Any]:
    attributes = read_object(document, index)
    _check_attributes(attributes)
    version = attributes.required("specversion")
    if version not in {"", "1.0"}:
        attributes.refuse("specversion", 'must be "1.0"')
    source, uid = attributes.required("source"), attributes.required("id")
    name = _event_name(attributes)
    subject = attributes.required("subject", "is required here: it names the record")
    event = {
        "event": name,
        "occurred_at": attributes.optional("time"),
        "actor": _actor(attributes) or dict(default_actor),
        "entity": {"type": name.rpartition(".")[0], "id": subject},
        "changes": _changes(attributes.found.get("data")),
        "payload": attributes.found,
        "correlation_id": attributes.optional("correlationid"),
        "causation_id": attributes.optional("causationid"),
        "idempotency_key": key_of("cloudevents", source, uid),
    }
    attributes.finish()
    return accepted(event, index, PATHS)


def _check_attributes(attributes: Attributes) -> None:
    """Refuse what no attribute can be, also of the extensions that mean nothing here."""
    for name in OPTIONAL:
        if attributes.optional(name) == "":
            attributes.refuse(name, "must not be empty")
    for name, value in attributes.found.items():
        if name == "data_base64":
            attributes.optional(name)
        elif name not in {*REQUIRED, *OPTIONAL, "data"} and isinstance(value, dict | list | float):
            attributes.refuse(name, NO_ATTRIBUTE)


def _event_name(attributes: Attributes) -> str:
    kind = attributes.required("type")
    name = snake_case(kind)
    if kind and not is_event_name(name):
        attributes.refuse("type", "must be words joined by one dot at least, as com.example.deal.updated")
    return name


def _actor(attributes: Attributes) -> dict[str, Any] | None:
    told, uid = attributes.optional("authtype"), attributes.optional("authid")
    if told is None and uid is not None:
        attributes.refuse("authtype", "is required beside authid")
    if not told:
        return None
    if told not in ACTOR_TYPES:
        attributes.refuse("authtype", f"must be one of {', '.join(ACTOR_TYPES)}")
        return None
    kind = ACTOR_TYPES[told]
    return {"type": kind, "id": uid or UNTOLD_IDS.get(kind, "unknown")}


def _changes(data: object) -> dict[str, Any]:
    """Return ``data.changes`` if it has the form of an event's changes; the payload keeps it anyway."""
    changes = data.get("changes") if isinstance(data, dict) else None
    try:
        CHANGES.validate_python(changes)
    except ValidationError:
        return {}
    return changes or {}
