"""A failing statement, or any other error, is one line, and no value of anybody is in it."""

import re
import sqlite3

import psycopg
import pytest
import sqlalchemy as sa
from uuid_utils.compat import uuid7

from auditapp.extensions import db
from auditapp.models import Account
from auditapp.server_log.errors import cause_of, describe, where
from tests.conftest import PASSWORD, PASSWORD_HASH

EMAIL = "owner@acme.example"
SECRETS = (EMAIL, "acme.example", "hunter2hunter2", PASSWORD_HASH, PASSWORD_HASH[:30], "argon2", "$m=")


def says_nothing_of_anybody(lines):
    return [secret for secret in SECRETS if secret in lines.text] == []


def drop(table):
    cascade = " CASCADE" if db.engine.dialect.name == "postgresql" else ""
    db.session.execute(sa.text(f"DROP TABLE {table}{cascade}"))
    db.session.commit()
    db.session.remove()


def test_a_webhook_secret_is_not_in_the_line_of_a_failing_statement(client, login, acme, server_log):
    login("owner")
    drop("source")

    form = {"kind": "cloudevents", "name": "x", "secret": "hunter2hunter2"}
    response = client.post("/w/acme/settings/sources", data=form)

    assert response.status_code in (500, 503)
    assert len(server_log.streams["text"].getvalue().splitlines()) == len(server_log.of("request")) + 1
    assert says_nothing_of_anybody(server_log), server_log.text
    assert "\n  " not in server_log.text and "Traceback" not in server_log.text


def test_an_email_and_a_password_hash_are_not_in_the_line_of_a_failing_statement(
    client, login, acme, server_log, monkeypatch
):
    login("owner")
    account = db.session.scalars(sa.select(Account).where(Account.email == EMAIL)).one()
    row = {name: getattr(account, name) for name in ("email", "name", "is_demo", "created_at")}

    def duplicate(*_):
        db.session.execute(sa.insert(Account).values(id=uuid7(), password_hash=PASSWORD_HASH, **row))

    monkeypatch.setattr("auditapp.web.timeline.list_events", duplicate)
    response = client.get("/w/acme/timeline", headers={"X-Request-ID": "a-request-of-mine"})

    assert response.status_code == 500
    (line,) = server_log.of("unexpected error")
    assert line["request_id"] == response.headers["X-Request-ID"] == "a-request-of-mine"
    assert line["route"] == "/w/<workspace>/timeline" and line["workspace"] == "acme"
    assert line["account"] == str(account.id) and re.fullmatch(r"2\d\d\d-.+T.+Z", line["time"])
    assert line["error"].startswith("IntegrityError: ") and "email" in line["error"]
    assert "tests/server_log" in line["at"] and "auditapp/web/timeline.py" in line["at"]
    assert says_nothing_of_anybody(server_log), server_log.text


@pytest.mark.parametrize(
    "error",
    [
        KeyError(EMAIL),
        ValueError(f"no such thing: {EMAIL}\nTraceback of {PASSWORD_HASH}"),
        RuntimeError(EMAIL, {"password": "hunter2hunter2"}),
    ],
)
def test_what_an_error_says_of_a_value_is_not_in_its_line(
    client, login, acme, server_log, monkeypatch, error
):
    login("owner")

    def fail(*_):
        try:
            raise LookupError(EMAIL)
        except LookupError as cause:
            raise error from cause

    monkeypatch.setattr("auditapp.web.timeline.list_events", fail)
    client.get("/w/acme/timeline")

    (line,) = server_log.of("unexpected error")
    assert (line["error"], line["cause"]) == (type(error).__name__, "LookupError")
    assert says_nothing_of_anybody(server_log), server_log.text


@pytest.mark.own_app
def test_an_error_past_the_view_is_one_line_and_an_answer(client, acme, app, server_log):
    @app.after_request
    def fail(_response):
        raise KeyError(EMAIL)

    response = client.get(f"/join/{PASSWORD}?token=hunter2hunter2")

    assert response.status_code == 500
    assert server_log.of("unexpected error")
    assert says_nothing_of_anybody(server_log) and PASSWORD not in server_log.text, server_log.text


@pytest.mark.own_app
def test_the_teardown_of_a_request_fails_in_one_line_and_an_answer(client, app, server_log):
    @app.teardown_request
    def fail(_error):
        raise KeyError(EMAIL)

    response = client.get("/login")

    assert response.status_code == 500
    assert [line["error"] for line in server_log.of("unexpected error")] == ["KeyError"]
    assert says_nothing_of_anybody(server_log), server_log.text


def test_a_failing_command_says_nothing_of_a_value_either(cli, acme, monkeypatch):
    def fail(*_args, **_more):
        account = db.session.scalars(sa.select(Account).where(Account.email == EMAIL)).one()
        row = {"email": EMAIL, "name": EMAIL, "is_demo": False, "created_at": account.created_at}
        db.session.execute(sa.insert(Account).values(id=uuid7(), **row))

    monkeypatch.setattr("auditapp.cli.workspace.members.create_workspace", fail)
    result = cli("workspace", "create", "x", "--name", "X", "--owner", EMAIL)

    assert result.code == 1 and result.err.count("\n") == 1
    assert EMAIL not in result.err and "Traceback" not in result.err


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELECT secret_column", ""),
        ("SELECT 'hunter2hunter2' WHERE x MATCH 'y'", ""),
    ],
)
def test_what_sqlite_quotes_of_a_statement_is_left_out(statement, says):
    with pytest.raises(sqlite3.Error) as raised:
        sqlite3.connect(":memory:").execute(statement)

    assert describe(raised.value) == ("OperationalError" + (f": {says}" if says else ""))


def test_a_password_in_a_url_is_left_out():
    error = psycopg.OperationalError("cannot reach postgresql://user:hunter2hunter2@host/name\n  really")

    assert describe(error) == "OperationalError: cannot reach postgresql://user:***@host/name really"


def test_places_are_ours_and_the_innermost():
    def inner():
        sqlite3.connect("/nowhere/at/all.db")

    with pytest.raises(sqlite3.Error) as raised:
        inner()

    assert re.fullmatch(
        r"tests/server_log/\S+:\d+ inner < tests/server_log/\S+:\d+ test_\w+", where(raised.value)
    )
    assert describe(raised.value) == "OperationalError: unable to open database file"
    assert cause_of(raised.value) == ""
