"""Records over HTTP: versions, state at an instant, two versions compared; whatever a record's id holds."""

import uuid
from urllib.parse import quote

import pytest

from tests.api.conftest import Caller, ids_in, problem_in
from tests.conftest import an_event

RECORDS = "/api/v1/records"
ADA = {"type": "user", "id": "ada", "name": "Ada", "email": "ada@acme.example"}


def at(hour: int) -> str:
    """Return an hour of one day."""
    return f"2026-03-24T{hour:02}:00:00.000000Z"


@pytest.fixture
def deal(note):
    """Record a deal's life, hour by hour, and return the ids of its events."""
    said = [
        ("deal.created", {"stage": {"current": "open", "kind": "choice"}, "value": {"current": 100}}),
        ("deal.updated", {"stage": {"previous": "open", "current": "won"}}),
        ("deal.updated", {"value": {"previous": 100, "current": None}}),
        ("deal.deleted", {"stage": {"previous": "won", "current": None}}),
    ]
    return [
        note(event, entity="d_1", name="Refresh", changes=changes, occurred_at=at(9 + number))
        for number, (event, changes) in enumerate(said)
    ]


def test_versions_are_listed_newest_first_and_paged_by_the_next_link(caller, deal):
    first = caller.get(f"{RECORDS}/deal/d_1?limit=3").get_json()
    second = caller.get(first["next"]).get_json()

    assert first["record"] == {"type": "deal", "id": "d_1", "name": "Refresh"}
    assert [each["event_id"] for each in first["versions"] + second["versions"]] == deal[::-1]
    assert second["next"] is None
    assert first["versions"][2] == {
        "event_id": deal[1],
        "event": "deal.updated",
        "occurred_at": at(10),
        "actor": ADA,
        "outcome": "success",
        "changes": {"stage": {"previous": "open", "current": "won"}},
    }


def test_a_state_says_each_fields_value_since_when_by_which_event_and_whom(caller, deal):
    state = caller.get(f"{RECORDS}/deal/d_1/state?at={at(11)}").get_json()

    assert state == {
        "record": {"type": "deal", "id": "d_1", "name": "Refresh"},
        "at": at(11),
        "exists": True,
        "complete": True,
        "reasons": [],
        "fields": {
            "stage": {"value": "won", "since": at(10), "event_id": deal[1], "actor": ADA},
            "value": {"value": None, "since": at(11), "event_id": deal[2], "actor": ADA},
        },
        "drift": [],
    }


def test_a_state_is_that_of_now_where_no_instant_is_asked_for(caller, deal):
    state = caller.get(f"{RECORDS}/deal/d_1/state?at=").get_json()

    assert state["at"] > at(12)
    assert (state["exists"], state["complete"]) == (False, True)
    assert {name: field["value"] for name, field in state["fields"].items()} == {
        "stage": "won",
        "value": None,
    }


def test_an_instant_may_be_a_date_or_a_distance_and_is_in_the_workspaces_zone(caller, deal):
    for text, exists in (
        ("2026-03-23", False),
        ("2026-03-24T10:30", True),  # in Berlin, so after the first event
        ("2026-03-24T09:59", False),
        ("2026-03-24", False),  # to its end, when the deal was deleted
        ("5w", False),
    ):
        assert caller.get(f"{RECORDS}/deal/d_1/state?at={text}").get_json()["exists"] == exists, text


def test_a_change_that_never_reached_the_log_is_told_as_drift(caller, note):
    note("deal.created", entity="d_2", changes={"stage": {"current": "open"}}, occurred_at=at(9))
    late = note(entity="d_2", changes={"stage": {"previous": "paused", "current": "won"}}, occurred_at=at(10))

    state = caller.get(f"{RECORDS}/deal/d_2/state").get_json()

    told = {"event_id": late, "field": "stage", "expected": "open", "found": "paused", "from_snapshot": False}
    assert state["drift"] == [told]
    assert state["fields"]["stage"]["value"] == "won"


