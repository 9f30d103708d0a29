"""Sources and what they could not read; keys that expire; the log without foreign keys on PostgreSQL."""

import sqlalchemy as sa
from alembic import op

from auditapp.models.types import BinaryUuid, Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go to this version."""
    op.add_column("api_key", sa.Column("expires_at", Instant))
    op.create_table(
        "source",
        sa.Column("workspace_id", sa.Integer, sa.ForeignKey("workspace.id"), primary_key=True),
        sa.Column("id", BinaryUuid, primary_key=True),
        sa.Column("path", sa.String(32), nullable=False, unique=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("secret", sa.String(200), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_received_at", Instant),
        sa.Column("removed_at", Instant),
    )
    op.create_table(
        "set_aside",
        sa.Column("workspace_id", sa.Integer, primary_key=True),
        sa.Column("id", BinaryUuid, primary_key=True),
        sa.Column("source_id", BinaryUuid, nullable=False),
        sa.Column("body_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("content_type", sa.String(200)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("last_received_at", Instant, nullable=False),
        sa.UniqueConstraint("workspace_id", "source_id", "body_hash"),
        sa.ForeignKeyConstraint(["workspace_id", "source_id"], ["source.workspace_id", "source.id"]),
    )
    if op.get_bind().dialect.name == "postgresql":
        _drop_foreign_keys_of_the_log()


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError


def _drop_foreign_keys_of_the_log() -> None:
    """Each row asked for its workspace and its event again, one by one: COPY took six times as long, and
    before the first ANALYZE a scan of the whole table a row. Both rows come from one statement of
    ours, and no workspace is ever deleted; SQLite's cost little and stay.
    """
    inspector = sa.inspect(op.get_bind())
    for table in ("event", "event_payload"):
        for key in inspector.get_foreign_keys(table):
            op.drop_constraint(key["name"], table, type_="foreignkey")
