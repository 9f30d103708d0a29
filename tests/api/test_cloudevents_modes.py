"""CloudEvents in HTTP's three content modes, at ``/in/<source>`` and at ``POST /api/v1/events`` alike."""

import base64
import gzip
import json

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.inbound.receiving import replay
from auditapp.log.own_names import RESERVED
from auditapp.models import SetAside
from tests.api.conftest import EVENTS, ids_in, problem_in
from tests.api.webhooks import CLOUDEVENT, SIGNED, Sender

pytestmark = pytest.mark.one_database

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shop",
    "ce-type": "com.example.order.paid",
    "ce-subject": "o-1",
    "ce-time": "2025-01-01T00:00:00Z",
}
EURO = "Euro%20%E2%82%AC%20%F0%9F%98%80"


class Door:
    """One of the two doors that take CloudEvents."""

    def __init__(self, caller, sender):
        self.caller, self.sender = caller, sender
        self.path = sender.path if sender else EVENTS
        self.secret = SIGNED["cloudevents"](b"") if sender else caller.headers

    def send(self, body=b"", headers=None, content_type="application/json", **changed):
        """Send a body; ``ce_time="…"`` replaces a header of binary mode, None leaves it out."""
        named = BINARY if headers is None else headers
        named = {**named, **{name.replace("_", "-"): value for name, value in changed.items()}}
        sent = {name: value for name, value in named.items() if value is not None}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.caller.client.post(
            self.path, data=data, headers={**self.secret, **sent}, content_type=content_type
        )

    def recorded(self, *args, **kwargs):
        """Send, and return the one event that was recorded."""
        [event_id] = ids_in(self.send(*args, **kwargs))
        return self.caller.event(event_id)

    def refused(self, *args, **kwargs) -> str:
        """Send, and return why it was not recorded."""
        response = self.send(*args, **kwargs)
        if self.sender is None:
            [first, *_] = problem_in(response, 422)["errors"]
            return f"{first['path']}: {first['message']}" if first["path"] else first["message"]
        assert response.status_code == 202, response.text
        return response.get_json()["reason"]


@pytest.fixture(params=["source", "api"])
def door(request, caller, acme):
    """Return each door in turn."""
    return Door(caller, Sender(caller, acme, "cloudevents") if request.param == "source" else None)


@pytest.fixture
def source(caller, acme):
    """Return the door of a source."""
    return Door(caller, Sender(caller, acme, "cloudevents"))


# Binary mode: the attributes are headers


@pytest.mark.both_databases
def test_an_event_in_binary_mode_is_recorded_as_in_structured_mode(door):
    event = door.recorded({"total": 1})

    assert event["event"] == "com.example.order.paid"
    assert event["entity"] == {"type": "com.example.order", "id": "o-1", "name": None}
    assert event["occurred_at"] == "2025-01-01T00:00:00.000000Z"
    assert event["payload"] == {
        "specversion": "1.0",
        "id": "1",
        "source": "/shop",
        "type": "com.example.order.paid",
        "subject": "o-1",
        "time": "2025-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"total": 1},
    }


def test_binary_mode_has_extensions_schemas_actors_correlation_and_changes(door):
    changes = {"stage": {"previous": "open", "current": "won"}}
    event = door.recorded(
        {"changes": changes},
        ce_dataschema="https://example.com/order.json",
        ce_authtype="app_user",
        ce_authid="u1",
        ce_correlationid="c1",
        ce_sequence="7",
        traceparent="00-aa-bb-01",
    )

    assert (event["actor"]["id"], event["correlation_id"], event["changes"]) == ("u1", "c1", changes)
    told = event["payload"]
    assert (told["dataschema"], told["sequence"]) == ("https://example.com/order.json", "7")
    assert "traceparent" not in told


@pytest.mark.both_databases
def test_the_same_event_again_is_a_duplicate_whatever_the_order_of_its_headers(door):
    first = door.recorded({"total": 1})

    again = door.send({"total": 1}, dict(reversed(BINARY.items())))

    assert ids_in(again, 200) == [first["id"]]


