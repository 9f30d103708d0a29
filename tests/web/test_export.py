"""The timeline as a file: the same filters, the same rights, and an event that says so."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from threading import BoundedSemaphore

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from auditapp.access.own_events import NotNoted
from auditapp.access.roles import find_role
from auditapp.extensions import db
from auditapp.http import download
from auditapp.models import Event, RolePermission
from auditapp.outbound import export, files
from auditapp.server_log.requests import BrokenOff
from tests.pages import FRAGMENT

COLUMNS = [
    *("id", "seq", "occurred_at", "recorded_at", "event", "entity_type", "entity_id", "entity_name"),
    *("actor_type", "actor_id", "actor_name", "actor_email", "on_behalf_of", "origin", "outcome"),
    *("correlation_id", "causation_id", "related", "changes", "payload", "context"),
]
FORMS = ["csv", "jsonl"]


def rows_in(response) -> list[dict[str, str]]:
    """Return the rows of a CSV, read as a spreadsheet would."""
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))


def names_in(response) -> list[str | None]:
    """Return the names of the records in an export of either form."""
    if response.mimetype == "text/csv":
        return [row["entity_name"] for row in rows_in(response)]
    return [json.loads(each)["entity"]["name"] for each in response.text.splitlines()]


@pytest.fixture
def exports(client):
    """Return a function that returns the exports in the log, the newest first."""

    def find() -> list[dict]:
        response = client.get("/w/acme/timeline.jsonl?event=auditapp.export.finished")
        found = [json.loads(each) for each in response.text.splitlines()][::-1]
        assert all(0 <= event["payload"].pop("duration_ms") < 60_000 for event in found)
        return found

    return find


@pytest.mark.parametrize(
    ("form", "content_type"),
    [("csv", "text/csv; charset=utf-8"), ("jsonl", "application/x-ndjson; charset=utf-8")],
)
def test_an_export_is_a_file_to_save_and_none_to_keep_on_the_way(
    client, login, acme, note, form, content_type
):
    note()
    login("auditor")

    response = client.get(f"/w/acme/timeline.{form}", headers={"Accept-Encoding": "gzip, br, zstd, deflate"})

    assert (response.status_code, response.content_type) == (200, content_type)
    name = re.fullmatch(
        r'attachment; filename="acme-timeline-(\d{4}-\d\d-\d\d)\.(\w+)"',
        response.headers["Content-Disposition"],
    )
    day = datetime.strptime(name[1], "%Y-%m-%d").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - day).days) <= 1 and name[2] == form
    assert response.headers["Cache-Control"] == "no-store"
    assert response.is_streamed and "Content-Encoding" not in response.headers


def test_csv_has_every_column_of_an_event(client, login, acme, note):
    event_id = note(
        occurred_at="2026-03-24T09:55:43.898Z",
        entity={"type": "deal", "id": "d/1", "name": "Größe, 東京"},
        actor={"type": "user", "id": "ada", "name": "Ada", "email": "ada@x.example"},
        on_behalf_of={"type": "user", "id": "zoe"},
        origin="ui",
        outcome="denied",
        related=[{"type": "service", "id": "s", "name": "Card"}, {"type": "task", "id": "t"}],
        changes={"stage": {"current": 'say "won"'}},
        payload={"b": 1, "a": "x\u202e\n"},
        context={"ip": "198.51.100.7"},
        correlation_id="c",
        causation_id="why",
    )
    login("owner")

    response = client.get("/w/acme/timeline.csv?entity=deal")

    assert response.data.startswith(b'\xef\xbb\xbf"id",'), "Excel needs the mark"
    [row] = rows_in(response)
    assert list(row) == COLUMNS
    recorded_at = datetime.fromisoformat(row.pop("recorded_at"))
    assert abs((datetime.now(UTC) - recorded_at).total_seconds()) < 60
    assert {name: json.loads(row.pop(name)) for name in ("on_behalf_of", "related")} == {
        "on_behalf_of": {"type": "user", "id": "zoe", "name": None, "email": None},
        "related": [
            {"type": "service", "id": "s", "name": "Card"},
            {"type": "task", "id": "t", "name": None},
        ],
    }
    assert row == {
        "id": event_id,
        "seq": "",
        "occurred_at": "2026-03-24T09:55:43.898000Z",
        "event": "deal.updated",
        "entity_type": "deal",
        "entity_id": "d/1",
        "entity_name": "Größe, 東京",
        "actor_type": "user",
        "actor_id": "ada",
        "actor_name": "Ada",
        "actor_email": "ada@x.example",
        "origin": "ui",
        "outcome": "denied",
        "correlation_id": "c",
        "causation_id": "why",
        "changes": '{"stage":{"current":"say \\"won\\""}}',
        "payload": '{"b":1,"a":"x\\u202e\\n"}',
        "context": '{"ip":"198.51.100.7"}',
    }


def test_hostile_names_start_no_formula_and_hide_nothing(client, login, acme, note):
    for name in ("=HYPERLINK(1)", "＝1", " @x", "\t1", "a\u202eb"):
        note(name=name, occurred_at="2026-03-24T09:55:43Z")
    login("owner")

    assert names_in(client.get("/w/acme/timeline.csv?entity=deal")) == [
        "'=HYPERLINK(1)",
        "'＝1",
        "' @x",
        "'U+00091",
        "aU+202Eb",
    ]


@pytest.mark.parametrize("form", FORMS)
def test_the_filters_narrow_and_the_place_on_the_page_does_not(client, login, acme, note, form):
    for number in range(5):
        note(name=f"Deal {number}", occurred_at=f"2026-03-2{number}T09:00:00Z")
    note("task.created", name="A task")
    login("owner")
    older = re.search(r"before=[\w-]+", client.get("/w/acme/timeline?entity=deal&limit=2").text)[0]

    url = f"/w/acme/timeline.{form}?entity=deal&since=2026-03-21&until=2026-03-23&limit=1&{older}"

    assert names_in(client.get(url)) == ["Deal 1", "Deal 2", "Deal 3"], "the oldest first"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("query", ["limit=0", "colour=red", "since=soon"])
def test_a_filter_that_cannot_be_read_is_422_with_the_sentence(client, login, acme, note, form, query):
    login("owner")

    response = client.get(f"/w/acme/timeline.{form}?{query}")

    assert response.status_code == 422
    assert f"{query.partition('=')[0]}: " in response.text
    assert "Content-Disposition" not in response.headers


@pytest.mark.parametrize("form", FORMS)
def test_an_export_needs_the_right_and_the_page_offers_it_only_then(client, login, acme, note, form):
    note(actor="member", name="Mine")
    login("member")

    refused = client.get(f"/w/acme/timeline.{form}")
    page = client.get("/w/acme/timeline")

    assert refused.status_code == 403 and "You may not export the audit log" in refused.text
    assert "Mine" in page.text and f"timeline.{form}" not in page.text


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_the_page_offers_its_own_filters_as_a_file(client, login, acme, note, headers):
    for number in range(3):
        note(name=f"Deal {number}", actor="zoe & co")
    login("auditor")

    page = client.get("/w/acme/timeline?actor=zoe+%26+co&entity=deal&limit=2", headers=headers)

    for form in FORMS:
        link = re.search(rf'href="(/w/acme/timeline\.{form}[^"]*)"', page.text)[1].replace("&amp;", "&")
        assert link == f"/w/acme/timeline.{form}?actor=zoe+%26+co&entity=deal"
        assert len(names_in(client.get(link))) == 3


@pytest.mark.parametrize("form", FORMS)
def test_whoever_may_read_their_own_events_only_exports_those(client, login, acme, note, form):
    role = find_role(acme, "Member")
    right = RolePermission(workspace_id=acme.id, role_id=role.id, resource="audit_log", action="export")
    db.session.add(right)
    db.session.commit()
    note(actor="member", name="Mine")
    note(actor="ben", name="Bens")
    login("member")

    assert names_in(client.get(f"/w/acme/timeline.{form}?entity=deal")) == ["Mine"]


@pytest.mark.parametrize("form", FORMS)
def test_more_events_than_a_batch_come_once_each_in_order(client, login, acme, note, monkeypatch, form):
    monkeypatch.setattr(files, "KEYS", 3)
    monkeypatch.setattr(files, "BATCH", 2)
    # All of one instant, so that only the order of recording tells them apart; of two kinds: two branches.
    for number in range(8):
        note(
            "deal.created" if number % 2 else "deal.updated",
            name=str(number),
            occurred_at="2026-03-24T09:00:00Z",
        )
    login("owner")

    assert names_in(client.get(f"/w/acme/timeline.{form}?entity=deal")) == list("01234567")


@pytest.mark.parametrize("form", FORMS)
def test_an_export_of_nothing_is_whole_too(client, login, acme, exports, form):
    login("owner")

    response = client.get(f"/w/acme/timeline.{form}?entity=nothing")

    assert response.status_code == 200 and names_in(response) == []
    assert response.text.count("\n") == (1 if form == "csv" else 0)
    assert exports()[0]["payload"] == {
        "format": form,
        "query": "entity=nothing",
        "events": 0,
        "skipped": 0,
        "complete": True,
    }


@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_an_event_with_its_filter_and_count_and_is_not_in_itself(
    client, login, acme, note, exports, form
):
    note()
    note("task.created")
    login("auditor")

    some = client.get(f"/w/acme/timeline.{form}?event=!session.*&entity=task&entity=deal&limit=7")
    assert len(names_in(some)) == 2
    everything = client.get(f"/w/acme/timeline.{form}").text

    for name in ("auditapp.export.started", "auditapp.export.finished"):
        assert everything.count(name) == 1, "the first, not itself"
    last, first = exports()
    assert first["payload"] == {
        "format": form,
        "query": "entity=deal&entity=task&event=!session.*",
        "events": 2,
        "skipped": 0,
        "complete": True,
    }
    assert first["entity"]["name"] == "entity=deal&entity=task&event=!session.*"
    assert last["entity"]["name"] == "everything" and last["payload"]["query"] == ""
    assert last["payload"]["events"] == everything.count("\n") - (form == "csv")
    assert (first["actor"]["email"], first["origin"], first["outcome"]) == (
        "auditor@acme.example",
        "ui",
        "success",
    )
    assert first["context"]["ip"] == "127.0.0.1"
    page = re.sub(r"<[^>]+>|\s+", " ", client.get("/w/acme/timeline?event=auditapp.export.finished").text)
    assert "Export of entity=deal&amp;entity=task&amp;event=!session.* finished" in re.sub(" +", " ", page)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_recorded_while_an_export_runs_is_not_in_it(client, login, acme, note, monkeypatch, form):
    monkeypatch.setattr(files, "BATCH", 1)
    monkeypatch.setattr(files, "KEYS", 1)
    for number in range(3):
        note(name=f"Deal {number}", occurred_at=f"2026-03-2{number}T09:00:00Z")
    login("owner")

    response = client.get(f"/w/acme/timeline.{form}?entity=deal", buffered=False)
    note(name="Late, long ago", occurred_at="2026-03-21T12:00:00Z")
    note(name="Late")

    assert names_in(response) == ["Deal 0", "Deal 1", "Deal 2"]


@pytest.mark.parametrize("form", FORMS)
def test_a_reader_who_goes_away_half_way_leaves_an_event_that_says_so(
    client, login, acme, note, exports, monkeypatch, form
):
    monkeypatch.setattr(files, "BATCH", 2)
    for number in range(6):
        note(name=f"Deal {number}")
    login("owner")

    response = client.get(f"/w/acme/timeline.{form}?entity=deal", buffered=False)
    pieces = response.iter_encoded()
    next(pieces)
    next(pieces)
    response.close()

    event = exports()[0]
    assert event["payload"] == {
        "format": form,
        "query": "entity=deal",
        "events": 4,
        "skipped": 0,
        "complete": False,
    }
    assert event["outcome"] == "failure"
    page = re.sub(r"<[^>]+>", " ", client.get("/w/acme/timeline?event=auditapp.export.finished").text)
    assert "Export of entity=deal not completed" in re.sub(r"\s+", " ", page)


@pytest.mark.parametrize("form", FORMS)
def test_a_failure_in_the_middle_breaks_off_instead_of_ending(
    client, login, acme, note, exports, monkeypatch, form
):
    monkeypatch.setattr(files, "BATCH", 2)
    for number in range(6):
        note(name=f"Deal {number}")
    login("owner")
    with monkeypatch.context() as broken:
        response = client.get(f"/w/acme/timeline.{form}?entity=deal", buffered=False)
        broken.setattr(files, "whole_events", raise_unavailable)

        sent = pieces_until_it_raises(response)

    assert b"THIS EXPORT IS INCOMPLETE. It broke off after 2 events" in sent[-1]
    assert sent[-1].count(b"\n") == 1 and (form == "csv" or "error" in json.loads(sent[-1]))
    assert exports()[0]["payload"] == {
        "format": form,
        "query": "entity=deal",
        "events": 2,
        "skipped": 0,
        "complete": False,
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_database_that_fails_at_once_is_a_503(client, login, acme, note, monkeypatch, form):
    note()
    login("owner")
    monkeypatch.setattr(files, "whole_events", raise_unavailable)

    response = client.get(f"/w/acme/timeline.{form}")

    assert response.status_code == 503 and response.mimetype == "text/html"
    assert "Content-Disposition" not in response.headers


@pytest.mark.parametrize("form", FORMS)
def test_an_export_that_cannot_be_recorded_does_not_end_like_a_whole_one(
    client, login, acme, note, monkeypatch, form
):
    note()
    login("owner")
    response = client.get(f"/w/acme/timeline.{form}", buffered=False)

    def refuse(*_args, **_more):
        raise NotNoted("as the database says it")

    monkeypatch.setattr(export, "note_first", refuse)

    assert b"THIS EXPORT IS INCOMPLETE" in pieces_until_it_raises(response)[-1]


def test_more_exports_than_memory_is_kept_for_are_refused(client, login, acme, note, monkeypatch):
    note()
    login("owner")
    monkeypatch.setattr(download, "_slots", BoundedSemaphore(2))
    running = [client.get("/w/acme/timeline.csv", buffered=False) for _ in range(2)]

    third = client.get("/w/acme/timeline.jsonl")
    page = client.get("/w/acme/timeline")
    running[0].close()
    again = client.get("/w/acme/timeline.jsonl")

    assert (third.status_code, third.headers["Retry-After"]) == (503, "30")
    assert "Other exports are running" in third.text
    assert (page.status_code, again.status_code) == (200, 200)
    running[1].close()


def test_asking_for_the_headers_alone_exports_nothing(client, login, acme, note, exports):
    note()
    login("owner")

    response = client.head("/w/acme/timeline.csv")

    assert (response.status_code, response.mimetype) == (200, "text/csv")
    assert exports() == []


def pieces_until_it_raises(response) -> list[bytes]:
    """Return what was sent of an export whose server sees it fail."""
    sent = []
    with pytest.raises(BrokenOff):
        for piece in response.iter_encoded():
            sent.append(piece)
    return sent


def raise_unavailable(*_, **__):
    raise OperationalError("SELECT", None, Exception("gone"))


@pytest.mark.parametrize(
    ("who", "named"), [("auditor", "everything"), ("member", "all that its reader may see")]
)
def test_the_event_of_an_export_claims_no_more_than_its_reader_saw(client, login, acme, note, who, named):
    role = find_role(acme, "Member")
    right = RolePermission(workspace_id=acme.id, role_id=role.id, resource="audit_log", action="export")
    db.session.add(right)
    db.session.commit()
    note(actor=who)
    login(who)

    assert client.get("/w/acme/timeline.csv").status_code == 200

    names = db.session.scalars(sa.select(Event.entity_name).where(Event.event.like("auditapp.export.%")))
    assert set(names) == {named}
