"""``flask events import``: a file into the log, whole or not at all, and only once."""

import gzip
import json
import os
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.inbound import importing
from auditapp.log import record_batch
from auditapp.log.record import record_parsed
from auditapp.models import Event, EventPayload
from tests.conftest import an_event
from tests.inbound.customermates_rows import JULIA, MAX, STATUS, audit_row, updated

AT = "2026-03-24T09:00:00Z"
ROWS = [
    audit_row("deal.created", {"id": "d1", "name": "Rollout", "totalValue": 0}, row="r1"),
    updated("deal", {"name": "Rollout"}, {"totalValue": {"previous": 0, "current": 7000}}, row="r2"),
    audit_row("deal.deleted", {"id": "d1", "name": "Rollout", "totalValue": 7000}, row="r3", userId=None),
]


@pytest.fixture(autouse=True)
def a_worker_runs(monkeypatch):
    """What is said where none does, ``test_following.py`` looks at."""
    monkeypatch.setattr("auditapp.cli.following.worker_runs", lambda _engine: True)


@pytest.fixture
def import_file(cli, acme, tmp_path):
    """Return a function that imports rows, or the bytes of a file, into acme."""

    def run(content, form="customermates", people=None, slug="acme"):
        path = tmp_path / "log.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        more = []
        if people is not None:
            (tmp_path / "people.json").write_text(json.dumps(people))
            more = ["--people", tmp_path / "people.json"]
        return cli("events", "import", path, "--workspace", slug, "--format", form, *more)

    return run


ID = "019aa0c3-0000-7000-8000-000000000000"


def lines_of(*events) -> bytes:
    return "\n".join(json.dumps(event) for event in events).encode()


