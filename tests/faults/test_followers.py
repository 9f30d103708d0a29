"""Workers are killed, stopped and doubled while events come in: each has one place and one effect."""

import json
import signal
import threading
from contextlib import contextmanager
from random import Random
from time import monotonic, sleep

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers import catch_up
from auditapp.followers.lease import LEASE_SECONDS
from auditapp.index.state import index_state_of
from auditapp.log import record, record_batch
from auditapp.models import Workspace, log_leaf
from auditapp.models import worker as worker_table
from tests.conftest import an_event
from tests.faults.serving import until
from tests.faults.worker_process import FlaskWorker, ForkedWorker
from tests.followers.reading_back import check_whole, deal, in_context, placed

pytestmark = pytest.mark.faults
KILLS = 20


@pytest.fixture(autouse=True)
def durable(set_in_database):
    set_in_database("synchronous_commit", "on")  # the tests' server has it off, and doctor minds


@pytest.fixture
def acme_id(acme):
    record(acme, deal("known"))  # else who writes the first of a kind keeps others waiting
    number = acme.id
    db.session.commit()
    db.session.remove()
    db.engine.dispose()
    return number


@pytest.fixture
def start(database, tmp_path):
    """Return a function that starts ``flask worker`` until the test ends."""
    workers = []

    def one():
        workers.append(FlaskWorker(database, tmp_path / f"worker-{len(workers)}.log"))
        return workers[-1]

    yield one
    for worker in workers:
        worker.stop()


def read(app, query):
    return in_context(app, lambda: db.session.scalar(query))


def holder_pid(app):
    """Return the id of the process that holds the lease."""
    holder = read(app, sa.select(worker_table.c.holder))
    return int(holder.split(":")[1]) if holder else None


def is_followed(app, workspace_id):
    state = in_context(app, index_state_of, workspace_id)
    return state.is_current and not state.behind


@contextmanager
def recording(app, workspace_id):
    """Have two threads record, some events at a time, and yield a function that tells how many they have."""
    stop, recorded = threading.Event(), [0, 0]

    def record_some(at):
        workspace, chance = db.session.get(Workspace, workspace_id), Random(at)  # noqa: S311
        while not stop.is_set():
            count = chance.choice((1, 3, 20))
            names = [f"t{at}n{recorded[at] + each}" for each in range(count)]
            try:
                record_batch(workspace, [deal(name) for name in names])
                db.session.commit()
            except sa.exc.OperationalError:  # SQLite's lock was with others for too long
                db.session.rollback()
                continue
            recorded[at] += count
            sleep(0.02)

    threads = [threading.Thread(target=in_context, args=(app, record_some, at)) for at in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: sum(recorded)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def check_with_doctor(cli, app, workspace_id, events):
    """Check that so many deals are there, each with one place and one effect, and ask the doctor."""
    assert len(in_context(app, placed, workspace_id)) == events
    in_context(app, check_whole, workspace_id)
    result = cli("doctor", "--deep")
    assert result.code == 0, result.out


def test_killed_twenty_times_while_it_gives_places_and_indexes(app, database, acme_id, cli):
    chance, at_kill = Random(7), []  # noqa: S311
    with recording(app, acme_id) as recorded:
        for _ in range(KILLS):
            # Nobody waits for the lease of one that was killed, so that each is killed at work.
            in_context(app, take_lease_away)
            worker = ForkedWorker(database)
            since = recorded()
            until(lambda since=since: recorded() > since + 20, 20, "events are recorded")
            until(lambda: holder_pid(app), 40, "it works")
            sleep(chance.random() * 0.15)
            worker.kill()
            at_kill.append(in_context(app, index_state_of, acme_id).behind)

    in_context(app, catch_up, db.engine)

    assert any(at_kill), "it was killed while something was left to do"
    check_with_doctor(cli, app, acme_id, recorded() + 1)


def can_write():
    """Tell whether SQLite's lock is free, or soon is."""
    with db.engine.connect() as connection:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except sa.exc.OperationalError:
            return False
        return True


def take_lease_away():
    db.session.execute(sa.delete(worker_table))
    db.session.commit()


def test_two_workers_and_the_holder_is_stopped_past_its_lease_and_woken(app, acme_id, start, cli):
    workers = [start(), start()]
    until(lambda: holder_pid(app), 40, "one holds the lease")
    first = holder_pid(app)
    assert first in [worker.pid for worker in workers]
    [holder] = [worker for worker in workers if worker.pid == first]
    [other] = [worker for worker in workers if worker.pid != first]

    with recording(app, acme_id) as recorded:
        until(lambda: recorded() > 100, 20)
        holder.signal(signal.SIGSTOP)
        while db.engine.dialect.name == "sqlite" and not can_write():
            # Who is stopped in the midst of writing keeps SQLite's lock: nobody could take over.
            holder.signal(signal.SIGCONT)
            sleep(0.05)
            holder.signal(signal.SIGSTOP)
        until(lambda: holder_pid(app) == other.pid, LEASE_SECONDS + 20, "the other takes over")
        since = recorded()
        until(lambda: recorded() > since + 50, 20)
        holder.signal(signal.SIGCONT)
        since = recorded()
        until(lambda: recorded() > since + 100, 20)
        assert holder_pid(app) == other.pid
    total = recorded() + 1
    until(lambda: is_followed(app, acme_id), 20, "all is followed")

    assert [worker.stop() for worker in workers] == [0, 0]
    assert holder_pid(app) is None, "who is stopped leaves the lease to others"
    check_with_doctor(cli, app, acme_id, total)


def test_a_transaction_that_stays_open_keeps_nobody_waiting_and_is_not_passed_over(
    app, acme, acme_id, key, database, serve, cli
):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("writers take turns there")
    server = serve(database)
    head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    late = db.engine.connect()
    record(db.session.get(Workspace, acme_id), deal("late"), connection=late)
    db.session.remove()
    ends, slowest, sent = monotonic() + 3, 0.0, 0

    while monotonic() < ends:
        event = an_event("deal.updated", entity=f"n{sent}", name=f"kiwi number{sent}")
        answer = server.ask("POST", "/api/v1/events", json.dumps(event).encode(), **head)
        assert answer.status == 201
        found = server.ask("GET", f"/api/v1/events?q=number{sent}", **head)
        assert [each["entity"]["id"] for each in found.json["events"]] == [f"n{sent}"]
        slowest, sent = max(slowest, answer.seconds, found.seconds), sent + 1
    assert read(app, sa.select(sa.func.count()).select_from(log_leaf)) > sent
    late.commit()
    late.close()

    until(lambda: is_followed(app, acme_id), 20, "the late one is followed")
    assert slowest < 3, "nobody waits for an open transaction"
    names = in_context(app, placed, acme_id)
    assert names == ["known", *(f"n{number}" for number in range(sent)), "late"]
    check_with_doctor(cli, app, acme_id, sent + 2)
