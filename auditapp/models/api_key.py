"""Keys with which other programs read and write a workspace's log."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auditapp.extensions import Base
from auditapp.models.types import BinaryUuid, Instant
from auditapp.models.workspace import Workspace


class ApiKey(Base):
    """The key itself is shown once and kept nowhere; ``hint`` is its recognisable beginning."""

    __tablename__ = "api_key"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    hint: Mapped[str] = mapped_column(String(16))
    # The one unique key that no workspace leads: a caller brings nothing but the key.
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    # What a replica must have replayed of the primary's WAL, in bytes, to have all that was written with it.
    wal_position: Mapped[int | None] = mapped_column(BigInteger)

    workspace: Mapped[Workspace] = relationship(lazy="joined", innerjoin=True)
