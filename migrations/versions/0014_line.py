"""What a row tells beyond its columns comes into ``line``; the events that are there keep ``fields``."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

ERASABLE = ("actor_id", "actor_name", "member_id", "on_behalf_of_name", "entity_name", "fields", "line")


def upgrade() -> None:
    """Go to this version."""
    op.execute("ALTER TABLE event ADD COLUMN line TEXT")
    # The guards name each column; they are made anew so that they know this one.
    if op.get_bind().dialect.name == "sqlite":
        kept = " AND ".join(
            f"(NEW.{name} IS OLD.{name}{f' OR NEW.{name} IS NULL' if name in ERASABLE else ''})"
            for name in _columns()
        )
        op.execute("DROP TRIGGER IF EXISTS event_no_update")
        op.execute(
            f"CREATE TRIGGER event_no_update BEFORE UPDATE ON event WHEN NOT ({kept})"
            " BEGIN SELECT RAISE(ABORT, 'event is append-only'); END"
        )
    else:
        arguments = ", ".join(f"'{name}'" for name in ERASABLE)
        op.execute("DROP TRIGGER IF EXISTS event_no_change ON event")
        op.execute(
            "CREATE TRIGGER event_no_change BEFORE UPDATE OR DELETE ON event"
            f" FOR EACH ROW EXECUTE FUNCTION refuse_change({arguments})"
        )


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError


def _columns() -> list[str]:
    return [column["name"] for column in sa.inspect(op.get_bind()).get_columns("event")]
