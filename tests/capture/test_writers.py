"""Several writers: ``previous`` is what a statement replaced, whatever the session once read."""

import random
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from auditapp.capture import capture
from auditapp.extensions import db
from tests.capture.host import Bird, Line, Paper, Post, Tag, sides

OLD, NEW = 100, 50


@pytest.fixture
def two(maker, follow, events):
    """Return two sessions that have read the same post, of which the second is then overtaken."""
    follow()
    keeping = sessionmaker(db.engine, class_=maker.class_, expire_on_commit=False)
    with keeping() as one, keeping() as other:
        one.add(Post(id=1, title="post", views=OLD, data={"a": 1}))
        one.commit()
        yield one, other
    events()


def overtaken(two, events):
    """Let both read, and the first change what the second read; return the second and its record."""
    one, other = two
    mine, stale = one.get(Post, 1), other.get(Post, 1)
    assert stale.views == OLD
    if db.engine.dialect.name == "sqlite":
        other.commit()  # there the second could not write at all while it still reads
    mine.views, mine.data = NEW, {"a": 2}
    one.commit()
    events()
    return other, stale


def test_previous_is_what_the_update_replaced(two, events):
    session, post = overtaken(two, events)

    post.views = 0
    post.data = {"a": 3}
    session.commit()

    assert sides(events()[0]) == {"views": (NEW, 0), "data": ({"a": 2}, {"a": 3})}


def test_setting_what_another_has_set_is_no_event(two, events):
    session, post = overtaken(two, events)

    post.views = NEW
    session.commit()

    assert events() == []


def test_what_is_not_written_is_not_told(two, events):
    session, post = overtaken(two, events)

    post.views = OLD  # SQLAlchemy takes it for what is there, and writes the title alone
    post.title = "other"
    session.commit()

    assert sides(events()[0]) == {"title": ("post", "other")}
    assert session.scalar(sa.select(Post.views)) == NEW


def test_a_delete_tells_what_was_there(two, events):
    session, post = overtaken(two, events)

    session.delete(post)
    session.commit()

    assert sides(events()[0])["views"] == (NEW, None)


def test_statements_tell_what_was_there(two, events):
    session, _ = overtaken(two, events)

    session.execute(sa.update(Post).values(views=0))
    session.commit()

    assert sides(events()[0]) == {"views": (NEW, 0)}


@pytest.mark.filterwarnings("ignore:DELETE statement")
def test_deleting_what_another_deleted_is_no_event(maker, follow, events):
    follow()
    keeping = sessionmaker(db.engine, class_=maker.class_, expire_on_commit=False)
    with keeping() as one, keeping() as other:
        one.add(Tag(id=1, name="red"))
        one.commit()
        mine, stale = one.get(Tag, 1), other.get(Tag, 1)
        other.commit()
        one.delete(mine)
        one.commit()
        events()

        other.delete(stale)
        other.commit()

    assert events() == []


def test_a_version_counter_still_refuses_who_comes_second(maker, follow, events):
    follow()
    keeping = sessionmaker(db.engine, class_=maker.class_, expire_on_commit=False)
    with keeping() as one, keeping() as other:
        one.add(mine := Paper(id=1, title="one"))
        one.commit()
        stale = other.get(Paper, 1)
        other.commit()
        mine.title = "two"
        one.commit()
        events()

        stale.title = "three"
        with pytest.raises(StaleDataError):
            other.commit()

    assert events() == []


def test_an_update_of_what_another_deleted_is_still_refused(maker, follow, events):
    follow()
    keeping = sessionmaker(db.engine, class_=maker.class_, expire_on_commit=False)
    with keeping() as one, keeping() as other:
        one.add(mine := Tag(id=1, name="one"))
        one.commit()
        stale = other.get(Tag, 1)
        other.commit()
        one.delete(mine)
        one.commit()
        events()

        stale.name = "two"
        with pytest.raises(StaleDataError):
            other.commit()

    assert events() == []


