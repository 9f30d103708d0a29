"""A database of an earlier version comes to this one with its rows, its indexes and its guards."""

import shutil
import sqlite3
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade

from auditapp import create_app
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.models import Event, EventPayload


@pytest.fixture
def first_version(tmp_path):
    """Return an application on a SQLite database of version 0001 with one event."""
    app = create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'old.db'}", "TESTING": True})
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"), revision="0001")
        now = int(datetime.now(UTC).timestamp() * 1_000_000)
        with sqlite3.connect(tmp_path / "old.db") as connection:
            connection.execute(
                "INSERT INTO workspace VALUES (1, zeroblob(16), 'acme', 'Acme', 'UTC', ?)", (now,)
            )
            connection.execute(
                "INSERT INTO event (workspace_id, id, uid, occurred_at, recorded_at, event, entity_type,"
                " entity_id, actor_type, actor_id, origin, outcome, correlation_id)"
                " VALUES (1, 7, zeroblob(16), ?, ?, 'a.b', 'a', '1', 'user', 'u', 'ui', 'success', 'c')",
                (now, now),
            )
            connection.execute(
                "INSERT INTO event_payload (workspace_id, event_id, actor) VALUES (1, 7, '{}')"
            )
        connection.close()
        yield app
        db.session.remove()
        db.engine.dispose()


def test_an_upgrade_keeps_rows_indexes_and_guards(first_version, tmp_path):
    shutil.copy(tmp_path / "old.db", tmp_path / "before.db")

    upgrade(directory=str(ROOT / "migrations"))

    event = db.session.scalars(sa.select(Event)).one()
    assert (event.id, event.event, event.correlation_id) == (7, "a.b", "c")
    assert db.session.scalars(sa.select(EventPayload.actor)).one() == "{}"
    inspector = sa.inspect(db.engine)
    declared = {index.name for index in Event.__table__.indexes}
    assert {index["name"] for index in inspector.get_indexes("event")} == declared
    for statement in (
        "DELETE FROM event",
        "UPDATE event SET event = 'a.c'",
        "DELETE FROM event_payload",
        "REPLACE INTO event SELECT * FROM event",
        "REPLACE INTO event SELECT workspace_id, 8, uid, occurred_at, recorded_at, event, entity_type,"
        " entity_id, entity_name, actor_type, actor_id, actor_name, member_id, on_behalf_of_name, origin,"
        " outcome, correlation_id, causation_id, fields, idempotency_key, idempotency_digest FROM event",
        "REPLACE INTO event_payload SELECT * FROM event_payload",
    ):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"):
            db.session.execute(sa.text(statement))
        db.session.rollback()
    assert db.session.scalars(sa.select(Event.id)).all() == [7]
