"""What leaves the log leaves a trace in it first: where that cannot be written, nothing is read out."""

import json
import sqlite3
from contextlib import closing, contextmanager

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.inbound.files.jsonl import Jsonl
from auditapp.outbound import export, files
from tests.api.conftest import make_key
from tests.conftest import an_event

pytestmark = pytest.mark.faults

SECRET = "Secret name"


@contextmanager
def no_writing():
    """Let every write of an event fail, on a database that answers all questions."""
    is_sqlite = db.engine.dialect.name == "sqlite"
    if is_sqlite:
        trigger = "CREATE TRIGGER refusing BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'is full'); END"
    else:
        trigger = "CREATE TRIGGER refusing BEFORE INSERT ON event EXECUTE FUNCTION refuse_for_test()"
        refuse = "BEGIN RAISE EXCEPTION 'is full'; END"
        db.session.execute(
            sa.text(f"CREATE FUNCTION refuse_for_test() RETURNS trigger LANGUAGE plpgsql AS $${refuse}$$")
        )
    db.session.execute(sa.text(trigger))
    db.session.commit()
    yield
    db.session.execute(sa.text("DROP TRIGGER refusing" + ("" if is_sqlite else " ON event")))
    db.session.commit()


@pytest.fixture
def read(monkeypatch):
    """Return the list of what was read to be handed out."""
    asked = []
    whole, rows = files.whole_events, export.fetch_page
    monkeypatch.setattr(files, "whole_events", lambda *args: asked.append(args) or whole(*args))
    monkeypatch.setattr(export, "fetch_page", lambda *args: asked.append(args) or rows(*args))
    return asked


PATHS = (
    "/w/acme/timeline.csv",
    "/w/acme/timeline.jsonl?entity=deal",
    "/w/acme/history.jsonl/deal/1",
    "/api/v1/events.csv",
    "/api/v1/events.jsonl",
    "/api/v1/records/deal/1/undo?event={event}",
)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_read_out_that_cannot_be_noted(client, login, acme, note, read, path):
    event = note(name=SECRET, changes={"stage": {"previous": "open", "current": "won"}})
    login("owner")
    headers = {"Authorization": f"Bearer {make_key(acme)}"} if path.startswith("/api") else {}

    with no_writing():
        refused = client.get(path.format(event=event), headers=headers)

    assert refused.status_code == 503 and refused.headers["Retry-After"]
    assert SECRET not in refused.text and "Nothing was handed out" in refused.text
    assert read == []
    assert client.get(path.format(event=event), headers=headers).status_code == 200


def test_no_undo_document_leaves_a_page_that_cannot_be_noted(client, login, note):
    event = note(name=SECRET, changes={"stage": {"previous": "open", "current": "won"}})
    login("owner")

    with no_writing():
        for how in ("", "download"):
            refused = client.post(f"/w/acme/undo?event={event}", data={"how": how})
            assert refused.status_code == 503 and SECRET not in refused.text


def test_a_command_that_cannot_be_noted_does_nothing_and_says_so(cli, acme, note, tmp_path, monkeypatch):
    note(name=SECRET)
    rows_read = []
    rows = Jsonl.rows
    monkeypatch.setattr(Jsonl, "rows", lambda *args: rows_read.append(args) or rows(*args))
    line = json.dumps(an_event(occurred_at="2026-03-24T09:00:00Z"))

    with no_writing():
        out = cli("events", "export", "--workspace", "acme", "--output", tmp_path / "out.jsonl")
        into = cli("events", "import", "-", "--workspace", "acme", "--format", "jsonl", stdin=line)

    for result in (out, into):
        assert result.code == 1 and result.out == ""
        assert "could not be noted in the log" in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "out.jsonl").exists() and rows_read == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_locked_database_hands_out_nothing_either(client, login, acme, note, read):
    note(name=SECRET)
    login("owner")

    with closing(sqlite3.connect(db.engine.url.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = client.get("/w/acme/timeline.jsonl")

    assert refused.status_code == 503 and SECRET not in refused.text and read == []


def test_the_beginning_is_in_the_log_before_the_first_byte_is_sent(client, login, acme, note):
    note(name=SECRET)
    login("owner")

    response = client.get("/w/acme/timeline.jsonl?entity=deal", buffered=False)
    events = client.get("/w/acme/timeline.jsonl?event=auditapp.export.*").text.splitlines()
    response.close()

    [started] = (json.loads(line) for line in events)
    assert started["event"] == "auditapp.export.started"
    assert started["payload"] == {"format": "jsonl", "query": "entity=deal"}
