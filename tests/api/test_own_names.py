"""Nobody outside uses the names of Auditapp's own events: over HTTP, in whatever form."""

import json
import re

import pytest

from tests.api.conftest import EVENTS, problem_in
from tests.api.webhooks import CLOUDEVENT, CUSTOMERMATES, RETRACED, Sender
from tests.conftest import an_event

FORGED = {
    "an event": (an_event("auditapp.session.created"), ["event", "entity.type"]),
    "any event": (an_event("auditapp.whatever.may.come"), ["event", "entity.type"]),
    "the bare type": (an_event("auditapp.created"), ["event", "entity.type"]),
    "a related record": (
        an_event(related=[{"type": "deal", "id": "2"}, {"type": "auditapp.member", "id": "1"}]),
        ["related[1].type"],
    ),
    "a related bare type": (an_event(related=[{"type": "auditapp", "id": "1"}]), ["related[0].type"]),
}
LIKE = ("auditapp_session.created", "auditappsession.created", "my.auditapp.created", "session.created")


@pytest.mark.parametrize(("event", "paths"), FORGED.values(), ids=FORGED)
def test_a_name_of_auditapps_own_is_refused_by_path(caller, event, paths):
    body = problem_in(caller.post(event), 422)

    assert [each["path"] for each in body["errors"]] == paths
    assert all("reserved" in each["message"] for each in body["errors"])


def test_one_in_a_batch_or_a_line_or_a_cloudevent_refuses_all_of_it(caller, acme):
    good, forged = an_event(), an_event("auditapp.member.updated")
    cloud = {
        "specversion": "1.0",
        "id": "1",
        "source": "/crm",
        "type": "Auditapp.Member-Updated.Now",
        "subject": "m",
    }
    before = len(caller.get(EVENTS).get_json()["events"])

    answers = [
        caller.post({"events": [good, forged]}),
        caller.post(f"{json.dumps(good)}\n{json.dumps(forged)}", "application/x-ndjson"),
        caller.post(cloud, "application/cloudevents+json"),
        caller.post([cloud], "application/cloudevents-batch+json"),
    ]

    assert [answer.status_code for answer in answers] == [422] * 4
    assert [answer.get_json()["errors"][0]["path"] for answer in answers] == [
        "event",
        "event",
        "type",
        "type",
    ]
    assert len(caller.get(EVENTS).get_json()["events"]) == before


@pytest.mark.parametrize("name", LIKE)
def test_names_that_only_look_alike_are_anybodys(caller, name):
    assert caller.post(an_event(name)).status_code == 201


def test_what_a_key_says_of_sessions_and_members_is_not_taken_for_auditapps_word(caller, client, login, acme):
    login("owner")
    owner = {"type": "user", "id": "o", "name": "Olga", "email": "owner@acme.example"}
    changes = {"role_id": {"previous": "Owner", "current": "Emperor"}}
    caller.post(an_event("session.created", actor=owner, entity="s", name="Forged"))
    caller.post(an_event("member.updated", actor=owner, entity="m", name="Forged", changes=changes))

    text = re.sub(r"(\s|<[^>]+>)+", " ", client.get("/w/acme/timeline").text)

    assert "Session Forged created" in text and "Member Forged updated" in text
    assert "Forged signed in" not in text and "Member Forged changed" not in text
    assert "Owner signed in Auditapp" in text, "the tag that only Auditapp's own have"
    assert client.get("/w/acme/history/auditapp.member/m").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("event=auditapp.*", {"auditapp.session.created", "auditapp.api_key.created"}),
        ("event=auditapp.session.created", {"auditapp.session.created"}),
        ("entity=auditapp.session", {"auditapp.session.created"}),
    ],
)
def test_auditapps_own_events_are_found_by_their_names(caller, client, login, acme, query, expected):
    login("owner")
    caller.post(an_event("session.created"))

    found = {each["event"] for each in caller.get(f"{EVENTS}?{query}&limit=200").get_json()["events"]}

    assert expected <= found and all(name.startswith("auditapp.") for name in found)


WEBHOOKS = {
    "customermates": {**CUSTOMERMATES, "event": "auditapp.member.updated"},
    "retraced": {**RETRACED, "action": "Auditapp.member.update"},
    "retraced target": {**RETRACED, "action": "auditapp.created"},
    "cloudevents": {**CLOUDEVENT, "type": "auditapp.session.created"},
}


@pytest.mark.parametrize("name", WEBHOOKS)
def test_a_webhook_that_uses_one_is_set_aside_with_the_reason(caller, acme, name):
    sender = Sender(caller, acme, name.partition(" ")[0])

    answer = sender.send(WEBHOOKS[name])

    assert answer.status_code == 202 and "reserved" in answer.get_json()["reason"]
    assert sender.waiting_count() == 1
