"""Commands that let people and programs in: what they print, where, and with which exit code."""

import re
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from auditapp.access.members import find_workspace
from auditapp.extensions import db, prepare_sqlite
from auditapp.models import Event, Workspace
from tests.conftest import PASSWORD

LINK = re.compile(r"http://127\.0\.0\.1:5000(/join/\S+)\n")


def test_a_workspace_is_made_and_its_owner_let_in_by_the_printed_link(app, cli):
    result = cli("workspace", "create", "new", "--name", "New <b>", "--owner", "Boss@new.example")

    assert result.code == 0
    path = LINK.fullmatch(result.out)[1]
    client = app.test_client()
    page = client.post(path, data={"password": PASSWORD, "password_again": PASSWORD}, follow_redirects=True)
    assert page.request.path == "/w/new/timeline" and "Owner" in page.text
    events = db.session.scalars(sa.select(Event.event).order_by(Event.id)).all()
    assert events[:3] == ["auditapp.workspace.created", "auditapp.member.added", "auditapp.member.joined"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["acme", "--name", "x", "--owner", "a@b.example"], "there is a workspace 'acme' already"),
        (["Bad Slug", "--name", "x", "--owner", "a@b.example"], "is no slug"),
        (["-x", "--name", "x", "--owner", "a@b.example"], "o such option"),
        (["ok", "--name", "", "--owner", "a@b.example"], "A name needs"),
        (["ok", "--name", "x", "--owner", "nobody"], "is no e-mail address"),
        (["ok", "--name", "x"], "Missing option '--owner'"),
        (["ok", "--name", "x", "--owner", "a@b.example", "--timezone", "Moon"], "no such time zone"),
        ([], "Missing argument 'SLUG'"),
    ],
)
def test_a_workspace_that_cannot_be_is_said_in_one_line_and_nothing_is_made(cli, acme, arguments, says):
    result = cli("workspace", "create", *arguments)

    assert result.code in (1, 2) and result.out == ""
    assert says in result.err and result.err.count("\n") == 1 and "Traceback" not in result.err
    db.session.rollback()
    assert db.session.scalars(sa.select(Workspace.slug)).all() == ["acme"]


def test_a_user_with_a_password_from_standard_input_can_sign_in(app, cli, acme):
    result = cli(
        *("user", "create", "New@acme.example", "--name", "New", "--workspace", "acme"),
        *("--role", "auditor", "--password-stdin"),
        stdin=PASSWORD + "\n",
    )

    assert (result.code, result.out) == (0, "")
    response = app.test_client().post("/login", data={"email": "new@acme.example", "password": PASSWORD})
    assert response.status_code == 303


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"--workspace": "nowhere"}, "there is no workspace 'nowhere'"),
        ({"--workspace": "\udcff"}, "there is no workspace"),
        ({"--role": "Emperor"}, "there is no role 'Emperor'; there are Member, Auditor, Owner"),
        ({"email": "owner@acme.example"}, "is a member already"),
        ({"email": "@"}, "is no e-mail address"),
        ({"password": "short"}, "at least 10 characters"),
        ({"password": ""}, "at least 10 characters"),
    ],
)
def test_a_user_that_cannot_be_is_said_in_one_line(cli, acme, change, says):
    given = {
        "email": "n@acme.example",
        "--workspace": "acme",
        "--role": "Member",
        "password": PASSWORD,
        **change,
    }

    result = cli(
        *("user", "create", given["email"], "--name", "N", "--workspace", given["--workspace"]),
        *("--role", given["--role"], "--password-stdin"),
        stdin=given["password"],
    )

    assert result.code == 1 and says in result.err and result.err.count("\n") == 1


def test_a_password_cannot_be_put_over_one_that_is_set(app, cli, acme, other):
    result = cli(
        *("user", "create", "owner@other.example", "--name", "N", "--workspace", "acme"),
        *("--role", "Member", "--password-stdin"),
        stdin="another password",
    )

    assert result.code == 1 and "has a password already" in result.err
    response = app.test_client().post("/login", data={"email": "owner@other.example", "password": PASSWORD})
    assert response.status_code == 303


def test_an_api_key_is_printed_alone_on_stdout(cli, acme):
    result = cli(
        *("api-key", "create", "--workspace", "acme", "--name", "ERP"),
        *("--scope", "events:write", "--scope", "events:read"),
    )

    assert result.code == 0 and re.fullmatch(r"auditapp_[0-9A-Za-z]{40}\n", result.out)
    assert cli("api-key", "create", "--workspace", "acme", "--name", "x", "--scope", "all").code == 2
    assert (
        cli("api-key", "create", "--workspace", "nowhere", "--name", "x", "--scope", "events:read").code == 1
    )
    assert db.session.scalars(sa.select(Event.event)).all().count("auditapp.api_key.created") == 1


@pytest.mark.parametrize(
    "command",
    [
        "workspace",
        "workspace create",
        "user create",
        "api-key create",
        "events import",
        "demo",
        "doctor",
        "db upgrade",
    ],
)
def test_every_command_has_help(cli, command):
    result = cli(*command.split(), "--help")

    assert result.code == 0 and "Usage:" in result.out


def test_the_doctor_finds_nothing_wrong_with_a_fresh_installation(cli, set_in_database):
    set_in_database("synchronous_commit", "on")  # the tests' server has it off

    result = cli("doctor")

    assert result.code == 0, result.out
    assert "append-only by trigger" in result.out


def test_the_doctor_says_when_acknowledged_events_could_be_lost(cli, app):
    if db.engine.dialect.name == "postgresql":
        assert "WRONG  synchronous_commit is off" in cli("doctor").out
    else:
        with closing(sqlite3.connect(":memory:")) as connection:  # those of tests are set to OFF afterwards
            prepare_sqlite(connection, None)
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_the_doctor_says_when_a_trigger_is_gone(cli, app):
    name = "event_no_update" if db.engine.dialect.name == "sqlite" else "event_no_change"
    on = "" if db.engine.dialect.name == "sqlite" else " ON event"
    db.session.execute(sa.text(f"DROP TRIGGER {name}{on}"))
    db.session.commit()

    result = cli("doctor")

    assert result.code == 1 and "WRONG  triggers are missing on event" in result.out


def test_a_database_that_was_never_upgraded_is_said_in_one_line(cli, app):
    db.session.execute(sa.text("DROP TABLE invitation"))
    db.session.commit()

    result = cli("workspace", "create", "x", "--name", "X", "--owner", "a@b.example")

    assert result.code == 1 and result.err.count("\n") == 1 and "doctor" in result.err
    with pytest.raises(ValueError, match="no workspace"):
        find_workspace("x")


@pytest.mark.parametrize(
    "command",
    [
        ("workspace", "create", "new", "--name", "New", "--owner", "you@new.example"),
        ("user", "create", "you@new.example", "--name", "You", "--workspace", "acme", "--role", "Member"),
        ("api-key", "create", "--workspace", "acme", "--name", "crm", "--scope", "events:read"),
        (
            "source",
            "create",
            "--workspace",
            "acme",
            "--kind",
            "cloudevents",
            "--name",
            "s",
            "--secret",
            "secret-1",
        ),
    ],
    ids=lambda command: command[0],
)
def test_what_is_shown_once_is_not_shown_before_it_is_kept(cli, acme, monkeypatch, command):
    def fail() -> None:
        raise OperationalError("COMMIT", None, Exception("disk full"))

    monkeypatch.setattr(db.session, "commit", fail)

    result = cli(*command)

    assert result.code == 1 and result.out == ""
    assert result.err.strip().splitlines() == [result.err.strip()]
