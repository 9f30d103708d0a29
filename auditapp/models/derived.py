"""What is derived from the log to find and count its events fast; it can be made again from the log.

``event_search`` is an FTS5 table without content on SQLite, a table with a tsvector on PostgreSQL, and so
not described here but by ``migrations/`` and ``index/search_index.py``.
"""

from sqlalchemy import Column, Index, Integer, SmallInteger, String, Table

from auditapp.extensions import Base
from auditapp.models.types import Instant

HOUR, DAY, WEEK = 1, 24, 168

# How many events of a kind there were in an hour, a day and a week (from Monday) of the workspace's zone.
# Whoever indexes a workspace's events is alone, so that there is one row of each.
event_count = Table(
    "event_count",
    Base.metadata,
    Column("workspace_id", Integer, nullable=False),
    Column("hours", SmallInteger, nullable=False),
    Column("start", Instant, nullable=False),
    Column("event", String(128), nullable=False),
    Column("actor_type", String(16), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("events", Integer, nullable=False),
    Index(
        "ix_event_count",
        *("workspace_id", "hours", "start", "event", "origin", "actor_type", "outcome"),
        unique=True,
    ),
)

# The combinations that a workspace has seen: few, so that a filter can name them all. Each pins the leading
# columns of ix_event_kind, which then is walked back in time.
event_kind = Table(
    "event_kind",
    Base.metadata,
    Column("workspace_id", Integer, primary_key=True, autoincrement=False),
    Column("event", String(128), primary_key=True),
    Column("origin", String(16), primary_key=True),
    Column("actor_type", String(16), primary_key=True),
    Column("outcome", String(16), primary_key=True),
)
