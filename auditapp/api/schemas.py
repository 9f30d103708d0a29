"""What the API answers, as pydantic describes it; what it takes is ``log.schema.EventIn``."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, StringConstraints, WithJsonSchema
from typing_extensions import TypedDict

from auditapp.log.schema import MAX_BATCH, ActorType, Change, EventIn, Origin, Outcome

Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Uuid = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]


Filled = Annotated[str, StringConstraints(min_length=1)]


class EventBatch(TypedDict):
    """1 to 1,000 events, in the order they happened."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]
    events: Annotated[list[EventIn], Field(min_length=1, max_length=MAX_BATCH)]


class RecordedEvent(TypedDict):
    """Where an event ended up; ``duplicate`` if its idempotency key had recorded it before."""

    id: Uuid
    duplicate: bool


class RecordedEvents(TypedDict):
    """One answer for each event that was sent, in the same order."""

    events: list[RecordedEvent]


class KnownActor(TypedDict):
    """Who did it."""

    type: ActorType
    id: str
    name: str | None
    email: str | None


class Claimant(TypedDict):
    """The API key or source whose word the actor is."""

    type: Literal["api_key", "source"]
    id: str
    name: str


class KnownContext(TypedDict):
    """Where the request came from, and whose word the actor is."""

    ip: NotRequired[str | None]
    user_agent: NotRequired[str | None]
    request_id: NotRequired[str | None]
    claimed_by: NotRequired[Claimant]


class NamedEntity(TypedDict):
    """A record, under the name it had then."""

    type: str
    id: str
    name: str | None


class WholeEvent(TypedDict):
    """An event as it is kept. A section that was erased is null."""

    id: Uuid
    seq: int | None
    event: str
    occurred_at: Instant
    recorded_at: Instant
    actor: KnownActor | None
    on_behalf_of: KnownActor | None
    origin: Origin
    entity: NamedEntity
    related: list[NamedEntity] | None
    outcome: Outcome
    changes: dict[str, Change] | None
    payload: dict[str, Any] | None
    context: KnownContext | None
    correlation_id: str
    causation_id: str | None


class WholeEvents(TypedDict):
    """A page, newest first; ``next`` is the URL of the following one.

    ``not_searchable`` is there where the search index could not take so many events: by words, changed fields
    and addresses they are not found until it can, by all other filters they are.
    """

    events: list[WholeEvent]
    next: str | None
    not_searchable: NotRequired[int]


class RecordVersion(TypedDict):
    """An event of a record. What was erased is null."""

    event_id: Uuid
    event: str
    occurred_at: Instant
    actor: KnownActor | None
    outcome: Outcome
    changes: dict[str, Change] | None


class RecordVersions(TypedDict):
    """A page, newest first; ``next`` is the URL of the following one."""

    record: NamedEntity
    versions: list[RecordVersion]
    next: str | None


class RecordField(TypedDict):
    """A field's value and what set it: null where it was so before the log saw it change."""

    value: Any
    since: Instant | None
    event_id: Uuid | None
    actor: KnownActor | None


class RecordDrift(TypedDict):
    """A change that never reached the log: at the event the field was not what the versions add up to.

    ``from_snapshot`` if the event records the whole record, and that is where the field was found so.
    """

    event_id: Uuid
    field: str
    expected: Any
    found: Any
    from_snapshot: bool


class RecordState(TypedDict):
    """A record at an instant. A deleted one does not exist and has the fields it had.

    ``reasons`` why it is not complete: ``creation``, the log does not reach back to it; ``erased``, some
    changes were; ``limit``, there are more versions than are read.
    """

    record: NamedEntity
    at: Instant
    exists: bool
    complete: bool
    reasons: list[Literal["creation", "erased", "role", "limit"]]
    fields: dict[str, RecordField]
    drift: list[RecordDrift]


class ComparedField(TypedDict):
    """A field in two versions; a side is absent where there was no such field."""

    previous: NotRequired[Any]
    current: NotRequired[Any]
    label: NotRequired[str]
    kind: NotRequired[str]


# Written as a call: "from" is a word of the language.
RecordComparison = TypedDict(
    "RecordComparison",
    {"record": NamedEntity, "from": Uuid | None, "to": Uuid, "changes": dict[str, ComparedField]},
)
RecordComparison.__doc__ = """What is different in a record after one event from what it was after another.

``from`` is null where ``to`` is the first version."""


class UndoOf(TypedDict):
    """What is taken back: one event, or all that shares a correlation."""

    event_id: NotRequired[Uuid]
    correlation_id: NotRequired[str]


class UndoActor(TypedDict):
    """Who did it, as the log names them; null where that was erased."""

    type: ActorType
    id: str | None
    name: str | None


class UndoConflict(TypedDict):
    """What stands against it: since then a field was ``changed``, or the record ``deleted`` or created again.

    Of a field ``now`` is its value now, which the event need not have set.
    """

    reason: Literal["changed", "deleted", "exists"]
    event_id: Uuid
    occurred_at: Instant
    actor: UndoActor
    field: NotRequired[str]
    label: NotRequired[str]
    now: NotRequired[Any]


class RecordUndo(TypedDict):
    """What would take back what happened to one record: ``changes`` go from the values now to those before.

    A field that was not there before becomes null. Without conflicts, a record that still has the
    ``previous`` values can be changed back as it says.
    """

    record: NamedEntity
    action: Literal["update", "create", "delete"]
    changes: dict[str, Change]
    conflicts: list[UndoConflict]
    text: list[str]


class NotUndone(TypedDict):
    """An event that is not taken back, and why, in a word and in a sentence."""

    event_id: Uuid
    event: str
    record: NamedEntity
    reason: Literal["failed", "nothing", "erased", "back", "deleted", "gone", "limit"]
    text: str


class UndoDocument(TypedDict):
    """What would take an event or a story back, the last thing that happened first.

    ``complete`` is false where a story is too large to be prepared at once.
    """

    format: Literal["auditapp-undo/1"]
    made_at: Instant
    of: UndoOf
    complete: bool
    records: list[RecordUndo]
    not_undone: list[NotUndone]


class ProblemPart(TypedDict):
    """One fault: the event's place in its batch from 0, the path in it, what to do."""

    index: NotRequired[int]
    path: str
    message: str


class ProblemDocument(TypedDict):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: NotRequired[str]
    errors: NotRequired[list[ProblemPart]]


class CloudEvent(TypedDict):
    """CloudEvents 1.0, structured mode; ``subject`` is the record's id, ``type`` becomes the event's name.

    Other attributes are kept too.
    """

    specversion: Literal["1.0"]
    id: Filled
    source: Filled
    type: Filled
    subject: Filled
    time: NotRequired[Instant]
    datacontenttype: NotRequired[str]
    data: NotRequired[Any]
    authtype: NotRequired[str]
    authid: NotRequired[str]
    correlationid: NotRequired[str]
    causationid: NotRequired[str]
