"""The event as senders write it (contract §5), and what is refused about it."""

import ipaddress
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, get_args

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.functional_validators import AfterValidator

from auditapp.log.errors import EventError, Problem
from auditapp.log.strict_json import is_clean, problems_of

ActorType = Literal["user", "api_key", "workflow", "system", "anonymous"]
Origin = Literal["ui", "api", "workflow", "import", "webhook", "system", "unknown"]
Outcome = Literal["success", "failure", "denied"]
Kind = Literal["text", "number", "money", "boolean", "date", "choice", "refs", "json"]

ACTOR_TYPES: tuple[str, ...] = get_args(ActorType)
ORIGINS: tuple[str, ...] = get_args(Origin)
OUTCOMES: tuple[str, ...] = get_args(Outcome)

MAX_EVENT_BYTES = 256 * 1024
MAX_BATCH = 1000
MAX_AHEAD = timedelta(minutes=5)
EVENT_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
INSTANT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?P<fraction>\.[0-9]+)?(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def parse_instant(value: Any) -> datetime:
    """Read an RFC 3339 instant; digits past the microsecond are cut off.

    :raise ValueError: if it is none, has no zone, or lies outside the years 1 to 9999.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("needs a time zone")
        return value.astimezone(UTC)
    found = INSTANT.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not found:
        raise ValueError("must be an instant with a zone, as 2026-03-24T09:55:43.898Z")
    fraction = (found["fraction"] or ".0")[:7]
    zone = found["zone"].upper().replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(f"{found['date']}T{found['time']}{fraction}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no time that exists in the years 1 to 9999") from None


def _not_a_path_segment(value: str) -> str:
    if value in {".", ".."}:
        raise ValueError("must not be '.' or '..', which no URL can carry")
    return value


def _address(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("is no IP address") from None
    return value


Id = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Name = Annotated[str, StringConstraints(max_length=512)]
EventPart = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=126)
]


class Strict(BaseModel):
    """Unknown fields are refused: a misspelt one would be lost in silence."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Actor(Strict):
    """Who did it: a person, a key, a workflow, the system, or nobody known."""

    type: ActorType
    id: Id
    name: Name | None = None
    email: Name | None = None


class Entity(Strict):
    """What it was done to; ``type`` is the event's part before its last dot."""

    type: EventPart
    id: Annotated[Id, AfterValidator(_not_a_path_segment)]
    name: Name | None = None


class Change(Strict):
    """One field before and after. Without ``previous`` the field did not exist before."""

    previous: Any = None
    current: Any
    label: Name | None = None
    kind: Kind | None = None


class Context(Strict):
    """Where the request came from."""

    ip: Annotated[str, AfterValidator(_address)] | None = None
    user_agent: str | None = None
    request_id: Name | None = None


class EventIn(Strict):
    """An event as sent; everything that the server gives is absent."""

    event: Annotated[str, StringConstraints(pattern=EVENT_PATTERN, max_length=128)]
    occurred_at: Annotated[datetime, BeforeValidator(parse_instant)] | None = None
    actor: Actor
    on_behalf_of: Actor | None = None
    origin: Origin = "unknown"
    entity: Entity
    related: list[Entity] = Field(default_factory=list)
    outcome: Outcome = "success"
    changes: dict[Annotated[str, StringConstraints(min_length=1, max_length=512)], Change] = Field(
        default_factory=dict
    )
    payload: dict[str, Any] = Field(default_factory=dict)
    context: Context = Field(default_factory=Context)
    correlation_id: Id | None = None
    causation_id: Id | None = None
    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None


def parse_event(data: Any, *, now: datetime, index: int = 0) -> EventIn:
    """Validate one event.

    :param data: a dict as a JSON parser returns it; ``occurred_at`` may be an aware datetime.
    :param now: the server's clock; ``occurred_at`` may be five minutes ahead of it at most.
    :param index: the event's place in its batch, for the error.
    :raise EventError: with every problem found.
    """
    plain = _plain(data)
    problems = []
    if not is_clean(plain):  # or holds a subclass of a JSON type, which is no problem
        problems = [Problem(index, path, message) for path, message in problems_of(plain)]
    if problems:
        raise EventError(problems)
    try:
        event = EventIn.model_validate(data)
    except ValidationError as error:
        raise EventError([_problem(index, detail) for detail in error.errors()]) from None
    problems = [Problem(index, path, message) for path, message in _across_fields(event, now)]
    size = len(orjson.dumps(data))
    if size > MAX_EVENT_BYTES:
        problems.append(Problem(index, "", f"the event has {size:,} bytes; {MAX_EVENT_BYTES:,} at most"))
    if problems:
        raise EventError(problems)
    return event


def _plain(data: Any) -> Any:
    """Take a datetime out of the way of the JSON checks; callers inside Python may pass one."""
    if isinstance(data, dict) and isinstance(data.get("occurred_at"), datetime):
        return {**data, "occurred_at": None}
    return data


def _across_fields(event: EventIn, now: datetime) -> list[tuple[str, str]]:
    found = []
    expected = event.event.rpartition(".")[0]
    if event.entity.type != expected:
        found.append(("entity.type", f"must be {expected!r}, the part of event before its last dot"))
    if event.occurred_at and event.occurred_at > now + MAX_AHEAD:
        found.append(("occurred_at", "lies more than five minutes ahead of the server's clock"))
    return found


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
    elif kind == "value_error":
        message = str(context["error"])
    else:
        message = _MESSAGES.get(kind, detail["msg"])
    return Problem(index, path, message)
