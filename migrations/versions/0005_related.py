"""Events are found by the records that they name as related."""

from alembic import op

from auditapp.log.search_index import rebuild

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go to this version: the index of words is made again, with marks for related records."""
    rebuild(op.get_bind())


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
