"""``POST /in/<source>``: webhooks of each kind, recorded or set aside, and only when they are signed."""

import gzip
import io
import json

import pytest
import sqlalchemy as sa

from auditapp.access.own_events import COMMAND_LINE
from auditapp.extensions import db
from auditapp.inbound import forms
from auditapp.inbound import source as sources
from auditapp.inbound.receiving import replay
from auditapp.log import EventError, Problem
from auditapp.models import SetAside, Source
from tests.api.conftest import Caller, ids_in, problem_in
from tests.api.webhooks import (
    CLOUDEVENT,
    CUSTOMERMATES,
    DEAL,
    RETRACED,
    SIGNED,
    VALID,
    Sender,
    customermates_headers,
)

KINDS = list(VALID)
MIB = 1024 * 1024


@pytest.fixture
def sender_of(caller, acme):
    """Return a function that makes a source of a kind in acme, and its sender."""
    return lambda kind: Sender(caller, acme, kind)


def set_aside_in(response) -> str:
    assert (response.status_code, response.content_type) == (202, "application/json"), response.text
    told = response.get_json()
    assert told["set_aside"] is True
    return told["reason"]


# Who may send


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_body_is_recorded_with_itself_as_the_payload(sender_of, kind):
    sender = sender_of(kind)

    response = sender.send(VALID[kind])

    [event_id] = ids_in(response)
    event = sender.caller.event(event_id)
    assert event["payload"] == VALID[kind]
    assert json.dumps(event["payload"]) == json.dumps(VALID[kind])
    assert (event["origin"], event["entity"]["id"]) == ("webhook", "d1")
    claimant = {"type": "source", "id": str(sender.id), "name": f"Our {kind}"}
    assert event["context"]["claimed_by"] == claimant
    assert sender.waiting() == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_right_secret_nothing_is_kept(sender_of, kind):
    sender = sender_of(kind)
    body = json.dumps(VALID[kind]).encode()
    [(name, right)] = SIGNED[kind](body).items()
    before = sender.caller.count()
    wrong = [
        {},
        {name: ""},
        {name: right[:-1]},
        {name: right + "0"},
        {name: right.upper()},
        {name: "x" * 10_000},
        {name: "ÿ\xa0"},
        SIGNED[kind](body, "another secret"),
        SIGNED[kind](body, ""),
        {"X-Other": right},
    ]

    for headers in wrong:
        problem_in(sender.send(body, headers), 401)

    assert sender.caller.count() == before and sender.waiting() == []
    assert sender.send(body).status_code == 201


def test_the_raw_body_is_signed_and_a_rewritten_one_is_refused(sender_of):
    sender = sender_of("customermates")
    sent = json.dumps(CUSTOMERMATES, indent=2).encode()
    signature = customermates_headers(sent)

    rewritten = sender.send(json.dumps(CUSTOMERMATES).encode(), signature)
    grown = sender.send(sent + b"\n", signature)

    problem_in(rewritten, 401)
    problem_in(grown, 401)
    assert len(ids_in(sender.send(sent, signature))) == 1


def test_a_key_of_the_api_opens_no_source(sender_of):
    sender = sender_of("cloudevents")

    problem_in(sender.send(CLOUDEVENT, sender.caller.headers), 401)


def test_another_sources_signature_is_nobodys(caller, acme, other):
    with_other = sources.create_source(other, "customermates", "Theirs", "theirs", COMMAND_LINE)
    db.session.commit()
    path = f"/in/{with_other.path}"
    theirs = Caller(caller.app, other)
    before = theirs.count()
    body = json.dumps(CUSTOMERMATES).encode()

    refused = caller.client.post(path, data=body, headers=customermates_headers(body))

    problem_in(refused, 401)
    assert theirs.count() == before


# What becomes of it


@pytest.mark.parametrize("kind", KINDS)
def test_a_replay_is_absorbed(sender_of, kind):
    sender = sender_of(kind)
    [first] = ids_in(sender.send(VALID[kind]))
    before = sender.caller.count()

    again = sender.send(json.dumps(dict(reversed(VALID[kind].items())), indent=1).encode())

    assert ids_in(again, 200) == [first]
    assert again.get_json()["events"][0]["duplicate"] is True
    assert sender.caller.count() == before


@pytest.mark.parametrize("kind", KINDS)
def test_two_workspaces_take_the_same_webhook_each_for_itself(caller, acme, other, kind):
    theirs = Caller(caller.app, other)
    before = theirs.count()

    [mine] = ids_in(Sender(caller, acme, kind).send(VALID[kind]))
    assert theirs.count() == before

    [second] = ids_in(Sender(theirs, other, kind).send(VALID[kind]))
    assert mine != second


