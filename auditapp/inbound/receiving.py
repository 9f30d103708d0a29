"""Webhooks of other products: who may send, and what becomes of it.

Nothing that came with the right signature is lost: what cannot be read is set aside as it came, with
the reason, until it can.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError

from auditapp.extensions import db
from auditapp.inbound.files.unzipped import MAGIC, GzipError, inflated
from auditapp.inbound.forms import FORMS
from auditapp.inbound.mapping import refuse_all
from auditapp.inbound.set_aside import find_set_aside, set_aside, waiting_ids
from auditapp.inbound.signatures import header
from auditapp.log import EventError, Recorded, record_and_commit, record_batch
from auditapp.log.schema import MAX_BATCH_BYTES
from auditapp.models import SetAside, Source
from auditapp.values.strict_json import JsonError, loads

RECEIVED_EVERY = timedelta(minutes=1)
log = logging.getLogger(__name__)


class NotAuthentic(Exception):
    """The signature or secret is not this source's."""


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
    if not FORMS[source.kind].authentic(headers, body, source.secret):
        raise NotAuthentic
    workspace = source.workspace
    try:
        events = events_in(source, headers, body)
        recorded = record_and_commit(workspace, events, claimed_by=claimant(source))
    except EventError as error:
        db.session.rollback()
        set_aside(source, headers, body, str(error))
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
        log.warning("last_received_at was not written", exc_info=error)
    return received


def events_in(source: Source, headers: Mapping[str, str], body: bytes) -> list[dict[str, Any]]:
    """Read a body in its source's form.

    :param headers: as it was sent with, or those of them that were kept beside it.
    :raise EventError: if it has another form; the message says where.
    """
    kind = FORMS[source.kind]
    actor = claimant(source) | {"type": "system"}
    events = kind.events_of_headers(headers, body, actor)
    if events is None:
        events = kind.events_of(_document(headers, body), default_actor=actor)
    # Each form tells its own origin where it knows one; that it came by a webhook is what we know.
    return [event | {"origin": "webhook"} for event in events]


def _document(headers: Mapping[str, str], body: bytes) -> object:
    """Read JSON, after undoing gzip, which no JSON begins like; a signature is of the bytes as sent."""
    try:
        return loads(inflated(body, MAX_BATCH_BYTES) if body.startswith(MAGIC) else body)
    except GzipError as error:
        refuse_all(str(error))
    except JsonError as error:
        encoding = header(headers, "content-encoding").strip().lower()
        undone = encoding in {"", "identity", "gzip"}
        refuse_all(str(error) if undone else f"{error}; the Content-Encoding {encoding[:40]} is not undone")


def claimant(source: Source) -> dict[str, Any]:
    """Return the source as the one whose word an event's actor is."""
    return {"type": "source", "id": str(source.id), "name": source.name}


def _note_receipt(source: Source) -> None:
    now = datetime.now(UTC)
    last = source.last_received_at
    # At once where it says that what was refused before is over.
    if last is None or now - last >= RECEIVED_EVERY or (source.last_refused_at or last) > last:
        _put(source, last_received_at=now)


def note_refusal(source: Source, because: str) -> None:
    """Note when a source's sender was last refused and why, once a minute at most. Commits.

    :param because: 200 characters at most, shown in Settings and by ``flask doctor``.
    """
    now = datetime.now(UTC)
    last = source.last_refused_at
    if last is not None and now - last < RECEIVED_EVERY and source.refused_because == because:
        return
    try:
        _put(source, last_refused_at=now, refused_because=because)
        db.session.commit()
    except OperationalError as error:
        # The refusal is the answer all the same.
        db.session.rollback()
        log.warning("last_refused_at was not written: %s", error.orig)


def _put(source: Source, **values: Any) -> None:
    this = Source.workspace_id == source.workspace_id, Source.id == source.id
    db.session.execute(update(Source).where(*this).values(values))


def replay_all(source: Source) -> list[Received]:
    """Read all that waits once more, one body after the other, each in a transaction."""
    results = []
    for waiting_id in waiting_ids(source):
        waiting = find_set_aside(source, waiting_id)
        if waiting:  # else somebody else has read it meanwhile
            results.append(replay(waiting))
            db.session.commit()
            db.session.expunge_all()
    return results


def replay(waiting: SetAside) -> Received:
    """Read a body that was set aside once more; what can be read now is recorded and waits no longer.

    The caller commits.
    """
    source = waiting.source
    try:
        events = events_in(source, orjson.loads(waiting.headers), waiting.body)
        recorded = record_batch(source.workspace, events, claimed_by=claimant(source))
    except EventError as error:
        waiting.reason = str(error)
        return Received([], waiting.reason)
    db.session.execute(
        delete(SetAside).where(SetAside.workspace_id == waiting.workspace_id, SetAside.id == waiting.id)
    )
    return Received(recorded)
