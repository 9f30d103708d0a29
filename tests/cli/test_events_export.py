"""``flask events export``: whole or failing loudly, and never half a file."""

import csv
import io
import json
import os
import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from auditapp.outbound import files


@pytest.fixture
def export_to(cli):
    """Return a function that exports acme's deals to a file."""

    def run(path: Path, *more: str):
        return cli(
            "events", "export", "--workspace", "acme", "--query", "entity=deal", "--output", path, *more
        )

    return run


@pytest.fixture
def exports(cli):
    """Return a function that returns the payloads of acme's exports, the oldest first."""

    def find() -> list[dict]:
        lines = cli(
            "events", "export", "--workspace", "acme", "--query", "event=auditapp.export.finished"
        ).out
        found = [json.loads(line)["payload"] for line in lines.splitlines()]
        assert all(payload.pop("duration_ms") >= 0 for payload in found)
        return found

    return find


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_is_written_to_a_file_or_to_standard_output_alike(cli, export_to, tmp_path, note, form):
    for number in range(3):
        note(name=f"=Deal {number}")

    written = export_to(tmp_path / "out", "--format", form)
    shown = cli("events", "export", "--workspace", "acme", "--query", "entity=deal", "--format", form)

    assert (written.code, written.out, written.err) == (shown.code, "", shown.err) == (0, "", "")
    text = (tmp_path / "out").read_bytes()
    assert text.count(b"\n") == (4 if form == "csv" else 3)
    assert text.replace(b"\r\n", b"\n") == shown.out.encode(), "click's runner shows line ends as its own"


def test_csv_is_safe_and_starts_with_its_columns_for_other_programs(cli, note):
    event_id = note(name="=1+1", actor="ada")

    result = cli("events", "export", "--workspace", "acme", "--query", "entity=deal", "--format", "csv")

    [row] = csv.DictReader(io.StringIO(result.out, newline=""))
    assert (row["id"], row["entity_name"], row["actor_name"]) == (event_id, "'=1+1", "Ada")


def test_an_export_is_an_event_of_the_command_line(cli, export_to, tmp_path, note):
    note()
    export_to(tmp_path / "out", "--format", "csv")

    lines = cli("events", "export", "--workspace", "acme", "--query", "event=auditapp.export.*").out

    started, event = map(json.loads, lines.splitlines())
    assert started["payload"] == {"format": "csv", "query": "entity=deal"}
    assert event["payload"].pop("duration_ms") >= 0
    ended = {"events": 1, "skipped": 0, "complete": True}
    assert event["payload"] == {"format": "csv", "query": "entity=deal", **ended}
    assert event["causation_id"] == started["id"] and event["correlation_id"] == started["correlation_id"]
    assert (event["actor"]["id"], event["origin"], event["outcome"]) == ("command-line", "system", "success")


def test_a_failure_in_the_middle_leaves_no_file_and_the_one_before_as_it_was(
    export_to, exports, tmp_path, note, monkeypatch
):
    for number in range(5):
        note(name=str(number))
    (tmp_path / "before").write_text("as it was")
    read, calls = files.whole_events, []

    def fail_at_the_third(*args):
        calls.append(args)
        if len(calls) % 3 == 0:
            raise OperationalError("SELECT", None, Exception("gone"))
        return read(*args)

    with monkeypatch.context() as broken:
        broken.setattr(files, "BATCH", 2)
        broken.setattr(files, "whole_events", fail_at_the_third)
        results = [export_to(tmp_path / name) for name in ("before", "new")]

    for result in results:
        assert result.code == 1 and "the database refused: OperationalError" in result.err
        assert result.err.count("\n") == 1
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ".db"] == ["before"]
    assert (tmp_path / "before").read_text() == "as it was"
    assert exports() == [
        {"format": "jsonl", "query": "entity=deal", "events": 4, "skipped": 0, "complete": False}
        for _ in range(2)
    ]


@pytest.mark.parametrize("where", ["nowhere/out", "."])
def test_a_place_that_cannot_be_written_is_said_in_one_line(export_to, exports, tmp_path, note, where):
    note()

    result = export_to(tmp_path / where)

    assert result.code == 1 and result.err.startswith(f"Error: {tmp_path}") and result.err.count("\n") == 1
    assert exports() == [], "nothing left the log"


def test_a_full_disk_fails_loudly_and_the_log_says_that_it_is_incomplete(export_to, exports, note):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    note()

    result = export_to(Path("/dev/full"))

    assert result.code == 1 and "No space left on device" in result.err
    assert [each["complete"] for each in exports()] == [False]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(export_to, tmp_path, note):
    note()
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_text()))
    reader.start()

    to_link, to_pipe = export_to(tmp_path / "link"), export_to(tmp_path / "pipe")
    reader.join(10)

    assert (to_link.code, to_pipe.code) == (0, 0)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == got[0] and got[0].count("\n") == 1
