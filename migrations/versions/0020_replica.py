"""How far a replica must have replayed the primary's WAL before whoever wrote last reads there."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0015"


def upgrade() -> None:
    """Go to this version: nobody has written yet."""
    op.add_column("session", sa.Column("wal_position", sa.BigInteger))
    op.add_column("api_key", sa.Column("wal_position", sa.BigInteger))


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
