"""SQLite is locked by somebody else, longer than anybody waits: 503, and on it goes afterwards."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from auditapp.config import BUSY_SECONDS, sqlite_journal_mode
from auditapp.extensions import db
from tests.faults.readers import Reader
from tests.faults.senders import EVENTS, Senders, check_what_was_recorded, is_a_good_refusal

pytestmark = pytest.mark.faults
LOCKED_SECONDS = 13
PATIENCE = BUSY_SECONDS + 3  # what a request may take: the wait for the lock, and a slow machine


@pytest.fixture(params=["sqlite"])
def database(request, database):
    """Return a SQLite database; PostgreSQL is never locked as a whole."""
    return database


@pytest.fixture
def server(app, key, serve):
    """Return a running server."""
    return serve(app.config["SQLALCHEMY_DATABASE_URI"])


@pytest.fixture
def lock(app):
    """Return another program's connection, in no transaction yet."""
    path = db.engine.url.database
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_locked_for_13_seconds_is_a_503_for_writers_and_readers_go_on(server, key, lock):
    pid, senders, reader = server.pid, Senders(server, key), Reader(server)
    assert senders.send("before", 3).status == 201
    refused, pages = [], []

    def write(name):
        while time.monotonic() < locked_until - PATIENCE:
            refused.append(senders.send(name, 5))

    def read():
        while time.monotonic() < locked_until - 1:
            pages.append(reader.read())
            pages.append(server.ask("GET", EVENTS, Authorization=f"Bearer {key}"))
            time.sleep(0.3)

    lock.execute("BEGIN IMMEDIATE")
    locked_until = time.monotonic() + LOCKED_SECONDS
    with ThreadPoolExecutor(4) as pool:
        for task in [pool.submit(write, "one"), pool.submit(write, "two"), pool.submit(read)]:
            task.result()
        # Sent into the last seconds of the lock: it waits, and is recorded.
        last = pool.submit(senders.send, "three", 5)
        time.sleep(max(0, locked_until - time.monotonic()))
        lock.execute("COMMIT")
        waited = last.result()

    assert len(refused) >= 2 and all(is_a_good_refusal(answer) for answer in refused), refused
    assert all(BUSY_SECONDS - 1 < answer.seconds < PATIENCE for answer in refused)
    assert len(pages) > 10 and {page.status for page in pages} == {200}
    assert max(page.seconds for page in pages) < BUSY_SECONDS
    assert waited.status == 201
    assert [senders.send(name, 5).status for name in ("one", "two", "three")] == [201, 201, 200]
    check_what_was_recorded(senders)
    assert server.pid == pid and "Traceback" not in server.log


def test_locked_for_readers_too_is_a_503_for_them(server, key, lock):
    senders, reader = Senders(server, key), Reader(server)
    assert senders.send("before", 3).status == 201

    lock.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(3) as pool:
        write = pool.submit(senders.send, "one", 5)
        page = pool.submit(reader.read)
        listed = pool.submit(server.ask, "GET", EVENTS, Authorization=f"Bearer {key}")
        alive = server.ask("GET", "/healthz")
        answers = [write.result(), page.result(), listed.result()]
    lock.execute("COMMIT")

    # The write-ahead log lets readers pass even then.
    for_readers = 200 if sqlite_journal_mode() == "wal" else 503
    assert [answer.status for answer in answers] == [503, for_readers, for_readers]
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status == 503)
    assert all(answer.seconds < PATIENCE for answer in answers)
    assert (alive.status, alive.seconds < 1) == (200, True)
    assert (reader.read().status, senders.send("one", 5).status) == (200, 201)
    check_what_was_recorded(senders)
