"""Values of every kind in the log, the hostile ones too: never lost, never in the way of the host."""

import datetime
import decimal
import uuid

import pytest
from sqlalchemy.orm.attributes import flag_modified

from auditapp.capture.refused import mended
from auditapp.capture.values import json_value
from tests.capture.host import Post, Priority, Stage, Thing, sides

BERLIN = datetime.timezone(datetime.timedelta(hours=1))


class Silent:
    """Says nothing about itself but its address in memory."""


class Broken:
    """Cannot even be shown."""

    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.5, 1.5),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (decimal.Decimal("19.99"), 19.99),
        (decimal.Decimal("0.1000000000000000000001"), "0.1000000000000000000001"),
        (decimal.Decimal("NaN"), "NaN"),
        (datetime.datetime(2026, 3, 24, 9, 55, tzinfo=datetime.UTC), "2026-03-24T09:55:00Z"),
        (datetime.datetime(2026, 3, 24, 9, 55, tzinfo=BERLIN), "2026-03-24T09:55:00+01:00"),
        (datetime.datetime(2026, 3, 24, 9, 55), "2026-03-24T09:55:00"),
        (datetime.date(2026, 3, 24), "2026-03-24"),
        (datetime.time(9, 55), "09:55:00"),
        (datetime.timedelta(days=1, hours=2), "1 day, 2:00:00"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (b"abc", "[3 bytes, sha256 ba7816bf8f01cfea]"),
        (Stage.WON, "won"),
        (Priority.HIGH, "HIGH"),
        ({"b", "a"}, ["a", "b"]),
        ((1, {2: "x"}), [1, {"2": "x"}]),
        (Silent(), "[Silent]"),
        (Broken(), "[Broken that cannot be shown]"),
    ],
)
def test_a_value_is_json_or_a_text_that_describes_it(value, shown):
    assert json_value(value) == shown


def test_the_host_stores_values_that_the_log_cannot_hold(session, events):
    deep: list = []
    for _ in range(60):
        deep = [deep]
    loop: list = []
    loop.append(loop)
    session.add(Thing(code="1", odd={"nul": "a\x00b", "lone": "\ud800", "big": 2**80, "nan": float("nan")}))
    session.add(Thing(code="2", odd=deep))
    session.add(Thing(code="3", odd=loop))
    session.commit()

    first, second, third = events()

    assert sides(first)["odd"][1] == {"nul": "a␀b", "lone": "\\ud800", "big": str(2**80), "nan": "NaN"}
    assert first["payload"]["described"] == ["odd"]
    assert "[[" in str(sides(second)["odd"][1])
    assert "odd" in third["changes"]


def test_numbers_dates_and_bytes_of_columns(session, events):
    session.add(
        Thing(
            code="x",
            number=0.5,
            big=decimal.Decimal("123456789012345678901234567890"),
            at=datetime.datetime(2026, 3, 24, 9, 55, tzinfo=datetime.UTC),
            day=datetime.date(2026, 3, 24),
            clock=datetime.time(9, 55),
            span=datetime.timedelta(minutes=5),
            uid=uuid.UUID(int=5),
            blob=b"abc",
            active=False,
        )
    )
    session.commit()

    (event,) = events()
    found = {name: current for name, (_, current) in sides(event).items()}
    # SQLite keeps large decimals as doubles, and instants without their zone.
    kept = {"postgresql": "123456789012345678901234567890", "sqlite": "123456789012345677877719597056"}
    kind = session.get_bind().dialect.name
    assert found["big"] == kept[kind]
    assert found["active"] is False
    assert found["at"] == "2026-03-24T09:55:00" + ("Z" if kind == "postgresql" else "")
    assert event["changes"]["at"]["kind"] == "date"
    assert found["blob"].startswith("[3 bytes")


def test_infinite_and_not_a_number_in_a_column_are_told_as_text(session, events):
    session.add(Thing(code="x", number=float("inf")))
    session.commit()

    assert sides(events()[0])["number"] == (None, "Infinity")


def test_a_value_that_the_database_keeps_otherwise_is_told_as_kept(session, events):
    post = Post(title="One", price=decimal.Decimal("1.5"))
    session.add(post)
    session.commit()
    events()

    post.price = decimal.Decimal("2.239")
    session.commit()

    (event,) = events()
    assert sides(event) == {"price": (1.5, 2.24)}
    assert event["changes"]["price"]["label"] == "Price"
    assert event["changes"]["price"]["kind"] == "money"


def test_a_choice_is_told_by_what_it_was_called(session, events):
    post = Post(title="One", priority=1)
    session.add(post)
    session.commit()
    post.priority = 2
    post.stage = Stage.WON
    session.commit()

    event = events()[-1]
    assert sides(event) == {"priority": ("Low", "High"), "stage": ("open", "won")}
    assert event["changes"]["stage"]["kind"] == "choice"


@pytest.mark.parametrize("expired", [True, False])
def test_a_change_inside_json_tells_what_was_there_before(session, events, expired):
    post = Post(title="One", data={"a": 1, "deep": {"x": [1]}}, steps=["one"], plain={"p": 1})
    session.add(post)
    session.commit()
    if not expired:
        session.refresh(post)
    events()

    post.data["a"] = 2
    post.steps.append("two")
    post.plain["p"] = 2
    flag_modified(post, "plain")
    session.commit()

    assert sides(events()[0]) == {
        "data": ({"a": 1, "deep": {"x": [1]}}, {"a": 2, "deep": {"x": [1]}}),
        "steps": (["one"], ["one", "two"]),
        "plain": ({"p": 1}, {"p": 2}),
    }


def test_json_that_was_changed_in_place_and_then_replaced_tells_what_was_stored(session, events):
    post = Post(title="One", data={"deep": {"x": 1}}, plain=[1])
    session.add(post)
    session.commit()
    events()

    post.data["deep"]["x"] = 2
    post.data = {"deep": {"x": 3}}
    post.plain.append(2)
    post.plain = [*post.plain, 3]
    session.commit()

    assert sides(events()[0]) == {
        "data": ({"deep": {"x": 1}}, {"deep": {"x": 3}}),
        "plain": ([1], [1, 2, 3]),
    }


def test_json_that_was_flagged_but_is_the_same_is_no_event(session, events):
    post = Post(title="One", data={"a": 1})
    session.add(post)
    session.commit()
    events()

    post.data["a"] = 1
    session.commit()

    assert events() == []


def test_an_event_too_large_keeps_the_beginning_of_long_values_and_says_so(session, events):
    session.add(Thing(code="x", text="é" * 300_000, odd=["word"] * 100_000))
    session.commit()

    (event,) = events()
    text = sides(event)["text"][1]
    assert text.startswith("éé")
    assert "300,000 characters" in text
    assert set(event["payload"]["shortened"]) == {"text", "odd"}


def test_a_text_of_many_kilobytes_is_kept_whole(session, events):
    session.add(Thing(code="x", text="word " * 40_000))
    session.commit()

    assert len(sides(events()[0])["text"][1]) == 200_000


def test_a_name_with_characters_that_cannot_be_stored_is_shown():
    event = {"event": "a.b", "entity": {"type": "a", "id": "\x00", "name": "x\x00" * 500}, "changes": {}}

    entity = mended(event)["entity"]

    assert entity["id"] == "␀"
    assert len(entity["name"]) == 512
