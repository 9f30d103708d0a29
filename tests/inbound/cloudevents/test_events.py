"""CloudEvents as events: what becomes of each attribute, and what is refused, by its name there."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditapp.inbound.cloudevents.events import authentic, events_of
from auditapp.log.own_names import RESERVED
from tests.inbound import foreign_json
from tests.inbound.foreign_json import CALLER, assert_accepted_or_refused

CHANGES = {"stage": {"previous": "open", "current": "won", "label": "Stage", "kind": "choice"}}


def cloud_event(**attributes) -> dict:
    """Return a CloudEvent; an attribute given as ``...`` is left out."""
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "https://crm.example",
        "type": "deal.updated",
        "subject": "d1",
        **attributes,
    }
    return {name: value for name, value in event.items() if value is not ...}


def event_of(**attributes) -> dict:
    [event] = events_of(cloud_event(**attributes), default_actor=CALLER)
    return event


def test_a_cloud_event_becomes_one_event_with_itself_as_the_payload():
    document = cloud_event(
        time="2026-03-24T09:55:43Z",
        authtype="app_user",
        authid="u1",
        correlationid="c1",
        causationid="e0",
        datacontenttype="application/json",
        ourextension=7,
        data={"changes": CHANGES, "more": [1.0, None]},
    )

    events = events_of(document, default_actor=CALLER)

    assert events == [
        {
            "event": "deal.updated",
            "occurred_at": "2026-03-24T09:55:43Z",
            "actor": {"type": "user", "id": "u1"},
            "entity": {"type": "deal", "id": "d1"},
            "changes": CHANGES,
            "payload": document,
            "correlation_id": "c1",
            "causation_id": "e0",
            "idempotency_key": 'cloudevents:["https://crm.example","1"]',
        }
    ]


@pytest.mark.parametrize(
    ("sent", "event", "entity"),
    [
        ("com.example.deal.updated", "com.example.deal.updated", "com.example.deal"),
        ("Crm.DealLineItem.wasAdded", "crm.deal_line_item.was_added", "crm.deal_line_item"),
        ("api-key.re-created", "api_key.re_created", "api_key"),
        ("io.HTTPServer.started2Times", "io.http_server.started2_times", "io.http_server"),
    ],
)
def test_the_type_becomes_the_event_in_snake_case(sent, event, entity):
    mapped = event_of(type=sent)

    assert (mapped["event"], mapped["entity"]["type"]) == (event, entity)


@pytest.mark.parametrize(
    ("sent", "event"),
    [
        ("dev.example.pipelinerun.started.0.2.0", "dev.example.pipelinerun.started"),
        ("com.3m.order.paid", "com.n3m.order.paid"),
        ("com.acmé.order.paid", "com.acme.order.paid"),
        ("https://example.com/events/order-paid", "https.example.com.events.order_paid"),
        ("order paid", "event.order_paid"),
        ("DealUpdated", "event.deal_updated"),
    ],
)
def test_a_type_that_is_no_events_name_becomes_one_and_is_kept(sent, event):
    mapped = event_of(type=sent)

    assert (mapped["event"], mapped["entity"]["type"]) == (event, event.rpartition(".")[0])
    assert mapped["payload"]["type"] == sent


def test_types_that_share_a_name_are_two_events_though_their_source_gives_one_id():
    types = ["dev.x.run.started.0.1.0", "dev.x.run.started.0.2.0", "dev.x.run.started"]

    mapped = [event_of(type=kind) for kind in types]

    assert {each["event"] for each in mapped} == {"dev.x.run.started"}
    assert len({each["idempotency_key"] for each in mapped}) == 3
    assert mapped[2]["idempotency_key"] == 'cloudevents:["https://crm.example","1"]'


@pytest.mark.parametrize(
    "sent",
    ["auditapp.session.created", "Auditapp.Member-Updated", "auditapp/x", "áuditapp:x", "_auditapp_.x"],
)
def test_no_type_becomes_auditapps_own_event(sent):
    [problem] = foreign_json.problems_of(events_of, cloud_event(type=sent))

    assert problem == (0, "type", RESERVED)


@pytest.mark.parametrize(
    ("attributes", "actor"),
    [
        ({"authtype": "app_user", "authid": "u1"}, {"type": "user", "id": "u1"}),
        ({"authtype": "user", "authid": "u1"}, {"type": "user", "id": "u1"}),
        ({"authtype": "user"}, {"type": "user", "id": "unknown"}),
        ({"authtype": "service_account", "authid": "s"}, {"type": "api_key", "id": "s"}),
        ({"authtype": "api_key", "authid": "k"}, {"type": "api_key", "id": "k"}),
        ({"authtype": "system"}, {"type": "system", "id": "system"}),
        ({"authtype": "unauthenticated"}, {"type": "anonymous", "id": "anonymous"}),
        ({"authtype": "unknown", "authid": "tried"}, {"type": "anonymous", "id": "tried"}),
        ({"authtype": "workflow", "authid": "w"}, {"type": "workflow", "id": "w"}),
        ({"authtype": "anonymous"}, {"type": "anonymous", "id": "anonymous"}),
        ({}, CALLER),
        ({"authtype": None, "authid": None}, CALLER),
    ],
)
def test_auth_context_says_who_acted_and_without_it_the_caller_did(attributes, actor):
    assert event_of(**attributes)["actor"] == actor


def test_two_sources_never_share_a_key():
    pairs = [
        ("a", "b:c"),
        ("a:b", "c"),
        ('a","b', "c"),
        ("a", 'b","c'),
        ("x" * 150, "y" * 150),
        ("x" * 151, "y" * 149),
    ]

    keys = [event_of(source=source, id=uid)["idempotency_key"] for source, uid in pairs]

    assert len(set(keys)) == len(pairs)
    assert all(len(key) <= 200 for key in keys)


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ({"changes": CHANGES}, CHANGES),
        ({"changes": {"a": {"current": None}}}, {"a": {"current": None}}),
        ({"changes": {}}, {}),
        ({"changes": {"a": {"previous": 1}}}, {}),
        ({"changes": {"a": {"current": 1, "by": "x"}}}, {}),
        ({"changes": {"a": {"current": 1, "kind": "colour"}}}, {}),
        ({"changes": {"a": {"current": 1}, "b": 2}}, {}),
        ({"changes": {"": {"current": 1}}}, {}),
        ({"changes": {"a" * 513: {"current": 1}}}, {}),
        ({"changes": [CHANGES]}, {}),
        ([{"changes": CHANGES}], {}),
        ("changes", {}),
        (None, {}),
    ],
)
def test_data_gives_changes_only_in_the_form_of_an_event(data, changes):
    event = event_of(data=data)

    assert event["changes"] == changes
    assert event["payload"]["data"] == data


REFUSED = {
    "no object": (7, ("", "must be an object")),
    "no version": (cloud_event(specversion=...), ("specversion", "is required")),
    "old version": (cloud_event(specversion="0.3"), ("specversion", 'must be "1.0"')),
    "version as a number": (cloud_event(specversion=1.0), ("specversion", "must be a string")),
    "no id": (cloud_event(id=...), ("id", "is required")),
    "null id": (cloud_event(id=None), ("id", "is required")),
    "empty source": (cloud_event(source=""), ("source", "must not be empty")),
    "no type": (cloud_event(type=...), ("type", "is required")),
    "empty type": (cloud_event(type=""), ("type", "must not be empty")),
    "no subject": (cloud_event(subject=...), ("subject", "is required here: it names the record")),
    "subject that hides": (
        cloud_event(subject=".."),
        ("subject", "must not be '.' or '..', which no URL can carry"),
    ),
    "long subject": (cloud_event(subject="x" * 513), ("subject", "has more than 512 characters")),
    "time without a zone": (
        cloud_event(time="2026-03-24T09:00:00"),
        ("time", "must be an instant with a zone, as 2026-03-24T09:55:43.898Z"),
    ),
    "time ahead": (
        cloud_event(time="9999-01-01T00:00:00Z"),
        ("time", "lies more than five minutes ahead of the server's clock"),
    ),
    "time as a number": (cloud_event(time=7), ("time", "must be a string")),
    "unknown principal": (
        cloud_event(authtype="robot"),
        (
            "authtype",
            "must be one of app_user, user, service_account, api_key, system, unauthenticated, unknown, "
            "workflow, anonymous",
        ),
    ),
    "principal without a type": (cloud_event(authid="u1"), ("authtype", "is required beside authid")),
    "long principal": (
        cloud_event(authtype="user", authid="x" * 513),
        ("authid", "has more than 512 characters"),
    ),
    "empty correlation": (cloud_event(correlationid=""), ("correlationid", "must not be empty")),
    "long cause": (cloud_event(causationid="x" * 513), ("causationid", "has more than 512 characters")),
    "content type": (cloud_event(datacontenttype=7), ("datacontenttype", "must be a string")),
    "binary data": (cloud_event(data_base64=[]), ("data_base64", "must be a string")),
    "an extension": (cloud_event(ours={}), ("ours", "must be a string, a boolean or an integer")),
    "NUL": (
        cloud_event(data={"a": ["\x00"]}),
        ("data.a[0]", "holds the character NUL, which cannot be stored; leave it out"),
    ),
    "large integer": (cloud_event(n=2**70), ("n", "the integer is past 64 bits; send it as a string")),
}


@pytest.mark.parametrize(("document", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said_by_its_name_in_cloud_events(document, says):
    assert foreign_json.problems_of(events_of, document) == [(0, *says)]


def test_an_event_that_is_too_deep_or_too_large_is_refused():
    deep: list = []
    for _ in range(40):
        deep = [deep]

    [(_, path, too_deep)] = foreign_json.problems_of(events_of, cloud_event(data=deep))
    [(_, nowhere, too_large)] = foreign_json.problems_of(events_of, cloud_event(data="x" * 300_000))

    assert (path[:10], too_deep) == ("data[0][0]", "nested deeper than 32 levels")
    assert nowhere == ""
    assert "262,144 at most" in too_large


def test_the_problems_of_a_batch_come_together_with_their_places():
    batch = [cloud_event(), cloud_event(id=7, subject=...), 3, cloud_event(type=7)]

    assert [problem[:2] for problem in foreign_json.problems_of(events_of, batch)] == [
        (1, "id"),
        (1, "subject"),
        (2, ""),
        (3, "type"),
    ]


@pytest.mark.parametrize(
    ("document", "batch", "says"),
    [
        (cloud_event(), True, "must be an array of CloudEvents"),
        ([cloud_event()], False, "must be an object, one CloudEvent"),
        ([], None, "the batch is empty; send one event at least"),
        ([0] * 1001, True, "a batch has 1,000 events at most"),
    ],
)
def test_the_caller_says_whether_it_is_a_batch(document, batch, says):
    def mapped(document, default_actor):
        return events_of(document, default_actor=default_actor, batch=batch)

    assert foreign_json.problems_of(mapped, document) == [(0, "", says)]


@pytest.mark.parametrize("batch", [True, None])
def test_a_batch_gives_an_event_for_each(batch):
    events = events_of([cloud_event(id="1"), cloud_event(id="2")], default_actor=CALLER, batch=batch)

    assert [event["payload"]["id"] for event in events] == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "value", "secret", "answer"),
    [
        ("Authorization", "Bearer s3cret", "s3cret", True),
        ("authorization", "bearer  s3cret", "s3cret", True),
        ("Authorization", "Bearer sécret".encode().decode("latin-1"), "sécret", True),
        ("Authorization", "Bearer wrong", "s3cret", False),
        ("Authorization", "Bearer s3cre€", "s3cret", False),
        ("Authorization", "Basic s3cret", "s3cret", False),
        ("Authorization", "s3cret", "s3cret", False),
        ("Authorization", "Bearer ", "", False),
        ("X-Authorization", "Bearer s3cret", "s3cret", False),
    ],
)
def test_the_sender_is_known_by_the_bearer_secret(name, value, secret, answer):
    assert authentic({name: value}, b"", secret) is answer


full = cloud_event(time="2026-03-24T09:00:00Z", authtype="user", authid="u", data={"changes": CHANGES})


@settings(deadline=None)
@given(foreign_json.any_json | foreign_json.mutated([full, [full, cloud_event()]]))
def test_any_json_is_either_accepted_or_refused(document):
    assert_accepted_or_refused(events_of, document)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_no_header_and_no_secret_makes_an_exception(value, secret):
    assert authentic({"Authorization": value}, b"", secret) in {True, False}
