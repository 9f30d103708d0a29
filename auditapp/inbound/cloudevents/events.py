"""CloudEvents 1.0 as events: JSON, one or a batch. What is in HTTP's headers: ``cloudevents_http``.

https://github.com/cloudevents/spec: ``spec.md``, ``formats/json-format.md`` and the extensions Auth Context
(``authtype``, ``authid``) and Correlation (``correlationid``, ``causationid``).
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter, ValidationError

from auditapp.inbound.cloudevents import cdevents
from auditapp.inbound.mapping import (
    MAX_NAME,
    Attributes,
    accepted,
    key_of,
    map_each,
    read_object,
    refuse_all,
)
from auditapp.inbound.naming import event_name_of, snake_case
from auditapp.inbound.signatures import header, same_secret
from auditapp.log import EventError, Problem
from auditapp.log.own_names import RESERVED, is_reserved
from auditapp.log.schema import Change

REQUIRED = {"specversion", "id", "source", "type", "subject"}
OPTIONAL = (
    *("datacontenttype", "dataschema", "time"),
    *("authtype", "authid", "correlationid", "causationid"),
)
FROM_INSIDE = ("subject", "correlationid")
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
DEFAULT_IDS = {"system": "system", "anonymous": "anonymous"}
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
    scheme, _, token = header(headers, "authorization").partition(" ")
    return scheme.lower() == "bearer" and same_secret(token.strip(" "), secret)


def events_of(
    document: object, *, default_actor: Mapping[str, Any], batch: bool | None = None
) -> list[dict[str, Any]]:
    """Map one CloudEvent, or a batch of them, to events as contract §5 has them for senders.

    ``type`` becomes the event, by ``naming`` where it is no event's name, and ``subject`` the record's id;
    the payload is the CloudEvent as it came. A CDEvent may be its data, or stand in its place.
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
    return map_each(documents, lambda cloudevent, index: _event(cloudevent, index, default_actor))


def _event(document: object, index: int, default_actor: Mapping[str, Any]) -> dict[str, Any]:
    attributes = read_object(document, index)
    payload = attributes.fields
    if "specversion" not in payload and (cdevent := cdevents.attributes_in(payload)):
        return _bare_cdevent(cdevent, index, payload, default_actor)
    _check_attributes(attributes)
    version = attributes.required("specversion")
    if version not in {"", "1.0"}:
        attributes.refuse("specversion", 'must be "1.0"')
    # What the CDEvent inside tells as well may be left out.
    inside = cdevents.attributes_in(payload.get("data")) or {}
    attributes.fields = {**{name: inside.get(name) for name in FROM_INSIDE}, **_without_null(payload)}
    return _mapped(attributes, payload, default_actor)


def _bare_cdevent(
    cdevent: dict[str, Any], index: int, payload: dict[str, Any], default_actor: Mapping[str, Any]
) -> dict[str, Any]:
    try:
        return _mapped(Attributes(cdevent, index), payload, default_actor)
    except EventError as error:
        problems = [
            Problem(problem.index, cdevents.place_of(problem.path), problem.message)
            for problem in error.problems
        ]
        raise EventError(problems) from None


def _mapped(
    attributes: Attributes, payload: dict[str, Any], default_actor: Mapping[str, Any]
) -> dict[str, Any]:
    source, uid, kind = (attributes.required(name) for name in ("source", "id", "type"))
    name = _event_name(attributes, kind)
    subject = attributes.required("subject", "is required here: it names the record")
    # Where a type is no event's name, as with CDEvents, sources give one id to events of several types.
    parts = (source, uid) if name == snake_case(kind) else (source, uid, kind)
    event = {
        "event": name,
        "occurred_at": attributes.optional("time"),
        "actor": _actor(attributes) or dict(default_actor),
        "entity": {"type": name.rpartition(".")[0], "id": subject},
        "changes": _changes(payload.get("data")),
        "payload": payload,
        "correlation_id": attributes.optional("correlationid"),
        "causation_id": attributes.optional("causationid"),
        "idempotency_key": key_of("cloudevents", *parts),
    }
    attributes.finish()
    return accepted(event, attributes.index, PATHS)


def _without_null(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _check_attributes(attributes: Attributes) -> None:
    """Refuse what no attribute can be, also of the extensions that mean nothing here."""
    for name in OPTIONAL:
        if attributes.optional(name) == "":
            attributes.refuse(name, "must not be empty")
    for name, value in attributes.fields.items():
        if name == "data_base64":
            attributes.optional(name)
        elif name not in {*REQUIRED, *OPTIONAL, "data"} and isinstance(value, dict | list | float):
            attributes.refuse(name, NO_ATTRIBUTE)


def _event_name(attributes: Attributes, kind: str) -> str:
    name = event_name_of(kind) if kind else ""
    if is_reserved(name):
        attributes.refuse("type", RESERVED)
    return name


def _actor(attributes: Attributes) -> dict[str, Any] | None:
    principal, uid = attributes.optional("authtype"), attributes.optional("authid")
    if principal is None and uid is not None:
        attributes.refuse("authtype", "is required beside authid")
    if not principal:
        return None
    if principal not in ACTOR_TYPES:
        attributes.refuse("authtype", f"must be one of {', '.join(ACTOR_TYPES)}")
        return None
    kind = ACTOR_TYPES[principal]
    return {"type": kind, "id": uid or DEFAULT_IDS.get(kind, "unknown")}


def _changes(data: object) -> dict[str, Any]:
    """Return ``data.changes`` if it has the form of an event's changes; the payload keeps it anyway."""
    changes = data.get("changes") if isinstance(data, dict) else None
    try:
        CHANGES.validate_python(changes)
    except ValidationError:
        return {}
    return changes or {}
