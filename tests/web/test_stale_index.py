"""While the index is stale, what needs it says so, and what does not answers as ever."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.access import api_keys
from auditapp.access.own_events import COMMAND_LINE
from auditapp.extensions import db
from auditapp.filters.cursor import places_of
from auditapp.index.terms import INDEX_VERSION
from auditapp.models import event_count, follower
from tests.pages import FRAGMENT

NEEDS_IT = [
    "q=pump",
    "field=stage",
    "field=stage&to=won",
    "field=stage&from=open&q=pump&entity=deal",
    "q=!pump",
]


@pytest.fixture
def events(note):
    """Record three events of deal 1, found by a word and by a change."""
    return [
        note("deal.updated", name="Pump", changes={"stage": {"previous": "open", "current": "won"}})
        for _ in range(3)
    ]


@pytest.fixture
def owner(client, login, events):
    login("owner")
    return client


@pytest.fixture
def set_state(acme):
    """Return a function that says how far the index is, and empties the counts as a rebuild does."""

    def put(done=0, version=INDEX_VERSION, idle=timedelta()):
        changed_at = datetime.now(UTC) - idle
        values = {
            "version": version,
            "seq": done,
            "goal": 100,
            "changed_at": changed_at,
        }
        db.session.execute(sa.update(follower).values(values))
        db.session.execute(sa.delete(event_count))
        db.session.commit()

    return put


@pytest.fixture
def stale(set_state):
    set_state(43)


@pytest.mark.parametrize("query", NEEDS_IT)
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_filter_that_needs_the_index_says_how_far_it_is(owner, stale, query, headers):
    answer = owner.get(f"/w/acme/timeline?{query}", headers=headers, follow_redirects=True)

    assert answer.status_code == 503
    assert "The search index is being made anew (43 %)." in answer.text
    assert "No events match" not in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    if not headers:
        assert "Pump" in owner.get("/w/acme/timeline").text


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"done": 43}, "is being made anew (43 %)"),
        ({"done": 99}, "is being made anew (99 %)"),
        ({"done": 43, "idle": timedelta(hours=1)}, "to 43 % only, then that stopped."),
        ({"version": INDEX_VERSION - 1}, "is not of this version of the program"),
        ({"version": INDEX_VERSION + 1}, "is not of this version of the program"),
    ],
)
def test_the_sentence_tells_what_is_under_way_from_what_needs_somebody(owner, cli, set_state, state, says):
    set_state(**state)

    page = owner.get("/w/acme/timeline?q=pump").text
    doctor = cli("doctor")

    assert says in page
    assert ("flask --app app index rebuild" in page) == ("being made" not in says)
    assert doctor.code == 1
    [wrong] = [line for line in doctor.out.splitlines() if "search index" in line]
    assert wrong.startswith("WRONG") and says in wrong


def test_a_workspace_that_nobody_noted_is_stale(owner):
    db.session.execute(sa.delete(follower))
    db.session.commit()

    assert owner.get("/w/acme/timeline?q=pump").status_code == 503


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_exports_that_need_the_index_fail_before_anything_is_sent(owner, stale, form):
    refused = owner.get(f"/w/acme/timeline.{form}?q=pump")
    whole = owner.get(f"/w/acme/timeline.{form}?entity=deal")

    assert (refused.status_code, "made anew (43 %)" in refused.text) == (503, True)
    assert (whole.status_code, whole.text.count("deal.updated") >= 3) == (200, True)


@pytest.mark.parametrize(
    "path",
    [
        "/w/acme/timeline/overview?q=pump",
        "/w/acme/timeline/suggest?for=record&typed=pu",
        "/w/acme/history/deal/1?related=1",
        "/w/acme/timeline/new?q=pump&seen={seen}",
    ],
)
def test_everything_else_that_asks_the_index_says_so_too(owner, acme, path):
    path = path.format(seen=places_of(acme).write_seen(0))
    assert owner.get(path).status_code in (200, 204)
    db.session.execute(sa.update(follower).values(seq=43, goal=100))
    db.session.commit()

    answer = owner.get(path)

    assert answer.status_code == 503
    assert "made anew" in answer.text and "Retry-After" in answer.headers


def test_counts_are_told_from_the_events_themselves_meanwhile(owner, stale):
    text = owner.get("/w/acme/timeline/overview?entity=deal").text

    assert "The search index is being made anew (43 %)." in text
    assert "3 events" in text


def test_a_view_with_words_is_not_told_to_have_nothing_new(owner, stale, note):
    owner.post("/w/acme/views", data={"name": "Pumps", "query": "q=pump"})
    owner.post("/w/acme/views", data={"name": "Deals", "query": "entity=deal"})
    note("deal.updated", name="Pump")

    tabs = owner.get("/w/acme/views", headers=FRAGMENT)

    assert tabs.status_code == 200
    assert "new?" in tabs.text and "1 new" in tabs.text


@pytest.mark.parametrize("query", NEEDS_IT)
def test_the_api_answers_a_problem_and_when_to_try_again(client, acme, events, stale, query):
    key = api_keys.create_key(acme, "crm", {"events:read"}, COMMAND_LINE)
    db.session.commit()
    head = {"Authorization": f"Bearer {key}"}

    for path in ("events", "events.csv", "events.jsonl"):
        answer = client.get(f"/api/v1/{path}?{query}", headers=head)

        assert answer.status_code == 503
        assert answer.content_type == "application/problem+json"
        assert answer.json["title"] == "The search index is being made anew (43 %)"
        assert int(answer.headers["Retry-After"]) > 0


def test_a_command_says_in_one_line_what_to_do(events, cli, set_state, tmp_path):
    set_state(43, version=0)

    result = cli("events", "export", "--workspace", "acme", "--query", "q=pump", "--output", tmp_path / "out")

    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert "flask --app app index rebuild" in result.err
    assert not (tmp_path / "out").exists()
