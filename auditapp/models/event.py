"""The log: a narrow row an event for lists, and beside it the sections as they are hashed.

Append-only, by trigger too (``migrations/``). Columns of ``ERASABLE`` may become NULL, which
means "erased"; nothing else ever changes. Actors and entities are snapshots, not foreign keys.
"""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from auditapp.extensions import Base
from auditapp.models.types import BinaryUuid, Instant

# SQLite's rowid must be INTEGER to count up by itself; PostgreSQL has an identity column.
RowId = BigInteger().with_variant(Integer, "sqlite")

# What few combinations there are of; see models/derived.py.
KIND_COLUMNS = ("event", "origin", "actor_type", "outcome")
SECTIONS = ("actor", "on_behalf_of", "names", "related", "changes", "payload", "context")


class Event(Base):
    """What one row of the timeline needs, and no more."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_time", "workspace_id", "occurred_at", "id"),
        # The actor, so that ten thousand matches are counted in the index alone.
        Index("ix_event_kind", "workspace_id", *KIND_COLUMNS, "occurred_at", "id", "actor_id"),
        Index("ix_event_actor", "workspace_id", "actor_id", *KIND_COLUMNS, "occurred_at", "id"),
        Index("ix_event_entity", "workspace_id", "entity_id", "occurred_at", "id"),
        Index("ix_event_correlation", "workspace_id", "correlation_id", "occurred_at", "id"),
        Index(
            "ix_event_member",
            *("workspace_id", "member_id", *KIND_COLUMNS, "occurred_at", "id"),
            sqlite_where=text("member_id IS NOT NULL"),
            postgresql_where=text("member_id IS NOT NULL"),
        ),
        Index("uq_event_uid", "workspace_id", "uid", unique=True),
        Index(
            "uq_event_idempotency_key",
            *("workspace_id", "idempotency_key"),
            unique=True,
            sqlite_where=text("idempotency_key IS NOT NULL"),
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )
    ERASABLE = ("actor_id", "actor_name", "member_id", "on_behalf_of_name", "entity_name", "fields", "line")

    # No foreign keys here and in the payload: see migrations/versions/0002.
    workspace_id: Mapped[int]
    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(BinaryUuid)
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    event: Mapped[str] = mapped_column(String(128))
    entity_type: Mapped[str] = mapped_column(String(128))
    entity_id: Mapped[str] = mapped_column(String(512))
    entity_name: Mapped[str | None] = mapped_column(String(512))
    actor_type: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str | None] = mapped_column(String(512))
    actor_name: Mapped[str | None] = mapped_column(String(512))
    # The member who caused it, found by e-mail when the event was recorded: what "own" means.
    member_id: Mapped[uuid.UUID | None] = mapped_column(BinaryUuid)
    on_behalf_of_name: Mapped[str | None] = mapped_column(String(512))
    origin: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(16))
    correlation_id: Mapped[str] = mapped_column(String(512))
    causation_id: Mapped[str | None] = mapped_column(String(512))
    # Labels of the changed fields, of events that were recorded before there was ``line``.
    fields: Mapped[str | None] = mapped_column(Text)
    # What the row tells beyond its columns: see log/line.py.
    line: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    idempotency_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class EventPayload(Base):
    """The seven sections of contract §7, each the exact JSON text that is hashed, with its salt.

    A section that is NULL was erased; one that was never given is ``null``, ``[]`` or ``{}``.
    """

    __tablename__ = "event_payload"

    workspace_id: Mapped[int]
    event_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    actor: Mapped[str | None] = mapped_column(Text)
    on_behalf_of: Mapped[str | None] = mapped_column(Text)
    names: Mapped[str | None] = mapped_column(Text)
    related: Mapped[str | None] = mapped_column(Text)
    changes: Mapped[str | None] = mapped_column(Text)
    payload: Mapped[str | None] = mapped_column(Text)
    context: Mapped[str | None] = mapped_column(Text)
    actor_salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    on_behalf_of_salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    names_salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    related_salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    changes_salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    payload_salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    context_salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))


class EventName(Base):
    """The event names a workspace has seen; few, so that a filter can name them all.

    Derived from the log, and made anew by ``index/rebuild.py``.
    """

    __tablename__ = "event_name"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), primary_key=True)
    event: Mapped[str] = mapped_column(String(128), primary_key=True)
    entity_type: Mapped[str] = mapped_column(String(128))
