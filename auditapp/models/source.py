"""Where other products send their webhooks, and what of it could not be read."""

import uuid
from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auditapp.extensions import Base
from auditapp.models.types import BinaryUuid, Instant
from auditapp.models.workspace import Workspace


class Source(Base):
    """One product's webhook. ``secret`` is kept as it is: its HMAC cannot be checked with a hash of it."""

    __tablename__ = "source"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    # As in /in/<path>: random, and the only thing that the sender's URL says.
    path: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    secret: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_received_at: Mapped[datetime | None] = mapped_column(Instant)
    removed_at: Mapped[datetime | None] = mapped_column(Instant)
    # When its sender was last answered that what it sent is not taken, and why.
    last_refused_at: Mapped[datetime | None] = mapped_column(Instant)
    refused_because: Mapped[str | None] = mapped_column(String(200))

    workspace: Mapped[Workspace] = relationship(lazy="joined", innerjoin=True)


class SetAside(Base):
    """A body that came with the right signature and could not be read: kept until it can.

    The same body again is counted, not kept twice. One that somebody dismissed is kept and waits no longer.
    """

    __tablename__ = "set_aside"
    __table_args__ = (
        UniqueConstraint("workspace_id", "source_id", "body_hash"),
        ForeignKeyConstraint(["workspace_id", "source_id"], ["source.workspace_id", "source.id"]),
        # What waits is counted on each page of Settings, without reading the bodies.
        Index(
            "ix_set_aside_waiting",
            *("workspace_id", "source_id", "received_at", "id"),
            sqlite_where=text("dismissed_at IS NULL"),
            postgresql_where=text("dismissed_at IS NULL"),
        ),
    )

    workspace_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    source_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    reason: Mapped[str] = mapped_column(Text)
    times: Mapped[int]
    received_at: Mapped[datetime] = mapped_column(Instant)
    last_received_at: Mapped[datetime] = mapped_column(Instant)
    # A JSON object: those of the request's headers that it cannot be read without.
    headers: Mapped[str] = mapped_column(Text)
    dismissed_at: Mapped[datetime | None] = mapped_column(Instant)

    source: Mapped[Source] = relationship(lazy="joined", innerjoin=True)
