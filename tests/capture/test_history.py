"""What was recorded, folded forward, is the row: whatever the host does."""

import decimal
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from auditapp.capture import capture
from auditapp.capture.values import json_value
from auditapp.extensions import db
from tests.capture.host import told


class Base(DeclarativeBase):
    """Of this file only."""


class Note(Base):
    __tablename__ = "fold_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    count: Mapped[int | None]
    ratio: Mapped[float | None]
    flag: Mapped[bool | None]
    price: Mapped[decimal.Decimal | None] = mapped_column(sa.Numeric(8, 2))
    data: Mapped[dict[str, Any] | None] = mapped_column(MutableDict.as_mutable(sa.JSON(none_as_null=True)))
    preset: Mapped[str | None] = mapped_column(server_default="preset")


FIELDS = ("text", "count", "ratio", "flag", "price", "data", "preset")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
inside = st.recursive(texts | st.integers(-9, 9) | st.none(), lambda deeper: st.lists(deeper, max_size=2))
values = st.fixed_dictionaries(
    {},
    optional={
        "text": texts | st.none(),
        "count": st.integers(-(2**31), 2**31 - 1) | st.none(),
        "ratio": st.floats(allow_nan=False, allow_infinity=False, width=32) | st.none(),
        "flag": st.booleans() | st.none(),
        "price": st.decimals(-9999, 9999, places=2) | st.none(),
        "data": st.dictionaries(texts, inside, max_size=3) | st.none(),
        "preset": texts,
    },
)
steps = st.lists(
    st.tuples(st.just("set"), st.integers(1, 3), values)
    | st.tuples(st.just("inside"), st.integers(1, 3), inside)
    | st.tuples(st.just("add one"), st.integers(1, 3), st.none())
    | st.tuples(st.just("delete"), st.integers(1, 3), st.none())
    | st.tuples(st.just("statement"), st.integers(1, 3), values)
    | st.tuples(st.sampled_from(["flush", "commit", "rollback", "savepoint"]), st.none(), st.none()),
    max_size=12,
)


@pytest.fixture
def maker(acme):
    Base.metadata.create_all(db.engine)
    db.session.commit()
    maker = sessionmaker(db.engine)
    handle = capture(maker, workspace="acme")
    yield maker
    handle.stop()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_folding_the_changes_gives_the_rows(maker, steps):
    with maker() as session:
        session.execute(sa.delete(Note))
        session.commit()
        for step in steps:
            take(session, *step)
        session.commit()

    with Session(db.engine) as reader:
        assert folded(told(reader)) == stored(reader)


def take(session: Session, what: str, number: int | None, given: Any) -> None:
    """Do one step of the host's."""
    if number is None:
        {"savepoint": undone}.get(what, lambda each: getattr(each, what)())(session)
        return
    note = session.get(Note, number)
    if what == "set" and note is None:
        session.add(Note(id=number, **given))
    elif note is None:
        return
    elif what == "set":
        for name, value in given.items():
            setattr(note, name, value)
    elif what == "inside" and note.data is not None:
        note.data["inside"] = given
    elif what == "add one" and (note.count or 0) < 2**31 - 1:
        note.count = Note.count + 1
        session.flush()
    elif what == "delete":
        session.delete(note)
        session.flush()
    elif what == "statement" and given:
        session.execute(sa.update(Note).where(Note.id == number).values(**given))


def undone(session: Session) -> None:
    """Change everything in a savepoint and take it back."""
    savepoint = session.begin_nested()
    session.execute(sa.update(Note).values(text="undone"))
    savepoint.rollback()


def folded(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Play the events forward, checking that each one's previous values are what was there."""
    records: dict[str, dict[str, Any]] = {}
    for event in found:
        if event["event"] == "note.created":
            records[event["entity_id"]] = {}
        record = records[event["entity_id"]]
        for name, change in event["changes"].items():
            if "previous" in change:
                assert change["previous"] == record.get(name), (name, change)
            record[name] = change["current"]
        if event["event"] == "note.deleted":
            assert without_null(record) == {}
            del records[event["entity_id"]]
    return {key: without_null(record) for key, record in records.items()}


def without_null(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that hold something; events of new records leave the others out."""
    return {name: value for name, value in record.items() if value is not None}


def stored(reader: Session) -> dict[str, dict[str, Any]]:
    """Return the rows, as JSON."""
    found = {}
    for note in reader.scalars(sa.select(Note)):
        plain = {name: json_value(getattr(note, name)) for name in FIELDS}
        found[str(note.id)] = orjson.loads(orjson.dumps(without_null(plain)))
    return found
