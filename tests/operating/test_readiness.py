"""Ready means that it can record; what is wrong is named, with what mends it."""

import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from auditapp import config, create_app
from auditapp.extensions import db
from auditapp.operating import readiness
from auditapp.operating.places import name_of
from auditapp.operating.remembered import is_emptied, is_remembered, remember

pytestmark = pytest.mark.own_app  # it is made with what "at_once" sets


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(readiness, "TRY_EVERY", 0)
    monkeypatch.setattr(config, "BUSY_SECONDS", 0.2)


@pytest.fixture
def statements(app):
    """Return the statements that are sent to the database from here on."""
    sent = []

    def note(_connection, _cursor, statement, *_):
        sent.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    return sent


def empty():
    db.session.remove()
    names = sa.inspect(db.engine).get_table_names()
    if db.engine.dialect.name == "sqlite":
        db.engine.dispose()
        Path(db.engine.url.database).write_bytes(b"")
        return
    with db.engine.begin() as connection:
        for name in names:
            connection.execute(sa.text(f'DROP TABLE IF EXISTS "{name}" CASCADE'))


def wrong(cli):
    found = cli("doctor")
    assert found.code == 1
    return [line.removeprefix("WRONG  ") for line in found.out.splitlines() if line.startswith("WRONG")]


def test_ready_has_written_and_healthy_asks_nothing(client, acme, statements):
    assert client.get("/readyz").status_code == 200
    assert any("throttle" in statement for statement in statements if statement.startswith("INSERT"))

    statements.clear()
    assert client.get("/healthz").text == "ok\n"
    assert statements == []


def test_somebody_who_is_signed_in_gets_health_without_a_statement_too(client, login, acme, statements):
    login("owner")
    db.session.remove()
    statements.clear()

    assert client.get("/healthz").status_code == 200
    assert statements == []


def test_it_is_tried_at_most_every_few_seconds(client, acme, statements, monkeypatch):
    monkeypatch.setattr(readiness, "TRY_EVERY", 60)

    for _ in range(20):
        assert client.get("/readyz").status_code == 200

    assert len([statement for statement in statements if statement.startswith("INSERT INTO throttle")]) == 1


def test_an_emptied_database_is_not_ready_and_the_doctor_says_what_to_do(app, client, cli, acme):
    assert client.get("/readyz").status_code == 200, "and it is remembered"
    empty()

    answer = client.get("/readyz")

    assert (answer.status_code, answer.text) == (503, "not ready: the database is empty, and was not\n")
    assert int(answer.headers["Retry-After"]) > 0
    line = wrong(cli)[0]
    assert line.startswith("the database is empty, and was not: ") and "restore a backup" in line
    assert is_emptied(db.engine)


def test_a_new_database_without_a_workspace_is_ready(client):
    assert client.get("/readyz").status_code == 200
    assert not is_remembered(db.engine.url)


def test_a_database_that_was_never_upgraded_is_not_ready(app, client, cli):
    with db.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE throttle"))

    assert client.get("/readyz").text == "not ready: the database lacks a table\n"
    assert "db upgrade" in wrong(cli)[0]


def test_a_file_that_is_missing_is_not_made_by_asking(app, client, cli, acme):
    if db.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL has no file of ours")
    assert client.get("/readyz").status_code == 200
    file = Path(db.engine.url.database)
    file.rename(file.with_suffix(".away"))

    answer = client.get("/readyz")

    assert (answer.status_code, answer.text) == (503, "not ready: the database is missing\n")
    assert "restore a backup" in wrong(cli)[0] and not file.exists()


def test_a_file_that_was_replaced_under_the_server_is_not_ready(app, client, acme):
    if db.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL has no file of ours")
    assert client.get("/readyz").status_code == 200
    file = Path(db.engine.url.database)
    copy = file.with_suffix(".copy")
    copy.write_bytes(file.read_bytes())
    copy.replace(file)

    assert client.get("/readyz").text == "not ready: the database was moved or replaced\n"


