"""Retraced's events as events: what becomes of each field, and what is refused, in Retraced's words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditapp.inbound.retraced.events import authentic, events_of
from auditapp.log.own_names import RESERVED
from tests.inbound import foreign_json
from tests.inbound.foreign_json import CALLER, assert_accepted_or_refused

ADA = {"id": "u1", "name": "Ada", "href": "https://crm.example/u1", "fields": {"team": "sales"}}
DEAL = {"id": "d1", "name": "Rollout", "type": "deal"}
ACME = {"id": "acme", "name": "Acme"}


def retraced(**fields) -> dict:
    """Return an event as Retraced takes it; a field given as ``...`` is left out."""
    event = {"action": "deal.update", "crud": "u", "actor": ADA, "target": DEAL, "group": ACME, **fields}
    return {name: value for name, value in event.items() if value is not ...}


def event_of(**fields) -> dict:
    [event] = events_of(retraced(**fields), default_actor=CALLER)
    return event


def test_an_event_becomes_one_with_itself_as_the_payload():
    document = retraced(
        created="2026-03-24T09:55:43.898Z",
        source_ip="198.51.100.7",
        description="Ada updated Rollout",
        is_failure=False,
        is_anonymous=False,
        fields={"stage": "won"},
        external_id="e1",
        component="crm",
        version="8f2c",
        metadata={"deep": [1, {"a": None}]},
    )

    events = events_of(document, default_actor=CALLER)

    assert events == [
        {
            "event": "deal.update",
            "occurred_at": "2026-03-24T09:55:43.898Z",
            "actor": {"type": "user", "id": "u1", "name": "Ada"},
            "entity": {"type": "deal", "id": "d1", "name": "Rollout"},
            "related": [],
            "outcome": "success",
            "payload": document,
            "context": {"ip": "198.51.100.7"},
            "idempotency_key": 'retraced:["external_id","e1"]',
        }
    ]


@pytest.mark.parametrize(
    ("action", "target_type", "event"),
    [
        ("user.login", "deal", "user.login"),
        ("audit.log.view", "deal", "audit.log.view"),
        ("User Logged In", "deal", "deal.user_logged_in"),
        ("sharedLink", "Deal Line", "deal_line.shared_link"),
        ("spreadsheet.re-create", None, "spreadsheet.re_create"),
        (" .Gelöscht! .", "", "event.geloscht"),
        ("login", None, "event.login"),
        ("login", "日本", "event.login"),
        ("login", "crm.Deal", "crm.deal.login"),
        ("login", "x" * 127, "event.login"),
    ],
)
def test_the_action_becomes_the_event_in_words(action, target_type, event):
    mapped = event_of(action=action, target={"id": "d1", "type": target_type})

    assert mapped["event"] == event
    assert mapped["entity"]["type"] == event.rpartition(".")[0]


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("2fa.enabled", "n2fa.enabled"),
        ("2fa enabled", "deal.n2fa_enabled"),
        ("日本", "deal.u65e5_u672c"),
        ("...", "deal.u2e_u2e_u2e"),
    ],
)
def test_an_action_without_words_becomes_an_event_all_the_same(action, event):
    mapped = event_of(action=action)

    assert (mapped["event"], mapped["payload"]["action"]) == (event, action)


def test_a_long_action_keeps_what_tells_it_from_others():
    names = {event_of(action="a" * 130 + end)["event"] for end in ("", "b", "c")}

    assert len(names) == 3 and max(map(len, names)) <= 128


@pytest.mark.parametrize("action", ["auditapp.session.created", "Auditapp.Login", " .áuditapp.x"])
def test_no_action_becomes_auditapps_own_event(action):
    assert foreign_json.problems_of(events_of, retraced(action=action)) == [(0, "action", RESERVED)]


@pytest.mark.parametrize("target_type", ["auditapp", "Auditapp.Member"])
def test_no_target_is_of_auditapps_own_types(target_type):
    event = event_of(action="login", target={"id": "1", "type": target_type})
    other = event_of(action="user.login", target={"id": "1", "type": target_type})

    assert (event["event"], event["related"], other["related"]) == ("event.login", [], [])


@pytest.mark.parametrize(
    ("fields", "entity"),
    [
        ({}, {"type": "deal", "id": "d1", "name": "Rollout"}),
        ({"target": ...}, {"type": "deal", "id": "u1", "name": "Ada"}),
        ({"target": {}, "actor": None}, {"type": "deal", "id": "acme", "name": "Acme"}),
        ({"target": ..., "actor": {}, "group": {}}, {"type": "deal", "id": "unknown", "name": None}),
        ({"target": {"id": "d1", "name": "y" * 600}}, {"type": "deal", "id": "d1", "name": "y" * 511 + "…"}),
    ],
)
def test_the_record_is_the_target_else_the_actor_else_the_group(fields, entity):
    assert event_of(**fields)["entity"] == entity


def test_a_target_of_another_type_is_related_too():
    event = event_of(action="document.share", target={"id": "f1", "name": "Offers", "type": "Shared-Folder"})

    assert event["entity"] == {"type": "document", "id": "f1", "name": "Offers"}
    assert event["related"] == [{"type": "shared_folder", "id": "f1", "name": "Offers"}]


@pytest.mark.parametrize(
    ("fields", "actor"),
    [
        ({}, {"type": "user", "id": "u1", "name": "Ada"}),
        ({"actor": {"id": "u1"}}, {"type": "user", "id": "u1", "name": None}),
        ({"is_anonymous": True}, {"type": "anonymous", "id": "u1", "name": "Ada"}),
        ({"is_anonymous": True, "actor": ...}, {"type": "anonymous", "id": "anonymous", "name": None}),
        ({"actor": None, "component": "billing"}, {"type": "system", "id": "billing"}),
        ({"actor": {}, "component": ""}, {"type": "system", "id": "retraced"}),
    ],
)
def test_who_acted_is_the_actor_nobody_known_or_the_component(fields, actor):
    assert event_of(**fields)["actor"] == actor


@pytest.mark.parametrize(("flag", "outcome"), [(True, "failure"), (False, "success"), (None, "success")])
def test_a_failure_is_one(flag, outcome):
    assert event_of(is_failure=flag)["outcome"] == outcome


@pytest.mark.parametrize(
    ("created", "occurred_at"),
    [
        ("2026-03-24T09:00:00+01:00", "2026-03-24T09:00:00+01:00"),
        (1774342543898, "2026-03-24T08:55:43.898000+00:00"),
        (1774342543898.5, "2026-03-24T08:55:43.898500+00:00"),
        (1774342543898123, "2026-03-24T08:55:43.898123+00:00"),
        (1774342543898000000, "2026-03-24T08:55:43.898000+00:00"),
        ("2024-03-31T10:15Z", "2024-03-31T10:15:00.000000Z"),
        ("2024-03-31T10:15:00+0200", "2024-03-31T08:15:00.000000Z"),
        ("20240331T101500Z", "2024-03-31T10:15:00.000000Z"),
        ("2024-03-31T10:15:00", "2024-03-31T10:15:00.000000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
        (0, "1970-01-01T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59.999000+00:00"),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        (..., None),
    ],
)
def test_created_is_a_text_or_milliseconds(created, occurred_at):
    assert event_of(created=created)["occurred_at"] == occurred_at


@pytest.mark.parametrize(
    ("address", "context"),
    [
        ("198.51.100.7", {"ip": "198.51.100.7"}),
        ("2001:db8::1", {"ip": "2001:db8::1"}),
        ("198.51.100.7, 10.0.0.1", {}),
        ("", {}),
        (None, {}),
    ],
)
def test_an_address_that_is_none_stays_in_the_payload(address, context):
    event = event_of(source_ip=address)

    assert event["context"] == context
    assert event["payload"]["source_ip"] == address


def key_of(**fields) -> str | None:
    return event_of(**fields)["idempotency_key"]


def test_an_event_is_known_by_its_id():
    assert key_of(external_id="e", id="i") == 'retraced:["external_id","e"]'
    assert key_of(external_id="", id="i", created=1) == 'retraced:["id","i"]'
    assert key_of(id="i" * 300) != key_of(id="i" * 301)
    assert len(key_of(id="i" * 300)) <= 200


def test_an_event_without_an_id_is_known_by_its_content_and_time():
    first = key_of(created=1)

    assert key_of(created=1) == first
    assert key_of(created=2) != first
    assert key_of(created=1, description="x") != first
    turned = dict(reversed(retraced(created=1).items()))
    assert events_of(turned, default_actor=CALLER)[0]["idempotency_key"] == first


@pytest.mark.parametrize("created", [..., None, "", "0001-01-01T00:00:00Z"])
def test_an_event_without_an_id_and_a_time_has_no_key(created):
    assert key_of(created=created) is None


def test_equal_events_of_one_request_are_each_an_event():
    document = {
        "events": [retraced(created=1), retraced(created=1), retraced(created=2), retraced(created=1)]
    }

    keys = [event["idempotency_key"] for event in events_of(document, default_actor=CALLER)]

    first, last = key_of(created=1), key_of(created=2)
    assert keys == [first, f"{first}:2", last, f"{first}:3"]


def test_a_bulk_request_gives_an_event_for_each():
    document = {"events": [retraced(external_id="1"), retraced(external_id="2")]}

    events = events_of(document, default_actor=CALLER)

    assert [event["payload"]["external_id"] for event in events] == ["1", "2"]


BAD_INSTANT = "must be an ISO 8601 instant, as 2026-03-24T09:55:43.898Z"
BAD_CREATED = "must be an ISO 8601 text, or a number of milliseconds since 1970"
NO_SUCH_TIME = "is no time that exists in the years 1 to 9999"
REFUSED = {
    "no object": ([], ("", "must be an object")),
    "no action": (retraced(action=...), ("action", "is required")),
    "empty action": (retraced(action=""), ("action", "must not be empty")),
    "action as a number": (retraced(action=7), ("action", "must be a string")),
    "actor as a text": (retraced(actor="u1"), ("actor", "must be an object")),
    "actor without an id": (retraced(actor={"name": "Ada"}), ("actor.id", "is required")),
    "actor with a number": (retraced(actor={"id": 7}), ("actor.id", "must be a string")),
    "name as a number": (retraced(actor={"id": "u1", "name": 7}), ("actor.name", "must be a string")),
    "long actor": (retraced(actor={"id": "x" * 513}), ("actor.id", "has more than 512 characters")),
    "long actor and record": (
        retraced(actor={"id": "x" * 513}, target=...),
        ("actor.id", "has more than 512 characters"),
    ),
    "long component": (
        retraced(actor=..., component="x" * 513),
        ("component", "has more than 512 characters"),
    ),
    "empty target": (retraced(target={"id": ""}), ("target.id", "must not be empty")),
    "target that hides": (
        retraced(target={"id": ".", "type": "x"}),
        ("target.id", "must not be '.' or '..', which no URL can carry"),
    ),
    "target type": (retraced(target={"id": "d", "type": []}), ("target.type", "must be a string")),
    "group": (retraced(group=[]), ("group", "must be an object")),
    "flag": (retraced(is_failure="yes"), ("is_failure", "must be true or false")),
    "other flag": (retraced(is_anonymous=0), ("is_anonymous", "must be true or false")),
    "address": (retraced(source_ip=7), ("source_ip", "must be a string")),
    "id": (retraced(external_id=7), ("external_id", "must be a string")),
    "created as a flag": (retraced(created=True), ("created", BAD_CREATED)),
    "created as an object": (retraced(created={}), ("created", BAD_CREATED)),
    "created in words": (retraced(created="24 March 2026"), ("created", BAD_INSTANT)),
    "created on no day": (retraced(created="2026-02-30T09:00"), ("created", NO_SUCH_TIME)),
    "created beyond time": (retraced(created=1e300), ("created", NO_SUCH_TIME)),
    "created ahead": (
        retraced(created="9999-01-01T00:00:00Z"),
        ("created", "lies more than five minutes ahead of the server's clock"),
    ),
    "bulk without an array": ({"events": {}}, ("events", "must be an array")),
    "bulk with something beside": (
        {"group": ACME, "events": [retraced()]},
        ("group", "stands beside events; only events may"),
    ),
    "event with events": (retraced(events=[retraced()]), ("action", "stands beside events; only events may")),
    "empty bulk": ({"events": []}, ("", "the batch is empty; send one event at least")),
    "large bulk": ({"events": [0] * 1001}, ("", "a batch has 1,000 events at most")),
    "surrogate": (
        retraced(fields={"a": "\ud800"}),
        ("fields.a", "holds the lone surrogate \\ud800, which is no character; leave it out"),
    ),
}


@pytest.mark.parametrize(("document", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said_in_retraceds_words(document, says):
    assert foreign_json.problems_of(events_of, document) == [(0, *says)]


def test_the_problems_of_a_bulk_request_come_together_with_their_places():
    document = {"events": [retraced(), retraced(action=..., group=7), 3]}

    assert [problem[:2] for problem in foreign_json.problems_of(events_of, document)] == [
        (1, "group"),
        (1, "action"),
        (2, ""),
    ]


@pytest.mark.parametrize(
    ("value", "secret", "answer"),
    [
        ("token=s3cret", "s3cret", True),
        ("Token token=s3cret", "s3cret", True),
        ("TOKEN Token=s3cret", "s3cret", True),
        ("token=a=b c", "a=b c", True),
        ("token=wrong", "s3cret", False),
        ("token=€", "s3cret", False),
        ("Bearer s3cret", "s3cret", False),
        ("Bearer token=s3cret", "s3cret", False),
        ("s3cret", "s3cret", False),
        ("token=", "", False),
        ("", "", False),
    ],
)
def test_the_sender_is_known_by_the_token(value, secret, answer):
    assert authentic({"Authorization": value}, b"", secret) is answer
    assert authentic({}, b"", secret) is False


full = retraced(created=1774342543898, source_ip="::1", is_failure=True, external_id="e", component="c")


@settings(deadline=None)
@given(foreign_json.any_json | foreign_json.mutated([full, {"events": [full, retraced()]}]))
def test_any_json_is_either_accepted_or_refused(document):
    assert_accepted_or_refused(events_of, document)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_no_header_and_no_secret_makes_an_exception(value, secret):
    assert authentic({"Authorization": value}, b"", secret) in {True, False}