@pytest.mark.parametrize("way", ["attribute", "statement", "mapping"])
def test_who_waits_for_another_tells_what_that_one_left(maker, follow, events, way):
    """The second begins while the first has not committed yet."""
    follow()
    with maker() as one:
        one.add(tag := Tag(id=1, name="old"))
        one.commit()
        events()
        ready, errors = threading.Event(), []

        def second():
            try:
                with maker() as other:
                    ready.set()
                    if way == "attribute":
                        other.get(Tag, 1).name = "second"
                        other.commit()
                        return
                    if way == "statement":
                        other.execute(sa.update(Tag).where(Tag.id == 1).values(name="second"))
                    else:
                        other.bulk_update_mappings(Tag, [{"id": 1, "name": "second"}])
                    other.commit()
            except Exception as error:
                errors.append(error)

        tag.name = "first"
        one.flush()
        thread = threading.Thread(target=second)
        thread.start()
        ready.wait(5)
        thread.join(0.3)
        one.commit()
        thread.join(20)

    assert errors == []
    assert [sides(event)["name"] for event in events()] == [("old", "first"), ("first", "second")]


def test_rows_are_locked_in_one_order_whatever_order_they_were_changed_in(maker, follow, events):
    follow()
    with maker() as session:
        session.add_all([Tag(id=number, name="0") for number in range(1, 6)])
        session.commit()
    events()
    errors, start, kind = [], threading.Barrier(4), db.engine.dialect.name

    def write(seed):
        order = random.Random(seed)  # noqa: S311 - no secret
        try:
            for turn in range(6):
                start.wait(20)
                with maker() as session:
                    tags = session.scalars(sa.select(Tag)).all()
                    if kind == "sqlite":
                        session.commit()
                    order.shuffle(tags)
                    for tag in tags:
                        tag.name = f"{seed}.{turn}"
                    session.commit()
        except Exception as error:
            errors.append(error)
            start.abort()

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    held = dict.fromkeys(map(str, range(1, 6)), "0")
    for event in events():
        previous, current = sides(event)["name"]
        assert previous == held[event["entity_id"]]
        held[event["entity_id"]] = current


def test_what_a_list_comes_to_hold_is_locked_before_the_record_that_has_the_list(session, events):
    session.add_all([tag := Tag(name="red"), post := Post(title="one")])
    session.commit()
    locks = []

    def listen(_connection, _cursor, text, *_rest):
        if " FOR " in text and text.startswith("SELECT"):
            locks.append((text.split("FROM ")[1].split()[0], text.split(" FOR ")[1].split(" OF")[0]))

    post.tags, post.title = [tag], "two"
    sa.event.listen(db.engine, "before_cursor_execute", listen)
    session.flush()
    sa.event.remove(db.engine, "before_cursor_execute", listen)

    one_for_all = db.engine.dialect.name == "sqlite"
    assert locks == ([] if one_for_all else [("host_tag", "KEY SHARE"), ("host_post", "NO KEY UPDATE")])


def test_a_flush_that_writes_nothing_takes_no_lock(session, maker, events):
    session.add_all([tag := Tag(id=1, name="red"), post := Post(id=1, title="one", tags=[tag])])
    session.commit()
    events()
    seen = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))

    session.refresh(tag)
    assert post.tags == [tag]
    seen.clear()
    tag.name = "red"
    post.tags = [tag]
    session.flush()

    assert [text for text in seen if "FOR" in text or "UPDATE" in text] == []
    with maker() as other:
        other.execute(sa.text("UPDATE host_tag SET name = 'blue'"))  # would wait for a lock
        other.commit()


def test_only_the_changed_columns_are_read_and_each_mapper_once(session, events):
    session.add_all([Tag(name=str(number)) for number in range(30)] + [Post(title="one")])
    session.commit()
    tags, post = session.scalars(sa.select(Tag)).all(), session.scalars(sa.select(Post)).one()
    seen = []

    def listen(_connection, _cursor, text, *_rest):
        seen.append(text)

    sa.event.listen(db.engine, "before_cursor_execute", listen)
    for tag in tags:
        tag.name += "!"
    post.views = 7
    session.flush()
    sa.event.remove(db.engine, "before_cursor_execute", listen)

    reads = [text for text in seen if text.startswith("SELECT") and "host_" in text]
    assert len(reads) == 2
    assert not any("host_post.data" in text for text in reads)


