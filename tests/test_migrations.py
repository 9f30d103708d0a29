"""A database of any earlier version comes to this one with its rows, its indexes and its guards."""

import ast
import sys
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask_migrate import upgrade

from auditapp import create_app
from auditapp.access import api_keys
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.permissions import SYSTEM_ROLES
from auditapp.access.roles import grants_of
from auditapp.access.system_roles import update_system_roles
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.log import record
from auditapp.log.insert import EVENT_COLUMNS
from auditapp.models import Event, EventPayload, Role, Workspace, event_count
from auditapp.models.derived import HOUR
from auditapp.operating.deep.guards import problems_of_guards
from tests.conftest import BOTH, PASSWORD, an_event
from tests.databases import database_url, run_on_server
from tests.old_logs import EVENT, EVENTS, MEMBER, NAME, PAYLOAD, fill, index_as_then

MIGRATIONS = ROOT / "migrations"
REVISIONS = sorted(each.revision for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


@pytest.fixture(params=BOTH)
def old(request, tmp_path):
    """Return a function that returns the application on a database of a revision, with rows in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        server, name = request.getfixturevalue("postgresql"), f"old_{uuid.uuid4().hex}"
        run_on_server(server, f"CREATE DATABASE {name}")
        url = database_url(server, name)
    app = create_app(
        {"SQLALCHEMY_DATABASE_URI": url, "TESTING": True, "SECRET_KEY": "t", "WTF_CSRF_ENABLED": False}
    )

    def at(revision):
        upgrade(directory=str(MIGRATIONS), revision=revision)
        with db.engine.begin() as connection:
            fill(connection)
            index_as_then(connection, revision)
        return app

    with app.app_context():
        yield at
        db.session.remove()
        db.engine.dispose()
    if request.param == "postgresql":
        run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def stored(table):
    query = sa.select(*table.c).order_by(table.c[1])
    return [tuple(row) for row in db.session.execute(query)]


def signed_in(app, who):
    client = app.test_client()
    answer = client.post("/login", data={"email": f"{who}@acme.example", "password": PASSWORD})
    assert answer.status_code == 303
    return client


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_upgrade_from_any_version_keeps_every_event_and_finds_it_after_the_rebuild(old, revision):
    app = old(revision)
    before = [stored(table) for table in (EVENT, PAYLOAD, NAME, MEMBER)]
    db.session.rollback()

    upgrade(directory=str(MIGRATIONS))

    assert [stored(table) for table in (EVENT, PAYLOAD, NAME, MEMBER)] == before
    declared = {index.name for index in Event.__table__.indexes}
    assert {index["name"] for index in sa.inspect(db.engine).get_indexes("event")} == declared
    assert_guarded()
    key = api_keys.create_key(
        db.session.scalars(sa.select(Workspace)).one(), "crm", {"events:read"}, COMMAND_LINE, None
    )
    db.session.commit()
    head = {"Authorization": f"Bearer {key}"}
    owner, member = signed_in(app, "owner"), signed_in(app, "member")

    # What needs no index is whole at once.
    for query, events in (
        ("", EVENTS),
        ("event=deal.updated", 20),
        ("origin=api", 13),
        ("entity=contact", 20),
    ):
        answer = member.get(
            f"/w/acme/timeline?{query}&limit=100&actor=member@acme.example", follow_redirects=True
        )
        assert answer.text.count("data-event=") == events, query
    # What needs it says so.
    assert "must be made anew" in owner.get("/w/acme/timeline?q=kiwi7").text
    answer = app.test_client().get("/api/v1/events?q=kiwi7", headers=head)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)

    done = app.test_cli_runner().invoke(args=["index", "rebuild"])

    assert done.exit_code == 0, done.output
    for query, ids in (
        ("q=kiwi7", ["7"]),
        ("field=stage&to=won&record=deal:9", ["9"]),
        ("q=papaya", []),
        ("q=pump+39", ["39"]),
    ):
        answer = app.test_client().get(f"/api/v1/events?{query}", headers=head)
        assert [event["entity"]["id"] for event in answer.json["events"]] == ids, query
    hours = sa.select(sa.func.sum(event_count.c.events)).where(event_count.c.hours == HOUR)
    assert db.session.scalar(hours) == db.session.scalar(sa.select(sa.func.count(Event.id)))
    assert owner.get("/w/acme/timeline?q=kiwi7").text.count("data-event=") == 1


ALL_BUT_IDS = ", ".join(EVENT_COLUMNS[2:])
NEXT_TO_IT = f"event (workspace_id, id, {ALL_BUT_IDS}) SELECT workspace_id, 800, {ALL_BUT_IDS} FROM event"


def assert_guarded():
    on_sqlite = db.engine.dialect.name == "sqlite"
    for statement in (
        "DELETE FROM event",
        "UPDATE event SET event = 'a.c'",
        "DELETE FROM event_payload",
        *(
            (
                "REPLACE INTO event SELECT * FROM event",
                f"REPLACE INTO {NEXT_TO_IT}",
                "REPLACE INTO event_payload SELECT * FROM event_payload",
            )
            if on_sqlite
            else ("TRUNCATE event",)
        ),
    ):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"):
            db.session.execute(sa.text(statement))
        db.session.rollback()
    with db.engine.connect() as connection:
        assert list(problems_of_guards(connection)) == []


def test_an_upgraded_log_goes_on(old):
    old("0001")
    upgrade(directory=str(MIGRATIONS))
    workspace = db.session.scalars(sa.select(Workspace)).one()

    record(workspace, an_event("deal.updated", name="Papaya"))
    db.session.commit()

    assert db.session.scalar(sa.select(sa.func.max(Event.id))) > EVENTS
    assert db.session.scalar(sa.select(sa.func.count()).select_from(EventPayload)) == EVENTS + 1


def test_migrations_import_nothing_of_the_application():
    imported = set()
    for path in Path(MIGRATIONS).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                imported.add((node.module or "").partition(".")[0])

    assert imported - sys.stdlib_module_names <= {"sqlalchemy", "alembic", "flask"}


def test_models_and_migrations_are_the_same(app):
    result = app.test_cli_runner().invoke(args=["db", "check"])

    assert result.exit_code == 0, result.output


def test_a_column_that_no_migration_makes_is_noticed(app):
    db.session.execute(sa.text("ALTER TABLE workspace DROP COLUMN timezone"))
    db.session.commit()

    assert app.test_cli_runner().invoke(args=["db", "check"]).exit_code == 1


def test_an_upgrade_marks_the_programs_roles_and_a_start_brings_them_up_to_date(old):
    old("0012")
    with db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE role SET name = 'Guest' WHERE name = 'Member'"))
        connection.execute(sa.text("INSERT INTO role_permission SELECT workspace_id, id, '*', '*' FROM role"))
        connection.execute(sa.text("UPDATE role SET name = 'Boss' WHERE name = 'Owner'"))
        connection.execute(sa.text("UPDATE role SET is_system = (1 = 0) WHERE name = 'Guest'"))

    upgrade(directory=str(MIGRATIONS))

    names = dict(db.session.execute(sa.select(Role.name, Role.system_name)).all())
    assert names == {"Boss": "Owner", "Guest": None}
    assert update_system_roles() == 3  # Auditor and Member are added
    assert update_system_roles() == 0
    boss = db.session.scalars(sa.select(Role).where(Role.name == "Boss")).one()
    assert grants_of(boss) == set(SYSTEM_ROLES["Owner"])
