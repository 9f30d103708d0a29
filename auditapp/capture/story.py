"""Who, why and what with: what a block of code says about the changes made inside it."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, scoped_session

from auditapp.models import Event

KEY = "auditapp.capture"


class Captured(NamedTuple):
    """An event that capture recorded, and the record it is about."""

    id: uuid.UUID
    event: str
    entity_type: str
    entity_id: str
    correlation_id: str


@dataclass(frozen=True)
class Frame:
    """What the ``capturing`` blocks around the present line say, the inner ones first."""

    origin: str | None = None
    actor: Any = None
    causation_id: str | None = None
    correlation_id: str | None = None


_frame: ContextVar[Frame] = ContextVar("auditapp_capturing", default=Frame())  # noqa: B039 - frozen


@contextmanager
def capturing(
    *, origin: str | None = None, caused_by: Any = None, actor: Any = None, correlation_id: str | None = None
) -> Iterator[None]:
    """Say of the changes flushed inside this block what they come from; blocks nest.

    Changes are captured when they are flushed: flush before the block ends, or commit inside it.

    :param origin: one of contract §5, as ``workflow``.
    :param caused_by: the event that set these off: its id, a ``Recorded``, a ``Captured`` or a dict with
        ``id``. Its ``correlation_id`` is taken over, looked up in the log where it is not given.
    :param actor: a dict, or a callable returning one; in place of that of ``capture``.
    :param correlation_id: in place of the cause's or the transaction's.
    """
    outer = _frame.get()
    fields: dict[str, Any] = {"origin": origin, "actor": actor, "correlation_id": correlation_id}
    if caused_by is not None:
        fields["causation_id"], known = _cause(caused_by)
        if correlation_id is None:
            # The outer block's correlation would be another story's.
            outer, fields["correlation_id"] = replace(outer, correlation_id=None), known
    token = _frame.set(replace(outer, **{name: value for name, value in fields.items() if value is not None}))
    try:
        yield
    finally:
        _frame.reset(token)


def _cause(cause: Any) -> tuple[str, str | None]:
    if isinstance(cause, Mapping):
        return str(cause["id"]), cause.get("correlation_id")
    if isinstance(cause, str | uuid.UUID):
        return str(cause), None
    if hasattr(cause, "id"):
        return str(cause.id), getattr(cause, "correlation_id", None)
    raise TypeError(
        f"caused_by takes an event's id, a Recorded or a dict with an id, not {type(cause).__name__}"
    )


def current_frame() -> Frame:
    """Return what the blocks around the present line say."""
    return _frame.get()


@dataclass
class Story:
    """One transaction of a session: what its events share, and which were recorded in it."""

    root: Any = None
    correlation_id: str | None = None
    recorded: list[Captured] = field(default_factory=list)
    savepoints: dict[Any, int] = field(default_factory=dict)


def story_of(session: Session) -> Story:
    """Return the story of the session's transaction, a new one where a new transaction has begun."""
    root = session.get_transaction()
    story = session.info.get(KEY)
    if story is None or story.root is not root:
        story = session.info[KEY] = Story(root)
    return story


def captured(session: Any) -> list[Captured]:
    """Return the events recorded in the session's transaction, oldest first.

    After a commit they stay until the next transaction records; what was rolled back is not among them.

    :param session: a Session, or a scoped_session as ``db.session`` is.
    """
    session = session() if isinstance(session, scoped_session) else session
    story = session.info.get(KEY)
    return list(story.recorded) if story else []


def on_savepoint(session: Session, transaction: Any) -> None:
    """Remember how much was recorded before a savepoint."""
    if transaction.nested and (story := session.info.get(KEY)) and story.root is session.get_transaction():
        story.savepoints[transaction] = len(story.recorded)


def on_rollback(session: Session, transaction: Any) -> None:
    """Forget what a rollback took back: of a savepoint, or all."""
    story = session.info.get(KEY)
    if story is None:
        return
    if not transaction.nested and transaction.parent is None:
        story.recorded.clear()
    elif transaction.nested:
        del story.recorded[story.savepoints.get(transaction, 0) :]


def correlation_of(connection: Connection, workspace_id: int, frame: Frame) -> str | None:
    """Return the correlation of the cause, as the log knows it; None where it knows no such event."""
    try:
        uid = uuid.UUID(frame.causation_id)
    except (ValueError, TypeError):
        return None
    query = select(Event.correlation_id).where(Event.workspace_id == workspace_id, Event.uid == uid)
    return connection.execute(query).scalar()
