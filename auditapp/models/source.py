"""Where other products send their webhooks, and what of it could not be read."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, LargeBinary, String, Text, UniqueConstraint
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

    workspace: Mapped[Workspace] = relationship(lazy="joined", innerjoin=True)


class SetAside(Base):
    """A body that came with the right signature and could not be read: kept until it can.

    The same body again is counted, not kept twice.
    """

    __tablename__ = "set_aside"
    __table_args__ = (
        UniqueConstraint("workspace_id", "source_id", "body_hash"),
        ForeignKeyConstraint(["workspace_id", "source_id"], ["source.workspace_id", "source.id"]),
    )

    workspace_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    source_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    content_type: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    times: Mapped[int]
    received_at: Mapped[datetime] = mapped_column(Instant)
    last_received_at: Mapped[datetime] = mapped_column(Instant)

    source: Mapped[Source] = relationship(lazy="joined", innerjoin=True)
