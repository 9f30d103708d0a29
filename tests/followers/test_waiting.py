"""Who asks the index right after something was recorded finds it, or is told what is missing."""

import csv
import io
import json
from time import monotonic

import pytest
import sqlalchemy as sa

from auditapp.access import api_keys
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.roles import find_role
from auditapp.extensions import db
from auditapp.followers import catch_up, waiting
from auditapp.index.state import index_state_of
from auditapp.models import RolePermission
from tests.pages import FRAGMENT


@pytest.fixture
def no_worker(app, monkeypatch):
    """Let nobody follow the log."""
    app.config["WORKER"] = False
    monkeypatch.setattr(waiting, "PAGE_SECONDS", 0.05)
    monkeypatch.setattr(waiting, "WHOLE_SECONDS", 0.1)


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


@pytest.fixture
def head(acme):
    key = api_keys.create_key(acme, "crm", {"events:read"}, COMMAND_LINE)
    db.session.commit()
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def behind(acme, owner, head, note, no_worker):
    """Let the index follow, and then record three deals that nobody lets it follow."""
    catch_up(db.engine)
    for name in ("Kiwi one", "Kiwi two", "Kiwi three"):
        note(name=name)


def whole(owner, path):
    return owner.get(path, follow_redirects=True)


def test_a_page_finds_what_was_recorded_just_before(owner, note):
    note(name="Kiwi")

    page = whole(owner, "/w/acme/timeline?q=kiwi")

    assert page.text.count("data-event=") == 1
    assert "not searchable" not in page.text


def test_a_program_finds_what_was_recorded_just_before(client, head, note):
    note(name="Kiwi")

    answer = client.get("/api/v1/events?q=kiwi", headers=head)

    assert [event["entity"]["name"] for event in answer.json["events"]] == ["Kiwi"]


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_page_says_what_is_not_searchable_yet(owner, behind, headers):
    page = owner.get("/w/acme/timeline?q=kiwi", headers=headers, follow_redirects=True)

    assert page.status_code == 200
    assert "The newest 3 events are not searchable yet." in page.text
    assert "data-event=" not in page.text

    catch_up(db.engine)

    page = owner.get("/w/acme/timeline?q=kiwi", headers=headers, follow_redirects=True)
    assert "not searchable" not in page.text
    assert page.text.count("data-event=") == 3


def test_one_event_is_told_of_as_one(acme, owner, note, no_worker):
    catch_up(db.engine)
    note(name="Kiwi")

    assert "The newest event is not searchable yet." in whole(owner, "/w/acme/timeline?q=kiwi").text


def test_facets_and_chart_say_what_is_not_counted_yet(owner, behind):
    overview = owner.get("/w/acme/timeline/overview", headers=FRAGMENT)

    assert overview.status_code == 200
    assert "The newest 3 events are not counted yet." in overview.text
    catch_up(db.engine)
    assert "not counted" not in owner.get("/w/acme/timeline/overview", headers=FRAGMENT).text


@pytest.mark.parametrize("path", ["events", "events.csv", "events.jsonl"])
def test_a_program_gets_all_or_a_problem_and_when_to_ask_again(client, head, behind, path):
    answer = client.get(f"/api/v1/{path}?q=kiwi", headers=head)

    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.json["title"] == "The newest 3 events are not searchable yet"
    assert int(answer.headers["Retry-After"]) > 0

    catch_up(db.engine)

    answer = client.get(f"/api/v1/{path}?q=kiwi", headers=head)
    assert answer.status_code == 200
    assert answer.text.count("Kiwi t") == 2


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_is_whole_or_is_none(owner, behind, form):
    answer = owner.get(f"/w/acme/timeline.{form}?q=kiwi")

    assert answer.status_code == 503
    assert "The newest 3 events are not searchable yet" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert owner.get(f"/w/acme/timeline.{form}?entity=deal").text.count("Kiwi") == 3


def test_a_history_with_what_is_related_is_exported_whole_or_not_at_all(owner, behind):
    path = "/w/acme/history.jsonl/deal/1"

    assert owner.get(f"{path}?related=1").status_code == 503
    assert owner.get(path).text.count("Kiwi") == 3
    catch_up(db.engine)
    assert owner.get(f"{path}?related=1").text.count("Kiwi") == 3


def test_the_command_line_says_so_in_a_line(behind, cli, tmp_path):
    result = cli("events", "export", "--workspace", "acme", "--query", "q=kiwi", "--output", tmp_path / "out")

    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert "The newest 3 events are not searchable yet." in result.err