def test_inserts_read_and_lock_nothing(session, events):
    session.add(Tag(name="warm"))
    session.commit()
    session.add(Tag(name="warm"))
    session.commit()
    seen = []

    def listen(_connection, _cursor, text, *_rest):
        seen.append(text)

    sa.event.listen(db.engine, "before_cursor_execute", listen)
    session.add(Tag(name="cold"))
    session.flush()
    sa.event.remove(db.engine, "before_cursor_execute", listen)

    assert [text for text in seen if "host_tag" in text and text.startswith("SELECT")] == []


def test_rows_of_several_tables_and_keys_of_several_columns_are_read_under_lock(session, events):
    session.add_all([Bird(id=1, name="Tweety", wings=2), Line(bill="a", place=1), Line(bill="a", place=2)])
    session.commit()
    events()

    session.execute(sa.text("UPDATE host_animal SET name = 'Coco'"))
    bird = session.get(Bird, 1)
    session.execute(sa.text("UPDATE host_bird SET wings = 3"))
    session.execute(sa.text("UPDATE host_line SET note = 'x'"))
    bird.wings = 4
    for line in session.scalars(sa.select(Line)).all():
        line.note = "y"
    session.commit()

    assert [sides(event) for event in events()] == [
        {"wings": (3, 4)},
        {"note": ("x", "y")},
        {"note": ("x", "y")},
    ]


def test_sqlite_takes_its_lock_in_a_transaction_that_the_host_began(maker, events, acme):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("one lock for all is SQLite's")
    engine = sa.create_engine(db.engine.url, connect_args={"isolation_level": None})
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    own = sessionmaker(engine)
    handle = capture(own, workspace="acme")
    try:
        with own() as session:
            session.add(Tag(id=1, name="old"))
            session.commit()
        with own() as session:
            session.execute(sa.update(Tag).values(name="new"))
            with own() as other, pytest.raises(sa.exc.OperationalError, match="locked"):
                other.connection().exec_driver_sql("PRAGMA busy_timeout = 50")
                other.execute(sa.update(Tag).values(name="other"))
            session.commit()
    finally:
        handle.stop()
        engine.dispose()

    assert [sides(event)["name"] for event in events()] == [(None, "old"), ("old", "new")]


def test_a_savepoint_comes_first(session, events):
    session.add(Tag(id=1, name="old"))
    session.commit()
    events()

    with session.begin_nested():
        session.get(Tag, 1).name = "new"
    session.commit()

    assert sides(events()[0]) == {"name": ("old", "new")}


# What threads share.


def test_a_host_may_take_what_the_session_read_for_what_was_there(two, follow, events):
    follow(previous="session")
    session, post = overtaken(two, events)
    seen = []

    def listen(_connection, _cursor, text, *_rest):
        seen.append(text)

    post.views = 0
    sa.event.listen(db.engine, "before_cursor_execute", listen)
    session.commit()
    sa.event.remove(db.engine, "before_cursor_execute", listen)

    assert sides(events()[0]) == {"views": (OLD, 0)}
    assert [text for text in seen if text.startswith("UPDATE host_post")]
    assert [text for text in seen if text.startswith("SELECT") and "host_" in text] == []


def test_what_the_session_has_not_read_is_read_all_the_same(two, follow, events):
    follow(previous="session")
    session, post = overtaken(two, events)

    session.expire(post)
    post.views = 0
    session.commit()

    assert sides(events()[0]) == {"views": (NEW, 0)}


def test_what_capture_takes_for_the_previous_value_is_one_of_two_words(follow):
    with pytest.raises(ValueError, match="previous is one of database, session, not 'cache'"):
        follow(previous="cache")


def test_json_changed_in_place_is_read_before_where_the_session_is_taken_at_its_word(two, follow, events):
    follow(previous="session")
    session, post = overtaken(two, events)

    post.data["b"] = 3
    session.commit()

    assert sides(events()[0]) == {"data": ({"a": 2}, {"a": 1, "b": 3})}


def test_setting_what_another_has_set_is_an_event_where_the_session_is_taken_at_its_word(two, follow, events):
    follow(previous="session")
    session, post = overtaken(two, events)

    post.views = NEW
    session.commit()

    assert sides(events()[0]) == {"views": (OLD, NEW)}
