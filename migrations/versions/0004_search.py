"""The index of words; counts by hour, day and week; and indexes by the combinations of what is enumerated."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0004"
down_revision = "0003"

Instant = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Go to this version; what was recorded before is in none of these tables yet, see 0005 and 0008."""
    op.create_table(
        "event_count",
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("hours", sa.SmallInteger, nullable=False),
        sa.Column("start", Instant, nullable=False),
        sa.Column("event", sa.String(128), nullable=False),
        sa.Column("actor_type", sa.String(16), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
    )
    op.create_index(
        "ix_event_count",
        "event_count",
        ["workspace_id", "hours", "start", "event", "origin", "actor_type", "outcome"],
        unique=op.get_bind().dialect.name == "sqlite",
    )
    op.create_table(
        "event_kind",
        sa.Column("workspace_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.String(128), primary_key=True),
        sa.Column("origin", sa.String(16), primary_key=True),
        sa.Column("actor_type", sa.String(16), primary_key=True),
        sa.Column("outcome", sa.String(16), primary_key=True),
    )
    _indexes_by_kind()
    if op.get_bind().dialect.name == "sqlite":
        # Without content: the log has it. Words come from index/words.py, blanks between them.
        op.execute(
            "CREATE VIRTUAL TABLE event_search USING fts5("
            "words, content='', columnsize=0, tokenize=\"ascii tokenchars '_'\")"
        )
    else:
        op.create_table(
            "event_search",
            sa.Column("workspace_id", sa.Integer, nullable=False),
            sa.Column("event_id", sa.BigInteger, nullable=False),
            sa.Column("occurred_at", Instant, nullable=False),
            sa.Column("words", TSVECTOR, nullable=False),
            sa.PrimaryKeyConstraint("workspace_id", "event_id", name="pk_event_search"),
        )
        # New entries wait in a list that every search reads: keep it short.
        op.execute(
            "CREATE INDEX ix_event_search_words ON event_search USING gin (words)"
            " WITH (gin_pending_list_limit = 1024)"
        )


def _indexes_by_kind() -> None:
    """One index for every filter by event, origin, actor type and outcome, alone and together."""
    for name in ("event", "actor", "origin", "member", "actor_type", "outcome"):
        op.drop_index(f"ix_event_{name}", "event")
    columns = ["event", "origin", "actor_type", "outcome", "occurred_at", "id"]
    is_member = sa.text("member_id IS NOT NULL")
    op.create_index("ix_event_kind", "event", ["workspace_id", *columns])
    op.create_index("ix_event_actor", "event", ["workspace_id", "actor_id", *columns])
    op.create_index(
        "ix_event_member",
        "event",
        ["workspace_id", "member_id", *columns],
        sqlite_where=is_member,
        postgresql_where=is_member,
    )


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
