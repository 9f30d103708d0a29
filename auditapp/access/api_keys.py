"""API keys: made, recognised, and turned into a viewer of their workspace.

A key is ``auditapp_`` and 40 characters of base 62: 34 at random and 6 that are the CRC-32 of what
stands before them, so that a leak scanner tells a real key from noise without asking us.
"""

import hashlib
import logging
import secrets
import string
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from uuid_utils.compat import uuid7

from auditapp.access.own_events import acting_as
from auditapp.extensions import db
from auditapp.models import ApiKey, Workspace
from auditapp.server_log import denied, identify

PREFIX = "auditapp_"
SCOPES = ("events:read", "events:write")
RANDOM_CHARACTERS = 34  # 202 bits
USED_EVERY = timedelta(minutes=1)

log = logging.getLogger(__name__)

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def create_key(
    workspace: Workspace,
    name: str,
    scopes: set[str],
    by: dict[str, Any],
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return it; it is kept nowhere. The caller commits.

    :param scopes: one at least of ``SCOPES``.
    :param expires_at: from then on it opens nothing; None for never.
    """
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_CHARACTERS))
    key = body + _checksum(body)
    row = ApiKey(
        workspace_id=workspace.id,
        id=uuid7(),
        name=name,
        hint=key[: len(PREFIX) + 4],
        key_hash=_hash(key),
        scopes=" ".join(sorted(scopes)),
        created_at=datetime.now(UTC),
        expires_at=expires_at,
    )
    with acting_as(by):
        db.session.add(row)
    return key


def find_key(key: str) -> ApiKey | None:
    """Return the key's row unless it is malformed, unknown, revoked or past its time; the log says which."""
    body, checksum = key[:-6], key[-6:]
    if not key.startswith(PREFIX) or not key.isascii() or checksum != _checksum(body):
        denied("key-malformed")
        return None
    row = db.session.scalars(select(ApiKey).where(ApiKey.key_hash == _hash(key))).first()
    if row is None:
        denied("key-unknown")
        return None
    identify(key=str(row.id), workspace=row.workspace.slug)
    if not is_valid(row):
        denied("key-revoked" if row.revoked_at else "key-expired")
        return None
    return row


def is_valid(key: ApiKey) -> bool:
    """Tell whether a key opens anything."""
    return not key.revoked_at and (key.expires_at is None or key.expires_at > datetime.now(UTC))


def keys_of(workspace: Workspace) -> list[ApiKey]:
    """Return all keys that were ever made, the newest first."""
    query = select(ApiKey).where(ApiKey.workspace_id == workspace.id).order_by(ApiKey.created_at.desc())
    return list(db.session.scalars(query))


def revoke_key(key: ApiKey, by: dict[str, Any]) -> None:
    """End a key for good; the row stays, since events name it. The caller commits."""
    if key.revoked_at:
        return
    with acting_as(by):
        key.revoked_at = datetime.now(UTC)


class KeyUse(NamedTuple):
    """Which key is used, when it was before, and up to where a replica must be to have what it wrote.

    Read while it is at hand, before any commit.
    """

    workspace_id: int
    id: uuid.UUID
    last_used_at: datetime | None
    wal_position: int


def key_use(key: ApiKey) -> KeyUse:
    """Return what :func:`note_use` needs to know."""
    return KeyUse(key.workspace_id, key.id, key.last_used_at, key.wal_position or 0)


def note_use(use: KeyUse) -> None:
    """Keep when a key was last used, to the minute, and commit.

    A database that only reads just now must not stop reading.
    """
    now = datetime.now(UTC)
    if use.last_used_at and now - use.last_used_at < USED_EVERY:
        return
    try:
        db.session.execute(
            update(ApiKey)
            .where(ApiKey.workspace_id == use.workspace_id, ApiKey.id == use.id)
            .values(last_used_at=now)
        )
        db.session.commit()
    except OperationalError as error:
        db.session.rollback()
        log.warning("last_used_at was not written", exc_info=error)


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
