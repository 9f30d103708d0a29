"""Webhooks of other products: who may send, what becomes of it, and what could not be read.

Nothing that came with the right signature is lost: what cannot be read is set aside as it came, with
the reason, until it can.
"""

import hashlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import LargeBinary, delete, func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from uuid_utils.compat import uuid7

from auditapp.extensions import db
from auditapp.log import EventError, Problem, Recorded, record_and_commit, record_batch
from auditapp.log.schema import MAX_BATCH_BYTES
from auditapp.log.strict_json import JsonError, loads
from auditapp.models import SetAside, Source
from auditapp.sources.kinds import KINDS
from auditapp.sources.unzipped import MAGIC, GzipError, inflated

MAX_SET_ASIDE = 1000  # of one source; past that the sender has to keep them
RECEIVED_EVERY = timedelta(minutes=1)
log = logging.getLogger(__name__)


class NotAuthentic(Exception):
    """The signature or secret is not this source's."""


class TooManySetAside(Exception):
    """So much of this source waits to be read that it must keep the rest itself."""


@dataclass(frozen=True)
class Received:
    """What became of a body: the events, or the reason why it was set aside."""

    recorded: list[Recorded]
    reason: str | None = None


def receive(source: Source, headers: Mapping[str, str], body: bytes) -> Received:
    """Record what a webhook tells, or set it aside. Commits.

    :raise NotAuthentic: if it is not signed with this source's secret; nothing is kept.
    :raise TooManySetAside: if it cannot be read and ``MAX_SET_ASIDE`` others wait already.
    """
    if not KINDS[source.kind].authentic(headers, body, source.secret):
        raise NotAuthentic
    workspace = source.workspace
    try:
        events = events_in(source, body)
        recorded = record_and_commit(workspace, events, claimed_by=claimant(source))
    except EventError as error:
        db.session.rollback()
        _set_aside(source, body, headers.get("Content-Type"), str(error))
        db.session.commit()
        received = Received([], str(error))
    else:
        received = Received(recorded)
    try:
        _note_receipt(source)
        db.session.commit()
    except OperationalError as error:
        # What was kept must not be answered with 503: the sender would send it again.
        db.session.rollback()
        log.warning("last_received_at was not written: %s", error.orig)
    return received


def events_in(source: Source, body: bytes) -> list[dict[str, Any]]:
    """Read a body in its source's form.

    :raise EventError: if it has another form; the message says where.
    """
    try:
        document = loads(_plain(body))
    except JsonError as error:
        raise EventError([Problem(0, "", str(error))]) from None
    events = KINDS[source.kind].events_of(document, default_actor=claimant(source) | {"type": "system"})
    # Each form tells its own origin where it knows one; that it came by a webhook is what we know.
    return [event | {"origin": "webhook"} for event in events]


def _plain(body: bytes) -> bytes:
    """Undo gzip, which no JSON begins like; a signature is of the bytes as they were sent."""
    if not body.startswith(MAGIC):
        return body
    try:
        return inflated(body, MAX_BATCH_BYTES)
    except GzipError as error:
        raise EventError([Problem(0, "", str(error))]) from None


def claimant(source: Source) -> dict[str, Any]:
    """Return the source as the one whose word an event's actor is."""
    return {"type": "source", "id": str(source.id), "name": source.name}


def _set_aside(source: Source, body: bytes, content_type: str | None, reason: str) -> None:
    now = datetime.now(UTC)
    digest = hashlib.sha256(body).digest()
    mine = (SetAside.workspace_id == source.workspace_id, SetAside.source_id == source.id)
    again = (
        update(SetAside)
        .where(*mine, SetAside.body_hash == digest)
        .values(times=SetAside.times + 1, last_received_at=now, reason=reason)
    )
    if db.session.execute(again).rowcount:  # type: ignore[attr-defined]
        return
    if (db.session.scalar(select(func.count()).select_from(SetAside).where(*mine)) or 0) >= MAX_SET_ASIDE:
        raise TooManySetAside
    new = SetAside(
        workspace_id=source.workspace_id,
        id=uuid7(),
        source_id=source.id,
        body_hash=digest,
        body=body,
        content_type=(content_type or "")[:200].replace("\x00", "") or None,
        reason=reason,
        times=1,
        received_at=now,
        last_received_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(new)
    except IntegrityError:  # the same body has come at the same moment
        db.session.execute(again)


def _note_receipt(source: Source) -> None:
    now = datetime.now(UTC)
    if source.last_received_at is None or now - source.last_received_at >= RECEIVED_EVERY:
        db.session.execute(
            update(Source)
            .where(Source.workspace_id == source.workspace_id, Source.id == source.id)
            .values(last_received_at=now)
        )


class Waiting(NamedTuple):
    """A body that waits to be read; ``beginning`` is its first bytes, ``size`` how many it has."""

    id: uuid.UUID
    reason: str
    times: int
    last_received_at: datetime
    size: int
    beginning: bytes


def set_aside_of(source: Source, limit: int, beginning: int) -> list[Waiting]:
    """Return what of a source could not be read, the oldest first; bodies may be large, so not whole."""
    start = func.substr(SetAside.body, 1, beginning, type_=LargeBinary)
    query = (
        select(SetAside.id, SetAside.reason, SetAside.times, SetAside.last_received_at)
        .add_columns(func.length(SetAside.body), start)
        .where(SetAside.workspace_id == source.workspace_id, SetAside.source_id == source.id)
        .order_by(SetAside.received_at, SetAside.id)
        .limit(limit)
    )
    return [Waiting(*row) for row in db.session.execute(query)]


def replay_all(source: Source) -> list[Received]:
    """Read all that was set aside once more, one body after the other, each in a transaction."""
    query = select(SetAside.id).where(
        SetAside.workspace_id == source.workspace_id, SetAside.source_id == source.id
    )
    ids = db.session.scalars(query.order_by(SetAside.received_at, SetAside.id)).all()
    found = []
    for waiting_id in ids:
        waiting = db.session.get(SetAside, (source.workspace_id, waiting_id))
        if waiting:  # else somebody else has read it meanwhile
            found.append(replay(waiting))
            db.session.commit()
            db.session.expunge_all()
    return found


def replay(waiting: SetAside) -> Received:
    """Read a body that was set aside once more; what can be read now is recorded and waits no longer.

    The caller commits.
    """
    source = waiting.source
    try:
        events = events_in(source, waiting.body)
        recorded = record_batch(source.workspace, events, claimed_by=claimant(source))
    except EventError as error:
        waiting.reason = str(error)
        return Received([], waiting.reason)
    db.session.execute(
        delete(SetAside).where(SetAside.workspace_id == waiting.workspace_id, SetAside.id == waiting.id)
    )
    return Received(recorded)
