"""``POST /api/v1/events``: what is taken, in which forms, how much of it, and what is said of the rest."""

import gzip
import html
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import ApiKey
from tests.api.conftest import EVENTS, JSON, Caller, ids_in, make_key, problem_in
from tests.conftest import an_event

NDJSON, CLOUDEVENT = "application/x-ndjson", "application/cloudevents+json"
CLOUDEVENTS = "application/cloudevents-batch+json"
MIB = 1024 * 1024


def cloud_event(uid: str = "1", **attributes) -> dict:
    return {
        "specversion": "1.0",
        "id": uid,
        "source": "https://crm.example",
        "type": "deal.updated",
        "subject": "d1",
        **attributes,
    }


def faults(response, status: int = 422) -> list[tuple[int, str]]:
    return [(error["index"], error["path"]) for error in problem_in(response, status)["errors"]]


# What is taken


def test_an_event_is_recorded_and_found_again_as_it_was_sent(door):
    sent = an_event(
        name="Rollout – 数据中心 🏢",
        changes={"größe": {"previous": 2**53 + 1, "current": 1e-7, "label": "Größe", "kind": "number"}},
        payload={"z": "\u202e\u2028e\u0301", "a": [2**64 - 1, -(2**63), 0.1, None, True, {}], "": ""},
        context={"ip": "2001:db8::1", "user_agent": "crm/1", "request_id": "r1"},
        outcome="failure",
        occurred_at="2026-03-24T10:55:43.898+01:00",
    )

    response = door.post(sent)

    [event_id] = ids_in(response)
    assert response.get_json() == {"events": [{"id": event_id, "duplicate": False}]}
    event = door.event(event_id)
    assert event["occurred_at"] == "2026-03-24T09:55:43.898000Z"
    assert [*event["payload"]] == ["z", "a", ""]
    for name in ("event", "actor", "entity", "changes", "payload", "outcome"):
        assert event[name] == sent[name]
    assert event["correlation_id"] == event_id


def test_the_origin_is_api_unless_the_sender_knows_better(door):
    ids = ids_in(door.post({"events": [an_event(), an_event(origin="workflow")]}))

    assert [door.event(each)["origin"] for each in ids] == ["api", "workflow"]


def test_who_acted_is_kept_as_claimed_by_the_key(caller):
    sent = an_event(context={"ip": "198.51.100.7"})

    [event_id] = ids_in(caller.post(sent))

    key = db.session.scalars(sa.select(ApiKey)).one()
    claimant = {"type": "api_key", "id": str(key.id), "name": "CRM"}
    assert caller.event(event_id)["context"] == {"ip": "198.51.100.7", "claimed_by": claimant}


def test_the_page_of_an_event_says_whose_word_the_actor_is(app, acme, client, login):
    [event_id] = ids_in(Caller(app, acme, make_key(acme, "Räumer & <Söhne>")).post(an_event()))
    login("owner")

    page = client.get(f"/w/acme/events/{event_id}")

    words = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))
    assert re.search(r"claimed by [\w ]*Räumer & <Söhne>", words, re.IGNORECASE)


def test_the_page_of_an_event_of_our_own_claims_nothing(client, login, acme, note):
    event_id = note()
    login("owner")

    assert "claimed by" not in client.get(f"/w/acme/events/{event_id}").text.lower()


def test_the_same_event_with_its_key_again_is_answered_with_the_first_id(caller):
    sent = an_event(idempotency_key="k")
    [first] = ids_in(caller.post(sent))
    before = caller.count()

    again = caller.post(dict(reversed(sent.items())))

    assert ids_in(again, 200) == [first]
    assert again.get_json()["events"][0]["duplicate"] is True
    assert caller.count() == before


def test_without_a_key_the_same_event_twice_is_two(door):
    assert ids_in(door.post(an_event())) != ids_in(door.post(an_event()))


