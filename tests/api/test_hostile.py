"""Whatever is sent: never a 500, nothing half-written, and errors in the form of RFC 9457."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from auditapp.extensions import db
from auditapp.models import Workspace
from tests.api.conftest import EVENTS, JSON, PROBLEM, Caller
from tests.api.webhooks import CLOUDEVENT, SIGNED, VALID, Sender
from tests.conftest import an_event
from tests.inbound.foreign_json import any_json, mutated

MIB = 1024 * 1024
TYPES = (
    JSON,
    "application/x-ndjson",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
)
WHOLE = an_event(
    name="Rollout",
    changes={"stage": {"previous": "open", "current": "won", "label": "Stage", "kind": "choice"}},
    payload={"a": [1.5, {"b": None}]},
    related=[{"type": "contact", "id": "c1", "name": "Ben"}],
    context={"ip": "198.51.100.7", "user_agent": "x", "request_id": "r"},
    on_behalf_of={"type": "user", "id": "ben"},
    occurred_at="2026-03-24T09:55:43Z",
    idempotency_key="k",
    correlation_id="c",
)
DOCUMENTS: list[Any] = [WHOLE, {"events": [WHOLE, an_event()]}, CLOUDEVENT, [CLOUDEVENT], *VALID.values()]
# By hand, since chance would not find them.
EVIL: list[bytes] = [
    b"",
    b"\x00",
    b"NaN",
    b'{"event": NaN}',
    b'{"a": 1e999, "b": -Infinity}',
    b'{"a": 1' + b"0" * 5000 + b"}",
    b"9" * 100_000,
    b"-",
    b'"' + b"x" * 100_000,
    b'{"a": 1, "a": 2}',
    b'{"events": [], "events": []}',
    b'{"events": [], "\\ud800": 1}',
    b'{"events": [{"\\ud800": "\\udfff"}]}',
    b'{"\\ud83d": {"\\ude00": 1}}',
    b'"\\ud800"',
    b'{"event": "deal.\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b"[" * 10_000,
    b'{"a":' * 10_000,
    b"[" * 10_000 + b"]" * 10_000,
    b'{"a":' * 33 + b"1" + b"}" * 33,
    gzip.compress(b" " * (11 * MIB), mtime=0),
    gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0),
    gzip.compress(json.dumps(WHOLE).encode(), mtime=0)[:-9],
    b"\x1f\x8b",
    b'{"events": [' + b",".join([b"{}"] * 1001) + b"]}",
    b"[" + b"1," * 50_000 + b"1]",
    b"{}\n" * 1001,
]
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1")


def rewritten(document: Any, encoding: str, escaped: bool) -> bytes:
    """Write a document as JSON in some encoding, lone surrogates and all."""
    return json.dumps(document, ensure_ascii=escaped).encode(encoding, "surrogatepass")


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """Return a valid body that was cut off, or in which some bytes were replaced or repeated."""
    body = json.dumps(draw(st.sampled_from(DOCUMENTS))).encode()
    if draw(st.booleans()):
        body = gzip.compress(body, mtime=0)
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 20)))
    return body[:start] + draw(st.binary(max_size=4)) + body[end : draw(st.integers(end, len(body)))]


documents = mutated(DOCUMENTS) | st.sampled_from(DOCUMENTS) | any_json
texts = st.text(st.characters(exclude_categories=()), max_size=8)
bodies = (
    st.builds(rewritten, documents, st.sampled_from(ENCODINGS[:1]), st.booleans())
    | st.builds(rewritten, documents, st.sampled_from(ENCODINGS[:-1]), st.booleans())
    | st.builds(
        lambda document: json.dumps(document, ensure_ascii=False).encode("latin-1", "replace"), documents
    )
    | broken()
    | st.sampled_from(EVIL)
    | st.binary(max_size=64)
)
# What a header may hold: WSGI hands bytes over as Latin-1, and servers refuse line breaks.
header_texts = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=30)
content_types = st.sampled_from(TYPES) | st.one_of(
    st.builds("{}; charset={}".format, st.sampled_from(TYPES), header_texts), header_texts
)
encodings = st.sampled_from([None, None, "gzip", "GZIP ", "identity", ""]) | header_texts
# The databases are slow now and then; what is measured here is answers, not time.
PATIENT = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def assert_whole(caller: Caller, before: int, response: TestResponse) -> None:
    """Assert that what was answered is what was done."""
    assert response.status_code in {200, 201, 401, 409, 413, 415, 422}, response.text[:500]
    added = 0
    if response.status_code < 300:
        assert response.content_type == JSON
        added = sum(not each["duplicate"] for each in response.get_json()["events"])
        assert (response.status_code == 201) == (added > 0)
    else:
        assert response.content_type == PROBLEM
        problem = response.get_json()
        assert problem["status"] == response.status_code and problem["title"]
    assert caller.count() == before + added


def post(caller: Caller, body: bytes, content_type: str | None, headers: dict[str, str]) -> TestResponse:
    return caller.client.post(EVENTS, data=body, content_type=content_type, headers=headers)


@PATIENT
@given(body=bodies, content_type=st.sampled_from(TYPES), zipped=st.booleans())
def test_hostile_bodies_are_recorded_whole_or_refused(door, body, content_type, zipped):
    headers = dict(door.headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
        body = body if body.startswith(b"\x1f\x8b") else gzip.compress(body, mtime=0)
    before = door.count()

    response = post(door, body, content_type, headers)

    assert_whole(door, before, response)


@PATIENT
@given(
    body=st.sampled_from([json.dumps(an_event()).encode(), b"", b"{"]),
    content_type=content_types,
    encoding=encodings,
    authorization=st.none()
    | header_texts
    | st.builds("Bearer {}".format, header_texts)
    | st.builds("Bearer auditapp_{}".format, texts.map(lambda text: text.encode("utf-8", "replace").hex())),
)
def test_hostile_headers_are_refused(door, body, content_type, encoding, authorization):
    headers = dict(door.headers) if authorization is None else {"Authorization": authorization}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    before = door.count()

    response = post(door, body, content_type, headers)

    assert_whole(door, before, response)
    assert authorization is None or response.status_code == 401


@pytest.mark.parametrize("body", EVIL, ids=range(len(EVIL)))
def test_known_evils_are_refused(door, body):
    before = door.count()

    for content_type in TYPES:
        for encoding in ("identity", "gzip"):
            response = post(door, body, content_type, {**door.headers, "Content-Encoding": encoding})

            assert response.status_code in {413, 422}
            assert_whole(door, before, response)


@pytest.fixture(scope="session")
def senders(door) -> dict[str, Sender]:
    """Return a sender of each kind, whose sources take more than may usually wait."""
    with door.app.app_context():
        workspace = db.session.get_one(Workspace, door.workspace_id)
        return {kind: Sender(door, workspace, kind) for kind in VALID}


@pytest.fixture
def no_limit(monkeypatch):
    """Let any number of bodies wait."""
    monkeypatch.setattr("auditapp.inbound.set_aside.MAX_SET_ASIDE", 10**6)


def assert_kept(sender: Sender, body: bytes, deliver: Callable[[], TestResponse]) -> None:
    """Assert that a signed body was recorded, or set aside with its exact bytes."""
    caller = sender.caller
    before, waiting = caller.count(), dict.fromkeys(each[0] for each in sender.waiting())

    response = deliver()

    assert response.status_code in {200, 201, 202, 413}, response.text[:500]
    now = {each[0]: each for each in sender.waiting()}
    if response.status_code == 202:
        assert response.get_json()["set_aside"] is True
        assert now.keys() == {*waiting, body}
        assert now[body][2] == response.get_json()["reason"]
        added = 0
    else:
        assert now.keys() == waiting.keys()
        events = response.get_json()["events"] if response.status_code < 300 else []
        added = sum(not each["duplicate"] for each in events)
    assert caller.count() == before + added


@pytest.mark.parametrize("kind", VALID)
@settings(
    PATIENT,
    max_examples=80,
    suppress_health_check=[*PATIENT.suppress_health_check, HealthCheck.function_scoped_fixture],
)
@given(body=bodies, content_type=st.none() | content_types)
def test_a_hostile_webhook_is_recorded_or_set_aside_with_its_bytes(
    senders, no_limit, kind, body, content_type
):
    sender = senders[kind]

    assert_kept(sender, body, lambda: sender.send(body, content_type=content_type))


@pytest.mark.parametrize("kind", VALID)
def test_known_evils_are_set_aside_with_their_bytes(senders, kind):
    for body in EVIL:
        assert_kept(senders[kind], body, lambda body=body: senders[kind].send(body))  # type: ignore[misc]


@pytest.mark.parametrize("kind", VALID)
@settings(PATIENT, max_examples=40)
@given(value=header_texts)
def test_a_hostile_signature_is_refused_and_nothing_is_kept(senders, kind, value):
    sender = senders[kind]
    [name] = SIGNED[kind](b"")
    before, waiting = sender.caller.count(), sender.waiting_count()

    response = sender.send(VALID[kind], {name: value})

    assert (response.status_code, response.content_type) == (401, PROBLEM)
    assert (sender.caller.count(), sender.waiting_count()) == (before, waiting)
