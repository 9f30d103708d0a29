"""The log, its guards, and who may read it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

BinaryUuid = sa.LargeBinary(16).with_variant(postgresql.UUID(as_uuid=True), "postgresql")
Instant = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")

SECTIONS = ("actor", "on_behalf_of", "names", "related", "changes", "payload", "context")
ERASABLE = {
    "event": ("actor_id", "actor_name", "member_id", "on_behalf_of_name", "entity_name", "fields"),
    "event_payload": (*SECTIONS, *(f"{name}_salt" for name in SECTIONS)),
    "event_name": (),
}


def upgrade() -> None:
    """Go to this version."""
    _accounts()
    _workspaces()
    _log()
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgresql_triggers()


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", BinaryUuid, primary_key=True),
        sa.Column("email", sa.String(320), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.String(200)),
        sa.Column("is_demo", sa.Boolean, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("id", BinaryUuid, nullable=False, unique=True),
        sa.Column("account_id", BinaryUuid, sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_seen_at", Instant, nullable=False),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"])
    op.create_table(
        "throttle",
        sa.Column("key", sa.LargeBinary(32), primary_key=True),
        sa.Column("window_start", Instant, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("ix_throttle_window_start", "throttle", ["window_start"])


def _workspaces() -> None:
    op.create_table(
        "workspace",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("uid", BinaryUuid, nullable=False, unique=True),
        sa.Column("slug", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
    )
    op.create_table(
        "role",
        sa.Column("workspace_id", sa.Integer, sa.ForeignKey("workspace.id"), primary_key=True),
        sa.Column("id", BinaryUuid, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("is_system", sa.Boolean, nullable=False),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "role_permission",
        sa.Column("workspace_id", sa.Integer, primary_key=True),
        sa.Column("role_id", BinaryUuid, primary_key=True),
        sa.Column("resource", sa.String(128), primary_key=True),
        sa.Column("action", sa.String(64), primary_key=True),
        sa.ForeignKeyConstraint(["workspace_id", "role_id"], ["role.workspace_id", "role.id"]),
    )
    op.create_table(
        "member",
        sa.Column("workspace_id", sa.Integer, sa.ForeignKey("workspace.id"), primary_key=True),
        sa.Column("id", BinaryUuid, primary_key=True),
        sa.Column("account_id", BinaryUuid, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("role_id", BinaryUuid, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("joined_at", Instant),
        sa.Column("removed_at", Instant),
        sa.UniqueConstraint("workspace_id", "account_id"),
        sa.ForeignKeyConstraint(["workspace_id", "role_id"], ["role.workspace_id", "role.id"]),
    )
    op.create_index("ix_member_account_id", "member", ["account_id"])
    op.create_table(
        "invitation",
        sa.Column("token_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("member_id", BinaryUuid, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant),
        sa.ForeignKeyConstraint(["workspace_id", "member_id"], ["member.workspace_id", "member.id"]),
    )
    op.create_table(
        "api_key",
        sa.Column("workspace_id", sa.Integer, sa.ForeignKey("workspace.id"), primary_key=True),
        sa.Column("id", BinaryUuid, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("scopes", sa.String(200), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_used_at", Instant),
        sa.Column("revoked_at", Instant),
    )


def _log() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    # SQLite counts up only a primary key of one INTEGER, its rowid; elsewhere the workspace leads.
    own_key = [sa.Column("id", sa.Integer, primary_key=True)]
    led_key = [
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_event"),
    ]
    op.create_table(
        "event",
        sa.Column("workspace_id", sa.Integer, sa.ForeignKey("workspace.id"), nullable=False),
        *(own_key if on_sqlite else led_key),
        sa.Column("uid", BinaryUuid, nullable=False),
        sa.Column("occurred_at", Instant, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.Column("event", sa.String(128), nullable=False),
        sa.Column("entity_type", sa.String(128), nullable=False),
        sa.Column("entity_id", sa.String(512), nullable=False),
        sa.Column("entity_name", sa.String(512)),
        sa.Column("actor_type", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.String(512)),
        sa.Column("actor_name", sa.String(512)),
        sa.Column("member_id", BinaryUuid),
        sa.Column("on_behalf_of_name", sa.String(512)),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("correlation_id", sa.String(512), nullable=False),
        sa.Column("causation_id", sa.String(512)),
        sa.Column("fields", sa.Text),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("idempotency_digest", sa.LargeBinary(32)),
    )
    if on_sqlite:
        op.create_index("uq_event_id", "event", ["workspace_id", "id"], unique=True)
    op.create_index("uq_event_uid", "event", ["workspace_id", "uid"], unique=True)
    _index("uq_event_idempotency_key", ["idempotency_key"], "idempotency_key IS NOT NULL", unique=True)
    place = ["occurred_at", "id"]
    _index("ix_event_time", place)
    _index("ix_event_event", ["event", *place])
    _index("ix_event_actor", ["actor_id", "event", *place])
    _index("ix_event_entity", ["entity_id", *place])
    _index("ix_event_origin", ["origin", *place])
    _index("ix_event_correlation", ["correlation_id", *place])
    _index("ix_event_member", ["member_id", "event", *place], "member_id IS NOT NULL")
    _index("ix_event_actor_type", ["actor_type", *place], "actor_type <> 'user'")
    _index("ix_event_outcome", ["outcome", *place], "outcome <> 'success'")
    key = ["event_id"] if on_sqlite else ["workspace_id", "event_id"]
    op.create_table(
        "event_payload",
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Integer if on_sqlite else sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text) for name in SECTIONS),
        *(sa.Column(f"{name}_salt", sa.LargeBinary(16)) for name in SECTIONS),
        sa.PrimaryKeyConstraint(*key, name="pk_event_payload"),
        sa.ForeignKeyConstraint(["workspace_id", "event_id"], ["event.workspace_id", "event.id"]),
    )
    op.create_table(
        "event_name",
        sa.Column("workspace_id", sa.Integer, sa.ForeignKey("workspace.id"), primary_key=True),
        sa.Column("event", sa.String(128), primary_key=True),
        sa.Column("entity_type", sa.String(128), nullable=False),
    )


def _index(name: str, columns: list[str], where: str | None = None, *, unique: bool = False) -> None:
    partial = {f"{dialect}_where": sa.text(where) for dialect in ("sqlite", "postgresql")} if where else {}
    op.create_index(name, "event", ["workspace_id", *columns], unique=unique, **partial)


def _columns(table: str) -> list[str]:
    return [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)]


def _sqlite_triggers() -> None:
    for table, erasable in ERASABLE.items():
        kept = " AND ".join(
            f"(NEW.{name} IS OLD.{name}{f' OR NEW.{name} IS NULL' if name in erasable else ''})"
            for name in _columns(table)
        )
        refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refuse}; END")
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN NOT ({kept}) BEGIN {refuse}; END"
        )
    # REPLACE deletes the row in its way without firing the delete trigger.
    _sqlite_no_replace(
        "event",
        "id = NEW.id",
        "workspace_id = NEW.workspace_id AND uid = NEW.uid",
        "workspace_id = NEW.workspace_id AND idempotency_key = NEW.idempotency_key"
        " AND NEW.idempotency_key IS NOT NULL",
    )
    _sqlite_no_replace("event_payload", "event_id = NEW.event_id")


def _sqlite_no_replace(table: str, *same: str) -> None:
    exists = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {condition})" for condition in same)
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {exists}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only: this key exists'); END"
    )


def _postgresql_triggers() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            erasable text[] := TG_ARGV;
            name text;
        BEGIN
            IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - erasable = to_jsonb(OLD) - erasable THEN
                FOREACH name IN ARRAY erasable LOOP
                    IF to_jsonb(NEW) -> name NOT IN ('null'::jsonb, to_jsonb(OLD) -> name) THEN
                        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
                            USING ERRCODE = 'restrict_violation';
                    END IF;
                END LOOP;
                RETURN NEW;
            END IF;
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table, erasable in ERASABLE.items():
        arguments = ", ".join(f"'{name}'" for name in erasable)
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION refuse_change({arguments})"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