def test_a_key_used_before_with_another_event_is_a_conflict(caller):
    ids_in(caller.post(an_event(idempotency_key="k")))
    before = caller.count()

    response = caller.post({"events": [an_event(), an_event(entity="2", idempotency_key="k")]})

    assert faults(response, 409) == [(1, "idempotency_key")]
    assert caller.count() == before


def test_a_batch_keeps_its_order_and_says_what_is_new(caller):
    [first] = ids_in(caller.post(an_event(idempotency_key="a")))
    batch = [an_event(idempotency_key=key) for key in ("b", "a", "b")]

    response = caller.post({"events": batch})
    again = caller.post({"events": batch})

    new, old, same = response.get_json()["events"]
    assert response.status_code == 201
    assert (old["id"], same["id"]) == (first, new["id"])
    assert [each["duplicate"] for each in (new, old, same)] == [False, True, True]
    assert ids_in(again, 200) == [new["id"], old["id"], same["id"]]
    assert all(each["duplicate"] for each in again.get_json()["events"])


def test_a_batch_that_uses_one_key_for_two_events_is_a_conflict(caller):
    before = caller.count()

    response = caller.post(
        {"events": [an_event(idempotency_key="k"), an_event(entity="2", idempotency_key="k")]}
    )

    assert faults(response, 409) == [(1, "idempotency_key")]
    assert caller.count() == before


def test_a_batch_is_recorded_whole_or_not_at_all(door):
    batch = [an_event(entity=str(number)) for number in range(6)]
    batch[1]["actor"]["id"] = ""
    batch[3]["colour"] = "red"
    batch[4]["changes"] = {"stage": {"previous": 1}}
    batch[5]["related"] = [{"type": "deal", "id": "1"}, {"type": "Deal", "id": ".."}]
    before = door.count()

    response = door.post({"events": batch})

    assert faults(response) == [
        (1, "actor.id"),
        (3, "colour"),
        (4, "changes.stage.current"),
        (5, "related[1].type"),
    ]
    assert "Nothing was recorded" in response.get_json()["detail"]
    assert door.count() == before


def test_another_workspaces_key_uses_the_same_idempotency_key_freely(app, caller, other):
    theirs = Caller(app, other)
    [first] = ids_in(caller.post(an_event(idempotency_key="k")))
    before = caller.count()

    [second] = ids_in(theirs.post(an_event(entity="2", idempotency_key="k")))

    assert first != second and caller.count() == before
    problem_in(caller.get(f"{EVENTS}/{second}"), 404)


# In which forms


@pytest.mark.parametrize(
    "between",
    ["\n", "\r\n", "\n\n \t\n\r\n"],
    ids=["LF", "CRLF", "blank lines"],
)
@pytest.mark.parametrize("end", ["", "\n"], ids=["no final newline", "final newline"])
def test_lines_are_events(door, between, end):
    text = between.join(json.dumps(an_event(name=name)) for name in ("one", "two\u2028")) + end

    ids = ids_in(door.post(text, NDJSON))

    assert [door.event(each)["entity"]["name"] for each in ids] == ["one", "two\u2028"]


def test_a_wrong_line_is_named_by_its_place_among_the_events(door):
    before = door.count()

    response = door.post(f"{json.dumps(an_event())}\n\n{{]\n", NDJSON)

    assert faults(response) == [(1, "")]
    assert door.count() == before


def test_a_cloud_event_is_recorded_with_itself_as_the_payload(caller):
    sent = cloud_event(time="2026-03-24T09:55:43Z", authtype="user", authid="u1", data={"a": [1.0]})

    [event_id] = ids_in(caller.post(sent, CLOUDEVENT))
    again = caller.post(sent, CLOUDEVENT)

    event = caller.event(event_id)
    assert event["payload"] == sent
    assert (event["event"], event["origin"]) == ("deal.updated", "api")
    assert event["actor"] == {"type": "user", "id": "u1", "name": None, "email": None}
    assert event["entity"] == {"type": "deal", "id": "d1", "name": None}
    assert ids_in(again, 200) == [event_id]


