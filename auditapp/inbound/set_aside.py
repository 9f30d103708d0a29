"""What came with the right secret and could not be read: kept as it came, until it can or is dismissed."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, LargeBinary, func, select, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from auditapp.access.own_events import note
from auditapp.extensions import db
from auditapp.models import SetAside, Source
from auditapp.values.strict_json import shorten

MAX_SET_ASIDE = 1000  # of one source; past that the sender has to keep them
# What a body cannot be read without. A secret or a signature is none of them.
KEPT_HEADERS = {"content-type", "content-encoding"}
KEPT_PREFIX = "ce-"


class TooManySetAside(Exception):
    """So much of this source waits to be read that it must keep the rest itself."""


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that matter beside a body, by their names in lower case, sorted."""
    named = sorted((name.lower(), value.replace("\x00", "")) for name, value in headers.items())
    return {name: value for name, value in named if name in KEPT_HEADERS or name.startswith(KEPT_PREFIX)}


def set_aside(source: Source, headers: Mapping[str, str], body: bytes, reason: str) -> None:
    """Keep what could not be read; what has come before is counted, and waits again. The caller commits.

    :raise TooManySetAside: if ``MAX_SET_ASIDE`` others wait already.
    """
    now = datetime.now(UTC)
    kept = kept_headers(headers)
    digest = _digest(kept, body)
    this = (*_of(source), SetAside.body_hash == digest)
    again = (
        update(SetAside)
        .where(*this)
        .values(times=SetAside.times + 1, last_received_at=now, reason=reason, dismissed_at=None)
    )
    waits = db.session.scalar(select(SetAside.id).where(*this, SetAside.dismissed_at.is_(None)))
    if waits is None and waiting_count(source) >= MAX_SET_ASIDE:
        raise TooManySetAside
    if db.session.execute(again).rowcount:  # type: ignore[attr-defined]
        return
    new = SetAside(
        workspace_id=source.workspace_id,
        id=uuid7(),
        source_id=source.id,
        body_hash=digest,
        body=body,
        headers=orjson.dumps(kept).decode(),
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


def _digest(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return what tells a body from others; with headers that are part of what is told, they count too."""
    attributes = {name: value for name, value in headers.items() if name.startswith(KEPT_PREFIX)}
    return hashlib.sha256((orjson.dumps(headers) + b"\n" if attributes else b"") + body).digest()


def _of(source: Source) -> tuple[ColumnElement[bool], ...]:
    return SetAside.workspace_id == source.workspace_id, SetAside.source_id == source.id


def waiting_count(source: Source) -> int:
    """Return how many bodies of a source wait to be read."""
    query = select(func.count()).select_from(SetAside).where(*_of(source), SetAside.dismissed_at.is_(None))
    return db.session.scalar(query) or 0


class Kept(NamedTuple):
    """A body that was set aside; ``beginning`` is its first bytes, ``size`` how many it has."""

    id: uuid.UUID
    reason: str
    headers: str
    times: int
    last_received_at: datetime
    dismissed_at: datetime | None
    size: int
    beginning: bytes

    @property
    def header_lines(self) -> list[tuple[str, str]]:
        """The headers that were kept beside it."""
        return [*orjson.loads(self.headers).items()]


def set_aside_of(source: Source, limit: int, beginning: int, *, dismissed: bool = False) -> list[Kept]:
    """Return what of a source could not be read, the oldest first; bodies may be large, so not whole.

    :param dismissed: those that were dismissed, else those that wait.
    """
    start = func.substr(SetAside.body, 1, beginning, type_=LargeBinary)
    query = (
        select(SetAside.id, SetAside.reason, SetAside.headers, SetAside.times, SetAside.last_received_at)
        .add_columns(SetAside.dismissed_at, func.length(SetAside.body), start)
        .where(*_of(source), SetAside.dismissed_at.is_not(None) == dismissed)
        .order_by(SetAside.received_at, SetAside.id)
        .limit(limit)
    )
    return [Kept(*row) for row in db.session.execute(query)]


def waiting_ids(source: Source) -> list[uuid.UUID]:
    """Return the ids of all that waits to be read, the oldest first."""
    query = select(SetAside.id).where(*_of(source), SetAside.dismissed_at.is_(None))
    return [*db.session.scalars(query.order_by(SetAside.received_at, SetAside.id))]


def find_set_aside(source: Source, set_aside_id: uuid.UUID) -> SetAside | None:
    """Return a body of a source that was set aside, dismissed or not."""
    body = db.session.get(SetAside, (source.workspace_id, set_aside_id))
    return body if body and body.source_id == source.id else None


def dismiss(source: Source, ids: list[uuid.UUID], by: dict[str, Any]) -> int:
    """Let bodies wait no longer; they are kept, and an event says who dismissed which. The caller commits.

    :param by: who does, as an event's actor.
    :return: how many of them waited until now.
    """
    chosen = (*_of(source), SetAside.id.in_(ids), SetAside.dismissed_at.is_(None))
    # What it returns was dismissed here and by nobody else.
    dismissing = update(SetAside).where(*chosen).values(dismissed_at=datetime.now(UTC)).returning(SetAside.id)
    mine = db.session.scalars(dismissing.execution_options(synchronize_session=False)).all()
    if not mine:
        return 0
    query = select(SetAside.id, func.length(SetAside.body), SetAside.times, SetAside.reason)
    bodies = [
        {"id": str(uid), "bytes": size, "times": times, "reason": shorten(reason, 100)}
        for uid, size, times, reason in db.session.execute(query.where(*_of(source), SetAside.id.in_(mine)))
    ]
    count = "1 body" if len(mine) == 1 else f"{len(mine):,} bodies"
    note(
        source.workspace,
        "set_aside.dismissed",
        by,
        {"id": str(source.id), "name": f"{count} of {source.name}"},
        payload={"source": {"id": str(source.id), "name": source.name}, "bodies": bodies},
    )
    return len(mine)