def test_a_date_is_its_last_microsecond(caller, note):
    note("deal.created", entity="d_3", changes={"n": {"current": 1}}, occurred_at="2026-03-02T22:59:59Z")
    note(entity="d_3", changes={"n": {"previous": 1, "current": 2}}, occurred_at="2026-03-02T23:00:00Z")

    state = caller.get(f"{RECORDS}/deal/d_3/state?at=2026-03-02").get_json()

    assert state["at"] == "2026-03-02T22:59:59.999999Z"  # midnight in Berlin is of the next day
    assert state["fields"]["n"]["value"] == 1


def test_two_versions_are_compared_in_either_order(caller, deal):
    url = f"{RECORDS}/deal/d_1/compare"

    forward = caller.get(f"{url}?from={deal[0]}&to={deal[2]}").get_json()
    back = caller.get(f"{url}?from={deal[2]}&to={deal[0]}").get_json()

    assert forward == {
        "record": {"type": "deal", "id": "d_1", "name": "Refresh"},
        "from": deal[0],
        "to": deal[2],
        "changes": {
            "stage": {"previous": "open", "current": "won", "kind": "choice"},
            "value": {"previous": 100, "current": None},
        },
    }
    assert back["changes"] == {
        "stage": {"previous": "won", "current": "open", "kind": "choice"},
        "value": {"previous": None, "current": 100},
    }


def test_a_version_is_compared_with_the_one_before_it_unless_another_is_named(caller, deal):
    second = caller.get(f"{RECORDS}/deal/d_1/compare?to={deal[1]}").get_json()
    first = caller.get(f"{RECORDS}/deal/d_1/compare?to={deal[0]}").get_json()

    assert (second["from"], second["changes"]) == (
        deal[0],
        {"stage": {"previous": "open", "current": "won", "kind": "choice"}},
    )
    assert first["from"] is None
    assert first["changes"] == {"stage": {"current": "open", "kind": "choice"}, "value": {"current": 100}}


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("deal/d_1?limit=0", "limit"),
        ("deal/d_1?limit=1&limit=2", "limit"),
        ("deal/d_1?before=x", "before"),
        ("deal/d_1?at=now", "at"),
        ("deal/d_1?entity=deal", "entity"),
        ("deal/d_1/state?at=soon", "at"),
        ("deal/d_1/state?at=1h&at=2h", "at"),
        ("deal/d_1/state?limit=1", "limit"),
        ("deal/d_1/compare", "to"),
        ("deal/d_1/compare?from=x&to=y", "from"),
        ("deal/d_1/compare?to=y", "to"),
        ("deal/d_1/compare?at=1h", "at"),
    ],
)
def test_what_is_unknown_or_malformed_is_named(caller, deal, path, parameter):
    problem = problem_in(caller.get(f"{RECORDS}/{path}"), 422)

    assert problem["errors"][0]["path"] == parameter
    assert parameter in problem["errors"][0]["message"]


@pytest.mark.parametrize("suffix", ["", "/versions", "/state", "/compare"])
@pytest.mark.parametrize("record", ["deal/77", "contact/d_1", "Deal/d_1", "deal/%00", "deal/" + "x" * 600])
def test_a_record_that_the_log_has_never_heard_of_is_404(caller, deal, record, suffix):
    problem_in(caller.get(f"{RECORDS}/{record}{suffix}"), 404)


@pytest.mark.parametrize("suffix", ["", "/versions", "/state", "/compare"])
def test_another_workspaces_record_is_404(app, caller, deal, other, suffix):
    stranger = Caller(app, other)

    problem_in(stranger.get(f"{RECORDS}/deal/d_1{suffix}"), 404)


def test_an_event_of_another_record_or_workspace_is_no_version_of_this_one(caller, deal, note, other):
    url = f"{RECORDS}/deal/d_1/compare"

    for event_id in (note(entity="d_9"), note(entity="d_1", workspace=other), str(uuid.uuid4())):
        problem_in(caller.get(f"{url}?to={event_id}"), 404)
        problem_in(caller.get(f"{url}?from={event_id}&to={deal[0]}"), 404)


