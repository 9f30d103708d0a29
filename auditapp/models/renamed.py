"""Events that carry a name which says otherwise than it does today whether they are Auditapp's own.

Auditapp's own events have the prefix ``auditapp.`` since migration 0009, and no others. Older ones do not;
which of them were its own, the upgrade found out once: those that no API key or source had claimed.
"""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from auditapp.extensions import Base
from auditapp.models.types import Instant


class RenamedEvent(Base):
    """An event that is Auditapp's own without the prefix, or has the prefix and is not."""

    __tablename__ = "renamed_event"

    workspace_id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    is_own: Mapped[bool]


class Renaming(Base):
    """When the prefix came into force here; one row."""

    __tablename__ = "renaming"

    at: Mapped[datetime] = mapped_column(Instant, primary_key=True, autoincrement=False)