def imported() -> list[Event]:
    query = sa.select(Event).where(Event.idempotency_key.is_not(None)).order_by(Event.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def sections(name: str) -> list:
    query = sa.select(getattr(EventPayload, name)).join(Event, Event.id == EventPayload.event_id)
    texts = db.session.scalars(query.where(Event.idempotency_key.is_not(None)).order_by(Event.id))
    return [json.loads(text) for text in texts]


def assert_refused(result, *says: str) -> None:
    """One line on stderr that says these things; nothing on stdout, nothing recorded."""
    assert result.code == 1
    assert result.out == ""
    assert result.err.startswith("Error: ") and result.err.count("\n") == 1
    for words in (*says, "Nothing was recorded."):
        assert words in result.err
    assert imported() == []


def test_every_row_becomes_an_event_and_the_same_file_again_adds_nothing(import_file):
    first, again = import_file(ROWS), import_file(ROWS)

    assert (first.code, first.out, first.err) == (0, "3 events recorded, 0 were there already.\n", "")
    assert (again.code, again.out, again.err) == (0, "0 events recorded, 3 were there already.\n", "")
    assert [(row.event, row.entity_name, row.actor_id, row.origin) for row in imported()] == [
        ("deal.created", "Rollout", "u1", "unknown"),
        ("deal.updated", "Rollout", "u1", "unknown"),
        ("deal.deleted", "Rollout", "customermates", "unknown"),
    ]
    assert sections("changes")[1] == {"totalValue": {"previous": 0, "current": 7000, "kind": "money"}}
    assert sections("payload") == [row["eventData"] for row in ROWS]


def test_a_file_that_has_grown_adds_its_new_rows(import_file):
    import_file(ROWS[:2])

    assert import_file(ROWS).out == "1 event recorded, 2 were there already.\n"
    assert import_file(ROWS[2:]).out == "0 events recorded, 1 was there already.\n"


def test_rows_with_other_keys_order_or_white_space_are_there_already(import_file):
    import_file(ROWS)

    assert import_file(json.dumps(ROWS, indent=2, sort_keys=True).encode()).out.startswith("0 events")
    assert import_file(lines_of(*ROWS)).out.startswith("0 events")


def test_people_who_become_known_later_change_nothing_that_was_recorded(import_file):
    people = [{"id": "u1", "email": "member@acme.example", "firstName": "Max", "lastName": "Muster"}]
    import_file(ROWS[:2])

    result = import_file(ROWS, people=people)

    assert result.out == "1 event recorded, 2 were there already.\n"
    assert [row.actor_name for row in imported()] == [None, None, "Customermates"]


def test_people_name_who_acted_and_make_a_members_events_their_own(import_file):
    people = [{"id": "u1", "email": "Member@acme.example", "firstName": "Max", "lastName": "Muster"}, JULIA]

    import_file(ROWS[:1], people=people)

    [row] = imported()
    assert row.actor_name == "Max Muster"
    assert row.member_id is not None


def test_labels_that_a_grown_file_tells_change_nothing_that_was_recorded(import_file):
    value = [{"columnId": "c-status", "value": "o-won"}]
    rows = [
        audit_row("deal.created", {"customFieldValues": value, "users": []}, row="r1"),
        audit_row("custom_column.deleted", STATUS, entity="c-status", row="r2"),
        audit_row("deal.created", {"customFieldValues": value, "users": [MAX]}, row="r3"),
    ]
    import_file(rows[:1])

    assert import_file(rows).out == "2 events recorded, 1 was there already.\n"
    before, _, after = sections("changes")
    assert before == {"customFieldValues.c-status": {"current": "o-won", "label": "Custom field c-status…"}}
    assert after["customFieldValues.c-status"] == {"current": "Won", "label": "Status", "kind": "choice"}


@pytest.mark.parametrize(
    "change",
    [
        {"event": "deal.archived"},
        {"entityId": "d2"},
        {"userId": "u2"},
        {"userId": None},
        {"createdAt": "2026-03-24T09:00:00.124Z"},
        {"eventData": {"payload": {"name": "Other"}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_row_under_an_id_that_was_imported_stops_the_import(import_file, change):
    import_file(ROWS[:1])

    result = import_file([audit_row("deal.created", {}, row="new"), {**ROWS[0], **change}])

    assert result.code == 1
    assert "log.json: row 2 (id r1): was imported before with other contents under the same id." in result.err
    assert [row.idempotency_key for row in imported()] == ["customermates:r1"]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_a_row_twice_in_a_file_is_one_event_and_two_rows_of_one_id_are_refused(
    import_file, monkeypatch, batch
):
    monkeypatch.setattr(importing, "MAX_BATCH", batch)
    changed = {**ROWS[0], "entityId": "d2"}

    assert_refused(import_file([*ROWS, changed]), "row 4 (id r1): was imported before with other contents")
    assert import_file([*ROWS, ROWS[0]]).out == "3 events recorded, 1 was there already.\n"


def test_a_row_whose_person_or_payload_has_been_erased_is_there_already(import_file):
    import_file(ROWS)
    db.session.execute(
        sa.update(EventPayload).values(payload=None, payload_salt=None, actor=None, actor_salt=None)
    )
    db.session.execute(sa.update(Event).values(actor_id=None, actor_name=None))
    db.session.commit()

    assert import_file(ROWS).out == "0 events recorded, 3 were there already.\n"


def test_another_workspace_has_its_own_copy(import_file, other):
    import_file(ROWS)

    assert import_file(ROWS, slug="other").out == "3 events recorded, 0 were there already.\n"


def test_rows_of_one_instant_keep_the_files_order_over_batches(import_file, monkeypatch):
    monkeypatch.setattr(importing, "MAX_BATCH_BYTES", 1500)
    rows = [audit_row("deal.created", {"name": str(number)}, row=str(number)) for number in range(20)]

    import_file(rows)

    assert [row.entity_name for row in imported()] == [str(number) for number in range(20)]


BAD = {
    "a field is missing": ({"event": None}, "row 4 (id bad): event: must be a string"),
    "no event's name": ({"event": "Deal Created"}, "row 4 (id bad): event: must be lower-case words"),
    "no time": ({"createdAt": "yesterday"}, "row 4 (id bad): createdAt: must be an instant"),
    "a time to come": ({"createdAt": "9999-01-01T00:00:00Z"}, "createdAt: lies more than five minutes ahead"),
    "an id too long": ({"entityId": "x" * 513}, "entityId: has more than 512 characters"),
    "a user's too": ({"userId": "x" * 513}, "userId: has more than 512 characters"),
    "a forbidden character": (
        {"eventData": {"payload": {"notes": ["a\x00"]}}},
        "row 4 (id bad): eventData.payload.notes[0]: holds the character NUL",
    ),
    "too much": ({"eventData": {"payload": {"notes": "x" * 300_000}}}, "262,144 at most"),
}


@pytest.mark.parametrize(("fault", "says"), BAD.values(), ids=BAD)
def test_one_bad_row_stops_the_import_before_anything_is_written(import_file, fault, says):
    bad = {**audit_row("deal.created", {}, row="bad"), **fault}

    assert_refused(import_file([*ROWS, bad]), "log.json: ", says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is neither a JSON array nor one JSON object a line"),
        (json.dumps(ROWS).encode()[:-30], "ends in the middle of row 3"),
        ('[{"id": "Müller"}]'.encode("latin-1"), "row 1: not UTF-8 at byte 9"),
        (b'[{"id": "a", "id": "b"}]', "row 1: the key id occurs twice"),
    ],
)
def test_a_file_that_is_no_such_json_is_refused_in_one_line(import_file, content, says):
    assert_refused(import_file(content), "log.json: ", says)


@pytest.mark.parametrize(
    ("name", "says"),
    [("nowhere.json", "No such file"), ("", "Is a directory"), ("file/below", "Not a directory")],
)
def test_a_file_that_cannot_be_read_is_said_so_in_one_line(cli, acme, tmp_path, name, says):
    (tmp_path / "file").touch()
    command = ("events", "import", "--workspace", "acme", "--format", "customermates")

    assert_refused(cli(*command, tmp_path / name), says)
    assert_refused(cli(*command, tmp_path / "file", "--people", tmp_path / name), says)


def test_a_bad_file_of_people_is_named(import_file):
    assert_refused(import_file(ROWS, people=[{"email": "x"}]), "people.json: person 1: id: is required")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--workspace", "acme"], 2, "--format"),
        (["--format", "jsonl"], 2, "--workspace"),
        (["--workspace", "acme", "--format", "carbon"], 2, "carbon"),
        (
            ["--workspace", "acme", "--format", "jsonl", "--people", "x"],
            2,
            "--people goes with --format customermates",
        ),
        (
            ["--workspace", "acme", "--format", "retraced", "--restore"],
            2,
            "--restore goes with --format jsonl",
        ),
        (["--workspace", "nowhere", "--format", "jsonl"], 1, "there is no workspace 'nowhere'"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_one_line(cli, acme, arguments, code, says):
    result = cli("events", "import", "-", *arguments, stdin=b"")

    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert says in result.err


@pytest.mark.parametrize("form", ["customermates", "jsonl"])
def test_standard_input_is_read_like_a_file(cli, acme, form):
    content = (
        json.dumps(ROWS).encode() if form == "customermates" else lines_of(*[an_event(occurred_at=AT)] * 3)
    )

    result = cli("events", "import", "-", "--workspace", "acme", "--format", form, stdin=content)
    broken = cli("events", "import", "-", "--workspace", "acme", "--format", form, stdin=content[:-5])

    assert result.out == "3 events recorded, 0 were there already.\n"
    assert broken.code == 1 and broken.err.startswith("Error: standard input: ")


def test_a_pipe_in_place_of_a_file_is_read_once_and_whole(cli, acme, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(json.dumps(ROWS).encode(),))
    writer.start()

    result = cli("events", "import", pipe, "--workspace", "acme", "--format", "customermates")

    writer.join()
    assert result.out == "3 events recorded, 0 were there already.\n"


def test_lines_of_events_are_recorded_once_be_they_equal_or_not(import_file):
    event = an_event(
        occurred_at=AT, name="Rollout", changes={"stage": {"previous": "open", "current": "won"}}
    )
    keyed = {**event, "idempotency_key": "mine"}

    first = import_file(lines_of(event, event, keyed), "jsonl")
    again = import_file(lines_of(event, event, keyed, event), "jsonl")

    assert first.out == "3 events recorded, 0 were there already.\n"
    assert again.out == "1 event recorded, 3 were there already.\n"
    assert {(row.event, row.entity_name, row.origin) for row in imported()} == {
        ("deal.updated", "Rollout", "unknown")
    }
    assert sections("changes")[0] == event["changes"]


@pytest.mark.parametrize(("value", "is_same"), [(1.0, True), (True, False)])
@pytest.mark.parametrize("files", [1, 2])
def test_a_keyed_line_comes_again_where_its_values_are_the_same(import_file, value, is_same, files):
    one, other = (an_event(occurred_at=AT, payload={"n": n}, idempotency_key="mine") for n in (1, value))

    if files == 2:
        import_file(lines_of(one), "jsonl")
    result = import_file(lines_of(*([one] if files == 1 else []), other), "jsonl")

    assert result.code == (0 if is_same else 1)
    assert len(imported()) == (1 if is_same or files == 2 else 0)


def test_a_key_with_another_event_stops_the_import(import_file):
    event = an_event(occurred_at=AT, idempotency_key="mine")

    result = import_file(lines_of(an_event(occurred_at=AT), event, {**event, "origin": "ui"}), "jsonl")

    assert_refused(result, "line 3: idempotency_key: was used before with another event")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (an_event(), "line 2: occurred_at: is required in a file; without it, importing the file twice"),
        (an_event(occurred_at=AT, seq=1), "line 2: seq: is given by the server; leave it out"),
        (an_event(occurred_at=AT, id="x", recorded_at=AT), "line 2: id: must be the UUID"),
        (an_event(occurred_at=AT, recorded_at=AT), "line 2: id: must be the UUID"),
        (an_event(occurred_at=AT, id=ID), "line 2: recorded_at: must be an instant"),
        (an_event(occurred_at=AT, id=ID, recorded_at="9000-01-01T00:00:00Z"), "more than five minutes ahead"),
        (
            an_event(occurred_at=AT, id=ID, recorded_at=AT, context={"claimed_by": {"type": "moon"}}),
            "line 2: context.claimed_by: must be {type, id, name}",
        ),
        (an_event(occurred_at=AT, colour="red"), "line 2: colour: is no field of an event"),
        (an_event(occurred_at=AT, context={"ip": "x"}), "line 2: context.ip: is no IP address"),
        ([], "line 2: must be a JSON object"),
    ],
)
def test_a_bad_line_stops_the_import_before_anything_is_written(import_file, line, says):
    assert_refused(import_file(lines_of(an_event(occurred_at=AT), line), "jsonl"), says)


def test_an_empty_file_of_lines_holds_no_events(import_file):
    assert import_file(b"\n", "jsonl").out == "0 events recorded, 0 were there already.\n"


def test_the_history_reads_the_labels_of_the_time(import_file, client, login):
    value = [{"columnId": "c-status", "value": "o-won"}]
    laptop = {"id": "s1", "name": "Laptop", "amount": 850, "quantity": 1}
    services = {"previous": [laptop], "current": [{**laptop, "quantity": 300}]}
    import_file(
        [
            audit_row("custom_column.created", STATUS, entity="c-status", row="r1"),
            audit_row("deal.created", {"name": "Rollout", "customFieldValues": value}, row="r2"),
            updated("deal", {"name": "Rollout"}, {"services": services}, row="r3"),
        ]
    )
    login("owner")

    text = " ".join(client.get("/w/acme/history/deal/d1").text.split())

    assert "Status" in text and "Won" in text and "o-won" not in text
    assert "Quantity" in text and "300" in text


def test_gzip_is_read_as_what_it_holds_and_broken_gzip_is_said_so(cli, acme, tmp_path):
    path, plain = tmp_path / "events.bin", lines_of(an_event(occurred_at=AT), an_event(occurred_at=AT))
    arguments = ["events", "import", path, "--workspace", "acme", "--format", "jsonl"]

    path.write_bytes(gzip.compress(plain))
    assert cli(*arguments).out == "2 events recorded, 0 were there already.\n"
    path.write_bytes(gzip.compress(plain)[:-9])
    cut = cli(*arguments)

    assert cut.code == 1 and "is broken gzip, or cut off" in cut.err and cut.err.count("\n") == 1
    assert "2 were there" in cli(*arguments[:2], "-", *arguments[3:], stdin=gzip.compress(plain)).out


def test_skip_bad_records_the_rest_and_lists_what_it_left_out(cli, acme):
    good = [an_event(occurred_at=AT, entity=str(number)) for number in range(3)]
    text = lines_of(good[0], an_event(origin="moon", occurred_at=AT), good[1], [], good[2]) + b"\n{\n"
    arguments = ["events", "import", "-", "--workspace", "acme", "--format", "jsonl"]

    assert cli(*arguments, stdin=text).code == 1
    result = cli(*arguments, "--skip-bad", stdin=text)

    assert result.code == 0
    assert result.out == "3 events recorded, 0 were there already, 3 left out.\n"
    listed = result.err.splitlines()
    assert len(listed) == 3
    assert listed[0].startswith("line 2: origin: must be one of")
    assert [line.partition(":")[0] for line in listed] == ["line 2", "line 4", "line 6"]


def test_an_import_that_was_stopped_goes_on_where_it_was(cli, acme, monkeypatch):
    monkeypatch.setattr("auditapp.inbound.importing.MAX_BATCH", 10)
    monkeypatch.setattr("auditapp.inbound.importing.COMMIT_EVERY", 1)
    text = lines_of(*(an_event(occurred_at=AT, entity=str(number)) for number in range(50)))
    arguments = ["events", "import", "-", "--workspace", "acme", "--format", "jsonl"]
    calls = []

    def dies(*args, **more):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return record_parsed(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr("auditapp.inbound.importing.record_parsed", dies)
        stopped = cli(*arguments, stdin=text)
    again = cli(*arguments, stdin=text)

    assert stopped.code != 0
    assert again.out == "30 events recorded, 20 were there already.\n"


def test_of_two_imports_of_one_file_at_once_the_second_adds_nothing(database, acme, tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines_of(*(an_event(occurred_at=AT, entity=str(number)) for number in range(2000))))
    command = [sys.executable, "-m", "flask", "--app", "app", "events", "import", str(file)]
    environment = {**os.environ, "AUDITAPP_DATABASE_URL": database, "AUDITAPP_SECRET_KEY": "t" * 32}

    running = [
        subprocess.Popen(
            [*command, "--workspace", "acme", "--format", "jsonl"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    said = sorted(each.communicate(timeout=60)[0].splitlines(keepends=True)[0] for each in running)
    assert [each.returncode for each in running] == [0, 0]
    assert said == [
        "0 events recorded, 2,000 were there already.\n",
        "2,000 events recorded, 0 were there already.\n",
    ]
    assert len(imported()) == 2000


def exported(cli, slug: str, query: str = "") -> bytes:
    return cli("events", "export", "--workspace", slug, "--query", query).out.encode()


def test_an_export_comes_back_unchanged_ids_and_times_included(cli, acme, other, note):
    note(occurred_at=AT, entity="1", name="Zoë", changes={"a": {"current": 1}}, payload={"z": 1, "a": None})
    note("deal.created", occurred_at=AT, entity="2", on_behalf_of={"type": "user", "id": "x"})
    record_batch(acme, [an_event("task.created")], claimed_by={"type": "api_key", "id": "k", "name": "ERP"})
    db.session.commit()
    text = exported(cli, "acme", "entity=deal&entity=task")

    arguments = ["events", "import", "-", "--format", "jsonl", "--restore", "--workspace"]
    there = cli(*arguments, "other", stdin=text)
    again = cli(*arguments, "other", stdin=text)
    home = cli(*arguments, "acme", stdin=text)

    assert text.count(b"\n") == 3
    assert there.out == "3 events recorded, 0 were there already.\n"
    assert again.out == home.out == "0 events recorded, 3 were there already.\n"
    assert exported(cli, "other", "entity=deal&entity=task") == text


def test_an_exported_event_that_was_altered_is_refused(cli, acme, note):
    note(occurred_at=AT, payload={"amount": 1})
    text = exported(cli, "acme", "entity=deal").replace(b'"amount":1', b'"amount":2')

    arguments = ("--workspace", "acme", "--format", "jsonl", "--restore")
    result = cli("events", "import", "-", *arguments, stdin=text)

    assert result.code == 1 and "line 1: was imported before with other contents" in result.err


def test_an_export_takes_the_timelines_filters_and_refuses_others(cli, acme, note):
    note()
    assert exported(cli, "acme", "entity=deal&event=*.created") == b""

    wrong = cli("events", "export", "--workspace", "acme", "--query", "colour=red")

    assert wrong.code == 2 and "there is no such filter" in wrong.err and wrong.err.count("\n") == 1


def test_retraced_events_are_imported_once(cli, acme):
    event = {"action": "user.login", "crud": "r", "created": AT, "actor": {"id": "u1", "name": "Ada"}}
    arguments = ["events", "import", "-", "--workspace", "acme", "--format", "retraced"]

    first = cli(*arguments, stdin=json.dumps([event, event]).encode())
    again = cli(*arguments, stdin=json.dumps([event, event]).encode())

    assert first.out == "2 events recorded, 0 were there already.\n"
    assert again.out == "0 events recorded, 2 were there already.\n"
