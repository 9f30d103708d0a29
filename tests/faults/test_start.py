"""Starting on what is wrong: one line that says what to do; never a traceback, silence or a new demo."""

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess

import pytest

from tests.faults.checkout import Checkout
from tests.faults.serving import STOP_SECONDS, until

pytestmark = pytest.mark.faults


@pytest.fixture
def checkout(tmp_path):
    """Return a fresh clone."""
    return Checkout(tmp_path / "clone")


def stops_with_one_line(ended, *says):
    assert ended.code not in (0, None), ended
    assert ended.err.startswith("auditapp: ") and len(ended.err.splitlines()) == 1, ended
    assert all(each in ended.err for each in says), ended
    assert "Traceback" not in ended.out + ended.err and "hunter2" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DATABASE_URL": "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"}, "does not answer"),
        ({"DATABASE_URL": "postgresql+psycopg://u:hunter2@nowhere.invalid/x"}, "does not answer"),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all/x.db"}, "its folder"),
        ({"DATABASE_URL": "sqlite:////dev"}, "its folder"),
        ({"HOST": "nowhere.invalid"}, "HOST 'nowhere.invalid' is no address"),
        ({"HOST": "a" * 70}, "is no address"),
        ({"HOST": "203.0.113.9"}, "HOST must be an address of this machine"),
        ({"PORT": "http"}, "PORT must be a number"),
        ({"PORT": "70000"}, "PORT must be a number"),
        ({"SECRET_KEY": "hunter2"}, "AUDITAPP_SECRET_KEY: too short"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(checkout, settings, says):
    stops_with_one_line(checkout.run(**settings), says)


def test_a_port_that_is_taken_is_one_line(checkout):
    with socket.socket() as other:
        other.bind(("127.0.0.1", checkout.port))
        other.listen()

        stops_with_one_line(checkout.run(), "in use", f"try PORT={checkout.port + 1}")


def test_an_empty_secret_is_one_line_for_the_server_and_the_doctor(checkout):
    checkout.instance.mkdir()
    (checkout.instance / "secret_key").touch()

    for command in ([], ["doctor"], ["db", "upgrade"]):
        stops_with_one_line(checkout.run(*command), "secret_key is empty", "delete the file")


def test_an_instance_that_is_no_folder_is_one_line(checkout):
    checkout.instance.touch()

    stops_with_one_line(checkout.run(), "instance", "must be a folder")


@pytest.mark.parametrize("content", [b"what is this\n", b"\xff\xfe", b"AUDITAPP_HTPPS=on\n"])
def test_a_file_of_settings_that_cannot_be_read_stops_the_start_with_one_line(checkout, content):
    (checkout.folder / ".env").write_bytes(content)

    stops_with_one_line(checkout.run())


def test_a_database_that_does_not_answer_is_one_line_for_commands_too(checkout):
    url = "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"

    for command in (["db", "upgrade"], ["workspace", "create", "x", "--name", "X", "--owner", "a@b.example"]):
        ended = checkout.run(*command, DATABASE_URL=url)
        assert ended.code == 1 and len(ended.err.splitlines()) == 1, ended
        assert "Traceback" not in ended.err and "hunter2" not in ended.err


def test_an_emptied_database_is_not_silently_a_new_demo(checkout, tmp_path):
    assert "Making the demo" in checkout.serve_once(tmp_path / "first.log")
    file = checkout.instance / "auditapp.db"
    kept = file.read_bytes()
    assert checkout.run("backup", "kept.backup").code == 0

    file.unlink()
    stops_with_one_line(checkout.run(), "is missing or empty now", "restore a backup")
    assert not file.exists()
    file.write_bytes(b"")
    stops_with_one_line(checkout.run(), "is missing or empty now")
    stops_with_one_line(checkout.run(HOST="0.0.0.0"), "is missing or empty now")  # noqa: S104
    assert checkout.run("db", "upgrade").code == 0
    stops_with_one_line(checkout.run(), "is missing or empty now")
    found = checkout.run("doctor")
    assert found.code == 1 and "WRONG  the database is empty, and was not" in found.out

    file.write_bytes(kept)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    stops_with_one_line(checkout.run(), "run a newer one")
    file.write_bytes(b"my shopping list" * 1000)
    stops_with_one_line(checkout.run(), "restore a backup")
    file.write_bytes(kept)
    assert "Making the demo" not in checkout.serve_once(tmp_path / "second.log")

    file.unlink()
    assert checkout.run("restore", "kept.backup").code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert "owner@demo.example" in checkout.serve_once(tmp_path / "restored.log")

    elsewhere = checkout.serve_once(tmp_path / "third.log", DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    assert f"This database is new. The last one here was sqlite:///{file}" in elsewhere


def test_there_is_no_demo_behind_a_proxy(checkout, tmp_path):
    said = checkout.serve_once(tmp_path / "server.log", TRUSTED_PROXIES="1")

    assert "Making the demo" not in said and "demo.example" not in said


def test_files_are_the_owners_only_whatever_the_umask(checkout, tmp_path):
    checkout.instance.mkdir(0o755)
    checkout.instance.chmod(0o777)

    process = checkout.serve(tmp_path / "server.log", umask=0)
    with sqlite3.connect(checkout.instance / "auditapp.db") as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE beside (x)")
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in checkout.instance.iterdir()}
    process.terminate()
    process.wait(STOP_SECONDS)

    assert {"auditapp.db", "secret_key", "databases"} <= set(modes) and len(modes) > 3, "a journal too"
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE(checkout.instance.stat().st_mode) == 0o700


def test_the_log_of_a_served_application_is_lines_of_json(checkout, tmp_path):
    told = checkout.serve_once(tmp_path / "server.log", LOG_FORMAT="json").splitlines()

    lines = [json.loads(line) for line in told if line.startswith("{")]
    assert "Started worker-1" in [line["message"] for line in lines]
    assert told[-len(lines) :] == [line for line in told if line.startswith("{")], "and nothing between them"


def test_a_worker_that_outlives_its_parent_ends_and_frees_the_port(checkout, tmp_path):
    process = checkout.serve(tmp_path / "server.log")
    worker = int(subprocess.check_output(["pgrep", "-P", str(process.pid)]).split()[0])

    os.kill(process.pid, signal.SIGKILL)
    process.wait(STOP_SECONDS)

    def is_gone():
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return True
        return False

    until(is_gone, 10, "the worker ends")
    assert "this worker ends" in (tmp_path / "server.log").read_text()
    again = checkout.serve_once(tmp_path / "again.log")
    assert "Making the demo" not in again
