"""What a workspace called somebody when it invited them: until they join it knows no other name of theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Go to this version: who was invited before is shown as until now."""
    op.add_column("member", sa.Column("invited_as", sa.String(200)))


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
