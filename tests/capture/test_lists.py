"""Many-to-many lists stay true whichever side is changed, deleted, or deleted by a statement."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    backref,
    mapped_column,
    relationship,
)

from auditapp.extensions import db
from tests.capture.host import sides


class Base(DeclarativeBase):
    """Of this file only."""


def pair(name, left, right, ondelete=None, **options):
    return sa.Table(
        f"list_{name}",
        Base.metadata,
        sa.Column("left_id", sa.ForeignKey(f"list_{left}.id", ondelete=ondelete), primary_key=True),
        sa.Column("right_id", sa.ForeignKey(f"list_{right}.id", ondelete=ondelete), primary_key=True),
        **options,
    )


user_team = pair("user_team", "user", "team")
user_club = pair("user_club", "user", "club", "CASCADE")
user_room = pair("user_room", "user", "room")
user_desk = pair("user_desk", "user", "desk", "CASCADE")
user_user = pair("user_user", "user", "user")
user_role = pair("user_role", "user", "role", "CASCADE")


class User(Base):
    __tablename__ = "list_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    teams: Mapped[list["Team"]] = relationship(secondary=user_team, back_populates="users")
    shown: Mapped[list["Team"]] = relationship(secondary=user_team, viewonly=True)
    # Nothing leads back: only the database removes the rows.
    clubs: Mapped[list["Club"]] = relationship(secondary=user_club)
    rooms: DynamicMapped["Room"] = relationship(secondary=user_room, back_populates="users")
    desks: WriteOnlyMapped["Desk"] = relationship(
        secondary=user_desk, back_populates="users", passive_deletes=True
    )
    friends: Mapped[list["User"]] = relationship(
        secondary=user_user,
        primaryjoin=lambda: User.id == user_user.c.left_id,
        secondaryjoin=lambda: User.id == user_user.c.right_id,
        backref=backref("fans"),
    )
    roles: Mapped[list["Role"]] = relationship(secondary=user_role, back_populates="users")


class Team(Base):
    __tablename__ = "list_team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    users: Mapped[list[User]] = relationship(secondary=user_team, back_populates="teams")


class Club(Base):
    __tablename__ = "list_club"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Room(Base):
    __tablename__ = "list_room"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    users: Mapped[list[User]] = relationship(secondary=user_room, back_populates="rooms")


class Desk(Base):
    __tablename__ = "list_desk"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    users: Mapped[list[User]] = relationship(secondary=user_desk, back_populates="desks")


class Role(Base):
    __tablename__ = "list_role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    users: Mapped[list[User]] = relationship(
        secondary=user_role, back_populates="roles", passive_deletes=True
    )


class Folder(Base):
    __tablename__ = "list_folder"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    pages: Mapped[list["Page"]] = relationship(cascade="all, delete-orphan")


class Page(Base):
    __tablename__ = "list_page"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("list_folder.id"))


class Reader(Base):
    __tablename__ = "list_reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    pages: Mapped[list[Page]] = relationship(
        secondary=pair("reader_page", "reader", "page"), backref="readers"
    )


KINDS = {"teams": Team, "clubs": Club, "rooms": Room, "desks": Desk, "roles": Role}


@pytest.fixture(autouse=True)
def tables(maker):
    Base.metadata.create_all(db.engine)
    db.session.commit()


@pytest.fixture
def people(session, events):
    """Two users, each in everything there is; nothing is loaded."""
    ann, ben = User(id=1, name="ann"), User(id=2, name="ben")
    session.add_all([ann, ben])
    for name, kind in KINDS.items():
        for number in (1, 2):
            session.add(each := kind(id=number, name=f"{name} {number}"))
            for user in (ann, ben):
                getattr(user, name).add(each) if name in {"rooms", "desks"} else getattr(user, name).append(
                    each
                )
    session.commit()
    session.expunge_all()
    events()


def listed(found, name):
    """Return ``{id: (names before, names after)}`` of the updated events that tell a list."""
    return {
        event["entity_id"]: tuple([each["name"] for each in side or ()] for side in sides(event)[name])
        for event in found
        if event["event"] == "user.updated" and name in event["changes"]
    }


@pytest.mark.parametrize("name", KINDS)
def test_deleting_what_others_list_is_told_on_them(session, people, events, name):
    session.delete(session.get(KINDS[name], 1))
    session.commit()

    found = events()
    both = ([f"{name} 1", f"{name} 2"], [f"{name} 2"])
    assert listed(found, name) == {"1": both, "2": both}
    assert [event["event"] for event in found].count("user.updated") == 2
    assert len({event["correlation_id"] for event in found}) == 1
    assert {event["entity_name"] for event in found if event["event"] == "user.updated"} == {"ann", "ben"}


@pytest.mark.parametrize("name", ["clubs", "roles"])
def test_deleting_it_by_a_statement_is_told_on_them_too(session, people, events, name):
    session.execute(sa.delete(KINDS[name]).where(KINDS[name].id == 1))
    session.commit()

    found = events()
    both = ([f"{name} 1", f"{name} 2"], [f"{name} 2"])
    assert listed(found, name) == {"1": both, "2": both}
    assert len(found) == 3


@pytest.mark.parametrize("name", ["clubs", "roles"])
def test_deleting_it_by_a_query_is_told_on_them_too(session, people, events, name):
    session.query(KINDS[name]).delete()
    session.commit()

    both = ([f"{name} 1", f"{name} 2"], [])
    assert listed(events(), name) == {"1": both, "2": both}


def test_a_record_of_the_same_kind_that_is_deleted_leaves_the_lists_it_was_in(session, people, events):
    ann, ben = session.get(User, 1), session.get(User, 2)
    ann.friends.append(ben)
    ben.friends.append(ann)
    session.commit()
    session.expunge_all()
    assert len(events()) == 2

    session.delete(session.get(User, 2))
    session.commit()

    found = events()
    assert listed(found, "friends") == {"1": (["ben"], [])}
    (gone,) = (event for event in found if event["event"] == "user.deleted")
    assert [each["name"] for each in sides(gone)["friends"][0]] == ["ann"]


def test_two_that_are_deleted_together_are_no_updates(session, people, events):
    users = session.scalars(sa.select(User).order_by(User.id)).all()
    users[0].friends.append(users[1])
    session.commit()
    events()

    for user in users:
        session.delete(user)
    session.commit()

    assert [event["event"] for event in events()] == ["user.deleted", "user.deleted"]


def test_a_deleted_record_and_a_field_of_who_lists_it_are_one_event(session, people, events):
    ann, team = session.get(User, 1), session.get(Team, 2)
    ann.name = "Ann"
    with session.no_autoflush:
        session.delete(team)
    session.commit()

    found = events()
    assert sorted(event["event"] for event in found) == ["team.deleted", "user.updated", "user.updated"]
    (ann,) = (event for event in found if event["entity_id"] == "1" and event["event"] == "user.updated")
    assert set(ann["changes"]) == {"name", "teams"}


def test_an_orphan_that_others_list_is_told_on_them(session, events):
    page = Page(id=1, name="page")
    session.add_all([folder := Folder(name="folder", pages=[page]), Reader(id=1, name="r", pages=[page])])
    session.commit()
    session.expunge_all()
    events()

    folder = session.scalars(sa.select(Folder)).one()
    folder.pages.clear()
    session.commit()

    found = {event["event"]: sides(event) for event in events()}
    assert set(found) == {"page.deleted", "reader.updated"}
    assert found["reader.updated"]["pages"][1] == []


def test_a_parent_that_is_deleted_takes_its_children_out_of_lists(session, events):
    page = Page(id=1, name="page")
    session.add_all([folder := Folder(name="folder", pages=[page]), Reader(id=1, name="r", pages=[page])])
    session.commit()
    events()

    session.delete(folder)
    session.commit()

    found = {event["event"]: sides(event) for event in events()}
    assert set(found) == {"folder.deleted", "page.deleted", "reader.updated"}


@pytest.mark.parametrize("name", ["teams", "rooms", "desks", "roles"])
def test_changes_from_the_other_side_are_told_on_the_owner(session, people, events, name):
    other = session.get(KINDS[name], 1)

    other.users.remove(session.get(User, 1))
    session.commit()
    first = listed(events(), name)
    other.users.append(session.get(User, 1))
    session.commit()
    second = listed(events(), name)
    other.users = []
    session.commit()
    third = listed(events(), name)
    other.users = [session.get(User, 2)]
    session.commit()
    fourth = listed(events(), name)

    both, less = [f"{name} 1", f"{name} 2"], [f"{name} 2"]
    assert first == {"1": (both, less)}
    assert second == {"1": (less, both)}
    assert third == {"1": (both, less), "2": (both, less)}
    assert fourth == {"2": (less, both)}


def test_a_new_record_that_lists_is_added_to_from_both_sides(session, people, events):
    first, second = session.get(Team, 1), session.get(Team, 2)
    with session.no_autoflush:
        session.add(cem := User(id=3, name="cem", teams=[second]))
        first.users.append(cem)
        session.commit()

    (event,) = events()
    assert event["event"] == "user.created"
    assert [each["name"] for each in sides(event)["teams"][1]] == ["teams 1", "teams 2"]
    assert "previous" not in event["changes"]["teams"]


def test_a_view_of_a_list_is_not_told(session, people, events):
    ann = session.get(User, 1)
    ann.teams.clear()
    session.commit()

    (event,) = events()
    assert set(event["changes"]) == {"teams"}


def test_lists_of_two_writers_follow_each_other(session, maker, people, events):
    ann = session.get(User, 1)
    assert len(ann.teams) == 2
    session.commit()
    ann.teams  # noqa: B018 - read before the other writer comes
    if session.get_bind().dialect.name == "sqlite":
        session.commit()
    with maker() as other:
        hers = other.get(User, 1)
        hers.teams.remove(other.get(Team, 1))
        other.commit()
    ann.teams.append(Team(id=3, name="teams 3"))
    session.commit()

    first, second = (event for event in events() if event["event"] == "user.updated")
    assert [[each["id"] for each in side] for side in sides(first)["teams"]] == [["1", "2"], ["2"]]
    assert [[each["id"] for each in side] for side in sides(second)["teams"]] == [["2"], ["2", "3"]]


def test_an_owner_that_is_not_captured_is_not_told(maker, follow, events):
    follow(models=[Team])
    with maker() as session:
        session.add(User(id=1, name="ann", teams=[Team(id=1, name="team")]))
        session.commit()
        session.delete(session.get(Team, 1))
        session.commit()

    assert [event["event"] for event in events()] == ["team.created", "team.deleted"]


def test_what_is_listed_need_not_be_captured(maker, follow, events):
    follow(models=[User])
    with maker() as session:
        session.add(User(id=1, name="ann", teams=[Team(id=1, name="team")]))
        session.commit()
        session.delete(session.get(Team, 1))
        session.commit()

    assert [event["event"] for event in events()] == ["user.created", "user.updated"]
