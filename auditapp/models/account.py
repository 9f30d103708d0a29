"""A person's account, its signed-in sessions, and the counters that slow guessing down.

Accounts stand outside workspaces: one person may be a member of several.
"""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auditapp.extensions import Base
from auditapp.models.types import BinaryUuid, Instant


class Account(Base):
    """``email`` is kept folded (see ``access.accounts.fold_email``); no password until one is set."""

    __tablename__ = "account"

    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Instant)
    # How this person likes to read, a JSON object; nothing until they say so.
    preferences: Mapped[str | None] = mapped_column(Text)


class SignInSession(Base):
    """One signed-in browser. The cookie holds a token, this table only its SHA-256."""

    __tablename__ = "session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(
        BinaryUuid, ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_seen_at: Mapped[datetime] = mapped_column(Instant)
    # What a replica must have replayed of the primary's WAL, in bytes, to have all that was written with it.
    wal_position: Mapped[int | None] = mapped_column(BigInteger)

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class Throttle(Base):
    """Attempts counted per key and window; ``key`` is a hash, so no e-mail is kept here."""

    __tablename__ = "throttle"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(Instant, index=True)
    count: Mapped[int]