@pytest.mark.parametrize(
    ("sent", "subject"),
    [
        (EURO, "Euro € 😀"),
        (EURO.lower().replace("euro", "Euro"), "Euro € 😀"),
        ('"say \\"hi\\" \\\\ %41"', 'say "hi" \\ A'),
        ("%6f-1", "o-1"),
        ("%2541", "%41"),
        ("50%", "50%"),
        ("a%zzb", "a%zzb"),
        ('5" disk', '5" disk'),
        ("ü".encode().decode("latin-1"), "ü"),
    ],
)
def test_a_headers_value_is_unquoted_and_percent_decoded_once(door, sent, subject):
    event = door.recorded(ce_subject=sent)

    assert (event["entity"]["id"], event["payload"]["subject"]) == (subject, subject)


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"ce_id": None}, "ce-id: is required"),
        ({"ce_subject": None}, "ce-subject: is required here: it names the record"),
        ({"ce_specversion": "0.3"}, 'ce-specversion: must be "1.0"'),
        ({"ce_specversion": None}, "ce-specversion: is required"),
        ({"ce_source": ""}, "ce-source: must not be empty, and what is not ASCII must be percent-encoded"),
        ({"ce_ours": ""}, "ce-ours: must not be empty, and what is not ASCII must be percent-encoded"),
        ({"ce_time": "today"}, "ce-time: must be an instant with a zone, as 2026-03-24T09:55:43.898Z"),
        (
            {"ce_type": "auditapp.x.y"},
            f"ce-type: {RESERVED}",
        ),
        ({"ce_subject": "%C0%A0"}, "ce-subject: is not UTF-8 once its percent signs are decoded"),
        ({"ce_subject": "\xff"}, "ce-subject: is not UTF-8 once its percent signs are decoded"),
        ({"ce_subject": "a%00"}, "ce-subject: holds the character NUL, which cannot be stored; leave it out"),
        (
            {"ce_datacontenttype": "text/plain"},
            "ce-datacontenttype: is told by Content-Type in binary mode; leave it out",
        ),
        ({"ce_data": "x"}, "ce-data: is no attribute; in binary mode the body is the data"),
    ],
)
def test_a_wrong_header_is_said_by_its_name(door, headers, says):
    assert door.refused({"total": 1}, **headers) == says


# Binary mode: the body is the data, whatever it is


@pytest.mark.parametrize(
    ("content_type", "body", "told"),
    [
        ("application/json", b'{"a": 1.0}', {"data": {"a": 1.0}}),
        ("application/json; charset=utf-8", b"[]", {"data": []}),
        ("application/cdevents+json", b"null", {"data": None}),
        ("text/json", b'"x"', {"data": "x"}),
        ("application/json", b"", {}),
        ("text/plain", "grüß\n".encode(), {"data": "grüß\n"}),
        ("text/plain; charset=ISO-8859-1", "grüß".encode("latin-1"), {"data": "grüß"}),
        ("text/plain", b"\xff\xfe", {"data_base64": "//4="}),
        ("text/plain", b"a\x00", {"data_base64": "YQA="}),
        ("text/plain; charset=no-such", b"a", {"data_base64": "YQ=="}),
        ("text/plain; charset=rot13", b"a", {"data_base64": "YQ=="}),
        ("application/xml", b"<a/>", {"data": "<a/>"}),
        ("application/soap+xml", b"<a/>", {"data": "<a/>"}),
        ("application/x-www-form-urlencoded", b"a=1", {"data": "a=1"}),
        ("application/octet-stream", b"\x00\x01", {"data_base64": "AAE="}),
        ("image/png", b"\x89PNG", {"data_base64": base64.b64encode(b"\x89PNG").decode()}),
        ("application/gzip", gzip.compress(b"x", mtime=0), ...),
        ("", b"plain", {"data_base64": "cGxhaW4="}),
        ("", b"", {}),
    ],
)
def test_the_body_is_the_data_as_its_content_type_says(door, content_type, body, told):
    expected = {"data_base64": base64.b64encode(body).decode()} if told is ... else told

    payload = door.recorded(body, content_type=content_type)["payload"]

    assert {
        name: value
        for name, value in payload.items()
        if name.startswith("data") and name != "datacontenttype"
    } == expected
    assert payload.get("datacontenttype", "") == content_type


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "identity"])
def test_a_compressed_body_is_data_once_it_is_decompressed(door, encoding):
    body = b'{"total": 1}'
    sent = body if encoding == "identity" else gzip.compress(body)

    assert door.recorded(sent, content_encoding=encoding)["payload"]["data"] == {"total": 1}