def test_what_a_cloud_event_names_nobody_for_was_done_by_the_key(door):
    [event_id] = ids_in(door.post(cloud_event("nobody"), CLOUDEVENT))

    event = door.event(event_id)
    assert (event["actor"]["type"], event["actor"]["name"]) == ("api_key", "CRM")
    assert event["context"]["claimed_by"]["id"] == event["actor"]["id"]


def test_cloud_events_come_in_batches(caller):
    ids = ids_in(caller.post([cloud_event("1"), cloud_event("2")], CLOUDEVENTS))
    before = caller.count()
    refused = caller.post([cloud_event("3"), cloud_event("4", subject=None)], CLOUDEVENTS)

    assert len({*ids}) == 2
    assert faults(refused) == [(1, "subject")]
    assert caller.count() == before


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ([an_event()], JSON),
        ("an event", JSON),
        (None, JSON),
        ([cloud_event()], CLOUDEVENT),
        (cloud_event(), CLOUDEVENTS),
        ([], CLOUDEVENTS),
        ({"events": []}, JSON),
        ({"events": {}}, JSON),
        ({"events": [an_event()], "more": 1}, JSON),
        ({"events": [[an_event()]]}, JSON),
        ({"events": None}, JSON),
        ("", JSON),
        ("", NDJSON),
        ("\r\n \n", NDJSON),
        (b"\xef\xbb\xbf{}", JSON),
        (json.dumps(an_event()) * 2, JSON),
        (json.dumps(an_event(), indent=1), NDJSON),
    ],
)
def test_a_body_that_has_another_form_is_refused(door, body, content_type):
    before = door.count()
    if body == "an event":
        body = json.dumps(body)

    response = door.post(body if body is not None else "null", content_type)

    assert len(faults(response)) >= 1
    assert door.count() == before


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (an_event(), JSON),
        (an_event(), "Application/JSON; charset=UTF-8"),
        (f"{json.dumps(an_event())}\n".encode(), NDJSON),
        (cloud_event("zipped 1"), CLOUDEVENT),
        ([cloud_event("zipped 2")], f"{CLOUDEVENTS}; charset=utf-8"),
    ],
)
def test_a_body_may_be_compressed(door, body, content_type):
    assert len(ids_in(door.post_gzip(body, content_type))) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{}", mtime=0)[:-3],
        gzip.compress(b"{}", mtime=0) + b"more",
        gzip.compress(b"{}", mtime=0) * 2,
    ],
)
def test_gzip_that_is_broken_or_cut_off_is_refused(door, body):
    assert "gzip" in problem_in(door.post(body, Content_Encoding="gzip"), 422)["detail"]


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [
        ("application/x-www-form-urlencoded", {}),
        ("multipart/form-data; boundary=x", {}),
        ("text/plain", {}),
        (None, {}),
        ("", {}),
        ("application/json; charset=latin-1", {}),
        ("application/json; charset=utf-16", {}),
        (JSON, {"Content_Encoding": "br"}),
        (JSON, {"Content_Encoding": "gzip, gzip"}),
        (JSON, {"Content_Encoding": "deflate"}),
    ],
)
def test_another_form_is_415_and_says_which_are_taken(door, content_type, headers):
    before = door.count()

    response = door.post(an_event(), content_type, **headers)

    detail = problem_in(response, 415)["detail"]
    assert "Content-Type application/json" in detail or "UTF-8" in detail or "gzip" in detail
    assert door.count() == before


# How much


def whitespace(size: int) -> bytes:
    """Return an event in a body of ``size`` bytes."""
    return json.dumps(an_event()).encode().ljust(size)


