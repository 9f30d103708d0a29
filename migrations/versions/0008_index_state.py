"""Which version of what is derived from the log each workspace has, and how far it is made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

Instant = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Go to this version: what is derived was made by an unknown version, 0, and is stale."""
    op.create_table(
        "index_state",
        sa.Column("workspace_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("first_event", sa.BigInteger, nullable=False),
        sa.Column("done_event", sa.BigInteger, nullable=False),
        sa.Column("last_event", sa.BigInteger, nullable=False),
        sa.Column("changed_at", Instant),
    )
    op.execute(
        "INSERT INTO index_state (workspace_id, version, first_event, done_event, last_event)"
        " SELECT id, 0, 0, 0, 0 FROM workspace"
    )


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
