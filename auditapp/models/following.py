"""The order of the log, and how far each follower has come in it.

An event's place (``seq``) is dense from 1 in its workspace and given after it was committed: what commits
late comes behind what was there before, so that nobody who follows the places passes over an event.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from auditapp.extensions import Base
from auditapp.models.types import Instant

# Append-only, by trigger too: a leaf's hash comes later, once.
log_leaf = Table(
    "log_leaf",
    Base.metadata,
    Column("workspace_id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False),
    Column("leaf_hash", LargeBinary(32)),
    Index("uq_log_leaf_event", "workspace_id", "event_id", unique=True),
    sqlite_with_rowid=False,
)

# How many places a workspace has given. Whoever gives some holds this row meanwhile.
log_head = Table(
    "log_head",
    Base.metadata,
    Column("workspace_id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)

# Events that have no place yet: a row for each time that something was recorded, in its transaction. Between
# the two numbers there may be events of other transactions on PostgreSQL.
log_pending = Table(
    "log_pending",
    Base.metadata,
    Column("workspace_id", Integer, primary_key=True, autoincrement=False),
    Column("first_event", BigInteger, primary_key=True, autoincrement=False),
    Column("last_event", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# How far a follower has come in a workspace's log: all up to the place ``seq`` has had its effect, of the
# follower's ``version``. Where the effects are made anew, they are whole from the place ``goal`` on.
follower = Table(
    "follower",
    Base.metadata,
    Column("workspace_id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("goal", BigInteger, nullable=False),
    Column("changed_at", Instant),
)

# Events that a follower failed at, since ``failed_at``. It went on behind them, and tries each again, later
# and later.
follower_failure = Table(
    "follower_failure",
    Base.metadata,
    Column("workspace_id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(32), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", String(500), nullable=False),
    Column("failed_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
)

# Which worker follows the log just now: one row, while there is one. It counts ``beat`` on while it is there.
worker = Table(
    "worker",
    Base.metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("beat_at", Instant, nullable=False),
)
