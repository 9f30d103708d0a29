"""Customermates' webhooks as events: the same as its audit log gives, and what is no such body."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditapp.inbound.customermates.webhook import authentic, events_of
from tests.inbound import customermates_rows, foreign_json
from tests.inbound.customermates_rows import MAX, audit_row, updated
from tests.inbound.foreign_json import CALLER, assert_accepted_or_refused

DEAL = {"id": "d1", "name": "Rollout", "createdAt": "2026-03-24T09:00:00.100Z", "users": [MAX]}
STAGE = {"stage": {"previous": "open", "current": "won"}}


def body(event: str, payload: object, **data) -> dict:
    """Return a body; a field of ``data`` given as ``...`` is left out."""
    told = {"userId": "u1", "companyId": "acme", "entityId": "d1", "payload": payload, **data}
    return {
        "event": event,
        "data": {name: value for name, value in told.items() if value is not ...},
        "timestamp": "2026-03-24T09:00:00.123Z",
    }


def event_of(document: dict) -> dict:
    [event] = events_of(document, default_actor=CALLER)
    return event


def test_a_body_becomes_one_event_with_itself_as_the_payload():
    document = body("deal.updated", {"deal": DEAL, "changes": STAGE})

    event = event_of(document)

    assert event.pop("idempotency_key").startswith("customermates-webhook:")
    assert event == {
        "event": "deal.updated",
        "occurred_at": "2026-03-24T09:00:00.123Z",
        "actor": {"type": "user", "id": "u1", "name": "Max Muster", "email": "max@acme.example"},
        "origin": "unknown",
        "entity": {"type": "deal", "id": "d1", "name": "Rollout"},
        "changes": {"stage": {"previous": "open", "current": "won"}},
        "payload": document,
    }


FIELDS = [{"columnId": "c-status", "value": "o-open"}]
ROWS = {
    "created": audit_row("deal.created", {**DEAL, "totalValue": 7, "customFieldValues": FIELDS}),
    "updated": updated(
        "deal",
        DEAL,
        {
            **STAGE,
            "users": {"previous": [], "current": [MAX]},
            "customFieldValues": {"previous": [], "current": FIELDS},
        },
    ),
    "deleted": audit_row("deal.deleted", DEAL, userId=None),
    "bare update": audit_row("company.updated", {"id": "d1", "name": "Acme"}),
    "registered": audit_row("user.registered", {**MAX, "id": "u1"}, entity="u1"),
    "compound": updated("custom_column", {"label": "Status"}, {"label": {"current": "Status"}}, entity="c1"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_body_gives_the_event_of_the_same_row_of_the_audit_log(row):
    document = {"event": row["event"], "data": row["eventData"], "timestamp": row["createdAt"]}

    event = event_of(document)

    [of_row] = customermates_rows.events_of([row])
    own = {"payload", "idempotency_key"}
    assert {key: value for key, value in event.items() if key not in own} == {
        key: value for key, value in of_row.items() if key not in own
    }


@pytest.mark.parametrize("verb", ["created", "deleted"])
@pytest.mark.parametrize("changes", [{}, {"changes": {}}, {"changes": {"name": {"current": "Rollout"}}}])
def test_a_wrapped_record_gives_the_same_as_a_bare_one(verb, changes):
    bare = event_of(body(f"deal.{verb}", DEAL))
    wrapped = event_of(body(f"deal.{verb}", {"deal": DEAL, **changes}))

    for part in ("entity", "changes", "actor"):
        assert wrapped[part] == bare[part]
    assert set(bare["changes"]) == {"name", "users"}


@pytest.mark.parametrize("entity_id", [..., None, ""])
@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("deal.created", DEAL),
        ("deal.created", {"deal": DEAL, "changes": {}}),
        ("deal.updated", {"deal": DEAL, "changes": STAGE}),
    ],
)
def test_without_an_entity_id_the_records_own_counts(event, payload, entity_id):
    mapped = event_of(body(event, payload, entityId=entity_id))

    assert mapped["entity"] == {"type": "deal", "id": "d1", "name": "Rollout"}


@pytest.mark.parametrize(
    "payload",
    [
        {"contactId": "ct_1"},
        {"id": "ct_1"},
        {"id": "ct_1", "contactId": "ct_1", "companyId": "c_1", "userId": None, "dealIds": ["d1", "d2"]},
        {"contact": {"contactId": "ct_1"}},
        {"contact": {"id": "ct_1"}, "changes": {}},
        {},
        None,
        ...,
    ],
)
def test_a_deletion_that_carries_only_ids_deletes_and_invents_no_field(payload):
    event = event_of(body("contact.deleted", payload, entityId="ct_1"))

    assert (event["event"], event["changes"]) == ("contact.deleted", {})
    assert event["entity"] == {"type": "contact", "id": "ct_1", "name": None}


def test_a_deletion_loses_the_records_fields_and_not_the_id_that_is_told_twice():
    payload = {
        "customColumnId": "c1",
        "label": "Status",
        "ownerId": "u2",
        "deletedAt": "2026-03-24T09:00:00Z",
    }

    event = event_of(body("custom_column.deleted", payload, entityId=...))

    assert event["entity"] == {"type": "custom_column", "id": "c1", "name": "Status"}
    assert event["changes"] == {
        "label": {"previous": "Status", "current": None},
        "ownerId": {"previous": "u2", "current": None},
    }


@pytest.mark.parametrize(
    ("event", "payload", "changes"),
    [
        ("contact.created", {"contactId": "ct_1"}, {}),
        ("contact.created", {"contactId": "ct_1", "dealId": "d1"}, {"dealId": {"current": "d1"}}),
        ("contact.updated", {"contactId": "ct_1"}, {}),
        ("contact.archived", {"contactId": "ct_1"}, {}),
        ("user.registered", {"userId": "ct_1"}, {}),
    ],
)
def test_no_other_event_takes_its_records_own_id_for_a_field(event, payload, changes):
    assert event_of(body(event, payload, entityId="ct_1"))["changes"] == changes


def test_a_creation_needs_a_payload():
    assert foreign_json.problems_of(events_of, body("contact.created", None, entityId="ct_1")) == [
        (0, "data.payload", "is required")
    ]


@pytest.mark.parametrize("user", [None, ...])
def test_what_no_user_did_was_done_by_the_system(user):
    event = event_of(body("deal.created", DEAL, userId=user))

    assert event["actor"] == {"type": "system", "id": "customermates", "name": "Customermates"}


def test_a_user_whom_the_body_does_not_describe_stays_an_id():
    event = event_of(body("deal.created", DEAL, userId="u9"))

    assert event["actor"] == {"type": "user", "id": "u9", "name": None, "email": None}


def test_a_custom_column_stays_an_id():
    event = event_of(body("deal.created", {"customFieldValues": FIELDS}))

    assert event["changes"] == {
        "customFieldValues.c-status": {"current": "o-open", "label": "Custom field c-status…"}
    }


def test_a_body_is_known_by_its_content():
    document = body("deal.created", DEAL)
    turned = dict(reversed(document.items()))
    later = {**document, "timestamp": "2026-03-24T09:00:00.124Z"}

    keys = [event_of(one)["idempotency_key"] for one in (document, turned, later)]

    assert keys[0] == keys[1] != keys[2]
    assert max(map(len, keys)) <= 200


def without(name: str) -> dict:
    return {key: value for key, value in body("deal.created", DEAL).items() if key != name}


REFUSED = {
    "no object": (["deal.created"], [("", "must be an object")]),
    "no event": (without("event"), [("event", "is required")]),
    "event without a dot": (
        body("deal", DEAL),
        [("event", "must be lower-case words joined by dots, as deal.updated")],
    ),
    "no data": (without("data"), [("data", "is required"), ("data.payload", "is required")]),
    "data of another type": (
        {**body("deal.created", DEAL), "data": 7},
        [("data", "must be an object"), ("data.payload", "is required")],
    ),
    "no payload": (body("deal.created", ...), [("data.payload", "is required")]),
    "payload of another type": (body("deal.created", []), [("data.payload", "must be an object")]),
    "no time": (without("timestamp"), [("timestamp", "is required")]),
    "another time": (
        {**body("deal.created", DEAL), "timestamp": "today"},
        [("timestamp", "must be an instant with a zone, as 2026-03-24T09:55:43.898Z")],
    ),
    "user": (body("deal.created", DEAL, userId=7), [("data.userId", "must be a string")]),
    "empty user": (
        body("deal.created", DEAL, userId=""),
        [("data.userId", "must be null or a string that is not empty")],
    ),
    "long user": (
        body("deal.created", DEAL, userId="x" * 513),
        [("data.userId", "has more than 512 characters")],
    ),
    "entity": (body("deal.created", DEAL, entityId=7), [("data.entityId", "must be a string")]),
    "long entity": (
        body("deal.created", DEAL, entityId="x" * 513),
        [("data.entityId", "has more than 512 characters")],
    ),
    "long record id": (
        body("deal.created", {"id": "x" * 513}, entityId=...),
        [("data.payload.id", "has more than 512 characters")],
    ),
    "no id at all": (
        body("deal.created", {"name": "N"}, entityId=...),
        [("data.entityId", "is required where the record in payload has no id")],
    ),
    "changes of another form": (
        body("deal.updated", {"deal": DEAL, "changes": {"stage": "won"}}),
        [("data.payload.changes", "must be {field: {previous, current}}")],
    ),
    "NUL": (
        body("deal.created", {"name": "\x00"}),
        [("data.payload.name", "holds the character NUL, which cannot be stored; leave it out")],
    ),
}


@pytest.mark.parametrize(("document", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said_by_its_path_in_the_body(document, says):
    found = foreign_json.problems_of(events_of, document)

    assert found == [(0, *problem) for problem in says]


KNOWN = "s3cret"


def signature_of(text: bytes, secret: str = KNOWN) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("headers", "secret", "answer"),
    [
        ({"X-Webhook-Signature": signature_of(b"{}")}, "s3cret", True),
        ({"x-webhook-signature": signature_of(b"{}")}, "s3cret", True),
        ({"X-Webhook-Signature": signature_of(b"{}", "schlüssel")}, "schlüssel", True),
        ({"X-Webhook-Signature": signature_of(b"{}").upper()}, "s3cret", False),
        ({"X-Webhook-Signature": signature_of(b"{ }")}, "s3cret", False),
        ({"X-Webhook-Signature": signature_of(b"{}")}, "other", False),
        ({"X-Webhook-Signature": signature_of(b"{}", "")}, "", False),
        ({"X-Webhook-Signature": "é€\x80"}, "s3cret", False),
        ({"X-Webhook-Signature": ""}, "s3cret", False),
        ({}, "s3cret", False),
    ],
)
def test_the_sender_is_known_by_the_signature_of_the_raw_body(headers, secret, answer):
    assert authentic(headers, b"{}", secret) is answer


full = [
    body("deal.updated", {"deal": DEAL, "changes": {**STAGE, "users": {"previous": [], "current": [MAX]}}}),
    body("deal.created", {**DEAL, "customFieldValues": FIELDS}, entityId=...),
    body("deal.deleted", {"deal": {**DEAL, "customFieldValues": FIELDS}, "changes": {}}),
    body("user.registered", MAX, entityId="u1"),
]


@settings(deadline=None)
@given(foreign_json.any_json | foreign_json.mutated(full))
def test_any_json_is_either_accepted_or_refused(document):
    assert_accepted_or_refused(events_of, document)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.binary(), st.text())
def test_no_header_makes_an_exception(value, text, secret):
    assert authentic({"X-Webhook-Signature": value}, text, secret) in {True, False}
