"""Backups taken while events are recorded: each is whole, and as the log was at one moment."""

import subprocess
import sys
from collections import Counter

import pytest
import sqlalchemy as sa

from auditapp.config import ROOT
from auditapp.models import Event, EventPayload
from tests.faults.senders import Senders, check_what_was_recorded
from tests.faults.serving import until
from tests.faults.small_disk import NO_MOUNT, SmallDisk

pytestmark = pytest.mark.faults
BACKUPS = 4
KEY = list(Event.__table__.columns.keys()).index("idempotency_key")


def flask(database, *args):
    """Run a command as an operator does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", *map(str, args)],
        cwd=ROOT,
        env={"AUDITAPP_DATABASE_URL": database, "AUDITAPP_SECRET_KEY": "of these tests only"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def rows_of(database):
    """Return every row of the log, by its number, with its sections and their salts."""
    engine = sa.create_engine(database)
    join = sa.and_(EventPayload.event_id == Event.id, EventPayload.workspace_id == Event.workspace_id)
    query = sa.select(Event.__table__, EventPayload.__table__).outerjoin(EventPayload.__table__, join)
    with engine.connect() as connection:
        rows = {row[1]: tuple(row) for row in connection.execute(query)}
    engine.dispose()
    return rows


def test_a_backup_under_load_holds_all_that_was_acknowledged_before_and_nothing_by_half(
    database, key, serve, tmp_path
):
    server, kept = serve(database), {}

    with Senders(server, key) as senders:
        for number in range(BACKUPS):
            until(lambda n=number: len(senders.acknowledged) > 200 * (n + 1), 30, "events are recorded")
            before = set(senders.acknowledged)
            flask(database, "backup", tmp_path / f"{number}.backup")
            kept[number] = before

    check_what_was_recorded(senders)
    log = rows_of(database)
    for number, before in kept.items():
        place = f"sqlite:///{tmp_path / f'{number}.db'}"
        flask(place, "restore", tmp_path / f"{number}.backup")
        back = rows_of(place)
        assert all(log[event] == row for event, row in back.items()), "event by event"
        keys = {row[KEY] for row in back.values()} - {None}
        assert before <= keys
        batches = Counter(each.rpartition("/")[0] for each in keys)
        assert all(count == senders.sizes[name] for name, count in batches.items()), "no batch by half"


def test_a_backup_onto_a_full_disk_says_so_and_leaves_nothing(database, key, tmp_path):
    try:
        disk = SmallDisk(1)
    except PermissionError as error:
        pytest.skip(f"{NO_MOUNT}{error}")
    try:
        disk.fill(leave=65_536)
        with pytest.raises(subprocess.CalledProcessError) as failed:
            flask(database, "backup", disk.folder / "backup")
        assert failed.value.stderr.count("\n") == 1 and "disk" in failed.value.stderr
        assert [each.name for each in disk.folder.iterdir()] == ["ballast"]
    finally:
        disk.remove()
