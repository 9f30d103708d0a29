"""Inserts, updates and deletes of an application that is captured, and what is not told of them."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from auditapp.capture import capture, captured
from auditapp.extensions import db
from auditapp.models import Event
from tests.capture.host import Animal, Author, Bird, Dog, Line, Paper, Post, Stage, Tag, Thing, sides


def test_an_insert_tells_all_that_the_record_has(session, events):
    session.add(Post(id=7, title="Hello"))
    session.commit()

    (event,) = events()

    assert event["event"] == "post.created"
    assert (event["entity_type"], event["entity_id"], event["entity_name"]) == ("post", "7", "Hello")
    assert sides(event) == {"title": (None, "Hello"), "stage": (None, "open"), "views": (None, 5)}
    assert "previous" not in event["changes"]["title"]
    assert event["actor"]["id"] == "u_1"
    assert event["origin"] == "system"


def test_an_update_tells_the_fields_that_changed(session, events):
    post = Post(title="Hello")
    session.add(post)
    session.commit()
    events()

    post.title = "Goodbye"
    post.stage = Stage.WON
    session.commit()

    (event,) = events()
    assert event["event"] == "post.updated"
    assert sides(event) == {"title": ("Hello", "Goodbye"), "stage": ("open", "won")}
    assert event["entity_name"] == "Goodbye"


def test_a_delete_tells_what_was_lost(session, events):
    session.add(Tag(id=1, name="red"))
    session.commit()
    session.delete(session.get(Tag, 1))
    session.commit()

    assert sides(events()[-1]) == {"name": ("red", None)}


def test_a_deleted_record_that_had_expired_and_changed_tells_what_the_database_had(session, events):
    tag = Tag(name="red")
    session.add(tag)
    session.commit()

    tag.name = "never stored"
    session.delete(tag)
    session.commit()

    assert sides(events()[-1]) == {"name": ("red", None)}


def test_an_insert_and_update_in_one_flush_are_one_event(session, events):
    post = Post(title="One")
    session.add(post)
    post.title = "Two"
    session.commit()

    assert [(event["event"], sides(event)["title"]) for event in events()] == [
        ("post.created", (None, "Two"))
    ]


@pytest.mark.parametrize("expired", [True, False])
def test_a_change_to_the_same_value_is_no_event(session, events, expired):
    post = Post(title="Same", data={"a": 1})
    session.add(post)
    session.commit()
    if not expired:
        session.refresh(post)
    events()

    post.title = "Same"
    post.data = {"a": 1}
    session.commit()

    assert events() == []


def test_a_touch_that_moves_automatic_columns_only_is_no_event(session, events):
    paper = Paper(title="Same")
    session.add(paper)
    session.commit()
    events()

    paper.title = "Same"
    session.commit()
    assert events() == []

    paper.title = "Other"
    session.commit()

    assert sides(events()[0])["title"] == ("Same", "Other")


def test_values_that_the_database_makes_are_told(session, events):
    post = Post(title="One")
    session.add(post)
    session.commit()
    events()

    post.views = Post.views + 1
    session.commit()

    assert sides(events()[0]) == {"views": (5, 6)}


def test_columns_with_onupdate_and_versions_are_told_with_their_previous_value(session, events):
    paper = Paper(title="One")
    session.add(paper)
    session.commit()
    events()

    paper.title = "Two"
    session.commit()

    assert sides(events()[0]) == {"title": ("One", "Two"), "changed": (None, 7), "version": (1, 2)}


def test_records_come_in_the_order_they_were_written(session, events):
    author = Author(name="Ada")
    session.add_all([Post(title="P1", author=author), Post(title="P2", author=author)])
    session.commit()

    assert [event["entity_name"] for event in events()] == ["Ada", "P1", "P2"]


def test_a_rollback_takes_the_events_with_it(session, events):
    session.add(Tag(name="red"))
    session.flush()
    session.rollback()

    assert events() == []
    assert captured(session) == []


def test_a_savepoint_that_is_rolled_back_takes_its_events_with_it(session, events):
    session.add(Tag(name="kept"))
    session.flush()
    with session.begin_nested() as savepoint:
        session.add(Tag(name="lost"))
        session.flush()
        savepoint.rollback()
    session.add(Tag(name="kept too"))
    session.commit()

    assert [event["entity_name"] for event in events()] == ["kept", "kept too"]
    assert len(captured(session)) == 2


def test_a_log_that_cannot_be_written_fails_the_change(session, maker, events):
    session.execute(sa.text("ALTER TABLE event RENAME TO event_elsewhere"))
    session.commit()

    session.add(Tag(name="red"))
    with pytest.raises(sa.exc.DBAPIError):
        session.commit()
    session.rollback()

    assert session.scalars(sa.select(Tag)).all() == []
    session.execute(sa.text("ALTER TABLE event_elsewhere RENAME TO event"))
    session.commit()


def test_a_workspace_that_does_not_exist_fails_the_change(maker, follow):
    follow(workspace="nowhere")

    with maker() as session, pytest.raises(RuntimeError, match="no workspace 'nowhere'"):
        session.add(Tag(name="red"))
        session.flush()


def test_the_workspace_may_depend_on_the_record(maker, follow, events, acme, other):
    follow(workspace=lambda thing: {"a": acme, "b": "other"}.get(thing.name[0]))

    with maker() as session:
        session.add_all([Tag(name="a1"), Tag(name="b1"), Tag(name="c1")])
        session.commit()

    assert [event["entity_name"] for event in events()] == ["a1", "b1"]
    with Session(db.engine) as reader:
        query = sa.select(Event.workspace_id).where(Event.event == "tag.created").order_by(Event.id)
        assert reader.scalars(query).all() == [acme.id, other.id]


def test_secrets_are_masked_by_name_and_by_option_and_excluded_columns_are_absent(session, events):
    author = Author(name="Ada", password_hash="h1", api_secret="s1", passport="p1", cache="c1")
    session.add(author)
    session.commit()
    author.password_hash = "h2"
    author.cache = "c2"
    session.commit()

    created, updated = events()

    hidden = (None, "[masked]")
    assert sides(created) == {
        "name": (None, "Ada"), "password_hash": hidden, "api_secret": hidden, "passport": hidden,
    }  # fmt: skip
    assert sides(updated) == {"password_hash": ("[masked]", "[masked]")}
    assert "h1" not in str(created) + str(updated)


def test_a_change_of_an_excluded_column_alone_is_no_event(session, events):
    author = Author(name="Ada", cache="c1")
    session.add(author)
    session.commit()
    events()

    author.cache = "c2"
    session.commit()

    assert events() == []


def test_more_columns_can_be_excluded_and_masked(maker, follow, events):
    follow(exclude=["host_post.views", "stage"], mask=["title"])

    with maker() as session:
        session.add(Post(title="Secret plan"))
        session.commit()

    (event,) = events()
    assert sides(event) == {"title": (None, "[masked]")}
    assert event["entity_name"] is None


def test_only_the_models_that_were_named_are_captured(maker, follow, events):
    follow(models=[Animal])

    with maker() as session:
        session.add_all([Tag(name="red"), Dog(name="Rex", tricks=2), Bird(name="Tweety", wings=2)])
        session.commit()

    found = {event["event"]: sides(event) for event in events()}
    assert found["dog.created"]["tricks"] == (None, 2)
    assert found["bird.created"]["wings"] == (None, 2)
    assert len(found) == 2


def test_a_model_may_have_another_type_name_id_and_verbs(maker, follow, events):
    follow(
        describe={
            Tag: {
                "type": "label",
                "name": lambda tag: tag.name.upper(),
                "id": "name",
                "verbs": {"created": "added"},
                "labels": {"name": "Text"},
            },
            Author: False,
        }
    )

    with maker() as session:
        session.add_all([Tag(name="red"), Author(name="Ada")])
        session.commit()

    (event,) = events()
    assert (event["event"], event["entity_id"], event["entity_name"]) == ("label.added", "red", "RED")
    assert event["changes"]["name"]["label"] == "Text"


def test_a_misspelt_option_is_refused(follow):
    with pytest.raises(ValueError, match="no option 'nmae'"):
        follow(describe={Tag: {"nmae": "title"}})


def test_a_name_that_cannot_be_read_does_not_break_the_flush(maker, follow, events):
    follow(describe={Tag: {"name": lambda tag: 1 / 0}})

    with maker() as session:
        session.add(Tag(name="red"))
        session.commit()

    assert events()[0]["entity_name"] is None


@pytest.mark.parametrize(
    ("code", "entity_id"), [("", '""'), (".", '"."'), ("..", '".."'), ("a/b c", "a/b c"), ("é", "é")]
)
def test_any_primary_key_becomes_an_id(session, events, code, entity_id):
    session.add(Thing(code=code))
    session.commit()

    assert events()[0]["entity_id"] == entity_id


def test_a_key_of_several_columns_is_joined_and_told(session, events):
    session.add(Line(bill="2026,1", place=3, note="x"))
    session.commit()

    (event,) = events()
    assert event["entity_id"] == "2026\\,1,3"
    assert sides(event)["place"] == (None, 3)


def test_a_primary_key_that_changes_is_told_under_the_old_id(session, events):
    thing = Thing(code="old")
    session.add(thing)
    session.commit()
    events()

    thing.code = "new"
    session.commit()

    (event,) = events()
    assert event["entity_id"] == "old"
    assert sides(event) == {"code": ("old", "new")}
    assert event["related"] == [{"type": "thing", "id": "new"}]


def test_capturing_twice_does_not_double_events(maker, follow, events):
    follow()
    follow()

    with maker() as session:
        session.add(Tag(name="red"))
        session.commit()

    assert len(events()) == 1


def test_a_stopped_capture_records_nothing(maker, follow, events):
    follow().stop()

    with maker() as session:
        session.add(Tag(name="red"))
        session.execute(sa.update(Tag).values(name="blue"))
        session.bulk_insert_mappings(Tag, [{"name": "green"}])
        session.commit()

    assert events() == []


def test_a_session_class_one_session_and_flask_sqlalchemy_can_be_captured(maker, follow, events):
    with maker() as one, maker() as other_one:
        follow(one)
        for each in (one, other_one):
            each.add(Tag(name="red"))
            each.commit()
        assert len(events()) == 1

    class Own(Session):
        pass

    follow(Own)
    with Own(db.engine) as session:
        session.add(Tag(name="blue"))
        session.commit()
    assert len(events()) == 1

    handle = follow(db, models=[Tag])
    db.session.add(Tag(name="green"))
    db.session.commit()
    handle.stop()
    assert len(events()) == 1


def test_something_else_cannot_be_captured():
    with pytest.raises(TypeError, match="not int"):
        capture(5)


def test_a_failed_flush_leaves_nothing_behind(session, events):
    session.add(Thing(code="a"))
    session.commit()
    session.add_all([Thing(code="b"), Thing(code="a")])
    with pytest.raises((sa.exc.IntegrityError, sa.orm.exc.FlushError)):
        session.flush()
    session.rollback()
    session.add(Thing(code="c"))
    session.commit()

    assert [event["entity_id"] for event in events()] == ["a", "c"]
