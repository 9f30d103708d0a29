"""Changes of relationships: on the record that holds the key, or owns the list."""

from tests.capture.host import Author, Post, Tag, sides


def ref(entity_type, entity_id, name):
    return {"id": str(entity_id), "type": entity_type, "name": name}


def test_a_parent_that_changes_is_told_by_name_on_the_child(session, events):
    ada, ben = Author(id=1, name="Ada"), Author(id=2, name="Ben")
    session.add_all([ben, post := Post(title="One", author=ada)])
    session.flush()
    post.author = ben
    session.commit()

    created, updated = (event for event in events() if event["entity_type"] == "post")

    assert sides(created)["author_id"] == (None, ref("author", 1, "Ada"))
    assert sides(updated) == {"author_id": (ref("author", 1, "Ada"), ref("author", 2, "Ben"))}
    assert updated["changes"]["author_id"]["kind"] == "refs"
    assert updated["changes"]["author_id"]["label"] == "Author"


def test_a_list_of_children_is_told_on_the_children(session, events):
    ada = Author(id=1, name="Ada", posts=[Post(title="One")])
    session.add(ada)
    session.commit()
    events()

    ada.posts = []
    session.commit()

    (event,) = events()
    assert event["event"] == "post.updated"
    assert sides(event)["author_id"][0]["id"] == "1"
    assert sides(event)["author_id"][1] is None


def test_a_child_that_is_taken_over_while_expired_keeps_its_previous_parent(session, events):
    ada, ben = Author(id=1, name="Ada"), Author(id=2, name="Ben")
    session.add_all([ada, ben, post := Post(title="One", author=ada)])
    session.commit()
    events()

    ben.posts.append(post)
    session.commit()

    (event,) = events()
    previous, current = sides(event)["author_id"]
    assert (previous["id"], current["id"]) == ("1", "2")


def test_a_deleted_parent_is_told_on_its_children(session, events):
    session.add(Author(id=1, name="Ada", posts=[Post(id=5, title="One")]))
    session.commit()
    events()

    session.delete(session.get(Author, 1))
    session.commit()

    found = {event["event"]: sides(event) for event in events()}
    assert found["post.updated"]["author_id"][1] is None
    assert found["author.deleted"]["name"] == ("Ada", None)


def test_a_many_to_many_list_is_told_whole_on_the_record_that_owns_it(session, events):
    red, blue = Tag(id=1, name="red"), Tag(id=2, name="blue")
    session.add_all([blue, post := Post(id=1, title="One", tags=[red])])
    session.commit()
    events()

    post.tags.append(blue)
    session.commit()
    post.tags.remove(red)
    session.commit()

    added, removed = events()
    assert sides(added) == {"tags": ([ref("tag", 1, "red")], [ref("tag", 1, "red"), ref("tag", 2, "blue")])}
    assert sides(removed)["tags"][1] == [ref("tag", 2, "blue")]
    assert added["changes"]["tags"]["kind"] == "refs"


def test_a_many_to_many_change_from_the_other_side_is_one_event_too(session, events):
    session.add_all([Tag(id=1, name="red"), Tag(id=2, name="blue"), Post(id=1, title="One")])
    session.commit()
    post, red, blue = session.get(Post, 1), session.get(Tag, 1), session.get(Tag, 2)
    post.tags.append(blue)
    session.commit()
    events()

    red.posts.append(post)
    session.commit()

    (event,) = events()
    assert event["entity_type"] == "post"
    assert [each["id"] for each in sides(event)["tags"][0]] == ["2"]
    assert {each["id"] for each in sides(event)["tags"][1]} == {"1", "2"}


def test_a_deleted_record_tells_the_list_it_had(session, events):
    session.add(Post(id=1, title="One", tags=[Tag(id=1, name="red")]))
    session.commit()
    events()

    session.delete(session.get(Post, 1))
    session.commit()

    assert sides(events()[0])["tags"] == ([ref("tag", 1, "red")], [])


def test_a_list_left_as_it_was_is_no_event(session, events):
    session.add(post := Post(id=1, title="One", tags=[Tag(id=1, name="red")]))
    session.commit()
    events()

    post.tags = list(post.tags)
    session.commit()

    assert events() == []
