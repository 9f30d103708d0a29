"""record(): what is accepted, what is refused and how that is said, and what is stored."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from auditapp.extensions import db
from auditapp.log import EventError, IdempotencyConflict, record, record_batch
from auditapp.log.schema import parse_event
from auditapp.models import SECTIONS, Event, EventName, EventPayload
from auditapp.values.strict_json import JsonError, is_clean, loads, loads_checked, problems_of
from tests.conftest import an_event

REFUSED = [
    ({"event": "deal"}, "event", "lower-case words joined by dots"),
    ({"event": "Deal.updated"}, "event", "lower-case words"),
    ({"event": "deal." + "x" * 128}, "event", "128 characters"),
    ({"event": "deal.updated\n"}, "event", "lower-case"),
    ({"actor": {"type": "robot", "id": "1"}}, "actor.type", "must be one of"),
    ({"actor": {"type": "anonymous", "id": ""}}, "actor.id", "must not be empty"),
    ({"actor": {"type": "user"}}, "actor.id", "is required"),
    ({"actor": {"type": "user", "id": 7}}, "actor.id", "must be a string"),
    ({"actor": {"type": "user", "id": "x" * 513}}, "actor.id", "more than 512"),
    ({"actor": {"type": "user", "id": "1", "nick": "x"}}, "actor.nick", "is no field"),
    ({"entity": {"type": "contact", "id": "1"}}, "entity.type", "must be 'deal'"),
    ({"entity": {"type": "deal", "id": "."}}, "entity.id", "must not be '.'"),
    ({"entity": {"type": "deal", "id": ".."}}, "entity.id", "must not be '.'"),
    ({"entity": None}, "entity", "must be an object"),
    ({"seq": 1}, "seq", "given by the server"),
    ({"id": "x"}, "id", "given by the server"),
    ({"recorded_at": "2026-03-24T09:55:43Z"}, "recorded_at", "given by the server"),
    ({"colour": "red"}, "colour", "is no field"),
    ({"context": {"ip": "300.1.1.1"}}, "context.ip", "is no IP address"),
    ({"context": {"port": "1"}}, "context.port", "is no field"),
    ({"origin": "moon"}, "origin", "must be one of"),
    ({"outcome": None}, "outcome", "must be one of"),
    ({"payload": []}, "payload", "must be an object"),
    ({"payload": {"a": float("nan")}}, "payload.a", "NaN"),
    ({"payload": {"a": [1, float("inf")]}}, "payload.a[1]", "Infinity"),
    ({"payload": {"a": 2**64}}, "payload.a", "send it as a string"),
    ({"payload": {"a": -(2**63) - 1}}, "payload.a", "send it as a string"),
    ({"payload": {"a": "x\x00"}}, "payload.a", "NUL"),
    ({"payload": {"\x00": 1}}, "payload.\\u0000", "NUL"),
    ({"payload": {"a": "\ud800"}}, "payload.a", "lone surrogate"),
    ({"payload": {"a": {1: 2}}}, "payload.a", "is not a string"),
    ({"payload": {"a": {1, 2}}}, "payload.a", "no JSON type"),
    ({"payload": {"a": "x" * 262_144}}, "", "262,144 at most"),
    ({"changes": {"": {"current": 1}}}, "changes", "must not be empty"),
    ({"changes": {"stage": {"previous": 1}}}, "changes.stage.current", "is required"),
    ({"changes": {"stage": {"current": 1, "kind": "colour"}}}, "changes.stage.kind", "must be one of"),
    ({"occurred_at": "yesterday"}, "occurred_at", "must be an instant"),
    ({"occurred_at": "2026-03-24T09:55:43"}, "occurred_at", "with a zone"),
    ({"occurred_at": "2026-02-30T09:55:43Z"}, "occurred_at", "is no time that exists"),
    ({"occurred_at": 1774346143}, "occurred_at", "must be an instant"),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at", "1 to 9999"),
    ({"occurred_at": "9999-12-31T00:00:00Z"}, "occurred_at", "more than five minutes ahead"),
    ({"idempotency_key": "x" * 201}, "idempotency_key", "more than 200"),
    ({"idempotency_key": ""}, "idempotency_key", "must not be empty"),
    ({"related": [{"type": "service"}]}, "related[0].id", "is required"),
    ({"on_behalf_of": {"type": "user"}}, "on_behalf_of.id", "is required"),
    ({"correlation_id": ""}, "correlation_id", "must not be empty"),
]


def nested(depth: int) -> dict:
    value: dict = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("fault", "path", "says"), REFUSED, ids=[f"{path}-{says[:20]}" for _, path, says in REFUSED]
)
def test_an_event_with_a_fault_is_refused_by_its_path(fault, path, says):
    with pytest.raises(EventError) as refused:
        parse_event({**an_event(), **fault}, now=datetime.now(UTC))

    problem = refused.value.problems[0]
    assert problem.path == path
    assert says in problem.message


@pytest.mark.parametrize("missing", ["event", "actor", "entity"])
def test_the_three_required_fields_are_missed_by_name(missing):
    event = an_event()
    del event[missing]

    with pytest.raises(EventError, match=f"^{missing}: is required"):
        parse_event(event, now=datetime.now(UTC))


def test_depth_32_is_accepted_and_33_refused(acme):
    record(acme, an_event(payload=nested(31)))

    with pytest.raises(EventError, match="nested deeper than 32"):
        record(acme, an_event(payload=nested(32)))


def test_all_that_is_optional_may_be_left_out_and_gets_its_default(acme):
    before = datetime.now(UTC)
    recorded = record(
        acme, {"event": "a.b", "actor": {"type": "system", "id": "x"}, "entity": {"type": "a", "id": "1"}}
    )
    db.session.commit()

    row = db.session.scalars(sa.select(Event).where(Event.uid == recorded.id)).one()
    assert (row.outcome, row.origin, row.correlation_id) == ("success", "unknown", str(recorded.id))
    assert before <= row.occurred_at == row.recorded_at <= datetime.now(UTC)
    assert recorded.id.version == 7


def test_sections_are_stored_as_text_with_a_salt_each_and_keep_key_order(acme):
    payload = {"z": 1, "a": [1.5, True, None, "ü", 2**63, -(2**63), 0.1], "m": {"y": {}, "b": ""}}
    recorded = record(
        acme, an_event(payload=payload, changes={"s": {"previous": None, "current": ""}, "t": {"current": 1}})
    )
    db.session.commit()

    row = db.session.scalars(
        sa.select(EventPayload).join(Event, Event.id == EventPayload.event_id).where(Event.uid == recorded.id)
    ).one()
    assert row.payload == json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    assert row.changes == '{"s":{"previous":null,"current":""},"t":{"current":1}}'
    assert row.on_behalf_of == "null"
    salts = {getattr(row, f"{name}_salt") for name in SECTIONS}
    assert len(salts) == 7 and {len(salt) for salt in salts} == {16}


def test_a_batch_lands_whole_or_not_at_all(acme):
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Event))

    with pytest.raises(EventError) as refused:
        record_batch(acme, [an_event(), an_event(origin="moon"), an_event(), an_event(outcome="maybe")])

    assert [(problem.index, problem.path) for problem in refused.value.problems] == [
        (1, "origin"),
        (3, "outcome"),
    ]
    db.session.commit()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Event)) == before


@pytest.mark.parametrize("count", [0, 1001])
def test_an_empty_and_an_oversized_batch_are_refused(acme, count):
    with pytest.raises(EventError):
        record_batch(acme, [an_event()] * count)


def test_record_never_commits(acme):
    record(acme, an_event("deal.created"))
    db.session.rollback()

    assert not db.session.scalars(sa.select(Event).where(Event.event == "deal.created")).all()
    assert not db.session.scalars(sa.select(EventName).where(EventName.event == "deal.created")).all()


def test_rows_of_one_instant_keep_the_order_of_the_batch(acme):
    at = "2026-03-24T09:55:43Z"
    record_batch(acme, [an_event(entity=str(number), occurred_at=at) for number in range(300)])
    db.session.commit()

    query = sa.select(Event.entity_id).where(Event.event == "deal.updated").order_by(Event.id)
    assert db.session.scalars(query).all() == [str(number) for number in range(300)]


def test_the_same_key_with_the_same_event_is_a_duplicate_with_another_a_conflict(acme):
    first = record(acme, an_event(idempotency_key="k"))
    db.session.commit()

    again = record_batch(
        acme, [an_event(idempotency_key="k", outcome="success"), an_event(idempotency_key="new")]
    )
    twice = record_batch(acme, [an_event(idempotency_key="x"), an_event(idempotency_key="x")])

    assert (again[0].id, again[0].duplicate, again[1].duplicate) == (first.id, True, False)
    assert twice[0].id == twice[1].id and [one.duplicate for one in twice] == [False, True]
    with pytest.raises(IdempotencyConflict):
        record(acme, an_event(idempotency_key="k", outcome="failure"))


NOON, ALSO_NOON = "2026-03-24T12:00:00Z", "2026-03-24T14:00:00.000+02:00"


def changing(previous: Any, current: Any, **hints: Any) -> dict[str, Any]:
    return {"changes": {"f": {"previous": previous, "current": current, **hints}}}


@pytest.mark.parametrize(
    ("first", "again", "is_same"),
    [
        ({"payload": {"n": 1}}, {"payload": {"n": 1.0}}, True),
        ({"payload": {"n": [{"m": 2}]}}, {"payload": {"n": [{"m": 2.0}]}}, True),
        ({"payload": {"n": 1}}, {"payload": {"n": True}}, False),
        ({"payload": {"n": 0}}, {"payload": {"n": False}}, False),
        ({"payload": {"n": 1}}, {"payload": {"n": "1"}}, False),
        ({"payload": {"n": None}}, {"payload": {}}, False),
        ({"payload": {"a": 1, "b": 2}}, {"payload": {"b": 2, "a": 1}}, True),
        ({"payload": {"n": [1, 2]}}, {"payload": {"n": [2, 1]}}, False),
        ({"payload": {"at": NOON}}, {"payload": {"at": ALSO_NOON}}, True),
        (changing(1, 2), changing(1.0, 2.0), True),
        (changing(1, 2), changing(True, 2), False),
        (changing(None, NOON), changing(None, ALSO_NOON), True),
        (changing(None, NOON, kind="date"), changing(None, ALSO_NOON, kind="date"), True),
        (changing(None, NOON, kind="text"), changing(None, ALSO_NOON, kind="text"), False),
        (changing(None, NOON, kind="date"), changing(None, NOON), False),
        (changing(None, 1, label="F"), changing(None, 1.0, label="G"), False),
        ({"occurred_at": NOON}, {"occurred_at": ALSO_NOON}, True),
        ({"occurred_at": NOON}, {}, False),
        ({"correlation_id": "c"}, {}, False),
        ({}, {"entity": {"type": "deal", "id": "1", "name": None}}, True),
        ({"related": []}, {}, True),
        (
            {"related": [{"type": "a", "id": "1"}]},
            {"related": [{"type": "a", "id": "1", "name": "A"}]},
            False,
        ),
        ({"actor": {"type": "user", "id": NOON}}, {"actor": {"type": "user", "id": ALSO_NOON}}, False),
    ],
)
@pytest.mark.parametrize("apart", [True, False], ids=["two requests", "one batch"])
def test_an_event_comes_again_where_its_values_are_the_same(acme, first, again, is_same, apart):
    plain = {
        "event": "deal.updated",
        "actor": {"type": "user", "id": "u"},
        "entity": {"type": "deal", "id": "1"},
    }
    events = [{**plain, **each, "idempotency_key": "k"} for each in (first, again)]

    def record_both() -> list[Any]:
        if not apart:
            return record_batch(acme, events)
        return [record(acme, each, claimed_by={"type": "api_key", "id": "1", "name": "K"}) for each in events]

    if is_same:
        one, other = record_both()
        assert (other.id, other.duplicate) == (one.id, True)
    else:
        with pytest.raises(IdempotencyConflict):
            record_both()


def test_what_was_erased_is_known_by_its_digest_alone(acme):
    event = an_event(idempotency_key="k", payload={"n": 1})
    first = record(acme, event)
    db.session.flush()
    db.session.execute(sa.update(EventPayload).values(payload=None, payload_salt=None))

    assert record(acme, event).id == first.id
    with pytest.raises(IdempotencyConflict):
        record(acme, {**event, "payload": {"n": 1.0}})


def test_the_same_key_in_another_workspace_is_another_event(acme, other):
    assert record(acme, an_event(idempotency_key="k")).id != record(other, an_event(idempotency_key="k")).id


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2026-03-24T09:55:43.898Z", datetime(2026, 3, 24, 9, 55, 43, 898000, UTC)),
        ("2026-03-24T10:55:43.123456789+01:00", datetime(2026, 3, 24, 9, 55, 43, 123456, UTC)),
        ("0001-01-01T00:00:00z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_occurred_at_is_kept_to_the_microsecond(acme, text, stored):
    recorded = record(acme, an_event(occurred_at=text))
    db.session.commit()

    assert db.session.scalar(sa.select(Event.occurred_at).where(Event.uid == recorded.id)) == stored


def test_four_minutes_ahead_is_accepted(acme):
    record(acme, an_event(occurred_at=datetime.now(UTC) + timedelta(minutes=4)))


@pytest.mark.parametrize(
    ("actor", "is_own"),
    [
        ({"type": "user", "id": "7", "email": "member@acme.example"}, True),
        ({"type": "user", "id": "7", "email": " Member@ACME.example "}, True),
        ({"type": "api_key", "id": "7", "email": "member@acme.example"}, False),
        ({"type": "user", "id": "7"}, False),
        ({"type": "user", "id": "7", "email": "somebody@else.example"}, False),
        ({"type": "user", "id": "7", "email": "member@other.example"}, False),
    ],
)
def test_an_event_is_a_members_own_by_the_persons_email(acme, other, actor, is_own):
    recorded = record(
        acme, an_event(actor=actor, on_behalf_of={"type": "user", "id": "9", "email": "auditor@acme.example"})
    )
    db.session.commit()

    own = db.session.scalar(sa.select(Event.member_id).where(Event.uid == recorded.id))
    assert (own is not None) == is_own


ATTACKS = {
    "update": "UPDATE event SET event = 'x.y'",
    "update to another value": "UPDATE event SET actor_name = 'Somebody else'",
    "update a place": "UPDATE event SET id = id + 1000",
    "delete": "DELETE FROM event",
    "delete payloads": "DELETE FROM event_payload",
    "update a payload": "UPDATE event_payload SET payload = '{}'",
    "update a salt": "UPDATE event_payload SET payload_salt = actor_salt",
    "erase and alter": "UPDATE event SET actor_name = NULL, outcome = 'denied'",
}
ON_SQLITE = {
    "replace": "REPLACE INTO event SELECT * FROM event",
    "replace by uid": "INSERT OR REPLACE INTO event SELECT workspace_id, id + 1000, {rest} FROM event",
    "replace payload": "REPLACE INTO event_payload SELECT * FROM event_payload",
    "update or replace": "UPDATE OR REPLACE event SET id = 1",
}
ON_POSTGRESQL = {"truncate": "TRUNCATE event CASCADE", "truncate payloads": "TRUNCATE event_payload"}


def test_nothing_in_the_log_can_be_altered_or_removed(acme, note, app):
    note(payload={"a": 1})
    dialect = db.engine.dialect.name
    rest = ", ".join(
        column.name for column in Event.__table__.columns if column.name not in {"workspace_id", "id"}
    )
    attacks = {**ATTACKS, **(ON_SQLITE if dialect == "sqlite" else ON_POSTGRESQL)}
    before = _everything()

    for name, attack in attacks.items():
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            db.session.execute(sa.text(attack.replace("{rest}", rest)))
        db.session.rollback()
        assert _everything() == before, name


def test_a_section_can_be_erased_and_nothing_else_with_it(acme, note):
    note(payload={"secret": 1})

    db.session.execute(sa.text("UPDATE event_payload SET payload = NULL, payload_salt = NULL"))
    db.session.execute(sa.text("UPDATE event SET actor_name = NULL"))
    db.session.commit()

    assert not any(db.session.scalars(sa.select(EventPayload.payload)))
    assert all(db.session.scalars(sa.select(EventPayload.changes)))


def _everything() -> list:
    return [
        db.session.execute(sa.text(f"SELECT * FROM {table}")).all() for table in ("event", "event_payload")
    ]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(json_values)
def test_the_fast_check_and_the_one_that_explains_agree(value):
    assert is_clean(value) == (not list(problems_of(value)))


@given(json_values.map(lambda value: json.dumps(value)))
def test_what_the_strict_parser_accepts_is_what_python_reads(text):
    try:
        value = loads(text)
    except JsonError:
        return
    assert value == json.loads(text)
    known = ("surrogate", "NUL", "past 64 bits", "past a double", "nested deeper")
    assert all(any(word in message for word in known) for _, message in problems_of(value))


@given(json_values.map(lambda value: json.dumps(value).encode()), st.integers(0, 40))
def test_what_is_clean_by_its_text_is_clean_by_its_values(text, depth):
    try:
        value, clean = loads_checked(b"[" * depth + text + b"]" * depth)
    except JsonError:
        return

    assert clean == is_clean(value)


@pytest.mark.parametrize(
    ("text", "says"), [("1e999", "past a double"), ("18446744073709551616", "past 64 bits")]
)
def test_a_number_that_would_be_rounded_is_refused_by_its_path(text, says):
    [(path, message)] = problems_of(loads(f'{{"a": [{text}]}}'))

    assert path == "a[0]" and says in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not"),
        ("1" * 1_000_000, "past 64 bits"),
        ('{"a": 1, "a": 1}', "the key a occurs twice"),
        ("[" * 100_000, "nested deeper"),
        ('{"a": ', "not JSON"),
        (b"\xff", "not UTF-8 at byte 0"),
        ("", "not JSON"),
    ],
)
def test_json_that_is_ambiguous_or_lossy_is_refused_with_the_reason(text, says):
    with pytest.raises(JsonError, match=says):
        loads(text)
