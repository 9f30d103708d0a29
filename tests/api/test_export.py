"""Exports with an API key: the whole workspace, streamed, and an event of the key's."""

import csv
import io
import json

import pytest

from tests.api.conftest import EVENTS, make_key, problem_in
from tests.conftest import an_event

CSV, NDJSON = "text/csv; charset=utf-8", "application/x-ndjson; charset=utf-8"
BOTH_FORMS = pytest.mark.parametrize(("form", "content_type"), [("csv", CSV), ("jsonl", NDJSON)])


def events_in(response) -> list[tuple]:
    """Return the events of an export, by id, name and payload."""
    if response.mimetype == "text/csv":
        rows = csv.DictReader(io.StringIO(response.text, newline=""))
        return [(row["id"], row["entity_name"], json.loads(row["payload"])) for row in rows]
    events = [json.loads(line) for line in response.text.splitlines()]
    return [(event["id"], event["entity"]["name"], event["payload"]) for event in events]


@BOTH_FORMS
def test_a_key_exports_its_whole_workspace_and_no_other(caller, note, other, form, content_type):
    ids = [note(entity=str(number), name="Zoë", payload={"n": number}) for number in range(3)]
    note(workspace=other, name="Secret")

    response = caller.get(f"{EVENTS}.{form}?entity=deal&limit=1")

    assert (response.status_code, response.content_type) == (200, content_type)
    assert response.headers["Content-Disposition"].startswith('attachment; filename="acme-timeline-')
    assert response.headers["Cache-Control"] == "no-store"
    assert events_in(response) == [(each, "Zoë", {"n": number}) for number, each in enumerate(ids)]


def test_a_line_of_jsonl_is_the_event_as_the_api_has_it(caller, note):
    event_id = note(payload={"z": 1, "a": "\u202e"}, related=[{"type": "task", "id": "t"}])

    response = caller.get(f"{EVENTS}.jsonl?entity=deal")

    assert json.loads(response.text) == caller.event(event_id)


@BOTH_FORMS
def test_an_export_is_an_event_of_the_key(caller, note, form, content_type):
    note()

    caller.get(f"{EVENTS}.{form}?record=deal:1").get_data()

    [event] = caller.get(f"{EVENTS}?event=auditapp.export.finished").get_json()["events"]
    assert (event["actor"]["type"], event["actor"]["name"], event["origin"]) == ("api_key", "CRM", "api")
    assert event["payload"].pop("duration_ms") >= 0
    ended = {"events": 1, "skipped": 0, "complete": True}
    assert event["payload"] == {"format": form, "query": "record=deal:1", **ended}
    assert "claimed_by" not in event["context"], "Auditapp knows it itself"


@BOTH_FORMS
@pytest.mark.parametrize(
    ("query", "path"), [("colour=1", "colour"), ("limit=0", "limit"), ("actor=me", "actor")]
)
def test_a_filter_that_cannot_be_read_is_a_problem(caller, form, content_type, query, path):
    body = problem_in(caller.get(f"{EVENTS}.{form}?{query}"), 422)

    assert [each["path"] for each in body["errors"]] == [path]


@BOTH_FORMS
def test_a_key_that_may_only_write_exports_nothing(app, caller, acme, note, form, content_type):
    note()
    writer = make_key(acme, "Writer", ("events:write",))

    response = app.test_client().get(f"{EVENTS}.{form}", headers={"Authorization": f"Bearer {writer}"})

    assert "events:read" in problem_in(response, 403)["detail"]
    problem_in(app.test_client().get(f"{EVENTS}.{form}"), 401)


def test_a_jsonl_export_can_be_recorded_again_elsewhere(cli, caller, other):
    recorded = caller.post(an_event(occurred_at="2026-03-24T09:55:43Z", payload={"b": 1, "a": None}))
    lines = caller.get(f"{EVENTS}.jsonl?entity=deal").text

    there = cli(
        "events", "import", "-", "--workspace", "other", "--format", "jsonl", "--restore", stdin=lines
    )
    again = cli("events", "export", "--workspace", "other", "--query", "entity=deal").out

    assert recorded.status_code == 201 and there.out.startswith("1 event recorded")
    assert again == lines