def test_a_body_has_10_mib_at_most(door):
    assert len(ids_in(door.post(whitespace(10 * MIB)))) == 1
    assert len(ids_in(door.post_gzip(whitespace(10 * MIB)))) == 1
    before = door.count()

    plain = door.post(whitespace(10 * MIB + 1))
    zipped = door.post_gzip(whitespace(10 * MIB + 1))
    bomb = door.post_gzip(b" " * (200 * MIB))

    for response in (plain, zipped, bomb):
        assert "10 MiB" in problem_in(response, 413)["detail"]
    assert door.count() == before


@pytest.mark.parametrize(("size", "status"), [(1000, 201), (10 * MIB, 201), (10 * MIB + 1, 413)])
def test_a_body_of_unknown_length_is_counted_as_it_comes(door, size, status):
    response = door.client.post(
        EVENTS,
        input_stream=io.BytesIO(whitespace(size)),
        content_type=JSON,
        headers={**door.headers, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert response.status_code == status, response.text


def test_a_batch_has_1000_events_at_most(caller):
    lines = [json.dumps(an_event(entity=str(number))) for number in range(1001)]

    taken = caller.post("\n".join(lines[:1000]), NDJSON)
    before = caller.count()
    refused = [
        caller.post("\n".join(lines), NDJSON),
        caller.post('{"events": [' + ",".join(lines) + "]}"),
        caller.post([cloud_event(str(number)) for number in range(1001)], CLOUDEVENTS),
    ]

    assert len({*ids_in(taken)}) == 1000
    for response in refused:
        assert "1,000" in problem_in(response, 422)["errors"][0]["message"]
    assert caller.count() == before


def test_an_event_has_256_kib_at_most(door):
    # Counted as the log keeps it: compact, in UTF-8, with its origin.
    event = an_event(origin="api", payload={"text": ""})
    room = 256 * 1024 - len(json.dumps(event, separators=(",", ":")))

    taken = door.post(an_event(origin="api", payload={"text": "ü" * (room // 2) + "x" * (room % 2)}))
    refused = door.post(an_event(origin="api", payload={"text": "x" * (room + 1)}))

    assert len(ids_in(taken)) == 1
    assert "262,144" in problem_in(refused, 422)["errors"][0]["message"]


def nested(levels: int) -> dict:
    inner: dict = {}
    for _ in range(levels - 1):
        inner = {"a": inner}
    return inner


def test_json_is_32_levels_deep_at_most(door):
    # The event is the first level, its payload the second.
    taken, refused = door.post(an_event(payload=nested(31))), door.post(an_event(payload=nested(32)))

    assert door.event(ids_in(taken)[0])["payload"] == nested(31)
    assert faults(refused) == [(0, "payload" + ".a" * 31)]


ASTRAL = "".join(chr(0x1F300 + number % 500) for number in range(600))
PLACES = {
    "entity.id": lambda text: an_event(entity=text),
    "entity.name": lambda text: an_event(name=text),
    "actor.id": lambda text: an_event(actor={"type": "user", "id": text}),
    "actor.name": lambda text: an_event(actor={"type": "user", "id": "1", "name": text}),
    "actor.email": lambda text: an_event(actor={"type": "user", "id": "1", "email": text}),
    "on_behalf_of.id": lambda text: an_event(on_behalf_of={"type": "user", "id": text}),
    "related[0].id": lambda text: an_event(related=[{"type": "deal", "id": text}]),
    "related[0].name": lambda text: an_event(related=[{"type": "deal", "id": "1", "name": text}]),
    "changes.a.label": lambda text: an_event(changes={"a": {"current": 1, "label": text}}),
    "context.request_id": lambda text: an_event(context={"request_id": text}),
    "correlation_id": lambda text: an_event(correlation_id=text),
    "causation_id": lambda text: an_event(causation_id=text),
}


def test_ids_and_names_have_512_characters_at_most(door):
    taken = door.post({"events": [make(ASTRAL[:512]) for make in PLACES.values()]})
    refused = door.post({"events": [make(ASTRAL[:513]) for make in PLACES.values()]})

    ids = ids_in(taken)
    assert door.event(ids[0])["entity"]["id"] == ASTRAL[:512]
    assert faults(refused) == [*enumerate(PLACES)]
    assert all("512 characters" in error["message"] for error in refused.get_json()["errors"])


def test_an_idempotency_key_has_200_characters_at_most(door):
    [first] = ids_in(door.post(an_event(idempotency_key=ASTRAL[:200])))

    assert ids_in(door.post(an_event(idempotency_key=ASTRAL[:200])), 200) == [first]
    assert faults(door.post(an_event(idempotency_key=ASTRAL[:201]))) == [(0, "idempotency_key")]
    assert faults(door.post(an_event(idempotency_key=""))) == [(0, "idempotency_key")]


def test_an_events_name_has_128_characters_at_most(door):
    assert len(ids_in(door.post(an_event("d" * 125 + ".up")))) == 1
    assert (0, "event") in faults(door.post(an_event("d" * 126 + ".up")))


# What is refused


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"id": "019aa0c3-0000-7000-8000-000000000000"}, "id"),
        ({"seq": 1}, "seq"),
        ({"recorded_at": "2026-03-24T09:55:43Z"}, "recorded_at"),
        ({"claimed_by": {}}, "claimed_by"),
        ({"context": {"claimed_by": {"type": "api_key", "id": "1", "name": "x"}}}, "context.claimed_by"),
        ({"context": {"ip": "198.51.100"}}, "context.ip"),
        ({"context": {"ip": "localhost"}}, "context.ip"),
        ({"event": None}, "event"),
        ({"event": "deal"}, "event"),
        ({"event": "Deal.updated"}, "event"),
        ({"event": "deal.updated\n"}, "event"),
        ({"actor": None}, "actor"),
        ({"actor": {"type": "robot", "id": "1"}}, "actor.type"),
        ({"actor": {"type": "anonymous"}}, "actor.id"),
        ({"actor": {"type": "user", "id": 7}}, "actor.id"),
        ({"entity": {"type": "contact", "id": "1"}}, "entity.type"),
        ({"entity": {"type": "deal", "id": ".."}}, "entity.id"),
        ({"origin": "API"}, "origin"),
        ({"outcome": True}, "outcome"),
        ({"payload": []}, "payload"),
        ({"changes": {"": {"current": 1}}}, "changes"),
        ({"changes": {"a": {"current": 1, "kind": "colour"}}}, "changes.a.kind"),
        ({"occurred_at": "2026-03-24T09:55:43"}, "occurred_at"),
        ({"occurred_at": "2026-02-30T09:55:43Z"}, "occurred_at"),
        ({"occurred_at": 1_774_346_143}, "occurred_at"),
        ({"payload": {"a\x00": 1}}, "payload.a\\u0000"),
        ({"payload": {"a": ["x\x00"]}}, "payload.a[0]"),
        ({"payload": {"a": "\ud800"}}, "payload.a"),
        ({"payload": {"a": 2**64}}, "payload.a"),
    ],
)
def test_a_faulty_event_is_refused_by_the_path_of_its_fault(door, more, path):
    before = door.count()

    response = door.post({"events": [an_event(), an_event() | more]})

    assert faults(response) == [(1, path)]
    assert door.count() == before


def test_what_lies_ahead_is_refused(door):
    now = datetime.now(UTC)

    assert len(ids_in(door.post(an_event(occurred_at=(now + timedelta(minutes=4)).isoformat())))) == 1
    late = door.post(an_event(occurred_at=(now + timedelta(minutes=6)).isoformat()))

    assert faults(late) == [(0, "occurred_at")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1e999}', "string"),
        ('{"a": 1, "a": 1}', "twice"),
        ('{"events": [], "events": []}', "twice"),
        ('{"events": [], "\\ud800": 1}', "\\ud800"),
        ('{"events": [], "\\u0000": 1}', "\\u0000"),
        ('{"\\udfff": 1}', "\\udfff"),
        ('{"a": "\\ud83d"}', "\\ud83d"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
        (b'{"a": "\xff"}', "UTF-8"),
        ('{"a": 1' + "0" * 5000 + "}", "string"),
        ("[" * 10_000, "nested"),
        ('{"a":' * 10_000, "nested"),
    ],
)
def test_json_that_would_be_rounded_or_dropped_is_refused_by_name(door, body, said):
    problem = problem_in(door.post(body), 422)

    assert any(said in error["message"] + error["path"] for error in problem["errors"])


def test_of_many_faults_the_first_hundred_are_told_and_the_rest_counted(door):
    problem = problem_in(door.post({"events": [{}] * 1000}), 422)

    assert len(problem["errors"]) == 100
    assert "2,900 more" in problem["detail"]


# Who


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer auditapp_" + "a" * 40])
def test_without_a_valid_key_nothing_is_recorded(door, header):
    before = door.count()

    response = door.app.test_client().post(EVENTS, json=an_event(), headers={"Authorization": header})

    assert problem_in(response, 401) and response.headers["WWW-Authenticate"] == "Bearer"
    assert door.count() == before


def test_an_expired_key_is_nobodys(app, acme):
    now = datetime.now(UTC)
    lasting = Caller(app, acme, make_key(acme, expires_at=now + timedelta(minutes=1)))
    expired = Caller(app, acme, make_key(acme, expires_at=now - timedelta(seconds=1)))

    assert len(ids_in(lasting.post(an_event()))) == 1
    problem_in(expired.post(an_event()), 401)


def test_a_revoked_key_is_nobodys(caller, cli):
    ids_in(caller.post(an_event()))

    cli("api-key", "revoke", caller.key, "--workspace", "acme")

    problem_in(caller.post(an_event()), 401)


def test_a_key_that_may_only_read_records_nothing(app, acme):
    reader = Caller(app, acme, make_key(acme, scopes=("events:read",)))
    before = reader.count()

    assert "events:write" in problem_in(reader.post(an_event()), 403)["detail"]
    assert reader.count() == before


def test_no_form_token_is_asked_for_and_no_cookie_opens_the_door(app, caller, client, login):
    login("owner")
    app.config["WTF_CSRF_ENABLED"] = True

    assert problem_in(client.post(EVENTS, json=an_event()), 401)
    assert len(ids_in(caller.post(an_event()))) == 1


# When it is too much, or the database is away


def test_too_many_requests_are_told_when_to_come_back(app, acme):
    app.config["REQUESTS_PER_MINUTE"] = 2
    busy, calm = Caller(app, acme), Caller(app, acme)
    statuses = [busy.post(an_event()).status_code for _ in range(2)]
    before = busy.count()

    refused = busy.post(an_event())

    assert statuses == [201, 201]
    assert problem_in(refused, 429) and 1 <= int(refused.headers["Retry-After"]) <= 120
    assert busy.count() == before
    assert len(ids_in(calm.post(an_event()))) == 1


@pytest.fixture
def impatient(monkeypatch):
    """Wait one second for a lock instead of five."""
    monkeypatch.setattr("auditapp.config.BUSY_SECONDS", 1)


@pytest.mark.own_app
def test_a_database_that_is_locked_is_503_and_nothing_is_recorded(impatient, caller):
    ids_in(caller.post(an_event()))  # the key's use is noted
    before = caller.count()
    locked = db.engine.connect()
    locked.exec_driver_sql("BEGIN IMMEDIATE" if db.engine.dialect.name == "sqlite" else "LOCK TABLE event")

    response = caller.post(an_event())

    locked.rollback()
    locked.close()
    assert problem_in(response, 503) and int(response.headers["Retry-After"]) > 0
    assert caller.count() == before
    assert len(ids_in(caller.post(an_event()))) == 1
