"""``flask backup`` and ``flask restore``: everything comes back, into either database."""

import shutil
import sqlite3
import uuid
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade

from auditapp import create_app
from auditapp.access import api_keys
from auditapp.access.own_events import COMMAND_LINE
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.followers import catch_up
from auditapp.log import record
from auditapp.models import Workspace, event_count, follower, follower_failure, worker
from tests.conftest import BOTH, PASSWORD, an_event
from tests.databases import database_url, run_on_server
from tests.old_logs import EVENTS, fill, index_as_then

HARD = "Zoë \u202e'; DROP TABLE event;-- 🥝 \\x00 \r\n\t end "


@pytest.fixture
def empty(request, tmp_path):
    """Return a function that returns the address of a database that has nothing in it, not even tables."""
    made = []

    def make(kind):
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / f'{uuid.uuid4().hex}.db'}"
        made.append(f"place_{uuid.uuid4().hex}")
        run_on_server(request.getfixturevalue("postgresql"), f"CREATE DATABASE {made[-1]}")
        return database_url(request.getfixturevalue("postgresql"), made[-1])

    yield make
    for name in made:
        run_on_server(request.getfixturevalue("postgresql"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def elsewhere():
    """Return a function that runs something with the application on another database."""

    def run(url, what):
        app = create_app({"SQLALCHEMY_DATABASE_URI": url, "TESTING": True, "SECRET_KEY": "t"})
        with app.app_context():
            try:
                return what(app)
            finally:
                db.session.remove()
                db.engine.dispose()

    return run


def command(*args):
    """Return what runs a command of an application."""

    def run(app):
        result = app.test_cli_runner().invoke(args=[str(arg) for arg in args])
        return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


def everything(_app=None):
    """Return every row of every table that is not derived, with the values as they are kept."""
    derived = {event_count.name, follower.name, follower_failure.name, worker.name}
    return {
        table.name: [tuple(row) for row in db.session.execute(sa.select(table).order_by(*table.primary_key))]
        for table in db.metadata.sorted_tables
        if table.name not in derived
    }


@pytest.fixture
def log(acme, other, note):
    """Record events of all sorts in two workspaces, with gaps in their numbers."""
    for number in range(7):
        note(
            entity=f"d{number}",
            name=HARD,
            payload={"text": HARD, "deep": [1, 1.0, {"a": None}], "big": 2**63 - 1},
            changes={"stage": {"previous": "open", "current": HARD}},
            idempotency_key=f"k{number}" if number % 2 else None,
            on_behalf_of={"type": "user", "id": "ada", "name": "Ada"},
            occurred_at="0001-01-01T00:00:00Z" if number == 3 else "2024-02-29T23:59:59.999999Z",
        )
        if number == 4:
            record(acme, an_event())
            db.session.flush()
            db.session.rollback()
    note(name="Kiwi elsewhere", workspace=other)
    api_keys.create_key(acme, "crm", {"events:read"}, COMMAND_LINE, None)
    db.session.commit()
    catch_up(db.engine)


@pytest.mark.parametrize("kind", BOTH)
def test_what_was_backed_up_comes_back_in_either_database(cli, log, empty, elsewhere, tmp_path, kind):
    before, file, place = everything(), tmp_path / "backup", empty(kind)
    db.session.rollback()

    made = cli("backup", file)
    back = elsewhere(place, command("restore", file))

    assert (made.code, back.code) == (0, 0), (made.err, back.err)
    events = len(before["event"])
    assert made.out == f"Backed up {events} events to {file}.\n"
    assert back.out == f"Restored {events} events.\n"
    assert "No keys are in it" in made.err and "secret_key" in made.err and "secret_key" in back.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".backup*")) and not list(tmp_path.glob("backup-*"))
    assert elsewhere(place, everything) == before

    doctor = elsewhere(place, command("doctor", "--deep"))
    for well in ("an event can be recorded", "the search index is whole", "the log agrees with itself"):
        assert f"ok     {well}" in doctor.out
    words = ("events", "export", "--workspace", "other", "--query", "q=kiwi")
    assert elsewhere(place, command(*words)).out.count("\n") == 1


@pytest.mark.parametrize("kind", BOTH)
def test_a_restored_database_goes_on_recording(cli, log, empty, elsewhere, tmp_path, kind):
    file, place = tmp_path / "backup", empty(kind)
    cli("backup", file)
    elsewhere(place, command("restore", file))

    def go_on(_app):
        workspace = db.session.scalars(sa.select(Workspace).where(Workspace.slug == "acme")).one()
        for _ in range(3):
            record(workspace, an_event(name="Papaya"))
        db.session.commit()
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            db.session.execute(sa.text("DELETE FROM event"))
        db.session.rollback()
        return everything()

    before, after = everything(), elsewhere(place, go_on)

    assert after["event"][: len(before["event"])] == before["event"]
    assert len(after["event"]) == len(before["event"]) + 3
    words = ("events", "export", "--workspace", "acme", "--query", "q=papaya")
    assert elsewhere(place, command(*words)).out.count("\n") == 3


