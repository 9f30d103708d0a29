"""The disk is full: 503, nothing half-written, and it goes on by itself once there is room.

SQLite's file stands on a small disk, PostgreSQL's database in a tablespace on one. PostgreSQL's
write-ahead log is not filled: the server then stops itself (PANIC), and is an administrator's to
start; to Auditapp that is a server that is gone, which ``test_restarted_postgresql`` has.
"""

import shutil

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import Event
from tests.conftest import BOTH
from tests.faults.readers import Reader
from tests.faults.senders import EVENTS, Senders, check_what_was_recorded, is_a_good_refusal
from tests.faults.serving import until
from tests.faults.small_disk import MEBIBYTE, NO_MOUNT, SmallDisk

pytestmark = pytest.mark.faults
BATCH = 400
SAYS_FULL = {"sqlite": "database or disk is full", "postgresql": "No space left on device"}


@pytest.fixture
def disk():
    """Return a disk of this test's own."""
    try:
        disk = SmallDisk(64)
    except PermissionError as error:
        pytest.skip(NO_MOUNT + str(error))
    yield disk
    disk.remove()


@pytest.fixture(params=BOTH)
def database(request, disk, migrated):
    """Return a database that is on the small disk."""
    if request.param == "sqlite":
        shutil.copy(migrated("sqlite"), disk.folder / "test.db")
        yield f"sqlite:///{disk.folder / 'test.db'}"
        return
    server = request.getfixturevalue("own_postgresql")
    folder = disk.folder / "tablespace"
    folder.mkdir()
    folder.chmod(0o755)
    server.own(folder)
    server.run(f"CREATE TABLESPACE small LOCATION '{folder}'")
    url = server.make_database("TABLESPACE small")
    yield url
    server.run(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)", "DROP TABLESPACE small")


def test_a_full_disk_is_a_503_and_room_is_found_by_itself(app, key, disk, serve):
    kind = db.engine.dialect.name
    server = serve(app.config["SQLALCHEMY_DATABASE_URI"])
    pid, senders, reader = server.pid, Senders(server, key), Reader(server)
    assert senders.send("before", BATCH).status == 201
    disk.fill(leave=2 * MEBIBYTE)

    names = (f"batch {number}" for number in range(100))
    name = next(name for name in names if senders.send(name, BATCH).status != 201)
    refused = [senders.send(name, BATCH) for _ in range(3)]

    assert all(is_a_good_refusal(answer) for answer in refused), refused
    assert SAYS_FULL[kind] in server.log
    check_what_was_recorded(senders)
    assert is_recorded(name) == 0
    page, listed = reader.read(), server.ask("GET", EVENTS, Authorization=f"Bearer {key}")
    assert (page.status, listed.status, len(listed.json["events"])) == (200, 200, 50)

    disk.make_room()
    answer = senders.send(name, BATCH)

    assert answer.status == 201 and not any(each["duplicate"] for each in answer.json["events"])
    senders.careful.add(name)
    check_what_was_recorded(senders)
    assert is_recorded(name) == BATCH
    assert server.pid == pid and "Traceback" not in server.log


def test_a_full_disk_under_load_ends_by_itself(app, key, disk, serve):
    server = serve(app.config["SQLALCHEMY_DATABASE_URI"])
    disk.fill(leave=MEBIBYTE)

    with Senders(server, key) as senders:
        until(lambda: senders.statuses[503] > 20, 30, "the disk is full")
        disk.make_room()
        since = len(senders.acknowledged)
        until(lambda: len(senders.acknowledged) > since + 300, 30, "it goes on by itself")

    check_what_was_recorded(senders)
    assert set(senders.statuses) <= {200, 201, 503} and senders.cut_off == 0


def is_recorded(name):
    """Return how many events of a batch there are."""
    keys = Event.idempotency_key.startswith(f"{name}/")
    found = db.session.scalar(sa.select(sa.func.count()).select_from(Event).where(keys))
    db.session.remove()
    return found
