"""Who, in which request, and because of what."""

import uuid

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import scoped_session, sessionmaker

from auditapp.capture import captured, capturing
from auditapp.extensions import db
from auditapp.log import record
from auditapp.models import Event
from tests.capture.host import Author, Post, Tag
from tests.conftest import an_event

HEADERS = {"X-Request-ID": "req\x7f-1", "User-Agent": "Browser/1"}


def test_a_request_gives_its_address_agent_and_id(session, events, app):
    with app.test_request_context(headers=HEADERS, environ_base={"REMOTE_ADDR": "198.51.100.7"}):
        session.add(Tag(name="red"))
        session.commit()

    (event,) = events()
    assert event["context"] == {"ip": "198.51.100.7", "user_agent": "Browser/1", "request_id": "req-1"}
    assert event["origin"] == "ui"
    assert event["correlation_id"] == "req-1"


def test_a_request_id_may_be_of_any_length(session, events, app):
    with app.test_request_context(headers={"X-Request-ID": "x" * 5000}):
        session.add(Tag(name="red"))
        session.commit()

    assert events()[0]["correlation_id"] == "x" * 512


def test_any_flask_application_will_do(session, events):
    with Flask("host").test_request_context(headers=HEADERS):
        session.add(Tag(name="red"))
        session.commit()

    assert events()[0]["context"]["user_agent"] == "Browser/1"


def test_the_actor_is_asked_for_once_a_flush(maker, follow, events):
    asked = []

    def actor():
        asked.append(1)
        return {"type": "user", "id": f"u_{len(asked)}", "name": "Ada"}

    follow(actor=actor)
    with maker() as session:
        session.add_all([Tag(name="a"), Tag(name="b"), Author(name="c")])
        session.flush()
        session.add(Tag(name="d"))
        session.commit()

    assert [event["actor"]["id"] for event in events()] == ["u_1", "u_1", "u_1", "u_2"]


def test_without_an_actor_it_is_the_application(maker, follow, events):
    follow(actor=lambda: None)
    with maker() as session:
        session.add(Tag(name="a"))
        session.commit()

    assert events()[0]["actor"]["type"] == "system"


def test_a_member_is_found_by_the_actors_address(maker, follow, acme):
    follow(actor={"type": "user", "id": "u_1", "email": "MEMBER@acme.example"})
    with maker() as session:
        for name in ("first", "second"):
            session.add(Tag(name=name))
            session.flush()
        session.commit()

    found = db.session.scalars(sa.select(Event.member_id).where(Event.event == "tag.created")).all()
    assert len(set(found)) == 1
    assert found[0] is not None


def test_events_of_one_transaction_belong_together_and_those_of_the_next_do_not(session, events):
    for name in ("a", "b"):
        session.add(Tag(name=name))
        session.flush()
    session.commit()
    session.add(Tag(name="c"))
    session.commit()

    first, second, third = (event["correlation_id"] for event in events())
    assert first == second != third


def test_an_automation_names_its_cause_and_shares_its_story(session, events):
    session.add(Tag(name="cause"))
    session.flush()
    (cause,) = captured(session)
    session.commit()

    with capturing(origin="workflow", caused_by=cause):
        session.add(Post(title="effect"))
        session.commit()
    session.add(Tag(name="after"))
    session.commit()

    first, effect, after = events()
    assert effect["origin"] == "workflow"
    assert effect["causation_id"] == str(first["uid"])
    assert effect["correlation_id"] == first["correlation_id"]
    assert after["causation_id"] is None
    assert after["correlation_id"] != first["correlation_id"]


@pytest.mark.parametrize(
    "form", [lambda it: it, lambda it: it.id, lambda it: str(it.id), lambda it: {"id": it.id}]
)
def test_a_cause_may_be_given_in_every_form_the_host_has(session, events, acme, form):
    recorded = record(acme, an_event("deal.won", correlation_id="story-1"))
    db.session.commit()

    with capturing(origin="workflow", caused_by=form(recorded)):
        session.add(Tag(name="effect"))
        session.commit()

    event = events()[-1]
    assert event["causation_id"] == str(recorded.id)
    assert event["correlation_id"] == "story-1"


def test_a_cause_that_the_log_does_not_know_is_kept(session, events):
    with capturing(caused_by="elsewhere-5"):
        session.add(Tag(name="a"))
        session.commit()
    with capturing(caused_by=uuid.uuid4()):
        session.add(Tag(name="b"))
        session.commit()

    assert events()[0]["causation_id"] == "elsewhere-5"


def test_blocks_nest_and_the_inner_one_wins(session, events):
    with capturing(origin="workflow", actor={"type": "workflow", "id": "w_1"}, correlation_id="outer"):
        with capturing(origin="import"):
            session.add(Tag(name="a"))
            session.flush()
        session.add(Tag(name="b"))
        session.flush()
    session.add(Tag(name="c"))
    session.commit()

    inner, outer, none = events()
    assert (inner["origin"], inner["actor"]["id"], inner["correlation_id"]) == ("import", "w_1", "outer")
    assert (outer["origin"], outer["correlation_id"]) == ("workflow", "outer")
    assert (none["origin"], none["actor"]["id"]) == ("system", "u_1")


def test_what_is_no_cause_is_refused():
    with pytest.raises(TypeError, match="not float"), capturing(caused_by=1.5):
        pass


def test_captured_tells_the_records_of_the_transaction(maker, follow):
    follow()
    registry = scoped_session(maker)
    registry.add(Author(name="Ada"))
    registry.flush()
    registry.execute(sa.update(Author).values(name="Ben"))
    registry.commit()

    found = captured(registry)
    registry.remove()

    assert [(each.event, each.entity_id) for each in found] == [
        ("author.created", "1"),
        ("author.updated", "1"),
    ]


def test_an_actor_that_is_none_for_the_log_fails_the_change(maker, follow):
    follow(actor={"type": "robot", "id": "r2"})
    with maker() as session, pytest.raises(ValueError, match="actor"):
        session.add(Tag(name="a"))
        session.flush()


def test_a_session_of_another_sessionmaker_is_not_captured(maker, follow, events):
    follow()
    with sessionmaker(db.engine)() as other_one:
        other_one.add(Tag(name="a"))
        other_one.commit()

    assert events() == []
