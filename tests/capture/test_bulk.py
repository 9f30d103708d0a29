"""INSERT, UPDATE and DELETE statements: told row by row, or summed up, never missed."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tests.capture.host import Animal, Author, Bird, Dog, Line, Paper, Post, Tag, Thing, sides


@pytest.fixture
def tags(session, events):
    """Three tags: a, b, c."""
    for name in "abc":
        session.add(Tag(name=name))
        session.flush()
    session.commit()
    events()


def rows(found):
    return [(event["event"], event["entity_id"], sides(event)) for event in found]


def test_an_update_statement_is_told_row_by_row(session, tags, events):
    result = session.execute(sa.update(Tag).where(Tag.id <= 2).values(name=Tag.name + "!"))
    session.commit()

    assert result.rowcount == 2
    assert rows(events()) == [
        ("tag.updated", "1", {"name": ("a", "a!")}),
        ("tag.updated", "2", {"name": ("b", "b!")}),
    ]


@pytest.mark.parametrize("synchronize", ["auto", "fetch", "evaluate", False])
def test_every_way_of_synchronizing_works(session, tags, events, synchronize):
    tag = session.get(Tag, 1)
    statement = sa.update(Tag).where(Tag.name == "a").values(name="x")

    session.execute(statement, execution_options={"synchronize_session": synchronize})

    if synchronize:
        assert tag.name == "x"
    session.commit()
    assert rows(events()) == [("tag.updated", "1", {"name": ("a", "x")})]


def test_query_update_and_delete_are_told(session, tags, events):
    session.query(Tag).filter(Tag.name == "a").update({"name": "x"})
    session.query(Tag).filter_by(name="b").delete()
    session.commit()

    assert rows(events()) == [
        ("tag.updated", "1", {"name": ("a", "x")}),
        ("tag.deleted", "2", {"name": ("b", None)}),
    ]


def test_an_update_that_changes_nothing_is_no_event(session, tags, events):
    session.execute(sa.update(Tag).where(Tag.name == "a").values(name="a"))
    session.execute(sa.update(Tag).where(Tag.name == "nobody").values(name="x"))
    session.commit()

    assert events() == []


def test_returning_gives_the_host_its_own_columns(session, tags, events):
    updated = session.execute(sa.update(Tag).where(Tag.id == 1).values(name="x").returning(Tag.name)).all()
    gone = [tag.id for tag in session.scalars(sa.delete(Tag).where(Tag.id == 2).returning(Tag))]
    names = session.scalars(sa.insert(Tag).returning(Tag.name), [{"name": "n1"}, {"name": "n2"}]).all()
    (new,) = session.scalars(sa.insert(Tag).values(name="n3").returning(Tag)).all()
    assert session.get(Tag, new.id) is new
    session.commit()

    assert updated == [("x",)]
    assert gone == [2]
    assert names == ["n1", "n2"]
    assert new.name == "n3"
    assert [event["event"] for event in events()] == ["tag.updated", "tag.deleted", *["tag.created"] * 3]


def test_past_the_limit_one_event_sums_up(maker, follow, events):
    follow(bulk_limit=2)
    with maker() as session:
        session.execute(sa.insert(Author), [{"name": f"a{number}"} for number in range(3)])
        session.execute(sa.update(Author).where(Author.name.like("a%")).values(name="x", password_hash="h"))
        session.execute(sa.delete(Author).where(Author.password_hash == "h"))
        session.commit()

    created, updated, deleted = events()

    assert [event["event"] for event in (created, updated, deleted)] == [
        "author.bulk_created", "author.bulk_updated", "author.bulk_deleted",
    ]  # fmt: skip
    assert {event["payload"]["rows"] for event in (created, updated, deleted)} == {3}
    assert updated["entity_id"] == "*"
    assert updated["payload"]["set"] == {"name": "x", "password_hash": "[masked]"}
    assert "a%" in updated["payload"]["where"]["parameters"].values()
    assert list(deleted["payload"]["where"]["parameters"].values()) == ["[masked]"]


def test_the_limit_itself_is_told_row_by_row(maker, follow, events):
    follow(bulk_limit=3)
    with maker() as session:
        session.execute(sa.insert(Tag), [{"name": "x"}] * 3)
        session.execute(sa.delete(Tag))
        session.commit()

    assert [event["event"] for event in events()] == ["tag.created"] * 3 + ["tag.deleted"] * 3


def test_inserts_of_every_form_are_told(session, events):
    session.execute(sa.insert(Tag), [{"name": "many1"}, {"name": "many2"}])
    result = session.execute(sa.insert(Tag).values(name="one"))
    session.execute(sa.insert(Tag).values([{"name": "multi1"}, {"name": "multi2"}]))
    session.execute(sa.insert(Tag).from_select(["name"], sa.select(Tag.name + "'").where(Tag.name == "one")))
    session.execute(sa.insert(Thing), [{"code": "own key"}])
    session.execute(sa.insert(Tag.__table__), [{"name": "table"}])
    session.commit()

    found = events()
    names = ["many1", "many2", "one", "multi1", "multi2", "one'", None, "table"]
    assert [event["entity_name"] for event in found] == names
    assert str(result.inserted_primary_key[0]) == found[2]["entity_id"]


def test_an_upsert_is_told_as_one(session, tags, events):
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = insert(Tag).values(id=1, name="x")
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"name": "x"}))
    session.execute(insert(Tag).values(id=1, name="y").on_conflict_do_nothing())
    session.commit()

    assert rows(events()) == [("tag.upserted", "1", {"name": (None, "x")})]


def test_an_update_by_primary_key_of_many_rows_is_told(session, tags, events):
    session.execute(sa.update(Tag), [{"id": 1, "name": "x"}, {"id": 3, "name": "c"}])
    session.commit()

    assert rows(events()) == [("tag.updated", "1", {"name": ("a", "x")})]


def test_statements_on_a_models_table_are_told_too(session, tags, events):
    table = Tag.__table__
    session.execute(sa.update(table).where(table.c.id == 1).values(name="x"))
    session.execute(sa.update(table).where(table.c.id == sa.bindparam("which")), [{"which": 2, "name": "y"}])
    session.execute(sa.delete(table).where(table.c.id == 3))
    session.commit()

    assert rows(events()) == [
        ("tag.updated", "1", {"name": ("a", "x")}),
        ("tag.updated", "2", {"name": ("b", "y")}),
        ("tag.deleted", "3", {"name": ("c", None)}),
    ]


def test_parameters_beside_the_statement_count(session, tags, events):
    statement = sa.update(Tag).where(Tag.name == sa.bindparam("old")).values(name=sa.bindparam("new"))
    session.execute(statement, {"old": "a", "new": "x"})
    session.commit()

    assert rows(events()) == [("tag.updated", "1", {"name": ("a", "x")})]


def test_rows_whose_primary_key_changes_are_told(session, tags, events):
    session.execute(sa.update(Tag).where(Tag.id > 1).values(id=Tag.id + 100, name="moved"))
    session.commit()

    first, second = events()
    assert (first["entity_id"], sides(first)) == ("2", {"id": (2, 102), "name": ("b", "moved")})
    assert first["related"] == [{"type": "tag", "id": "102"}]
    assert second["entity_id"] == "3"


def test_a_where_that_the_update_makes_false_still_finds_its_rows(session, tags, events):
    session.execute(sa.update(Tag).where(Tag.name == "a").values(name="b"))
    session.commit()

    assert len(events()) == 1


def test_rows_with_keys_of_several_columns(session, events):
    session.add_all([Line(bill="x", place=number, note="n") for number in range(2)])
    session.commit()
    events()

    session.execute(sa.update(Line).where(Line.bill == "x").values(note="m"))
    session.execute(sa.delete(Line).where(Line.place == 1))
    session.commit()

    assert [event["entity_id"] for event in events()] == ["x,0", "x,1", "x,1"]


def test_rows_of_subclasses_are_told_as_what_they_are(session, events):
    session.add_all([Animal(name="it"), Dog(name="Rex", tricks=1), Bird(name="Tweety", wings=2)])
    session.commit()
    events()

    session.execute(sa.update(Animal).values(name="all"))
    session.execute(sa.update(Dog).values(tricks=5))
    session.execute(sa.update(Bird).where(Bird.wings == 2).values(wings=3))
    session.commit()

    assert [(event["event"], sides(event)) for event in events()] == [
        ("animal.updated", {"name": ("it", "all")}),
        ("dog.updated", {"name": ("Rex", "all")}),
        ("bird.updated", {"name": ("Tweety", "all")}),
        ("dog.updated", {"tricks": (1, 5)}),
        ("bird.updated", {"wings": (2, 3)}),
    ]


def test_columns_with_onupdate_are_told_of_statements_too(session, events):
    session.add(Paper(title="One"))
    session.commit()
    events()

    session.execute(sa.update(Paper).values(title="Two"))
    session.commit()

    assert sides(events()[0])["changed"] == (None, 7)


def test_a_statement_that_joins_another_table_tells_each_row_once(session, events):
    session.add_all([Post(title="One"), Post(title="Two"), Tag(name="One"), Tag(name="One")])
    session.commit()
    events()

    session.execute(sa.update(Post).where(Post.title == Tag.name).values(views=9))
    session.commit()

    assert [(event["entity_name"], sides(event)) for event in events()] == [("One", {"views": (5, 9)})]


def test_what_the_session_still_holds_is_told_first(session, tags, events):
    tag = session.get(Tag, 1)
    tag.name = "first"
    session.execute(sa.update(Tag).where(Tag.id == 1).values(name="then"))
    session.commit()

    assert [sides(event)["name"] for event in events()] == [("a", "first"), ("first", "then")]


def test_the_legacy_bulk_methods_are_told(session, tags, events):
    session.bulk_save_objects([Tag(name="object")])
    session.bulk_insert_mappings(Tag, given := [{"name": "mapping"}])
    session.bulk_update_mappings(Tag, [{"id": 1, "name": "x"}, {"id": 2, "name": "b"}])
    session.commit()

    found = events()
    assert [event["entity_name"] for event in found] == ["object", "mapping", "x"]
    assert sides(found[2]) == {"name": ("a", "x")}
    assert given == [{"name": "mapping"}]


def test_the_legacy_bulk_methods_are_summed_up_past_the_limit(maker, follow, events):
    follow(bulk_limit=1)
    with maker() as session:
        session.bulk_insert_mappings(Tag, [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
        session.bulk_update_mappings(Tag, [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}])
        session.commit()

    assert [(event["event"], event["payload"]["rows"]) for event in events()] == [
        ("tag.bulk_created", 2), ("tag.bulk_updated", 2),
    ]  # fmt: skip


def test_statements_fail_with_their_events(session, tags, events):
    session.execute(sa.text("ALTER TABLE event RENAME TO event_elsewhere"))
    session.commit()

    with pytest.raises(sa.exc.DBAPIError):
        session.execute(sa.delete(Tag))
    session.rollback()

    assert session.scalar(sa.select(sa.func.count()).select_from(Tag)) == 3
    session.execute(sa.text("ALTER TABLE event_elsewhere RENAME TO event"))
    session.commit()
