"""The read side of the API: the same filters as the pages, whole events as answers."""

import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from auditapp.access.api_keys import find_key
from auditapp.extensions import db
from auditapp.models import ApiKey
from tests.conftest import an_event


@pytest.fixture
def api(app, cli, acme):
    """Return a function that asks the API with a fresh key."""
    key = cli(
        "api-key", "create", "--workspace", "acme", "--name", "Reader", "--scope", "events:read"
    ).out.strip()
    client = app.test_client()

    def get(url: str, key: str = key):
        return client.get(url, headers={"Authorization": f"Bearer {key}"})

    get.key = key
    return get


WHOLE = an_event(
    "deal.updated",
    entity={"type": "deal", "id": "d/1", "name": "Refresh"},
    occurred_at="2026-03-24T09:55:43.898000Z",
    on_behalf_of={"type": "user", "id": "u2", "name": None, "email": "zoe@x.example"},
    origin="ui",
    outcome="failure",
    related=[{"type": "service", "id": "s", "name": "Card"}, {"type": "task", "id": "t", "name": None}],
    changes={
        "stage": {"previous": None, "current": "won", "label": "Stage", "kind": "choice"},
        "new": {"current": 1},
    },
    payload={
        "z": [1.5, 2**63, -(2**63), 1e300, 0.1, True, None, "\u202eü\n"],
        "a": {"y": 1, "b": {}},
        "e": "",
    },
    context={"ip": "198.51.100.7", "user_agent": "x", "request_id": None},
    correlation_id="c",
    causation_id="019aa0c3-0000-7000-8000-000000000000",
)


def test_a_whole_event_comes_back_as_it_was_sent(api, note):
    event_id = note(**WHOLE)

    one = api(f"/api/v1/events/{event_id}")
    listed = api("/api/v1/events?record=deal:d%2F1")

    event = json.loads(one.data)
    assert {name: event[name] for name in WHOLE} == WHOLE
    assert (event["id"], event["seq"]) == (event_id, None)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(event["recorded_at"])).total_seconds()) < 60
    assert set(event) == {*WHOLE, "id", "seq", "recorded_at"}
    assert list(event["payload"]) == ["z", "a", "e"] and list(event["payload"]["a"]) == ["y", "b"]
    assert json.loads(listed.data) == {"events": [event], "next": None}


def test_events_page_by_the_next_link_newest_first(api, note):
    ids = [note(entity=str(number)) for number in range(5)][::-1]

    seen, url = [], "/api/v1/events?limit=2&event=deal.*"
    while url:
        body = api(url).get_json()
        seen += [event["id"] for event in body["events"]]
        assert len(body["events"]) <= 2
        url = body["next"]
        assert url is None or url.startswith("http://localhost/api/v1/events?")

    assert seen == ids


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("entity=deal", 200),
        ("entity=", 200),
        ("entity=Deal", 422),
        ("colour=1", 422),
        ("actor=me", 422),
        ("limit=0", 422),
    ],
)
def test_filters_are_those_of_the_page_and_faults_are_problems(api, note, query, status):
    note()

    response = api(f"/api/v1/events?{query}")

    assert response.status_code == status
    if status == 422:
        assert response.content_type == "application/problem+json"
        body = response.get_json()
        assert body["status"] == 422 and body["errors"][0]["path"] == query.partition("=")[0]
        assert body["errors"][0]["message"] in body["detail"]


def test_a_key_reads_its_whole_workspace_and_no_other(api, note, other):
    mine = note(actor="anybody")
    theirs = note(workspace=other, entity="secret")

    assert api(f"/api/v1/events/{mine}").status_code == 200
    response = api(f"/api/v1/events/{theirs}")
    assert response.status_code == 404 and response.content_type == "application/problem+json"
    assert theirs not in api("/api/v1/events?limit=200").text


@pytest.mark.parametrize("event_id", ["1", "x", "019aa0c3-0000-7000-8000-000000000000", "%00"])
def test_an_unknown_event_is_404(api, event_id):
    assert api(f"/api/v1/events/{event_id}").status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Basic abc",
        "Bearer auditapp_" + "a" * 40,
        "Bearer \xff",
        "Bearer " + "x" * 9000,
    ],
)
def test_without_a_valid_key_it_is_401_and_says_how(app, acme, header):
    response = app.test_client().get(
        "/api/v1/events", headers={"Authorization": header} if header is not None else {}
    )

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.content_type == "application/problem+json"


def test_a_cookie_opens_no_api(client, login, acme):
    login("owner")

    assert client.get("/api/v1/events").status_code == 401


def test_a_key_without_the_scope_is_403(app, cli, acme):
    key = cli(
        "api-key", "create", "--workspace", "acme", "--name", "W", "--scope", "events:write"
    ).out.strip()

    response = app.test_client().get("/api/v1/events", headers={"Authorization": f"Bearer {key}"})

    assert response.status_code == 403 and "events:read" in response.get_json()["detail"]


def test_a_revoked_key_is_nobodys(api, acme):
    db.session.execute(sa.update(ApiKey).values(revoked_at=datetime.now(UTC)))
    db.session.commit()

    assert api("/api/v1/events").status_code == 401


def test_a_key_carries_a_checksum_and_is_stored_as_a_hash(api):
    assert find_key(api.key) is not None
    wrong = api.key[:-1] + ("a" if api.key[-1] != "a" else "b")
    assert find_key(wrong) is None
    row = db.session.scalars(sa.select(ApiKey)).one()
    assert api.key.startswith(row.hint) and len(row.hint) < 15
    assert api.key.encode() not in row.key_hash
    assert row.last_used_at is None
    api("/api/v1/events")
    db.session.rollback()
    assert db.session.scalars(sa.select(ApiKey.last_used_at)).one() is not None


def test_errors_of_the_api_are_problems_too(api, app, monkeypatch):
    assert api("/api/v1/nothing").content_type == "application/problem+json"
    monkeypatch.setattr("auditapp.api.events.list_events", lambda *_: 1 / 0)
    response = api("/api/v1/events")
    assert response.status_code == 500 and response.content_type == "application/problem+json"

    def gone(*_):
        raise sa.exc.OperationalError("SELECT", {}, Exception("locked"))

    monkeypatch.setattr("auditapp.api.events.list_events", gone)
    response = api("/api/v1/events")
    assert (response.status_code, response.content_type) == (503, "application/problem+json")
    assert int(response.headers["Retry-After"]) > 0
