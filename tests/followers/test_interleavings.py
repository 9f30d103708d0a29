"""However recording, placing, following and what kills them take turns, it comes out the same."""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from auditapp.extensions import db
from auditapp.followers import catch_up, places, step
from auditapp.followers.index import INDEX
from auditapp.followers.places import give_places
from auditapp.followers.step import begin_anew, cursor_of, follow
from auditapp.followers.transaction import transaction
from auditapp.log import record_batch
from auditapp.models import Event, log_leaf
from tests.followers.reading_back import check_places, check_whole, counted, cursor, deal

WORKSPACE = st.sampled_from([0, 1])
STEPS = st.one_of(
    st.tuples(st.just("record"), WORKSPACE, st.integers(1, 4)),
    st.tuples(st.just("leave open"), WORKSPACE, st.integers(1, 3)),
    st.tuples(st.just("commit"), WORKSPACE),
    st.tuples(st.just("place"), WORKSPACE),
    st.tuples(st.just("killed while placing"), WORKSPACE),
    st.tuples(st.just("follow"), WORKSPACE),
    st.tuples(st.just("killed while following"), WORKSPACE),
    st.tuples(st.just("begin anew"), WORKSPACE),
)


class Killed(BaseException):
    """Somebody pulled the plug."""


class Play:
    """Two workspaces, and for each at most one transaction that somebody has left open."""

    def __init__(self, workspaces):
        self._workspaces = workspaces
        self.ids = [workspace.id for workspace in workspaces]
        self._open = {}

    def do(self, what, at, count=0):
        """Take one step."""
        number = self.ids[at]
        if what == "leave open" and db.engine.dialect.name == "postgresql" and at not in self._open:
            self._open[at] = db.engine.connect()
            self._record(at, count, self._open[at])
        elif what in ("record", "leave open"):
            with db.engine.connect() as connection:
                self._record(at, count, connection)
                connection.commit()
        elif what == "commit" and at in self._open:
            connection = self._open.pop(at)
            connection.commit()
            connection.close()
        elif what == "place":
            give_places(db.engine, number)
        elif what == "killed while placing":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(places, "_add_leaves", die_after(places._add_leaves))
                allow_to_die(give_places, db.engine, number)
        elif what == "follow":
            follow(db.engine, INDEX, number)
        elif what == "killed while following":
            allow_to_die(follow, db.engine, replace(INDEX, apply=die_after(INDEX.apply)), number)
        elif what == "begin anew":
            with transaction(db.engine) as connection:
                begin_anew(connection, INDEX, number, cursor_of(connection, INDEX, number))
                connection.commit()

    def end(self):
        """Commit what is open."""
        for at in list(self._open):
            self.do("commit", at)

    def _record(self, at, count, connection):
        events = [deal(f"n{number}") for number in range(count)]
        record_batch(self._workspaces[at], events, connection=connection)


def die_after(function):
    def dying(*given):
        function(*given)
        raise Killed

    return dying


def allow_to_die(function, *given):
    try:
        function(*given)
    except Killed:
        return


@pytest.fixture
def play(acme, other, monkeypatch):
    monkeypatch.setattr(places, "BATCH", 3)
    monkeypatch.setattr(places, "MAX_ROWS", 2)
    monkeypatch.setattr(step, "BATCH", 2)
    play = Play([acme, other])
    for at in (0, 1):
        play.do("record", at, 1)  # else an open transaction that knows a new kind keeps others waiting
    db.session.expunge_all()
    db.session.rollback()
    return play


def check_so_far(number):
    """Check that the places are dense, and that what has been followed is what is counted."""
    check_places(number, all_of_them=False)
    beside = sa.and_(log_leaf.c.workspace_id == Event.workspace_id, log_leaf.c.event_id == Event.id)
    followed = sa.select(sa.func.count()).select_from(Event).join(log_leaf, beside)
    mine = (Event.workspace_id == number, log_leaf.c.seq <= cursor(number))
    assert counted(number) == db.session.scalar(followed.where(*mine))
    db.session.rollback()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, max_size=25))
def test_any_order_of_steps_ends_with_dense_places_and_exact_counts(play, steps):
    try:
        for each in steps:
            play.do(*each)
            check_so_far(play.ids[each[1]])
    finally:
        play.end()
    catch_up(db.engine)

    check_whole(*play.ids)
    db.session.rollback()
