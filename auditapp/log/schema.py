"""The event as senders write it (contract §5), and what is refused about it.

Typed dicts, not model classes: pydantic checks them five times faster, and ingest is bound by this.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NotRequired, get_args

import orjson
from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError, WithJsonSchema
from typing_extensions import TypedDict

from auditapp.log.errors import EventError, Problem
from auditapp.log.own_names import RESERVED, is_reserved
from auditapp.values.strict_json import is_clean, problems_of

ActorType = Literal["user", "api_key", "workflow", "system", "anonymous"]
Origin = Literal["ui", "api", "workflow", "import", "webhook", "system", "unknown"]
Outcome = Literal["success", "failure", "denied"]
Kind = Literal["text", "number", "money", "boolean", "date", "choice", "refs", "json"]

ACTOR_TYPES: tuple[str, ...] = get_args(ActorType)
ORIGINS: tuple[str, ...] = get_args(Origin)
OUTCOMES: tuple[str, ...] = get_args(Outcome)

MAX_EVENT_BYTES = 256 * 1024
MAX_BATCH = 1000
MAX_BATCH_BYTES = 10 * 1024 * 1024
MAX_AHEAD = timedelta(minutes=5)
EVENT_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
INSTANT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?P<fraction>\.[0-9]+)?(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# What stands behind minutes, never behind the hours of an offset.
_LEAP_SECOND = re.compile(r"(?<=:[0-9]{2}):60(\.[0-9]+)?(?![0-9])")


def without_leap_second(text: str) -> str:
    """Return ``23:59:59.999999`` for ``23:59:60``, anywhere in a text: the last microsecond of its minute.

    Neither Python nor the databases have a second of that number.
    """
    return _LEAP_SECOND.sub(":59.999999", text) if ":60" in text else text


def parse_instant(value: Any) -> datetime:
    """Read an RFC 3339 instant; digits past the microsecond are cut off, as is a leap second.

    :raise ValueError: if it is none, has no zone, or lies outside the years 1 to 9999.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("needs a time zone")
        return value.astimezone(UTC)
    is_text = isinstance(value, str) and value.isascii()
    match = INSTANT.fullmatch(without_leap_second(value)) if is_text else None
    if not match:
        raise ValueError("must be an instant with a zone, as 2026-03-24T09:55:43.898Z")
    fraction = (match["fraction"] or ".0")[:7]
    zone = match["zone"].upper().replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(f"{match['date']}T{match['time']}{fraction}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no time that exists in the years 1 to 9999") from None


def instant(moment: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, to the microsecond."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


Id = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Name = Annotated[str, StringConstraints(max_length=512)]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=512)]
EventPart = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=126)
]
# An instant is read by :func:`parse_instant`; callers inside Python may pass an aware datetime.
Moment = Annotated[Any, WithJsonSchema({"type": ["string", "null"], "format": "date-time"})]

# Unknown fields are refused: a misspelt one would be lost in silence.
_STRICT = ConfigDict(extra="forbid", strict=True)


class Actor(TypedDict):
    """Who did it: a person, a key, a workflow, the system, or nobody known."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    type: ActorType
    id: Id
    name: NotRequired[Name | None]
    email: NotRequired[Name | None]


class Entity(TypedDict):
    """What it was done to; ``type`` is the event's part before its last dot."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    type: EventPart
    id: Id
    name: NotRequired[Name | None]


class Change(TypedDict):
    """One field before and after. Without ``previous`` the field did not exist before."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    previous: NotRequired[Any]
    current: Any
    label: NotRequired[Name | None]
    kind: NotRequired[Kind | None]


class Context(TypedDict):
    """Where the request came from."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    ip: NotRequired[str | None]
    user_agent: NotRequired[str | None]
    request_id: NotRequired[Name | None]