def test_a_file_that_is_no_database_is_not_ready(app, client, cli):
    if db.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL has no file of ours")
    db.session.remove()
    db.engine.dispose()
    Path(db.engine.url.database).write_bytes(b"my shopping list" * 1000)

    assert client.get("/readyz").text == "not ready: the database is damaged, or none of ours\n"
    assert "restore a backup" in wrong(cli)[0]


def test_a_database_that_takes_no_writes_is_not_ready(app, client, cli, acme, set_in_database, monkeypatch):
    set_in_database("default_transaction_read_only", "on")
    if db.engine.dialect.name == "sqlite":
        db.engine.dispose()
        refuse = "PRAGMA query_only = 1"
        sa.event.listen(db.engine, "connect", lambda connection, _: connection.execute(refuse))

    answer = client.get("/readyz")

    assert answer.status_code == 503 and "writ" in answer.text
    assert "writ" in wrong(cli)[0]


def test_a_locked_database_is_not_ready(app, client, cli, acme):
    if db.engine.dialect.name == "sqlite":
        other = sqlite3.connect(db.engine.url.database)
        other.execute("BEGIN IMMEDIATE")
    else:
        other = sa.create_engine(db.engine.url, poolclass=sa.NullPool).connect()
        other.execute(sa.text("LOCK TABLE throttle IN ACCESS EXCLUSIVE MODE"))

    assert client.get("/readyz").text == "not ready: the database is locked\n"
    other.rollback()
    other.close()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("url", "what", "mend"),
    [
        (
            "postgresql+psycopg://u:hunter2hunter2@127.0.0.1:1/x",
            "the database does not answer",
            "DATABASE_URL",
        ),
        ("sqlite:////nowhere/at/all/x.db", "there is no database yet", "db upgrade"),
    ],
)
def test_a_database_that_is_not_there_is_named(url, what, mend):
    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "TESTING": True, "SECRET_KEY": "test"})

    answer, found = app.test_client().get("/readyz"), app.test_cli_runner().invoke(args=["doctor"])

    assert (answer.status_code, answer.text) == (503, f"not ready: {what}\n")
    assert found.exit_code == 1 and f"WRONG  {what}: " in found.output and mend in found.output
    assert "hunter2" not in found.output and "127.0.0.1" not in answer.text


def test_a_database_that_postgresql_does_not_have_is_named(database):
    if database.startswith("sqlite"):
        pytest.skip("SQLite knows neither")
    url = sa.make_url(database).set(database="nowhere")
    other = create_app({"SQLALCHEMY_DATABASE_URI": url.render_as_string(False), "TESTING": True})

    found = other.test_cli_runner().invoke(args=["doctor"])

    assert "WRONG  there is no such database: CREATE DATABASE" in found.output


def test_files_of_the_database_are_their_owners_only(app, cli, acme):
    if db.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL keeps its own")
    file = Path(db.engine.url.database)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "a copy of a file that others may read"

    file.chmod(0o640)
    journal = file.with_name("test.db-journal")
    journal.touch(0o644)
    db.session.remove()
    db.engine.dispose()
    assert cli("doctor").code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not journal.exists() or stat.S_IMODE(journal.stat().st_mode) == 0o600


def test_databases_are_remembered_the_newest_last(tmp_path):
    one, other = (sa.make_url(f"sqlite:///{tmp_path}/{name}.db") for name in ("one", "other"))
    secret = sa.make_url("postgresql+psycopg://u:hunter2@h/one?host=/tmp")

    for url in (one, secret, other, one, one):
        remember(url, tmp_path)

    lines = (tmp_path / "databases").read_text().splitlines()
    assert lines == [name_of(secret), name_of(other), name_of(one)]
    assert "hunter2" not in "".join(lines)
    assert stat.S_IMODE((tmp_path / "databases").stat().st_mode) == 0o600
    assert is_remembered(one, tmp_path) and not is_remembered(one.set(database="/x.db"), tmp_path)