def test_both_shapes_of_customermates_are_read(sender_of):
    sender = sender_of("customermates")
    bare = {**CUSTOMERMATES, "event": "deal.created", "data": {**CUSTOMERMATES["data"], "payload": DEAL}}

    [updated], [created] = ids_in(sender.send(CUSTOMERMATES)), ids_in(sender.send(bare))

    changes = {"stage": {"previous": "open", "current": "won"}}
    assert sender.caller.event(updated)["changes"] == changes
    assert sender.caller.event(created)["event"] == "deal.created"
    assert sender.caller.event(created)["entity"] == {"type": "deal", "id": "d1", "name": "Rollout"}


def test_retraced_sends_one_or_many(sender_of):
    sender = sender_of("retraced")
    many = [{**RETRACED, "external_id": f"e{number}"} for number in (1, 2)]

    [first] = ids_in(sender.send(RETRACED))
    ids = ids_in(sender.send({"events": many}))

    assert ids[0] == first and len({*ids}) == 2
    assert sender.caller.event(ids[1])["payload"] == many[1]


def test_cloud_events_come_one_or_many(sender_of):
    sender = sender_of("cloudevents")
    content_type = "application/cloudevents-batch+json"

    [first] = ids_in(sender.send(CLOUDEVENT, content_type="application/cloudevents+json"))
    ids = ids_in(sender.send([CLOUDEVENT, {**CLOUDEVENT, "id": "2"}], content_type=content_type))

    assert ids[0] == first and len({*ids}) == 2
    actor = sender.caller.event(first)["actor"]
    assert (actor["type"], actor["name"]) == ("system", "Our cloudevents")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_does_not_matter_where_the_source_has_one_form(sender_of, content_type):
    assert len(ids_in(sender_of("customermates").send(CUSTOMERMATES, content_type=content_type))) == 1


def test_a_compressed_body_is_signed_as_it_is_sent(sender_of):
    sender = sender_of("customermates")
    zipped = gzip.compress(json.dumps(CUSTOMERMATES).encode())

    assert len(ids_in(sender.send(zipped))) == 1


@pytest.mark.parametrize("rest", [b"more", gzip.compress(b"[]", mtime=0)])
def test_what_follows_a_gzip_is_not_lost(sender_of, rest):
    sender = sender_of("customermates")
    body = gzip.compress(json.dumps(CUSTOMERMATES).encode()) + rest

    assert "gzip" in set_aside_in(sender.send(body))
    assert [waiting[0] for waiting in sender.waiting()] == [body]


def test_no_form_token_is_asked_for(sender_of):
    sender = sender_of("retraced")
    sender.caller.app.config["WTF_CSRF_ENABLED"] = True

    assert len(ids_in(sender.send(RETRACED))) == 1


# What cannot be read


@pytest.mark.parametrize("kind", KINDS)
def test_an_unreadable_body_is_set_aside_as_it_came_and_counted_when_it_comes_again(sender_of, kind):
    sender = sender_of(kind)
    before = sender.caller.count()
    bodies = [b"", b"{", b"\x00\xff\xfe", b'{"a": "\\ud800"}', b"[[]]", b"null", b"\x1f\x8b\x08broken"]

    for body in bodies * 2:
        assert set_aside_in(sender.send(body))

    assert [waiting[:2] for waiting in sender.waiting()] == [(body, 2) for body in bodies]
    assert sender.caller.count() == before


def test_a_batch_with_one_unreadable_event_is_set_aside_whole(sender_of):
    sender = sender_of("cloudevents")
    before = sender.caller.count()
    body = json.dumps([CLOUDEVENT, {**CLOUDEVENT, "id": "2", "subject": ""}]).encode()

    assert "subject" in set_aside_in(sender.send(body))

    assert sender.caller.count() == before
    assert sender.waiting()[0][0] == body