def test_people_sign_in_to_a_restored_database(cli, acme, empty, elsewhere, tmp_path):
    place = empty("sqlite")
    cli("backup", tmp_path / "backup")
    elsewhere(place, command("restore", tmp_path / "backup"))

    def sign_in(app):
        app.config["WTF_CSRF_ENABLED"] = False
        return app.test_client().post("/login", data={"email": "owner@acme.example", "password": PASSWORD})

    assert elsewhere(place, sign_in).status_code == 303


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("revision", ["0003", "0009"])
def test_a_backup_of_an_earlier_version_is_brought_to_this_one(empty, elsewhere, tmp_path, kind, revision):
    old, place = tmp_path / "old.db", empty(kind)

    def as_it_was(_app):
        upgrade(directory=str(ROOT / "migrations"), revision=revision)
        with db.engine.begin() as connection:
            fill(connection)
            index_as_then(connection, revision)

    elsewhere(f"sqlite:///{old}", as_it_was)
    made = elsewhere(f"sqlite:///{old}", command("backup", tmp_path / "backup"))
    before = (tmp_path / "backup").read_bytes()

    back = elsewhere(place, command("restore", tmp_path / "backup"))

    assert (made.code, back.code) == (0, 0), (made.err, back.err)
    assert back.out == f"Restored {EVENTS} events.\n"
    assert (tmp_path / "backup").read_bytes() == before, "a backup is only read"
    words = ("events", "export", "--workspace", "acme", "--query", "q=kiwi7")
    assert elsewhere(place, command(*words)).out.count("\n") == 1


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("name", ["a b", "100%", "a?mode=rwc#b", "käse&c", "%41", "file:x"])
def test_a_backup_may_be_called_as_one_likes(cli, acme, empty, elsewhere, tmp_path, name, kind):
    file = tmp_path / name

    made = cli("backup", file)
    back = elsewhere(empty(kind), command("restore", file))

    assert (made.code, back.code) == (0, 0), (made.err, back.err)
    assert sorted(each.name for each in tmp_path.iterdir() if not each.name.endswith(".db")) == [name]


def test_a_file_that_is_there_is_not_overwritten(cli, log, tmp_path):
    (tmp_path / "backup").write_text("of yesterday")

    result = cli("backup", tmp_path / "backup")

    assert (result.code, result.out) == (1, "") and "is there already" in result.err
    assert (tmp_path / "backup").read_text() == "of yesterday"


def test_a_folder_that_is_not_there_is_said(cli, log, tmp_path):
    result = cli("backup", tmp_path / "none" / "backup")

    assert result.code == 1 and "cannot be written: No such file or directory" in result.err
    assert result.err.count("\n") == 1


def test_nothing_is_restored_over_events(cli, log, tmp_path):
    before = everything()
    db.session.rollback()
    cli("backup", tmp_path / "backup")

    result = cli("restore", tmp_path / "backup")

    assert (result.code, result.out) == (1, "") and "the database is not empty" in result.err
    assert everything() == before


@pytest.mark.parametrize("damage", ["text", "nothing", "another's", "newer", "cut", "holes"])
def test_what_is_no_whole_backup_is_refused_and_leaves_the_place_empty(
    cli, log, empty, elsewhere, tmp_path, damage, database
):
    file, place = tmp_path / "backup", empty("postgresql" if "postgresql" in database else "sqlite")
    cli("backup", file)
    says = "is no backup that flask backup has written"
    if damage == "text":
        file.write_text("x" * 10_000)
    elif damage == "nothing":
        file.write_bytes(b"")
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        says = "is damaged"
    elif damage == "holes":
        content = bytearray(file.read_bytes())
        content[8192:-4096] = bytes(len(content) - 8192 - 4096)
        file.write_bytes(content)
        says = "is damaged"
    else:
        with sqlite3.connect(file) as connection:
            if damage == "newer":
                connection.execute("UPDATE alembic_version SET version_num = '9999'")
                says = "is of a newer version of Auditapp (9999)"
            else:
                connection.execute("DROP TABLE alembic_version")
        connection.close()

    result = elsewhere(place, command("restore", file))

    assert (result.code, result.out) == (1, "") and says in result.err and result.err.count("\n") == 1
    shutil.copy(file, tmp_path / "damaged")
    file.unlink()
    cli("backup", file)
    assert elsewhere(place, command("restore", file)).code == 0, "the place is still empty"


def test_a_file_that_is_not_there_is_said(cli, tmp_path):
    result = cli("restore", tmp_path / "none")

    assert result.code == 1 and "there is no such file" in result.err


def test_where_there_is_no_database_there_is_nothing_to_back_up(empty, elsewhere, tmp_path, database):
    place = empty("postgresql" if "postgresql" in database else "sqlite")

    result = elsewhere(place, command("backup", tmp_path / "backup"))

    said = "has no tables" if "postgresql" in database else "there is no database at"
    assert result.code == 1 and result.err.count("\n") == 1 and said in result.err
    assert not (tmp_path / "backup").exists()
