"""Saved views of the timeline, and where each person last stood in one."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from auditapp.extensions import Base
from auditapp.models.types import BinaryUuid, Instant


class SavedView(Base):
    """A filter with a name; ``member_id`` made it and, unless it is shared, alone sees it."""

    __tablename__ = "saved_view"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "member_id"], ["member.workspace_id", "member.id"]),
        Index("ix_saved_view_member", "workspace_id", "member_id"),
    )

    workspace_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(500))
    # The timeline's query string, canonical, without a place on the page.
    query: Mapped[str] = mapped_column(Text)
    is_shared: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class ViewVisit(Base):
    """The newest event that was there when a person last looked at a view, and whether they pinned it."""

    __tablename__ = "view_visit"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "view_id"], ["saved_view.workspace_id", "saved_view.id"]),
    )

    workspace_id: Mapped[int] = mapped_column(primary_key=True)
    view_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(BinaryUuid, primary_key=True)
    seen_event_id: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    is_pinned: Mapped[bool] = mapped_column(server_default=false())