@pytest.mark.parametrize(
    "path",
    [
        "/w/acme/timeline",
        "/w/acme/timeline?entity=deal",
        "/w/acme/timeline?event=deal.updated&since=7d",
        "/w/acme/timeline?group=story",
        "/w/acme/timeline.jsonl?entity=deal",
        "/w/acme/history/deal/1",
    ],
)
def test_nobody_waits_who_needs_no_index(owner, behind, monkeypatch, path):
    monkeypatch.setattr(waiting, "PAGE_SECONDS", 30)
    monkeypatch.setattr(waiting, "WHOLE_SECONDS", 30)

    began = monotonic()
    answer = whole(owner, path)

    assert monotonic() - began < 15
    assert answer.status_code == 200
    assert "Kiwi three" in answer.text


def test_no_program_waits_that_needs_no_index(client, head, behind, monkeypatch):
    monkeypatch.setattr(waiting, "WHOLE_SECONDS", 30)

    began = monotonic()
    answer = client.get("/api/v1/events?entity=deal", headers=head)

    assert monotonic() - began < 15
    assert len(answer.json["events"]) == 3


def test_a_page_does_not_wait_for_what_comes_after_it(acme, owner, note, monkeypatch):
    """A log that never rests would else keep everybody waiting who searches it."""
    monkeypatch.setattr(waiting, "HELP_SECONDS", 0)
    follow = waiting.catch_up

    def follow_and_record(engine, workspaces, **_):
        follow(engine, workspaces)
        note(name="Kiwi later")

    monkeypatch.setattr(waiting, "catch_up", follow_and_record)
    monkeypatch.setattr(waiting, "PAGE_SECONDS", 30)
    note(name="Kiwi")

    began = monotonic()
    page = whole(owner, "/w/acme/timeline?q=kiwi")

    assert monotonic() - began < 15
    assert "data-event=" in page.text


def test_a_database_that_fails_at_following_fails_no_page(owner, note, monkeypatch):

    def trouble(*_, **__):
        raise sa.exc.OperationalError("x", None, Exception("locked"))

    monkeypatch.setattr(waiting, "catch_up", trouble)
    monkeypatch.setattr(waiting, "PAGE_SECONDS", 0.1)
    note(name="Kiwi")

    page = whole(owner, "/w/acme/timeline?q=kiwi")

    assert page.status_code == 200
    assert "not searchable yet" in page.text


def seqs_of_exports(client, path, **more):
    lines = [json.loads(line) for line in client.get(f"{path}.jsonl?entity=deal", **more).text.splitlines()]
    rows = list(csv.DictReader(io.StringIO(client.get(f"{path}.csv?entity=deal", **more).text)))
    return [line["seq"] for line in lines], [row["seq"] for row in rows]


@pytest.fixture
def two(acme, note):
    """Record two events of the member, and let them have their places."""
    ids = [note(actor="member", entity=str(number)) for number in (1, 2)]
    catch_up(db.engine)
    size = index_state_of(acme.id).size
    db.session.rollback()
    return [(ids[0], size - 1), (ids[1], size)]


def test_a_program_learns_the_place_of_each_event(client, head, two):
    listed = client.get("/api/v1/events?entity=deal", headers=head).json["events"]
    one = client.get(f"/api/v1/events/{two[0][0]}", headers=head).json

    assert [(event["id"], event["seq"]) for event in reversed(listed)] == two
    assert one["seq"] == two[0][1]
    seqs = [seq for _, seq in two]
    assert seqs_of_exports(client, "/api/v1/events", headers=head) == (seqs, [str(seq) for seq in seqs])


def test_an_event_without_a_place_yet_says_so(client, head, note, no_worker):
    event_id = note()

    assert client.get(f"/api/v1/events/{event_id}", headers=head).json["seq"] is None


def test_who_may_read_all_is_shown_the_place(owner, two):
    for event_id, seq in two:
        page = owner.get(f"/w/acme/events/{event_id}").text
        assert "Place in the log" in page and f"<dd>{seq}</dd>" in page
    seqs = [seq for _, seq in two]
    assert seqs_of_exports(owner, "/w/acme/timeline") == (seqs, [str(seq) for seq in seqs])


def test_who_may_read_their_own_only_learns_no_place(client, login, acme, two):
    """The places of two events of one's own would tell how much others did in between."""
    role = find_role(acme, "Member")
    right = RolePermission(workspace_id=acme.id, role_id=role.id, resource="audit_log", action="export")
    db.session.add(right)
    db.session.commit()
    login("member")

    page = client.get(f"/w/acme/events/{two[0][0]}")

    assert page.status_code == 200
    assert "Place in the log" not in page.text
    assert seqs_of_exports(client, "/w/acme/timeline") == ([None, None], ["", ""])
