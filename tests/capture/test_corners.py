"""Mappings that are less usual, and hosts that do more in a flush than set attributes."""

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    WriteOnlyMapped,
    column_property,
    deferred,
    mapped_column,
    relationship,
)

from auditapp.extensions import db
from auditapp.log.line import fields_of_row
from auditapp.models import Event, EventName
from tests.capture.host import Line, Post, Tag, sides


class Base(DeclarativeBase):
    """Of this file only."""


knows = sa.Table(
    "corner_knows",
    Base.metadata,
    sa.Column("from_id", sa.ForeignKey("corner_person.id"), primary_key=True),
    sa.Column("to_id", sa.ForeignKey("corner_person.id"), primary_key=True),
)
likes = sa.Table(
    "corner_likes",
    Base.metadata,
    sa.Column("person_id", sa.ForeignKey("corner_person.id"), primary_key=True),
    sa.Column("team_id", sa.ForeignKey("corner_team.id"), primary_key=True),
)


class Team(Base):
    __tablename__ = "corner_team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    captain_id: Mapped[int | None] = mapped_column(sa.ForeignKey("corner_person.id", use_alter=True))
    captain: Mapped["Person | None"] = relationship(foreign_keys=captain_id, post_update=True)
    # No relationship leads back: only the list knows.
    people: Mapped[list["Person"]] = relationship(foreign_keys="Person.team_id")


class Person(Base):
    __tablename__ = "corner_person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    biography: Mapped[str | None] = deferred(mapped_column(sa.Text))
    shout = column_property(sa.func.upper(sa.literal_column("corner_person.name")))
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("corner_team.id"))
    knows: Mapped[list["Person"]] = relationship(
        secondary=knows, primaryjoin=id == knows.c.from_id, secondaryjoin=id == knows.c.to_id
    )
    likes: WriteOnlyMapped[Team] = relationship(secondary=likes)


@pytest.fixture(autouse=True)
def tables(maker):
    Base.metadata.create_all(db.engine)
    db.session.commit()


def rows(found):
    return [(event["event"], event["entity_name"], sides(event)) for event in found]


def test_a_column_that_was_not_loaded_keeps_its_previous_value(session, events):
    session.add(Person(name="Ada", biography="born"))
    session.commit()
    session.expunge_all()
    events()

    session.scalars(sa.select(Person)).one().biography = "died"
    session.commit()

    assert rows(events()) == [("person.updated", "Ada", {"biography": ("born", "died")})]


def test_a_list_without_a_way_back_is_told_on_the_children(session, events):
    red, blue = Team(name="red", people=[Person(name="Ada")]), Team(name="blue")
    session.add_all([red, blue])
    session.commit()
    ada = red.people[0]
    session.commit()
    events()

    blue.people.append(ada)
    session.commit()

    (event,) = events()
    previous, current = sides(event)["team_id"]
    assert (event["event"], str(previous), str(current)) == ("person.updated", str(red.id), str(blue.id))


def test_a_key_that_is_set_after_the_row_is_told(session, events):
    ada = Person(name="Ada")
    team = Team(name="red", captain=ada, people=[ada])
    session.add(team)
    session.commit()

    created = {event["event"]: sides(event) for event in events()}
    assert created["team.created"]["captain_id"][1]["name"] == "Ada"
    team.captain = None
    session.commit()
    (event,) = events()
    assert sides(event)["captain_id"][1] is None
    assert sides(event)["captain_id"][0]["id"] == str(ada.id)


def test_a_list_of_the_same_kind_of_record(session, events):
    ada, ben = Person(name="Ada"), Person(name="Ben")
    session.add_all([ada, ben])
    session.commit()
    events()

    ada.knows.append(ben)
    session.commit()

    (event,) = events()
    assert event["entity_name"] == "Ada"
    assert sides(event)["knows"] == ([], [{"id": str(ben.id), "type": "person", "name": "Ben"}])


