"""Ready means that it can record: on a full disk and on a disk that takes no writes it is not."""

import shutil
import subprocess

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from tests.conftest import BOTH
from tests.faults.serving import until
from tests.faults.small_disk import NO_MOUNT, SmallDisk

pytestmark = pytest.mark.faults
SOON = 10  # seconds; it is tried every five


@pytest.fixture
def disk():
    """Return a disk of this test's own."""
    try:
        disk = SmallDisk(48)
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


@pytest.mark.parametrize("leave", [0, 20_000], ids=["nothing left", "some pages left"])
def test_a_full_disk_is_not_ready_until_there_is_room(app, key, cli, disk, serve, leave):
    server = serve(app.config["SQLALCHEMY_DATABASE_URI"])
    db.session.remove()
    db.engine.dispose()

    disk.fill(leave=leave)
    until(lambda: not server.is_ready(), SOON, "it is noticed")
    answer, alive, found = server.ask("GET", "/readyz"), server.ask("GET", "/healthz"), cli("doctor")

    assert (answer.status, answer.text) == (503, b"not ready: the disk is full\n")
    assert alive.status == 200
    assert found.code == 1 and "WRONG  the disk is full: free some space" in found.out
    disk.make_room()
    until(server.is_ready, SOON, "room is noticed")
    assert "Traceback" not in server.log


def test_a_disk_that_takes_no_writes_is_not_ready(request, app, key, cli, disk, serve):
    if db.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL's own affair")
    server = serve(app.config["SQLALCHEMY_DATABASE_URI"])
    db.session.remove()
    db.engine.dispose()

    # Over itself, read-only: the disk itself cannot become so while the server has a file open.
    subprocess.run(["mount", "--bind", disk.folder, disk.folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", disk.folder], check=True)
    until(lambda: not server.is_ready(), SOON, "it is noticed")
    answer, found = server.ask("GET", "/readyz"), cli("doctor")
    subprocess.run(["umount", "--lazy", disk.folder], check=True)

    assert answer.text == b"not ready: the database cannot be written\n"
    assert found.code == 1 and "WRONG  the database cannot be written: let the user" in found.out
    until(server.is_ready, SOON, "it takes writes again")
