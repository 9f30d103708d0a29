"""Customermates' rows as events: who, what, when; and what is no such row."""

from datetime import UTC, datetime

import pytest

from auditapp.inbound.customermates.audit_log import Customermates, read_people
from auditapp.inbound.files.json_stream import FileError
from auditapp.log.schema import parse_event
from tests.inbound.customermates_rows import JULIA, MAX, audit_row, events_of, file_of, updated
from tests.inbound.reading import strictly


def test_a_row_becomes_one_event_with_its_data_whole():
    row = audit_row("deal.created", {"id": "d1", "name": "Rollout", "users": [MAX]})

    [event] = events_of([row])

    assert event == {
        "event": "deal.created",
        "occurred_at": "2026-03-24T09:00:00.123Z",
        "actor": {"type": "user", "id": "u1", "name": "Max Muster", "email": "max@acme.example"},
        "origin": "unknown",
        "entity": {"type": "deal", "id": "d1", "name": "Rollout"},
        "changes": {
            "name": {"current": "Rollout"},
            "users": {
                "current": [{"id": "u1", "name": "Max Muster", "email": "max@acme.example"}],
                "kind": "refs",
            },
        },
        "payload": row["eventData"],
        "idempotency_key": "customermates:r1",
    }


def test_what_nobody_did_was_done_by_the_system():
    [event] = events_of([audit_row("deal.created", {"name": "N"}, userId=None)])

    assert event["actor"] == {"type": "system", "id": "customermates", "name": "Customermates"}


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"name": "Rollout", "firstName": "x"}, "Rollout"),
        ({"firstName": "Felix", "lastName": "Koch"}, "Felix Koch"),
        ({"firstName": None, "lastName": "Koch "}, "Koch"),
        ({"label": "Status"}, "Status"),
        ({"name": ""}, None),
        ({"name": 7}, None),
        ({}, None),
        ({"name": "x" * 513}, "x" * 511 + "…"),
    ],
)
def test_a_record_is_called_by_its_name_its_two_names_or_its_label(record, name):
    [created, changed] = events_of(
        [audit_row("a.created", record), updated("some_thing", record, {}, row="r2")]
    )

    assert created["entity"]["name"] == changed["entity"]["name"] == name


def named(events: list[dict]) -> list[str | None]:
    return [event["actor"]["name"] for event in events]


def test_a_name_in_the_log_holds_from_its_row_on_and_the_first_one_before_it():
    rows = [
        audit_row("deal.created", {"name": "N"}),
        audit_row("deal.created", {"users": [MAX]}, row="r2"),
        audit_row("deal.created", {"users": [{**MAX, "lastName": "Maier"}]}, row="r3"),
        audit_row("deal.created", {}, row="r4"),
    ]

    assert named(events_of(rows)) == ["Max Muster", "Max Muster", "Max Maier", "Max Maier"]


@pytest.mark.parametrize(
    "row",
    [
        audit_row("user.registered", JULIA, entity="u2", userId="u2"),
        updated("deal", {"users": [JULIA]}, {}, userId="u2"),
        updated("deal", {}, {"users": {"previous": [JULIA], "current": []}}, userId="u2"),
        updated("deal", {}, {"users": {"previous": None, "current": [JULIA]}}, userId="u2"),
    ],
    ids=["registration", "record", "removed", "added"],
)
def test_an_actor_is_found_wherever_the_log_describes_them(row):
    [event] = events_of([row])

    assert (event["actor"]["name"], event["actor"]["email"]) == ("Julia Weber", "julia@acme.example")


def test_the_file_of_people_wins_and_an_unknown_user_stays_an_id():
    rows = [audit_row("deal.created", {"users": [MAX]}), audit_row("deal.created", {}, userId="u9", row="r2")]

    events = events_of(rows, {"u1": {"id": "u1", "firstName": "Maximilian", "email": ""}})

    assert named(events) == ["Maximilian", None]
    assert [event["actor"]["email"] for event in events] == [None, None]
    assert events[1]["actor"]["id"] == "u9"


def row_but(**changes) -> dict:
    return {**audit_row("deal.updated", {"name": "N"}), **changes}


def row_without(name: str) -> dict:
    return {key: value for key, value in row_but().items() if key != name}


BAD_ROWS = {
    "no object": ([], "row 2: must be an object"),
    "no id": (row_without("id"), "row 2: id: must be a string that is not empty"),
    "empty id": (row_but(id=""), "row 2: id: must be a string that is not empty"),
    "no event": (row_without("event"), "row 2 (id r1): event: must be a string"),
    "event of another type": (row_but(event=7), "row 2 (id r1): event: must be a string"),
    "no entity": (row_but(entityId=None), "row 2 (id r1): entityId: must be a string"),
    "no time": (row_without("createdAt"), "row 2 (id r1): createdAt: must be a string"),
    "no user": (row_without("userId"), "row 2 (id r1): userId: is required; null stands for nobody"),
    "user of another type": (row_but(userId=7), "row 2 (id r1): userId: must be null or a string"),
    "no data": (row_but(eventData=None), "row 2 (id r1): eventData: must be an object"),
    "no payload": (row_but(eventData={}), "row 2 (id r1): eventData.payload: must be an object"),
    "an unknown field": (row_but(ipAddress="x"), "row 2 (id r1): ipAddress: is no field of an audit log row"),
    "changes of another form": (
        updated("deal", {}, {"name": "B"}),
        "row 2 (id r1): eventData.payload.changes: must be {field: {previous, current}}",
    ),
    "an id that hides": (
        row_but(id="a\x1b[2J\n", event=None),
        "row 2 (id a\\u001b[2J\\u000a): event: must be a string",
    ),
}


@pytest.mark.parametrize(("row", "says"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_row_of_another_form_is_refused_by_number_id_and_path(row, says):
    with pytest.raises(FileError) as refused:
        strictly(Customermates().rows(file_of([audit_row("deal.created", {}), row])))

    assert str(refused.value).startswith(says)


def test_every_event_is_one_that_the_log_accepts():
    rows = [
        audit_row("custom_column.created", {"label": "x" * 600, "type": "date"}, entity="c"),
        audit_row(
            "deal.created",
            {
                "name": "y" * 600,
                "customFieldValues": [{"columnId": "c", "value": "1"}],
                "users": [{**MAX, "email": "z" * 600}],
            },
        ),
    ]

    for event in events_of(rows):
        parse_event(event, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{}", "must be a JSON array of"),
        (b"[1]", "person 1: id: is required"),
        (b'[{"id": "a"}, {"email": "x"}]', "person 2: id: is required"),
        (b'[{"id": "a", "firstName": "\\u0000"}]', "person 1: firstName: holds the character NUL"),
        (b"[", "not JSON"),
        (b'["\xff"]', "not UTF-8 at byte 2"),
        (b'[{"id": "a", "id": "b"}]', "occurs twice"),
    ],
)
def test_a_file_of_people_that_is_none_is_refused(text, says):
    with pytest.raises(FileError) as refused:
        read_people(text)

    assert says in str(refused.value)


def test_people_are_found_by_id():
    assert read_people(b'\xef\xbb\xbf[{"id": "a", "firstName": "Ada"}]') == {
        "a": {"id": "a", "firstName": "Ada"}
    }
