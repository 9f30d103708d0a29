"""Sources and what they could not read; keys that expire; the log without foreign keys."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

BinaryUuid = sa.LargeBinary(16).with_variant(postgresql.UUID(as_uuid=True), "postgresql")
Instant = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")

LOG = ("event_payload", "event")


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
        _drop_foreign_keys()
    else:
        _rebuild_without_foreign_keys()


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError


# Why the log has no foreign keys: on PostgreSQL each row asked for its workspace and its event again, one
# by one, which took six times as long as COPY itself, and before the first ANALYZE a scan of the
# table a row. On SQLite a foreign key beside a trigger makes each INSERT a statement that may have to be
# taken back in part, with a journal of its own: 52 µs a row against 24. Both rows are written by one
# function in one transaction, and no workspace is ever deleted.


def _drop_foreign_keys() -> None:
    inspector = sa.inspect(op.get_bind())
    for table in LOG:
        for key in inspector.get_foreign_keys(table):
            op.drop_constraint(key["name"], table, type_="foreignkey")


def _rebuild_without_foreign_keys() -> None:
    """SQLite cannot drop a constraint: make the tables anew, with their rows, indexes and triggers."""
    connection = op.get_bind()
    for table in LOG:
        parts = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL")
        found = [(kind, sql) for kind, sql in connection.execute(parts, {"table": table})]
        [ddl] = [sql for kind, sql in found if kind == "table"]
        _execute(_without_foreign_keys(ddl).replace(f"CREATE TABLE {table}", f"CREATE TABLE {table}_new", 1))
        _execute(f"INSERT INTO {table}_new SELECT * FROM {table}")
        _execute(f"DROP TABLE {table}")
        _execute(f"ALTER TABLE {table}_new RENAME TO {table}")
        for kind, sql in found:
            # uq_event_id was there for the foreign key alone.
            if kind == "index" and "uq_event_id " not in sql:
                _execute(sql)
        for kind, sql in found:
            if kind == "trigger":
                # FAIL stops a REPLACE as ABORT does, and needs no journal of each statement.
                _execute(sql.replace("RAISE(ABORT", "RAISE(FAIL") if "BEFORE INSERT" in sql else sql)


def _without_foreign_keys(ddl: str) -> str:
    shorter = re.sub(r",\s*CONSTRAINT \w+ FOREIGN KEY\([^)]*\) REFERENCES \w+ \([^)]*\)", "", ddl)
    if "REFERENCES" in shorter:
        raise RuntimeError("a foreign key of the log was not recognised")
    return shorter


def _execute(sql: str) -> None:
    # Not op.execute: it takes the colons in a trigger for parameters.
    op.get_bind().exec_driver_sql(sql)
