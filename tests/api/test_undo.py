"""Undo over HTTP: the document of an event or a story, for a record they touched; taking it is an event."""

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import Event, EventPayload
from tests.api.conftest import PROBLEM, make_key, problem_in

RECORDS = "/api/v1/records"
WON = {"stage": {"previous": "open", "current": "won"}}


def told() -> list:
    """Return the events that say that an undo was handed over."""
    return list(db.session.scalars(sa.select(Event).where(Event.event == "auditapp.undo.prepared")))


def test_the_undo_of_an_event_is_a_document_and_taking_it_is_an_event_of_the_key(caller, note):
    event = note(entity="d_1", name="Refresh", changes=WON)

    answer = caller.get(f"{RECORDS}/deal/d_1/undo?event={event}")

    assert (answer.status_code, answer.content_type) == (200, "application/json")
    document = answer.get_json()
    made_at = document.pop("made_at")
    assert made_at.endswith("Z")
    assert document == {
        "format": "auditapp-undo/1",
        "of": {"event_id": event},
        "complete": True,
        "records": [
            {
                "record": {"type": "deal", "id": "d_1", "name": "Refresh"},
                "action": "update",
                "changes": {"stage": {"previous": "won", "current": "open"}},
                "conflicts": [],
                "text": ["Set Stage back to open."],
            }
        ],
        "not_undone": [],
    }
    (row,) = told()
    assert (row.actor_type, row.actor_name, row.origin, row.entity_id) == ("api_key", "CRM", "api", event)
    payload = db.session.scalar(sa.select(EventPayload.payload).where(EventPayload.event_id == row.id))
    assert '"how":"api"' in payload and "won" not in payload


def test_the_undo_of_a_story_has_all_records_that_it_touched(caller, note):
    note(entity="d_1", changes=WON, correlation_id="a/b & c")
    note("task.created", entity="t/1", changes={"title": {"current": "x"}}, correlation_id="a/b & c")

    for record in ("deal/d_1", "task/t%2F1"):
        document = caller.get(f"{RECORDS}/{record}/undo?correlation=a%2Fb%20%26%20c").get_json()
        assert document["of"] == {"correlation_id": "a/b & c"}
        assert [(each["record"]["id"], each["action"]) for each in document["records"]] == [
            ("t/1", "delete"),
            ("d_1", "update"),
        ]


def test_an_event_that_did_nothing_has_a_document_that_says_so(caller, note):
    event = note(entity="d_1", outcome="denied", changes=WON)

    document = caller.get(f"{RECORDS}/deal/d_1/undo?event={event}").get_json()

    assert document["records"] == []
    assert [(each["event_id"], each["reason"]) for each in document["not_undone"]] == [(event, "failed")]


def test_what_did_not_touch_the_record_or_is_another_workspaces_is_404(caller, note, other):
    mine = note(entity="d_1", changes=WON)
    another = note(entity="d_2", changes=WON, correlation_id="c")
    theirs = note(workspace=other, entity="d_1", changes=WON, correlation_id="theirs")
    hidden = note(workspace=other, entity="d_3", changes=WON)

    for path in (
        f"deal/d_1/undo?event={another}",
        "deal/d_1/undo?correlation=c",
        f"deal/d_1/undo?event={theirs}",
        "deal/d_1/undo?correlation=theirs",
        f"deal/d_3/undo?event={hidden}",
        f"contact/d_1/undo?event={mine}",
    ):
        problem_in(caller.get(f"{RECORDS}/{path}"), 404)
    assert told() == []


@pytest.mark.parametrize(
    "query",
    ["", "event=1", "event=&correlation=", "correlation=%00", "correlation=" + "x" * 513, "events=1"],
)
def test_what_names_no_event_or_story_is_refused(caller, note, query):
    note(entity="d_1", changes=WON)

    problem = problem_in(caller.get(f"{RECORDS}/deal/d_1/undo?{query}"), 422)

    assert problem["errors"]


def test_both_an_event_and_a_story_are_refused(caller, note):
    event = note(entity="d_1", changes=WON)

    problem_in(caller.get(f"{RECORDS}/deal/d_1/undo?event={event}&correlation={event}"), 422)


def test_a_record_whose_id_ends_in_undo_is_found(caller, note):
    note(entity="a/undo", changes=WON)
    event = note(entity="b/undo", changes=WON)

    versions = caller.get(f"{RECORDS}/deal/a%2Fundo").get_json()
    undo = caller.get(f"{RECORDS}/deal/b%2Fundo/undo?event={event}").get_json()

    assert versions["record"]["id"] == "a/undo" and len(versions["versions"]) == 1
    assert undo["records"][0]["record"]["id"] == "b/undo"


def test_a_key_that_may_not_read_gets_none_and_a_head_alone_takes_none(app, acme, caller, note):
    event = note(entity="d_1", changes=WON)
    path = f"{RECORDS}/deal/d_1/undo?event={event}"
    writer = {"Authorization": f"Bearer {make_key(acme, scopes=('events:write',))}"}

    refused = app.test_client().get(path, headers=writer)
    head = caller.client.head(path, headers=caller.headers)

    assert (refused.status_code, refused.content_type) == (403, PROBLEM)
    assert (head.status_code, head.content_type) == (200, "application/json")
    assert told() == []
