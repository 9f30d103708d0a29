"""Whatever two sessions do in turns, what the log says of a record is what the tables hold."""

import datetime
import itertools
import warnings
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from auditapp.access.viewer import whole_log_viewer
from auditapp.capture import capture
from auditapp.capture.values import json_value
from auditapp.extensions import db
from auditapp.reading.records.record import Record
from auditapp.reading.records.state import state_at
from auditapp.values.equality import same

REFUSED = (sa.exc.IntegrityError, StaleDataError, ObjectDeletedError, sa.exc.InvalidRequestError)


class Base(DeclarativeBase):
    """Of this file only."""


class Lower(sa.TypeDecorator):
    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value.lower() if value else value


def pair(name):
    return sa.Table(
        name,
        Base.metadata,
        sa.Column("item_id", sa.ForeignKey("writers_item.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("group_id", sa.ForeignKey("writers_group.id", ondelete="CASCADE"), primary_key=True),
    )


class Item(Base):
    __tablename__ = "writers_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    text = mapped_column(sa.String(20))
    count = mapped_column(sa.Integer)
    data = mapped_column(MutableDict.as_mutable(sa.JSON(none_as_null=True)))
    at = mapped_column(sa.DateTime(timezone=True))
    mail = mapped_column(Lower)
    code = mapped_column(sa.CHAR(4))
    groups: Mapped[list["Group"]] = relationship(secondary=pair("writers_pair"), back_populates="items")
    hidden: Mapped[list["Group"]] = relationship(secondary=pair("writers_hidden"))


class Group(Base):
    __tablename__ = "writers_group"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    items: Mapped[list[Item]] = relationship(secondary="writers_pair", back_populates="groups")


LISTED = ("groups", "hidden")
BERLIN = datetime.timezone(datetime.timedelta(hours=2))
FIELDS = ("text", "count", "data", "at", "mail", "code")
NOON = datetime.datetime(2024, 7, 1, 12)
inside = st.sampled_from([0, 1, True, False, 1.0, "x", None, [0, 1], [False, True]])
values = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["a", "b", None]),
        "count": st.integers(0, 2) | st.none(),
        "data": st.dictionaries(st.sampled_from(["x", "y"]), inside, max_size=2) | st.none(),
        "at": st.sampled_from([NOON, NOON.replace(tzinfo=datetime.UTC), NOON.astimezone(BERLIN), None]),
        "mail": st.sampled_from(["A@b", "a@B", "c", None]),
        "code": st.sampled_from(["a", "a   ", "ab", None]),
    },
)
WAYS = ["set", "inside", "delete", "update()", "by key", "mappings", "delete()"]
LISTS = ["join", "leave", "take in", "hide", "only", "delete group", "delete groups()"]
steps = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from([*WAYS, *LISTS]), st.integers(1, 2), st.integers(1, 2), values
    ),
    max_size=10,
)
numbers = itertools.count(1)


@pytest.fixture
def maker(acme):
    Base.metadata.create_all(db.engine)
    db.session.commit()
    maker = sessionmaker(db.engine, expire_on_commit=False)
    handle = capture(maker, workspace="acme")
    yield maker
    handle.stop()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_the_log_says_what_the_tables_hold(maker, acme, steps):
    base = next(numbers) * 10
    with maker() as one, maker() as other:
        one.add_all([Group(id=base + number, name=f"g{number}") for number in (1, 2)])
        one.add(Item(id=base + 1, data={"x": True}))
        one.commit()
        for turn, what, item, group, given_values in steps:
            session = (one, other)[turn]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # SQLAlchemy's, of rows that the other deleted
                try:
                    take(session, what, base + item, base + group, given_values)
                    session.commit()
                except REFUSED:
                    session.rollback()

    db.session.rollback()
    for number in (1, 2):
        check(acme, base + number)


def check(workspace: Any, number: int) -> None:
    """Compare an item as the log has it with its row."""
    with Session(db.engine) as reader:
        item = reader.get(Item, number)
        row = None if item is None else {name: json_value(getattr(item, name)) for name in FIELDS}
        lists = (
            {name: sorted(str(each.id) for each in getattr(item, name)) for name in LISTED} if item else {}
        )
    state = state_at(Record("item", str(number)), whole_log_viewer(workspace))
    if row is None:
        assert state is None or not state.exists
        return
    assert state is not None
    assert state.exists
    assert state.drift == []
    for name, value in row.items():
        field = state.fields.get(name)
        assert same(field and field.value, orjson.loads(orjson.dumps(value)), field and field.kind), name
    for name, ids in lists.items():
        listed = state.fields[name].value if name in state.fields else []
        assert sorted(each["id"] for each in listed or []) == ids, name


def take(session: Session, what: str, number: int, group_id: int, given: dict[str, Any]) -> None:
    """Do one step of the host's, with what the session has read long ago."""
    item, group = session.get(Item, number), session.get(Group, group_id)
    if what == "set" and item is None:
        session.add(Item(id=number, **given))
    elif what == "update()":
        session.execute(sa.update(Item).where(Item.id == number).values(**given) if given else sa.select(1))
    elif what == "by key":
        session.execute(sa.update(Item), [{"id": number, **given, "text": "by key"}])
    elif what == "mappings":
        session.bulk_update_mappings(Item, [{"id": number, **given, "text": "mapped"}])
    elif what == "delete()":
        session.execute(sa.delete(Item).where(Item.id == number))
    elif what == "delete groups()":
        session.execute(sa.delete(Group).where(Group.id == group_id))
    elif what == "delete group" and group is not None:
        session.delete(group)
    elif item is not None:
        change(session, what, item, group, given)


def change(session: Session, what: str, item: Item, group: Group | None, given: dict[str, Any]) -> None:
    if what == "set":
        for name, value in given.items():
            setattr(item, name, value)
    elif what == "inside" and item.data is not None:
        item.data["x"] = given.get("count")
        flag_modified(item, "data")
    elif what == "delete":
        session.delete(item)
    elif group is not None:
        edit_lists(what, item, group)


def edit_lists(what: str, item: Item, group: Group) -> None:
    if what == "join" and group not in item.groups:
        item.groups.append(group)
    elif what == "leave" and group in item.groups:
        item.groups.remove(group)
    elif what == "take in" and item not in group.items:
        group.items.append(item)
    elif what == "hide" and group not in item.hidden:
        item.hidden.append(group)
    elif what == "only":
        item.groups = [group]
