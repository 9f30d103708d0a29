"""Events are found by the records that they name as related; the kinds of what was recorded before 0004."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go to this version: 0008 marks the index of words as stale, and the program makes it anew.

    Kinds come at once: nearly every filter relies on them, as does what a member may see.
    """
    # WHERE, or SQLite takes ON CONFLICT for the condition of a join.
    op.execute(
        "INSERT INTO event_kind (workspace_id, event, origin, actor_type, outcome)"
        " SELECT DISTINCT workspace_id, event, origin, actor_type, outcome FROM event WHERE true"
        " ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
