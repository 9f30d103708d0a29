"""What the event tells is what the column keeps: read back, not what the program gave."""

import datetime
import decimal
import enum
import uuid

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.attributes import flag_modified

from auditapp.capture.exact_values import keeps, keeps_null, plain_type
from auditapp.capture.values import json_value
from auditapp.extensions import db
from tests.capture.host import sides

BERLIN = datetime.timezone(datetime.timedelta(hours=2))
NOON = datetime.datetime(2024, 7, 1, 12)


class Base(DeclarativeBase):
    """Of this file only."""


class Lower(sa.TypeDecorator):
    """Keeps texts in lower case, and no text as an empty one."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return (value or "").lower()


class Colour(enum.Enum):
    RED = "red"


class Kept(Base):
    __tablename__ = "kept"

    id: Mapped[int] = mapped_column(primary_key=True)
    at = mapped_column(sa.DateTime(timezone=True))
    local = mapped_column(sa.DateTime)
    day = mapped_column(sa.Date)
    clock = mapped_column(sa.Time)
    span = mapped_column(sa.Interval)
    mail = mapped_column(Lower)
    data = mapped_column(MutableDict.as_mutable(sa.JSON(none_as_null=True)))
    raw = mapped_column(sa.JSON(none_as_null=True))
    code = mapped_column(sa.CHAR(5))
    short = mapped_column(sa.String(5))
    single = mapped_column(sa.REAL)
    half = mapped_column(sa.Float(24))
    price = mapped_column(sa.Numeric(10, 2))
    free = mapped_column(sa.Numeric)
    count = mapped_column(sa.Integer)
    flag = mapped_column(sa.Boolean)
    colour = mapped_column(sa.Enum(Colour))
    uid = mapped_column(sa.Uuid)
    text_uid = mapped_column(sa.Uuid(as_uuid=False))
    blob = mapped_column(sa.LargeBinary)
    tags = mapped_column(ARRAY(sa.Integer).with_variant(sa.JSON(), "sqlite"))


class Coded(Base):
    __tablename__ = "kept_coded"

    code = mapped_column(Lower, primary_key=True)
    name: Mapped[str]


GIVEN = [
    ("at", NOON.replace(tzinfo=BERLIN)),
    ("at", NOON),
    ("local", NOON.replace(tzinfo=BERLIN)),
    ("local", NOON),
    ("day", NOON),
    ("clock", datetime.time(12, tzinfo=datetime.UTC)),
    ("span", datetime.timedelta(days=40, microseconds=1)),
    ("mail", "A@B.Example"),
    ("raw", {"a": (1, 2)}),
    ("raw", {1: "x", None: 2.0}),
    ("raw", [1.0, True, {"deep": (False,)}]),
    ("data", {"a": {1: (2,)}}),
    ("code", "ab"),
    ("short", "abc  "),
    ("single", 16777217.0),
    ("half", 0.1),
    ("price", decimal.Decimal("2.239")),
    ("price", 1),
    ("free", decimal.Decimal("0.1000000000000000000001")),
    ("count", True),
    ("flag", 1),
    ("colour", Colour.RED),
    ("colour", "RED"),
    ("uid", uuid.UUID(int=5)),
    ("text_uid", "ABCDEFAB-0000-0000-0000-000000000000"),
    ("blob", bytearray(b"abc")),
    ("tags", (1, 2)),
]


@pytest.fixture(autouse=True)
def tables(maker):
    Base.metadata.create_all(db.engine)
    db.session.commit()


def stored(session, key, name):
    """Return what a reader of the table gets, as JSON, and leave the session as it was."""
    with sa.orm.Session(db.engine) as reader:
        return json_value(getattr(reader.get(Kept, key), name))


@pytest.mark.parametrize(("name", "value"), GIVEN, ids=lambda each: str(each)[:30])
def test_an_insert_tells_what_the_column_keeps(session, events, name, value):
    session.add(Kept(id=1, **{name: value}))
    session.commit()

    assert sides(events()[0])[name] == (None, stored(session, 1, name))


@pytest.mark.parametrize(("name", "value"), GIVEN, ids=lambda each: str(each)[:30])
@pytest.mark.parametrize("expired", [True, False])
def test_saving_the_same_again_is_no_event(session, events, name, value, expired):
    session.add(Kept(id=1, **{name: value}))
    session.commit()
    events()

    record = session.get(Kept, 1)
    if not expired:
        session.refresh(record)
    setattr(record, name, value)
    session.commit()
    session.execute(sa.update(Kept).values(**{name: value}))
    session.bulk_update_mappings(Kept, [{"id": 1, name: value}])
    session.commit()

    assert events() == []


@pytest.mark.parametrize(
    ("name", "value"), [each for each in GIVEN if each[0] != "mail"], ids=lambda each: str(each)[:30]
)
def test_an_update_tells_what_the_column_keeps_on_both_sides(session, events, name, value):
    session.add(record := Kept(id=1))
    session.commit()
    setattr(record, name, value)
    session.commit()
    setattr(record, name, None)
    session.commit()

    _, there, gone = events()
    assert there["changes"][name]["current"] == gone["changes"][name]["previous"]
    assert gone["changes"][name]["current"] is None


def test_what_a_type_makes_of_nothing_is_told(session, events):
    session.add(record := Kept(id=1))
    session.commit()
    record.mail = "X"
    session.commit()
    record.mail = None
    session.commit()

    assert [sides(event).get("mail") for event in events()] == [(None, ""), ("", "x"), ("x", "")]


def test_blanks_that_the_database_cuts_off_are_not_told(session, events):
    if session.get_bind().dialect.name != "postgresql":
        pytest.skip("SQLite keeps texts of any length")
    session.add(Kept(id=1, short="abc       "))
    session.commit()

    assert sides(events()[0])["short"] == (None, "abc  ")


def test_a_number_that_sqlite_cannot_keep_is_told_as_kept(session, events):
    session.add(record := Kept(id=1, half=0.5))
    session.commit()
    record.half = float("nan")
    session.commit()
    record.half = float("nan")
    session.commit()

    kept = "NaN" if session.get_bind().dialect.name == "postgresql" else None
    assert [sides(event).get("half") for event in events()] == [(None, 0.5), (0.5, kept)]


def test_a_key_that_the_type_changes_names_one_record_throughout(session, events):
    session.add(record := Coded(code="ABC", name="one"))
    session.commit()
    record.name = "two"
    session.commit()
    session.expunge_all()
    session.scalars(sa.select(Coded)).one().name = "three"
    session.commit()
    session.delete(session.get(Coded, "aBc"))
    session.commit()

    found = events()
    assert {event["entity_id"] for event in found} == {"abc"}
    assert [sides(event)["name"] for event in found] == [
        (None, "one"), ("one", "two"), ("two", "three"), ("three", None),
    ]  # fmt: skip
    assert all("related" not in event or event["related"] == [] for event in found)


def test_a_value_that_its_type_cannot_read_does_not_stop_the_host(session, events):
    session.add(record := Kept(id=1, count=1))
    session.commit()
    if session.get_bind().dialect.name == "postgresql":
        pytest.skip("PostgreSQL keeps no such value")
    session.execute(sa.text("UPDATE kept SET local = 'soon', colour = 'GREY'"))
    session.commit()
    events()

    with session.no_autoflush:
        session.expunge_all()
        record = session.scalars(sa.select(Kept).options(sa.orm.load_only(Kept.count))).one()
    record.local = NOON
    session.commit()
    session.delete(session.scalars(sa.select(Kept).options(sa.orm.load_only(Kept.count))).one())
    session.commit()

    assert sides(events()[0])["local"] == ("soon", "2024-07-01T12:00:00")


# Changes that Python's ``==`` calls none.

INSIDE = [
    ({"on": True}, {"on": 1}),
    ({"on": 0, "n": [0, 1]}, {"on": 0, "n": [False, True]}),
    ({"deep": [{"x": 1.0}]}, {"deep": [{"x": True}]}),
]


def by_attribute(session, name, value):
    record = session.get(Kept, 1)
    setattr(record, name, value)
    flag_modified(record, name)


def by_statement(session, name, value):
    session.execute(sa.update(Kept).where(Kept.id == 1).values(**{name: value}))


def by_table(session, name, value):
    session.execute(sa.update(Kept.__table__).values(**{name: value}))


def by_key(session, name, value):
    session.execute(sa.update(Kept), [{"id": 1, name: value}])


def by_mapping(session, name, value):
    session.bulk_update_mappings(Kept, [{"id": 1, name: value}])


def by_query(session, name, value):
    session.query(Kept).update({name: value})


WAYS = [by_attribute, by_statement, by_table, by_key, by_mapping, by_query]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("old", "new"), INSIDE)
@pytest.mark.parametrize("name", ["data", "raw"])
def test_what_is_stored_and_not_the_same_is_told(session, events, way, old, new, name):
    session.add(Kept(id=1, **{name: old}))
    session.commit()
    events()

    way(session, name, new)
    session.commit()

    (event,) = events()
    assert repr(sides(event)[name]) == repr((old, new))


@pytest.mark.parametrize("way", WAYS)
def test_numbers_that_are_equal_are_the_same(session, events, way):
    session.add(Kept(id=1, raw={"on": 1, "n": [2]}))
    session.commit()
    events()

    way(session, "raw", {"n": [2.0], "on": 1.0})
    session.commit()

    assert events() == []


def test_a_change_inside_a_mutable_is_told(session, events):
    session.add(record := Kept(id=1, data={"on": True}))
    session.commit()
    events()

    record.data["on"] = 1
    session.commit()

    assert repr(sides(events()[0])["data"]) == repr(({"on": True}, {"on": 1}))


def test_what_sqlalchemy_does_not_write_is_not_told(session, events):
    session.add(record := Kept(id=1, raw={"on": True}, count=1))
    session.commit()
    session.refresh(record)
    events()

    record.raw = {"on": 1}
    record.count = 2
    session.commit()

    assert stored(session, 1, "raw") == {"on": True}
    assert list(events()[0]["changes"]) == ["count"]


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (sa.Integer(), 1, True),
        (sa.Integer(), True, False),
        (sa.Integer(), "1", False),
        (sa.String(), "a", True),
        (sa.String(2), "abc", False),
        (sa.CHAR(2), "ab", False),
        (sa.Boolean(), 1, False),
        (sa.Float(), 1.5, True),
        (sa.Float(), 1, False),
        (sa.Float(24), 1.5, False),
        (sa.Float(53), 1.5, True),
        (sa.REAL(), 1.5, False),
        (sa.Numeric(10, 2), decimal.Decimal("1.25"), True),
        (sa.Numeric(10, 2), decimal.Decimal("1.255"), False),
        (sa.Numeric(20, 2), decimal.Decimal("1234567890123456.25"), False),
        (sa.Numeric(10, 2), decimal.Decimal("NaN"), False),
        (sa.Numeric(), decimal.Decimal("1.5"), False),
        (sa.DateTime(), NOON, True),
        (sa.DateTime(timezone=True), NOON, False),
        (sa.Date(), NOON, False),
        (sa.Date(), NOON.date(), True),
        (sa.JSON(), {}, False),
        (sa.Integer().with_variant(sa.String(), "sqlite"), 1, False),
    ],
)
def test_only_what_every_database_keeps_as_given_is_taken_as_given(kind, value, kept):
    assert keeps(kind)(value) is kept


def test_what_a_type_of_the_hosts_makes_of_none_is_read_back():
    kinds = [Lower(), sa.JSON(), sa.PickleType(), sa.Interval(), sa.String()]

    assert [keeps_null(kind) for kind in kinds] == [False, True, True, True, True]


def test_values_that_go_into_the_log_unseen_are_of_types_that_keep_all_of_them():
    kinds = [sa.Integer(), sa.String(), sa.Text(), sa.Boolean(), sa.String(5), sa.Float(), sa.CHAR(), Lower()]

    assert [plain_type(kind) for kind in kinds] == [int, str, str, bool, None, None, None, None]


@pytest.fixture
def trigger(maker):
    """Have the database keep codes in capitals, count the writes and clear the flag, all by itself."""
    if db.engine.dialect.name == "sqlite":
        sets = "code = upper(NEW.code), count = coalesce(NEW.count, 0) + 1, flag = NULL"
        form = "CREATE TRIGGER kept_{0} AFTER {0} ON kept BEGIN UPDATE kept SET {1} WHERE id = NEW.id; END"
        texts = [form.format("update", sets), form.format("insert", "id = id")]  # which sets off the other
    else:
        sets = "NEW.code := upper(NEW.code); NEW.count := coalesce(NEW.count, 0) + 1; NEW.flag := NULL"
        texts = [
            f"CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {sets}; RETURN NEW; END $$",
            "CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION keep()",
        ]
    for text in texts:
        db.session.execute(sa.text(text))
    db.session.commit()


def test_what_a_trigger_makes_of_the_row_is_told(trigger, session, events):
    session.add(record := Kept(id=1, code="abcde", flag=True))
    session.commit()
    record.code = "fghij"
    session.commit()
    record.flag = True
    session.commit()
    session.execute(sa.update(Kept).values(code="klmno"))
    session.commit()

    assert [sides(event) for event in events()] == [
        {"code": (None, "ABCDE"), "count": (None, 1), "mail": (None, "")},
        {"code": ("ABCDE", "FGHIJ"), "count": (1, 2)},
        {"count": (2, 3)},
        {"code": ("FGHIJ", "KLMNO"), "count": (3, 4)},
    ]


def test_a_trigger_that_is_made_later_is_noticed(session, events, request, monkeypatch):
    session.add(record := Kept(id=1, code="abcde"))
    session.commit()
    monkeypatch.setattr("auditapp.capture.triggers.SECONDS", 0)
    request.getfixturevalue("trigger")
    events()

    record.code = "fghij"
    session.commit()

    assert sides(events()[0])["code"] == ("abcde", "FGHIJ")


def test_a_key_that_the_type_changes_is_not_taken_for_a_new_one(maker, follow, events):
    follow()
    with sa.orm.sessionmaker(db.engine, class_=maker.class_, expire_on_commit=False)() as session:
        session.add(record := Coded(code="ABC", name="one"))
        session.commit()
        record.name = "two"
        session.commit()

    assert [(event["entity_id"], event["related"]) for event in events()] == [("abc", []), ("abc", [])]
