"""Members of a workspace, their roles, what the roles permit, and links that let people in."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auditapp.extensions import Base
from auditapp.models.account import Account
from auditapp.models.types import BinaryUuid, Instant


class Role(Base):
    """A named set of permissions."""

    __tablename__ = "role"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    is_system: Mapped[bool]
    # Which of the program's roles it is, whatever it is called by now; None for those that people made.
    system_name: Mapped[str | None] = mapped_column(String(100))

    permissions: Mapped[list["RolePermission"]] = relationship(lazy="selectin")


class RolePermission(Base):
    """One thing a role may do: an action on a resource, either of them ``*`` for any."""

    __tablename__ = "role_permission"
    __table_args__ = (ForeignKeyConstraint(["workspace_id", "role_id"], ["role.workspace_id", "role.id"]),)

    workspace_id: Mapped[int] = mapped_column(primary_key=True)
    role_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    resource: Mapped[str] = mapped_column(String(128), primary_key=True)
    action: Mapped[str] = mapped_column(String(64), primary_key=True)


class Member(Base):
    """An account's place in a workspace. Kept when removed: its events name it."""

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("workspace_id", "account_id"),
        ForeignKeyConstraint(["workspace_id", "role_id"], ["role.workspace_id", "role.id"]),
    )

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, ForeignKey("account.id"), index=True)
    role_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid)
    created_at: Mapped[datetime] = mapped_column(Instant)
    joined_at: Mapped[datetime | None] = mapped_column(Instant)
    removed_at: Mapped[datetime | None] = mapped_column(Instant)
    # Until they join, the workspace knows no other name of theirs: the account's may be another workspace's.
    invited_as: Mapped[str | None] = mapped_column(String(200))

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)
    role: Mapped[Role] = relationship(lazy="joined", innerjoin=True)

    @property
    def name(self) -> str:
        """Return their name; until they join, the one they were invited by."""
        return self.account.name if self.joined_at or self.invited_as is None else self.invited_as


class Invitation(Base):
    """A one-time link for one member; the link holds a token, this table its SHA-256."""

    __tablename__ = "invitation"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "member_id"], ["member.workspace_id", "member.id"]),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    workspace_id: Mapped[int]
    member_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)

    member: Mapped[Member] = relationship(lazy="joined", innerjoin=True)
