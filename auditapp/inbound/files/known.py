"""Which rows of a file have been recorded before, or stand in it twice."""

import hashlib
import pickle
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

import orjson
from sqlalchemy import and_, select

from auditapp.database import unindexed as checked
from auditapp.extensions import db
from auditapp.log.idempotency import digest_of, ids_of_keys, is_same_event, sent, stored
from auditapp.log.rows import Stamp
from auditapp.log.schema import EventIn
from auditapp.models import Event, EventPayload, Workspace
from auditapp.values.equality import same

Identity = str | uuid.UUID


class Facts(NamedTuple):
    """What an event says that comes from its row alone; None where it has been erased."""

    event: str
    occurred_at: datetime | None
    entity_id: str
    actor_id: str | None
    payload: Any


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A row that may be recorded.

    :ivar by_facts: compare its facts, not the whole event: names may be known better by now.
    :ivar derived: no other row of the file has its key.
    :ivar digest: what tells its event from others under the same key.
    """

    place: str
    event: EventIn
    stamp: Stamp | None
    by_facts: bool
    derived: bool
    identity: Identity
    digest: bytes | None

    @classmethod
    def of(
        cls,
        place: str,
        event: EventIn,
        stamp: Stamp | None,
        *,
        by_facts: bool,
        derived: bool,
        digest: bytes | None = None,
    ) -> "Unindexed":
        """Return a row with what tells it from others: the id it was given, or its key."""
        identity = stamp.id if stamp else event["idempotency_key"]
        if identity is None:
            raise ValueError("a row needs an id or a key")
        if stamp is None:
            digest = digest or digest_of(event)
        return cls(place, event, stamp, by_facts, derived, identity, digest)


def recorded(workspace: Workspace, rows: Sequence[Unindexed]) -> dict[Identity, Facts | bytes]:
    """Return what the log has under the rows' identities: facts, or the digest of the whole event."""
    by_digest = [str(row.identity) for row in rows if not row.by_facts]
    by_key = [row.identity for row in rows if row.by_facts and isinstance(row.identity, str)]
    by_id = [row.identity for row in rows if isinstance(row.identity, uuid.UUID)]
    known: dict[Identity, Facts | bytes] = {}
    connection = db.session.connection()
    here = checked.Unindexed(Event.workspace_id) == workspace.id
    if by_digest and (ids := ids_of_keys(connection, workspace.id, by_digest)):
        query = select(Event.idempotency_key, Event.idempotency_digest)
        by_number = query.where(here, Event.id.in_(ids))
        known |= {str(key): digest or b"" for key, digest in db.session.execute(by_number)}
    if by_key and (ids := ids_of_keys(connection, workspace.id, by_key)):
        known |= _facts(Event.idempotency_key, here, Event.id.in_(ids))
    if by_id:
        known |= _facts(Event.uid, Event.workspace_id == workspace.id, Event.uid.in_(by_id))
    db.session.commit()  # an open read would keep writers out of SQLite while the file is read
    return known


def _facts(identity: Any, *chosen: Any) -> dict[Identity, Facts]:
    beside = and_(EventPayload.workspace_id == Event.workspace_id, EventPayload.event_id == Event.id)
    query = (
        select(
            identity, Event.event, Event.occurred_at, Event.entity_id, Event.actor_id, EventPayload.payload
        )
        .join(EventPayload, beside)
        .where(*chosen)
    )
    return {
        key: Facts._make((*facts, None if payload is None else orjson.loads(payload)))
        for key, *facts, payload in db.session.execute(query)
    }


def differs(workspace: Workspace, before: "Facts | bytes | Earlier", row: Unindexed) -> bool:
    """Tell whether a row says something else than what is known under its identity.

    :param before: facts of what is recorded, or its digest; or an earlier row of the file.
    """
    if isinstance(before, Facts):
        return _has_other_facts(before, row)
    if _digest(row) == (before.digest if isinstance(before, Earlier) else before):
        return False
    if isinstance(before, Earlier) and isinstance(before.contents, Facts):
        return _has_other_facts(before.contents, row)
    if isinstance(before, Earlier):
        return not is_same_event(cast(Mapping[str, Any], before.contents), sent(row.event))
    event = stored(db.session.connection(), workspace.id, str(row.identity))
    db.session.commit()  # an open read would keep writers out of SQLite while the file is read
    return event is None or not is_same_event(event, sent(row.event))


def _has_other_facts(before: Facts, row: Unindexed) -> bool:
    return not all(
        old is None or same(old, new) for old, new in zip(before, facts_of(row.event), strict=True)
    )


class Earlier(NamedTuple):
    """An earlier row of the same file: its digest, and its facts or the whole of what it says."""

    digest: bytes
    contents: Facts | Mapping[str, Any]


def facts_of(event: EventIn) -> Facts:
    """Return what an event says that comes from its row alone."""
    actor, payload = event["actor"], event.get("payload", {})
    return Facts(event["event"], event.get("occurred_at"), event["entity"]["id"], actor["id"], payload)


def _digest(row: Unindexed) -> bytes:
    if not row.by_facts and row.digest is not None:
        return row.digest
    return hashlib.sha256(orjson.dumps([*facts_of(row.event)], option=orjson.OPT_SORT_KEYS)).digest()


class Seen:
    """The identities of the file so far, on disk: they may be more than memory holds."""

    def __init__(self) -> None:
        # The empty name is a private database that SQLite spills to a temporary file and deletes.
        self._database = sqlite3.connect("")
        # What they say beside them, for the few that come again and are not the same to the byte.
        self._database.execute("CREATE TABLE row (identity TEXT PRIMARY KEY, digest BLOB, said BLOB)")

    def __enter__(self) -> "Seen":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def before(self, row: Unindexed) -> Earlier | None:
        """Return the earlier row with this identity; None if there is none, and remember this one."""
        digest, contents = _digest(row), facts_of(row.event) if row.by_facts else sent(row.event)
        parameters: Mapping[str, Any] = {
            "identity": str(row.identity),
            "digest": digest,
            "said": pickle.dumps(contents, pickle.HIGHEST_PROTOCOL),
        }
        added = self._database.execute(
            "INSERT INTO row VALUES (:identity, :digest, :said) ON CONFLICT DO NOTHING", parameters
        )
        if added.rowcount:
            return None
        query = "SELECT digest, said FROM row WHERE identity = :identity"
        digest, contents = self._database.execute(query, parameters).fetchone()
        # pickle is unsafe with foreign bytes; these were written above.
        return Earlier(bytes(digest), pickle.loads(contents))  # noqa: S301