def test_a_known_id_with_another_event_is_set_aside(sender_of):
    sender = sender_of("cloudevents")
    ids_in(sender.send(CLOUDEVENT))
    before = sender.caller.count()

    assert "was used before" in set_aside_in(sender.send({**CLOUDEVENT, "subject": "d2"}))
    assert sender.caller.count() == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_set_aside_is_recorded_once_it_can_be_read(sender_of, kind, monkeypatch):
    sender = sender_of(kind)
    right = forms.FORMS[kind]

    def broken(*_args, **_kwargs):
        raise EventError([Problem(0, "action", "is not understood yet")])

    with monkeypatch.context() as patch:
        patch.setitem(forms.FORMS, kind, forms.Form(right.name, right.authentic, broken, right.how))
        assert set_aside_in(sender.send(VALID[kind])) == "action: is not understood yet"
        waiting = db.session.scalars(sa.select(SetAside)).one()
        assert replay(waiting).reason == "action: is not understood yet"
        db.session.commit()
        assert sender.waiting_count() == 1
    before = sender.caller.count()

    received = replay(db.session.scalars(sa.select(SetAside)).one())
    db.session.commit()

    [recorded] = received.recorded
    event = sender.caller.event(str(recorded.id))
    assert (received.reason, recorded.duplicate, event["payload"]) == (None, False, VALID[kind])
    assert (sender.waiting_count(), sender.caller.count()) == (0, before + 1)
    assert ids_in(sender.send(VALID[kind]), 200) == [str(recorded.id)]


def test_what_the_sender_repeated_meanwhile_is_not_recorded_twice(sender_of, monkeypatch):
    sender = sender_of("retraced")
    right = forms.FORMS["retraced"]

    def broken(*_args, **_kwargs):
        raise EventError([Problem(0, "", "not now")])

    with monkeypatch.context() as patch:
        patch.setitem(forms.FORMS, "retraced", forms.Form(right.name, right.authentic, broken, right.how))
        set_aside_in(sender.send(RETRACED))
    [first] = ids_in(sender.send(RETRACED))

    received = replay(db.session.scalars(sa.select(SetAside)).one())
    db.session.commit()

    assert [(str(each.id), each.duplicate) for each in received.recorded] == [(first, True)]
    assert sender.waiting_count() == 0


def test_past_a_thousand_the_sender_keeps_them_and_those_known_are_still_counted(sender_of, monkeypatch):
    monkeypatch.setattr("auditapp.inbound.set_aside.MAX_SET_ASIDE", 2)
    sender = sender_of("retraced")
    for body in (b"1", b"2"):
        set_aside_in(sender.send(body))

    refused = sender.send(b"3")

    assert problem_in(refused, 503) and int(refused.headers["Retry-After"]) > 0
    set_aside_in(sender.send(b"1"))
    assert [waiting[:2] for waiting in sender.waiting()] == [(b"1", 2), (b"2", 1)]
    assert len(ids_in(sender.send(RETRACED))) == 1


# Where


@pytest.mark.parametrize("path", ["x", "0" * 24, "%00", "ä", "a.b", "x" * 5000])
def test_an_unknown_source_is_404(door, path):
    problem_in(door.client.post(f"/in/{path}", data=b"{}"), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_source_takes_posts_only(door, method):
    response = door.client.open("/in/x", method=method)

    assert problem_in(response, 405) and "POST" in response.headers["Allow"]


def test_a_removed_source_is_404_and_what_it_recorded_stays(sender_of, acme):
    sender = sender_of("customermates")
    [event_id] = ids_in(sender.send(CUSTOMERMATES))
    source = db.session.scalars(sa.select(Source)).one()

    sources.remove_source(source, COMMAND_LINE)
    db.session.commit()

    problem_in(sender.send({**CUSTOMERMATES, "event": "deal.deleted"}), 404)
    assert sender.caller.event(event_id)["event"] == "deal.updated"


# How much


def test_a_body_has_10_mib_at_most(sender_of):
    sender = sender_of("customermates")
    body = json.dumps(CUSTOMERMATES).encode()

    problem_in(sender.send(body.ljust(10 * MIB + 1)), 413)

    assert sender.waiting() == []
    assert len(ids_in(sender.send(body.ljust(10 * MIB)))) == 1


def test_a_long_body_of_unknown_length_is_refused_and_not_cut_off(sender_of):
    sender = sender_of("retraced")

    response = sender.client.post(
        sender.path,
        input_stream=io.BytesIO(b" " * (10 * MIB + 1)),
        headers=SIGNED["retraced"](b""),
        environ_overrides={"wsgi.input_terminated": True},
    )

    problem_in(response, 413)
    assert sender.waiting() == []


def test_a_bomb_is_set_aside_unopened(sender_of):
    sender = sender_of("customermates")
    bomb = gzip.compress(b" " * (11 * MIB))

    assert "10 MiB" in set_aside_in(sender.send(bomb))
    assert sender.waiting()[0][0] == bomb


def test_too_many_requests_are_told_when_to_come_back(sender_of):
    sender = sender_of("retraced")
    sender.caller.app.config["REQUESTS_PER_MINUTE"] = 1
    ids_in(sender.send(RETRACED))

    refused = sender.send({**RETRACED, "external_id": "e2"})

    assert problem_in(refused, 429) and int(refused.headers["Retry-After"]) >= 1
