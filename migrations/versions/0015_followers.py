"""Places in the log, and what follows it by them.

Every event that is there gets its place at once, in the order of the numbers: nobody records meanwhile.
Counts have one writer now, and one row each.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

Instant = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
# Of auditapp/index/terms.py, at the time of this migration: an index of another version is made anew.
INDEX_VERSION = 3


def upgrade() -> None:
    """Go to this version."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute("LOCK TABLE event, event_count IN ACCESS EXCLUSIVE MODE")
    _create_tables()
    op.execute(
        "INSERT INTO log_leaf (workspace_id, seq, event_id)"
        " SELECT workspace_id, row_number() OVER (PARTITION BY workspace_id ORDER BY id), id FROM event"
    )
    op.execute(
        "INSERT INTO log_head (workspace_id, size) SELECT id,"
        " coalesce((SELECT max(seq) FROM log_leaf WHERE log_leaf.workspace_id = workspace.id), 0)"
        " FROM workspace"
    )
    op.create_index("uq_log_leaf_event", "log_leaf", ["workspace_id", "event_id"], unique=True)
    op.execute(
        f"""
        INSERT INTO follower (workspace_id, name, version, seq, goal, changed_at)
        SELECT workspace.id, 'index',
            CASE WHEN s.done_event >= s.last_event THEN s.version ELSE 0 END,
            CASE WHEN s.done_event >= s.last_event AND s.version = {INDEX_VERSION} THEN h.size ELSE 0 END,
            h.size, s.changed_at
        FROM workspace JOIN log_head h ON h.workspace_id = workspace.id
        JOIN index_state s ON s.workspace_id = workspace.id
        """
    )
    op.drop_table("index_state")
    if not is_sqlite:
        _add_up_counts()
    _guard(is_sqlite)


def _create_tables() -> None:
    op.create_table(
        "log_leaf",
        _workspace_id(),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(32)),
        sqlite_with_rowid=False,
    )
    op.create_table("log_head", _workspace_id(), sa.Column("size", sa.BigInteger, nullable=False))
    op.create_table(
        "log_pending",
        _workspace_id(),
        sa.Column("first_event", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last_event", sa.BigInteger, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "follower",
        _workspace_id(),
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("goal", sa.BigInteger, nullable=False),
        sa.Column("changed_at", Instant),
    )
    op.create_table(
        "follower_failure",
        _workspace_id(),
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("failed_at", Instant, nullable=False),
        sa.Column("next_at", Instant, nullable=False),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("beat_at", Instant, nullable=False),
    )


def _workspace_id() -> sa.Column[int]:
    return sa.Column("workspace_id", sa.Integer, primary_key=True, autoincrement=False)


def _add_up_counts() -> None:
    """Make one row of those that several writers had of a count."""
    key = "workspace_id, hours, start, event, actor_type, origin, outcome"
    op.execute(
        f"CREATE TEMPORARY TABLE added ON COMMIT DROP AS SELECT {key}, sum(events)::integer AS events"
        f" FROM event_count GROUP BY {key}"
    )
    op.drop_index("ix_event_count", "event_count")
    op.execute("TRUNCATE event_count")
    op.execute(f"INSERT INTO event_count ({key}, events) SELECT {key}, events FROM added")
    columns = ["workspace_id", "hours", "start", "event", "origin", "actor_type", "outcome"]
    op.create_index("ix_event_count", "event_count", columns, unique=True)


def _guard(is_sqlite: bool) -> None:
    """Keep places as they are; a hash that is not there yet may come."""
    if is_sqlite:
        refuse = "SELECT RAISE(ABORT, 'log_leaf is append-only')"
        op.execute(f"CREATE TRIGGER log_leaf_no_delete BEFORE DELETE ON log_leaf BEGIN {refuse}; END")
        op.execute(
            "CREATE TRIGGER log_leaf_no_update BEFORE UPDATE ON log_leaf WHEN OLD.leaf_hash IS NOT NULL"
            " OR NOT (NEW.workspace_id IS OLD.workspace_id AND NEW.seq IS OLD.seq"
            " AND NEW.event_id IS OLD.event_id)"
            f" BEGIN {refuse}; END"
        )
        op.execute(
            "CREATE TRIGGER log_leaf_no_replace BEFORE INSERT ON log_leaf WHEN"
            # Not one EXISTS with OR: SQLite 3.40 would look through all of the workspace's places.
            " EXISTS (SELECT 1 FROM log_leaf WHERE workspace_id = NEW.workspace_id AND seq = NEW.seq)"
            " OR EXISTS (SELECT 1 FROM log_leaf"
            " WHERE workspace_id = NEW.workspace_id AND event_id = NEW.event_id)"
            " BEGIN SELECT RAISE(ABORT, 'log_leaf is append-only: this key exists'); END"
        )
        return
    op.execute(
        "CREATE TRIGGER log_leaf_no_change BEFORE UPDATE ON log_leaf FOR EACH ROW WHEN ("
        "OLD.leaf_hash IS NOT NULL OR NEW.workspace_id <> OLD.workspace_id OR NEW.seq <> OLD.seq"
        " OR NEW.event_id <> OLD.event_id) EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER log_leaf_no_delete BEFORE DELETE ON log_leaf"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER log_leaf_no_truncate BEFORE TRUNCATE ON log_leaf"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
