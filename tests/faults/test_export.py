"""Exports over a real server: a reader who goes away, and a database that fails in the middle."""

import http.client
import json
from contextlib import closing

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.models import Workspace
from tests.conftest import an_event
from tests.faults.serving import until

pytestmark = pytest.mark.faults

PATH = "/api/v1/events.jsonl?entity=deal"
EVENTS = 3000
BYTES = 10_000  # of each: all together far more than fits between the server and its reader


@pytest.fixture
def server(app, key, serve):
    """Return a server with more events than it can have sent before anybody reads."""
    workspace = db.session.scalars(sa.select(Workspace)).one()
    for _ in range(EVENTS // 500):
        record_batch(workspace, [an_event(payload={"text": "x" * BYTES})] * 500)
    db.session.commit()
    db.session.remove()
    db.engine.dispose()
    return serve(app.config["SQLALCHEMY_DATABASE_URI"])


def begin(server, key: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Ask for an export and read a little of it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", PATH, headers={"Authorization": f"Bearer {key}"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.read(BYTES)
    return connection, response


def exports(server, key: str) -> list[dict]:
    """Return the payloads of the exports in the log."""
    answer = server.ask("GET", "/api/v1/events?event=auditapp.export.finished", Authorization=f"Bearer {key}")
    return [event["payload"] for event in answer.json["events"]]


def test_a_reader_who_goes_away_half_way_is_in_the_log(server, key):
    connection, response = begin(server, key)
    response.close()
    connection.close()

    until(lambda: exports(server, key), 20, "the export is recorded")

    [payload] = exports(server, key)
    assert not payload["complete"] and 0 < payload["events"] < EVENTS
    assert "Traceback" not in server.log


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_database_that_fails_in_the_middle_is_said_in_the_file(server, key):
    connection, response = begin(server, key)
    # Longer than the export waits to read, and then to record that it failed.
    db.session.execute(sa.text("LOCK TABLE event_payload IN ACCESS EXCLUSIVE MODE"))

    with closing(connection), pytest.raises(http.client.IncompleteRead) as cut_off:
        response.read()
    *events, last = cut_off.value.partial.splitlines()

    assert "THIS EXPORT IS INCOMPLETE" in json.loads(last)["error"] and len(events) < EVENTS
    until(lambda: "an incomplete export could not be recorded" in server.log, 20, "the log says so")
    db.session.rollback()
    assert server.is_ready()
    assert exports(server, key) == []
    whole = server.ask("GET", PATH, Authorization=f"Bearer {key}")
    assert len(whole.text.splitlines()) == EVENTS and json.loads(whole.text.splitlines()[-1])