def test_a_list_that_is_only_written_is_told_whole(session, events):
    ada, red, blue = Person(name="Ada"), Team(name="red"), Team(name="blue")
    session.add_all([ada, red, blue])
    session.commit()
    ada.likes.add(red)
    session.commit()
    ada.likes.add(blue)
    session.commit()
    ada.likes.remove(red)
    session.commit()

    changes = [sides(event)["likes"] for event in events() if "likes" in event["changes"]]
    names = [tuple([each["name"] for each in side or ()] for side in both) for both in changes]
    assert names[0] == ([], ["red"])
    assert names[1] == (["red"], ["red", "blue"])
    assert names[2] == (["red", "blue"], ["blue"])


def test_a_record_replaced_by_one_with_its_key_tells_the_fields_that_changed(session, events):
    session.add(old := Line(bill="x", place=1, note="old"))
    session.commit()
    events()

    session.delete(old)
    new = Line(bill="x", place=1, note="new")
    session.add(new)
    session.commit()

    assert rows(events()) == [("line.updated", None, {"note": ("old", "new")})]


def test_changes_that_a_listener_of_the_host_makes_are_told(session, maker, events):
    def stamp(_mapper, _connection, post):
        post.priority = 2

    def tag_it(session, *_):
        for post in session.dirty:
            if isinstance(post, Post) and post.title == "two":
                post.views = 9

    event.listen(Post, "before_update", stamp)
    event.listen(maker, "before_flush", tag_it)
    session.add(post := Post(title="one"))
    session.commit()
    events()
    try:
        post.title = "two"
        session.commit()
    finally:
        event.remove(Post, "before_update", stamp)
        event.remove(maker, "before_flush", tag_it)

    (found,) = events()
    assert sides(found) == {"title": ("one", "two"), "views": (5, 9), "priority": (None, "High")}


def test_a_flush_of_more_than_a_thousand_records(session, events):
    session.add_all([Tag(name=str(number)) for number in range(1100)])
    session.commit()

    assert len(events()) == 1100


def test_merging_a_record_tells_what_changed(session, events):
    session.add(Tag(id=5, name="red"))
    session.commit()
    events()

    session.merge(Tag(id=5, name="blue"))
    session.commit()

    assert rows(events()) == [("tag.updated", "blue", {"name": ("red", "blue")})]


def test_rows_that_another_transaction_moved_meanwhile_are_summed_up(session, events, monkeypatch):
    """The database says how many rows it reached; those not read before are told by their number."""
    session.add(Tag(name="a"))
    session.commit()
    events()
    monkeypatch.setattr("auditapp.capture.statements._row_count", lambda result: 3)

    session.execute(sa.update(Tag).values(name="b"))
    session.commit()

    found = events()
    assert [each["event"] for each in found] == ["tag.updated", "tag.bulk_updated"]
    assert found[1]["payload"]["rows"] == 2


def test_a_name_that_was_rolled_back_is_added_again(session, maker, events):
    session.add(Tag(name="lost"))
    session.flush()
    session.close()  # which takes it back without a word

    for name in ("one", "two", "three", "four"):
        session.add(Tag(name=name))
        session.commit()

    assert [each["entity_name"] for each in events()] == ["one", "two", "three", "four"]
    query = sa.select(EventName.event).where(EventName.event == "tag.created")
    assert db.session.scalars(query).all() == ["tag.created"]


def test_the_cheap_way_into_the_log_writes_what_the_checked_one_does(session, events):
    for _ in range(4):
        session.add(Tag(name="same"))
        session.commit()

    told = [
        {k: v for k, v in each.items() if k not in {"uid", "entity_id", "correlation_id"}}
        for each in events()
    ]
    assert told[0] == told[1] == told[2] == told[3]
    lines = db.session.scalars(sa.select(Event.line).where(Event.event == "tag.created")).all()
    assert {fields_of_row(line, None) for line in lines} == {"Name"} and len({*lines}) == 1
