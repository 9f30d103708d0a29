"""PostgreSQL is restarted under load: nothing acknowledged is lost, and the application goes on by itself."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from auditapp.config import BUSY_SECONDS
from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.models import Workspace
from tests.faults.senders import Senders, a_body, check_what_was_recorded, is_a_good_refusal
from tests.faults.serving import until

pytestmark = pytest.mark.faults


@pytest.fixture
def database(own_postgresql):
    """Return a database on a server as safe as it comes."""
    return own_postgresql.make_database()


def test_a_restart_under_load_loses_nothing_acknowledged(own_postgresql, app, key, serve):
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        assert db.session.scalar(sa.text(f"SHOW {name}")) == "on"
    db.session.remove()
    server = serve(app.config["SQLALCHEMY_DATABASE_URI"])
    pid = server.pid

    with Senders(server, key) as senders:
        for mode in ("fast", "immediate", "fast", "immediate"):
            since = len(senders.acknowledged)
            until(lambda since=since: len(senders.acknowledged) > since + 300, 30, "events are recorded")
            own_postgresql.restart(mode)
        since = len(senders.acknowledged)
        until(lambda: len(senders.acknowledged) > since + 300, 30, "it goes on by itself")

    check_what_was_recorded(senders)
    assert senders.statuses[503] >= 1, "the restarts were noticed"
    assert senders.cut_off == 0
    assert (server.pid, server.is_ready()) == (pid, True)
    assert "Traceback" not in server.log


@pytest.fixture(params=[1, 8], ids=["by INSERT", "by COPY"])
def under_way(request, own_postgresql, app, key, serve):
    """Return a request that waits in the middle of writing, for a key that another transaction holds."""
    events = request.param
    server = serve(app.config["SQLALCHEMY_DATABASE_URI"])
    senders = Senders(server, key)
    assert senders.send("before", 1).status == 201  # or it would wait for the event's name, before that
    workspace = db.session.scalars(sa.select(Workspace)).one()
    record_batch(
        workspace, a_body("held", events)["events"], claimed_by={"type": "api_key", "id": "1", "name": None}
    )
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(senders.send, "held", events)
        way = "INSERT INTO" if events == 1 else "COPY"
        writing = f"FROM pg_stat_activity WHERE query LIKE '{way} event %' AND wait_event_type = 'Lock'"
        until(lambda: own_postgresql.ask(f"SELECT count(*) {writing}") == 1, 10, f"the {way} waits")
        yield SimpleNamespace(answer=answer, writing=writing, senders=senders, server=server, events=events)


def test_a_session_that_ends_in_the_middle_of_writing_is_a_503(under_way, own_postgresql):
    own_postgresql.ask(f"SELECT pg_terminate_backend(pid) {under_way.writing}")

    refused = under_way.answer.result(20)
    db.session.rollback()
    again = under_way.senders.send("held", under_way.events)

    assert is_a_good_refusal(refused), (refused, under_way.server.log)
    assert (again.status, again.json["events"][0]["duplicate"]) == (201, False)
    check_what_was_recorded(under_way.senders)


def test_waiting_too_long_for_another_transaction_is_a_503(under_way):
    refused = under_way.answer.result(20)
    db.session.rollback()
    again = under_way.senders.send("held", under_way.events)

    assert is_a_good_refusal(refused) and BUSY_SECONDS - 1 < refused.seconds < BUSY_SECONDS + 3
    assert (again.status, again.json["events"][0]["duplicate"]) == (201, False)
    check_what_was_recorded(under_way.senders)


def test_a_key_that_another_transaction_recorded_meanwhile_is_a_duplicate(under_way):
    db.session.commit()

    answer = under_way.answer.result(20)

    assert answer.status == 200, (answer.text, under_way.server.log)
    assert answer.json["events"][0]["duplicate"]
    check_what_was_recorded(under_way.senders)
