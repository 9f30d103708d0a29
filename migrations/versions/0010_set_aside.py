"""Headers beside what could not be read, what of it was dismissed, and when a source was last refused."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

Instant = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Go to this version: of what was set aside before, the content type is the one header that is known."""
    op.add_column("source", sa.Column("last_refused_at", Instant))
    op.add_column("source", sa.Column("refused_because", sa.String(200)))
    op.add_column("set_aside", sa.Column("headers", sa.Text, nullable=False, server_default="{}"))
    op.add_column("set_aside", sa.Column("dismissed_at", Instant))
    _keep_content_types()
    op.drop_column("set_aside", "content_type")
    waits = sa.text("dismissed_at IS NULL")
    op.create_index(
        "ix_set_aside_waiting",
        "set_aside",
        ["workspace_id", "source_id", "received_at", "id"],
        sqlite_where=waits,
        postgresql_where=waits,
    )


def _keep_content_types() -> None:
    table = sa.table(
        "set_aside",
        sa.column("content_type", sa.String),
        sa.column("headers", sa.Text),
    )
    connection = op.get_bind()
    known = sa.select(table.c.content_type).where(table.c.content_type.is_not(None)).distinct()
    for content_type in connection.scalars(known).all():
        headers = json.dumps({"content-type": content_type}, ensure_ascii=False)
        connection.execute(
            sa.update(table).where(table.c.content_type == content_type).values(headers=headers)
        )


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
