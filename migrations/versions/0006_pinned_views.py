"""Each person pins views of their choice."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Go to this version: nothing is pinned yet."""
    op.add_column("view_visit", sa.Column("is_pinned", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