def test_data_that_is_not_what_its_content_type_says_is_refused(door):
    assert door.refused(b"{").startswith("data: the data is not JSON")
    assert "NaN" in door.refused(b"NaN")
    assert (
        door.refused({"a": "\x00"}) == "data.a: holds the character NUL, which cannot be stored; leave it out"
    )


def test_another_content_encoding_is_not_taken_for_data(source):
    assert source.refused(b"\x00", content_encoding="br") == (
        "the Content-Encoding br is not undone; send gzip, or none"
    )
    assert "gzip" in source.refused(b"{}", content_encoding="gzip")
    bomb = gzip.compress(b" " * (11 * 1024**2))
    assert "more than 10 MiB" in source.refused(bomb, content_encoding="gzip")


# Which mode it is


def test_a_content_type_of_cloudevents_is_structured_mode_whatever_headers_stand_beside(door):
    event = door.recorded(CLOUDEVENT, content_type="Application/CloudEvents+JSON; charset=UTF-8")

    assert (event["event"], event["payload"]) == ("deal.updated", CLOUDEVENT)


@pytest.mark.both_databases
def test_a_batch_is_many_events_whatever_headers_stand_beside(door):
    batch = [{**CLOUDEVENT, "id": "2"}, {**CLOUDEVENT, "id": "3"}]

    ids = ids_in(door.send(batch, content_type="application/cloudevents-batch+json"))

    assert [door.caller.event(each)["payload"] for each in ids] == batch


@pytest.mark.parametrize("form", ["application/cloudevents+avro", "application/cloudevents-batch+protobuf"])
def test_an_event_format_that_is_not_read_is_said(source, caller, form):
    assert source.refused(b"\x00", content_type=form).startswith(f"the event format {form} is not read")
    problem_in(Door(caller, None).send(b"\x00", content_type=form), 415)


def test_other_headers_make_no_event_of_the_apis_own_form(caller):
    event = {
        "event": "deal.updated",
        "actor": {"type": "user", "id": "u1"},
        "entity": {"type": "deal", "id": "d1"},
    }

    assert ids_in(Door(caller, None).send(event, {"ce-subject": "x", "x-ce-id": "1", "ce": "1"}))


# What cannot be read


@pytest.mark.both_databases
def test_what_is_set_aside_keeps_the_headers_that_matter_and_no_secret(source):
    source.refused({"total": 1}, ce_subject=None, ce_seq="7", content_encoding="identity", x_other="no")

    kept = db.session.scalars(sa.select(SetAside)).one()

    assert json.loads(kept.headers) == {
        "ce-id": "1",
        "ce-seq": "7",
        "ce-source": "/shop",
        "ce-specversion": "1.0",
        "ce-time": "2025-01-01T00:00:00Z",
        "ce-type": "com.example.order.paid",
        "content-encoding": "identity",
        "content-type": "application/json",
    }
    assert kept.body == b'{"total": 1}'


@pytest.mark.both_databases
def test_an_event_that_was_set_aside_is_read_by_its_headers_once_it_can_be(source, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("auditapp.inbound.cloudevents.events.REQUIRED", {"specversion"})
        patch.setattr("auditapp.inbound.cloudevents.events.ACTOR_TYPES", {})
        body = gzip.compress(b"text", mtime=0)
        more = {"ce_authtype": "user", "content_encoding": "gzip"}
        source.refused(body, content_type="text/plain", **more)

    received = replay(db.session.scalars(sa.select(SetAside)).one())
    db.session.commit()

    assert received.reason is None
    event = source.caller.event(str(received.recorded[0].id))
    assert (event["entity"]["id"], event["payload"]["data"]) == ("o-1", "text")
    assert source.sender.waiting_count() == 0


@pytest.mark.both_databases
def test_two_events_with_one_body_are_both_kept(source):
    for uid in ("1", "2", "2"):
        source.refused({}, ce_id=uid, ce_subject=None)
    for content_type in ("text/plain", "text/html"):
        source.refused(b"", ce_id="3", ce_subject=None, content_type=content_type)

    assert [times for _, times, _ in source.sender.waiting()] == [1, 2, 1, 1]