class EventIn(TypedDict):
    """An event as sent; everything that the server gives is absent."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    event: Annotated[str, StringConstraints(pattern=EVENT_PATTERN, max_length=128)]
    occurred_at: NotRequired[Moment]
    actor: Actor
    on_behalf_of: NotRequired[Actor | None]
    origin: NotRequired[Origin]
    entity: Entity
    related: NotRequired[list[Entity]]
    outcome: NotRequired[Outcome]
    changes: NotRequired[dict[FieldName, Change]]
    payload: NotRequired[dict[str, Any]]
    context: NotRequired[Context]
    correlation_id: NotRequired[Id | None]
    causation_id: NotRequired[Id | None]
    idempotency_key: NotRequired[Annotated[str, StringConstraints(min_length=1, max_length=200)] | None]


EVENT_IN = TypeAdapter(EventIn)


def parse_event(
    data: Any, *, now: datetime, index: int = 0, clean: bool = False, own: bool = False
) -> EventIn:
    """Validate one event and return a copy, ``occurred_at`` in it as a datetime in UTC or None.

    :param data: a dict as a JSON parser returns it; ``occurred_at`` may be an aware datetime.
    :param now: the server's clock; ``occurred_at`` may be five minutes ahead of it at most.
    :param index: the event's place in its batch, for the error.
    :param clean: that ``strict_json.is_clean`` has been asked already.
    :param own: that Auditapp itself says this, and may use the names that are reserved for it.
    :raise EventError: with every problem found.
    """
    plain = data if clean else _plain(data)
    if not clean and not is_clean(plain):  # or holds a subclass of a JSON type, which is no problem
        problems = [Problem(index, path, message) for path, message in problems_of(plain)]
        if problems:
            raise EventError(problems)
    try:
        event = EVENT_IN.validate_python(data)
    except ValidationError as error:
        raise EventError([_problem(index, detail) for detail in error.errors()]) from None
    faults = [*_faults(event, now), *([] if own else _reserved(event))]
    size = len(orjson.dumps(data))
    if size > MAX_EVENT_BYTES:
        faults.append(("", f"the event has {size:,} bytes; {MAX_EVENT_BYTES:,} at most"))
    if faults:
        raise EventError([Problem(index, path, message) for path, message in faults])
    return event


def _plain(data: Any) -> Any:
    """Take a datetime out of the way of the JSON checks; callers inside Python may pass one."""
    if isinstance(data, dict) and isinstance(data.get("occurred_at"), datetime):
        return {**data, "occurred_at": None}
    return data


def _faults(event: EventIn, now: datetime) -> list[tuple[str, str]]:
    """Return what the schema cannot say; puts ``occurred_at`` in its place as a datetime."""
    faults = []
    entity, name = event["entity"], event["event"]
    if entity["type"] != name[: name.rindex(".")]:
        expected = name.rpartition(".")[0]
        faults.append(("entity.type", f"must be {expected!r}, the part of event before its last dot"))
    if entity["id"] in _NO_SEGMENT:
        faults.append(("entity.id", NO_SEGMENT))
    for place, record in enumerate(event.get("related") or ()):
        if record["id"] in _NO_SEGMENT:
            faults.append((f"related[{place}].id", NO_SEGMENT))
    if problem := _address_problem(event.get("context")):
        faults.append(("context.ip", problem))
    try:
        moment = event.get("occurred_at")
        event["occurred_at"] = occurred_at = None if moment is None else parse_instant(moment)
    except ValueError as error:
        faults.append(("occurred_at", str(error)))
    else:
        if occurred_at and occurred_at > now + MAX_AHEAD:
            faults.append(("occurred_at", "lies more than five minutes ahead of the server's clock"))
    return faults


def _reserved(event: EventIn) -> list[tuple[str, str]]:
    """Return where an event uses a name that is Auditapp's own."""
    related = enumerate(event.get("related") or ())
    names = [("event", event["event"]), ("entity.type", event["entity"]["type"])]
    names += [(f"related[{place}].type", record["type"]) for place, record in related]
    return [(path, RESERVED) for path, name in names if is_reserved(name)]


_NO_SEGMENT = {".", ".."}
NO_SEGMENT = "must not be '.' or '..', which no URL can carry"


def _address_problem(context: Mapping[str, Any] | None) -> str | None:
    address = context.get("ip") if context else None
    if address is not None:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return "is no IP address"
    return None


_GIVEN_BY_SERVER = {"seq", "id", "recorded_at"}
_MESSAGES = {
    "missing": "is required",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be an array",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
}


def _problem(index: int, detail: Any) -> Problem:
    """Translate one of pydantic's errors."""
    location = [part for part in detail["loc"] if part not in ("[key]", "")]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        by_server = len(location) == 1 and location[0] in _GIVEN_BY_SERVER
        message = "is given by the server; leave it out" if by_server else "is no field of an event"
    elif kind == "string_too_long":
        message = f"has more than {context['max_length']} characters"
    elif kind == "string_pattern_mismatch":
        message = "must be lower-case words joined by dots, as deal.updated"
    elif kind == "literal_error":
        message = f"must be one of {context['expected']}"
    else:
        message = _MESSAGES.get(kind, detail["msg"])
    return Problem(index, path, message)
