"""Of several workers one works; another takes over when it is gone, and no clock decides that."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event as Signal
from threading import Thread

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers import Worker, catching_up, lease, worker, worker_runs
from auditapp.followers.failures import failures_of, try_at_once
from auditapp.followers.index import INDEX
from auditapp.followers.lease import Lease
from auditapp.index.state import index_state_of
from auditapp.models import follower
from auditapp.models import worker as worker_table
from tests.faults.serving import until
from tests.followers.reading_back import check_whole, recorded

SOON = 10  # seconds; mostly it takes some hundredths


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(worker, "FIRST_WAIT", 0.05)


@contextmanager
def working():
    """Have a worker work; it is stopped as by Ctrl-C at the end."""
    stop = Signal()
    thread = Thread(target=Worker(db.engine, stop).run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(SOON)
        assert not thread.is_alive()


def holder():
    with db.engine.connect() as connection:
        return connection.scalar(sa.select(worker_table.c.holder))


def put_clock_off(monkeypatch, off):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + off

    monkeypatch.setattr(lease, "datetime", Clock)


def is_followed(workspace_id):
    db.session.rollback()
    state = index_state_of(workspace_id)
    return state.is_current and not state.behind


def test_one_of_two_holds_the_lease_as_long_as_it_shows_that_it_is_there(app):
    first, second = Lease(db.engine), Lease(db.engine)

    assert first.hold()
    stop = Signal()
    for _ in range(18):  # three times as long as a lease lasts
        assert first.hold()
        assert not second.hold()
        stop.wait(0.05)
    assert worker_runs(db.engine)
    assert holder() == first.holder


def test_another_takes_over_when_the_holder_is_gone(app):
    first, second, stop = Lease(db.engine), Lease(db.engine), Signal()
    assert first.hold()

    assert not second.hold()
    stop.wait(0.1)
    assert not second.hold(), "it may only be slow"
    stop.wait(0.3)
    assert second.hold()

    assert not first.hold(), "who was only stopped, and wakes, learns that it is not the holder any more"
    assert holder() == second.holder


def test_it_is_left_to_others_at_once_at_the_end(app):
    first, second = Lease(db.engine), Lease(db.engine)
    assert first.hold()

    first.release()

    assert holder() is None
    assert not worker_runs(db.engine)
    assert second.hold()
    first.release()
    assert holder() == second.holder, "nobody leaves what another one holds"


def test_a_clock_that_is_put_back_two_hours_takes_it_from_nobody(app, monkeypatch):
    first, second, stop = Lease(db.engine), Lease(db.engine), Signal()
    assert first.hold()
    assert not second.hold()

    put_clock_off(monkeypatch, -timedelta(hours=2))

    for _ in range(10):
        assert first.hold()
        assert not second.hold()
        stop.wait(0.05)
    assert worker_runs(db.engine), "the next beat tells the new time"
    stop.wait(0.4)
    assert second.hold()


def test_a_worker_follows_what_is_recorded(acme):
    with working():
        for number in range(5):
            recorded(acme, f"n{number}")
        until(lambda: is_followed(acme.id), SOON)
    check_whole(acme.id)
    assert holder() is None


def test_one_of_two_workers_works_and_the_other_takes_over_at_once(acme, monkeypatch):
    monkeypatch.setattr(lease, "LEASE_SECONDS", 60)  # it is left, and not waited for
    stop_first, stop_second = Signal(), Signal()
    first = Thread(target=Worker(db.engine, stop_first).run)
    second = Thread(target=Worker(db.engine, stop_second).run)
    try:
        first.start()
        until(lambda: holder() is not None, SOON)
        was = holder()
        second.start()
        recorded(acme, "n0")
        until(lambda: is_followed(acme.id), SOON)
        assert holder() == was
        stop_first.set()
        until(lambda: holder() not in (None, was), SOON)
        recorded(acme, "n1")
        until(lambda: is_followed(acme.id), SOON)
    finally:
        for stop, thread in ((stop_first, first), (stop_second, second)):
            stop.set()
            thread.join(SOON)
    check_whole(acme.id)


def test_a_worker_goes_on_after_the_database_failed(acme, monkeypatch):
    follow_once, calls = worker.follow_once, []

    def failing(*given):
        calls.append(1)
        if len(calls) < 4:
            raise sa.exc.OperationalError("x", None, Exception("the connection is gone"))
        return follow_once(*given)

    monkeypatch.setattr(worker, "follow_once", failing)
    recorded(acme, "n0")
    with working():
        until(lambda: is_followed(acme.id), SOON)
    check_whole(acme.id)


def test_a_fault_in_one_workspace_keeps_nobody_from_the_others(acme, other, monkeypatch, caplog):
    acme_id = acme.id

    def forget(connection, workspace_id):
        if workspace_id == acme_id:
            raise ValueError("a fault of the program")
        return INDEX.forget(connection, workspace_id)

    monkeypatch.setattr(catching_up, "FOLLOWERS", (replace(INDEX, forget=forget),))
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.2)
    db.session.execute(sa.update(follower).values(version=0).where(follower.c.workspace_id == acme_id))
    db.session.commit()
    recorded(acme, "n0")
    with working():
        for number in range(3):
            recorded(other, f"n{number}")
        until(lambda: is_followed(other.id), SOON)
        check_whole(other.id)
        assert "a log cannot be followed" in caplog.text

        monkeypatch.setattr(catching_up, "FOLLOWERS", (INDEX,))
        until(lambda: is_followed(acme_id), SOON)
    check_whole(acme_id)


def test_a_worker_tries_again_what_failed(acme, monkeypatch):
    def fail(*_):
        raise ValueError("nobody can index this")

    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(catching_up, "FOLLOWERS", (replace(INDEX, prepare=fail),))
    recorded(acme, "n0")
    with working():
        until(lambda: is_followed(acme.id), SOON)
        monkeypatch.setattr(catching_up, "FOLLOWERS", (INDEX,))
        with db.engine.begin() as connection:
            try_at_once(connection, acme.id)
        until(lambda: not failures(acme.id), SOON)
    check_whole(acme.id)


def failures(workspace_id):
    with db.engine.connect() as connection:
        return failures_of(connection, workspace_id)
