"""A log of before events had places: each gets one in the order of the numbers, and the index goes on."""

import uuid

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade

from auditapp import create_app
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.followers import catch_up
from auditapp.index.state import index_state_of
from auditapp.index.terms import INDEX_VERSION
from auditapp.log import record
from auditapp.models import Workspace
from auditapp.models.derived import HOUR
from tests.conftest import BOTH, an_event
from tests.databases import database_url, run_on_server
from tests.followers.reading_back import check_places, counted, found
from tests.old_logs import EVENTS, fill

MIGRATIONS = str(ROOT / "migrations")
CURRENT = {"version": INDEX_VERSION, "first_event": 0, "done_event": EVENTS, "last_event": EVENTS}


@pytest.fixture(params=BOTH)
def old(request, tmp_path):
    """Return a function that makes a log of revision 0014, its index in some state."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        server, name = request.getfixturevalue("postgresql"), f"old_{uuid.uuid4().hex}"
        run_on_server(server, f"CREATE DATABASE {name}")
        url = database_url(server, name)
    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "TESTING": True, "SECRET_KEY": "t"})

    def make(**state):
        upgrade(directory=MIGRATIONS, revision="0014")
        with db.engine.begin() as connection:
            fill(connection)
            if state:
                columns = ", ".join(state)
                values = ", ".join(f":{name}" for name in state)
                statement = f"INSERT INTO index_state (workspace_id, {columns}) VALUES (1, {values})"
                connection.execute(sa.text(statement), state)

    with app.app_context():
        yield make
        db.session.remove()
        db.engine.dispose()
    if request.param == "postgresql":
        run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def count_as_then(*writers):
    """Count the events as the program of the time did: on PostgreSQL in a row for each writer."""
    kind = "event, actor_type, origin, outcome"
    part = "id % :writers = :writer"
    with db.engine.begin() as connection:
        for writer in writers:
            connection.execute(
                sa.text(
                    f"INSERT INTO event_count (workspace_id, hours, start, {kind}, events)"
                    f" SELECT 1, {HOUR}, min(occurred_at), {kind}, count(*) FROM event WHERE {part}"
                    f" GROUP BY {kind}"
                ),
                {"writers": len(writers), "writer": writer},
            )


def test_events_get_their_places_in_the_order_of_their_numbers(old):
    old(**CURRENT)

    upgrade(directory=MIGRATIONS)

    check_places(1)
    in_order = db.session.scalars(sa.text("SELECT event_id FROM log_leaf ORDER BY seq"))
    assert list(in_order) == list(range(1, EVENTS + 1))


def test_an_index_that_was_current_is_not_made_anew_and_the_log_goes_on(old):
    old(**CURRENT)
    is_sqlite = db.engine.dialect.name == "sqlite"
    count_as_then(*((0,) if is_sqlite else (0, 1, 2)))

    upgrade(directory=MIGRATIONS)

    state = index_state_of(1)
    assert (state.is_current, state.seq, state.behind) == (True, EVENTS, 0)
    assert counted(1) == EVENTS
    rows = "SELECT count(*) FROM event_count"
    kinds = "SELECT count(*) FROM (SELECT DISTINCT event, start, origin FROM event_count) AS kinds"
    assert db.session.scalar(sa.text(rows)) == db.session.scalar(sa.text(kinds)), "one row a count"

    record(db.session.get(Workspace, 1), an_event("deal.updated", name="kiwi after"))
    db.session.commit()
    catch_up(db.engine)

    assert index_state_of(1).seq == EVENTS + 1
    assert counted(1) == EVENTS + 1
    check_places(1)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {**CURRENT, "version": INDEX_VERSION - 1},
        {**CURRENT, "done_event": EVENTS // 2},
        {**CURRENT, "version": 0, "done_event": 0, "last_event": 0},
    ],
    ids=["nobody noted it", "of another version", "not finished", "never begun"],
)
def test_an_index_that_was_not_current_is_made_anew_from_the_first_place(old, state):
    old(**state)
    count_as_then(0)

    upgrade(directory=MIGRATIONS)

    assert not index_state_of(1).is_current
    check_places(1)
    db.session.rollback()

    catch_up(db.engine)

    assert index_state_of(1).is_current
    check_found_and_counted()


def check_found_and_counted():
    """These events are of several kinds, each with its number as a word."""
    check_places(1)
    assert counted(1) == EVENTS
    assert found(1, "kiwi7") == ["7"]
    assert len(found(1, "pump")) == EVENTS
