"""Saved views of the timeline, and how each person likes to read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

BinaryUuid = sa.LargeBinary(16).with_variant(postgresql.UUID(as_uuid=True), "postgresql")
Instant = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Go to this version."""
    op.add_column("account", sa.Column("preferences", sa.Text))
    op.create_table(
        "saved_view",
        sa.Column("workspace_id", sa.Integer, primary_key=True),
        sa.Column("id", BinaryUuid, primary_key=True),
        sa.Column("member_id", BinaryUuid, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("is_shared", sa.Boolean, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id", "member_id"], ["member.workspace_id", "member.id"]),
    )
    op.create_index("ix_saved_view_member", "saved_view", ["workspace_id", "member_id"])
    op.create_table(
        "view_visit",
        sa.Column("workspace_id", sa.Integer, primary_key=True),
        sa.Column("view_id", BinaryUuid, primary_key=True),
        sa.Column("member_id", BinaryUuid, primary_key=True),
        sa.Column("seen_event_id", sa.BigInteger, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id", "view_id"], ["saved_view.workspace_id", "saved_view.id"]),
    )


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
