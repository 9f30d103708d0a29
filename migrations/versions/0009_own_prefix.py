"""Auditapp's own events have a prefix from now on; which of the older ones were its own is noted down.

Of an event with one of the old names that is one whose actor no API key or source claims. Saved views ask
for the new names beside the old ones, so that they go on to show what they did.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

Instant = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Of each type that Auditapp recorded, its verbs; None: all.
OLD_NAMES = {
    "session": ("created", "ended", "failed"),
    "access": ("denied",),
    "export": ("created",),
    "undo": ("prepared",),
    **dict.fromkeys(("api_key", "member", "role", "role_permission", "saved_view", "source", "workspace")),
}


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "renamed_event",
        sa.Column("workspace_id", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("is_own", sa.Boolean, nullable=False),
    )
    renaming = op.create_table("renaming", sa.Column("at", Instant, primary_key=True, autoincrement=False))
    connection = op.get_bind()
    now = datetime.now(UTC)
    is_sqlite = connection.dialect.name == "sqlite"
    connection.execute(
        renaming.insert().values(at=(now - EPOCH) // timedelta(microseconds=1) if is_sqlite else now)
    )
    _note_old_events(connection)
    _extend_views(connection)


def _note_old_events(connection: sa.Connection) -> None:
    event = sa.table("event", *map(sa.column, ("workspace_id", "id", "event", "entity_type")))
    payload = sa.table("event_payload", *map(sa.column, ("workspace_id", "event_id", "context")))
    renamed = sa.table("renamed_event", *map(sa.column, ("workspace_id", "event_id", "is_own")))
    alone = [kind for kind, verbs in OLD_NAMES.items() if verbs is None]
    named = [f"{kind}.{verb}" for kind, verbs in OLD_NAMES.items() for verb in verbs or ()]
    beside = sa.and_(payload.c.workspace_id == event.c.workspace_id, payload.c.event_id == event.c.id)
    # As the sections are written, with no space; inside of a value its quotes would be escaped.
    unclaimed = payload.c.context.not_like('%"claimed_by":%')
    old = sa.select(event.c.workspace_id, event.c.id, sa.true()).select_from(event.join(payload, beside))
    old = old.where(sa.or_(event.c.entity_type.in_(alone), event.c.event.in_(named)), unclaimed)
    # Whoever used the prefix before it was reserved, it was not Auditapp.
    foreign = sa.select(event.c.workspace_id, event.c.id, sa.false()).where(
        sa.or_(event.c.entity_type == "auditapp", event.c.event.like("auditapp.%"))
    )
    for some in (old, foreign):
        connection.execute(renamed.insert().from_select(["workspace_id", "event_id", "is_own"], some))


def _extend_views(connection: sa.Connection) -> None:
    columns = ("workspace_id", "id", "query")
    view = sa.table("saved_view", *map(sa.column, columns))
    for workspace_id, view_id, query in connection.execute(sa.select(view)).all():
        pairs = parse_qsl(query, keep_blank_values=True)
        wider = sorted({*pairs, *(pair for pair in map(_with_prefix, pairs) if pair)})
        if len(wider) != len(pairs):
            here = (view.c.workspace_id == workspace_id, view.c.id == view_id)
            connection.execute(view.update().where(*here).values(query=urlencode(wider)))


def _with_prefix(pair: tuple[str, str]) -> tuple[str, str] | None:
    """Return what asks for the same of today's names, None where that is nothing else."""
    name, text = pair
    sign, value = text[: text.startswith("!")], text.removeprefix("!")
    kind = {"entity": value, "record": value.partition(":")[0], "event": value.rpartition(".")[0]}.get(name)
    return (name, f"{sign}auditapp.{value}") if kind in OLD_NAMES else None


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