def test_a_key_needs_the_scope_to_read(app, caller, deal, acme):
    from tests.api.conftest import make_key

    writer = Caller(app, acme, make_key(acme, "Writer", ("events:write",)))

    for suffix in ("", "/versions", "/state", "/compare"):
        problem_in(writer.get(f"{RECORDS}/deal/d_1{suffix}"), 403)
        problem_in(caller.client.get(f"{RECORDS}/deal/d_1{suffix}"), 401)


@pytest.mark.parametrize(
    "record_id",
    ["a/b", "/a//b/", "a/state", "x/compare", "y/versions", "state", "a/state/state", "ü/%2F?#&=", "..a"],
)
def test_a_record_is_found_whatever_its_id_holds(caller, note, record_id):
    event_id = note(entity=record_id, changes={"size": {"current": 1}})
    url = f"{RECORDS}/deal/{quote(record_id, safe='')}"

    for path in (url, f"{url}/versions"):
        body = caller.get(path).get_json()
        assert body["record"]["id"] == record_id
        assert [each["event_id"] for each in body["versions"]] == [event_id]
    assert caller.get(f"{url}/state").get_json()["fields"]["size"]["value"] == 1
    assert caller.get(f"{url}/compare?to={event_id}").get_json()["to"] == event_id


@pytest.mark.parametrize("suffix", ["state", "compare", "versions"])
def test_where_two_records_could_be_meant_it_is_the_shorter_and_versions_tells_them_apart(
    caller, note, suffix
):
    short = note(entity="a", changes={"of": {"current": "short"}})
    longer = [note(entity=f"a/{suffix}", changes={"of": {"current": "long"}}) for _ in range(3)]

    plain = caller.get(f"{RECORDS}/deal/a%2F{suffix}?{'to=' + short if suffix == 'compare' else ''}")
    clear = caller.get(f"{RECORDS}/deal/a%2F{suffix}/versions?limit=2").get_json()
    rest = caller.get(clear["next"]).get_json()

    assert plain.get_json()["record"]["id"] == "a"
    assert [each["event_id"] for each in clear["versions"] + rest["versions"]] == longer[::-1]


def test_an_event_without_changes_is_a_version_too(caller, note):
    event_id = note("session.created", entity="s", changes={})

    body = caller.get(f"{RECORDS}/session/s").get_json()

    assert [(each["event_id"], each["changes"]) for each in body["versions"]] == [(event_id, {})]
    assert caller.get(f"{RECORDS}/session/s/state").get_json()["fields"] == {}


def test_values_come_back_as_they_were_sent(caller, note):
    values = [0.1, 2**63 - 1, -(2**63), 1e300, True, None, "\u202eü\n", [], {}, {"b": [1], "a": ""}]
    changes = {str(place): {"current": value} for place, value in enumerate(values)}
    note(entity="v", changes=changes)
    sent = an_event(changes=changes)["changes"]

    state = caller.get(f"{RECORDS}/deal/v/state").get_json()

    assert [field["value"] for field in state["fields"].values()] == [
        each["current"] for each in sent.values()
    ]


def test_an_event_of_a_leap_second_is_recorded_found_and_counts_in_the_state(caller):
    changes = {"stage": {"previous": "open", "current": "won"}}
    sent = an_event(
        "deal.updated",
        entity={"type": "deal", "id": "leap"},
        occurred_at="2016-12-31T23:59:60Z",
        changes=changes,
    )

    [event_id] = ids_in(caller.post(sent))

    assert caller.event(event_id)["occurred_at"] == "2016-12-31T23:59:59.999999Z"
    since = caller.get("/api/v1/events?record=deal:leap&since=2016-12-31T23:59:60Z").get_json()
    until = caller.get("/api/v1/events?record=deal:leap&until=2016-12-31T23:59:60Z").get_json()
    assert [len(found["events"]) for found in (since, until)] == [1, 0]
    state = caller.get("/api/v1/records/deal/leap/state?at=2016-12-31T23:59:60Z").get_json()
    assert state["fields"]["stage"]["value"] == "won"
