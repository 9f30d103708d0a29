"""New events are counted for a page that is being read: cheaply, and only those that belong to it."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.finding import database, news
from auditapp.finding.pages import fetch_page
from auditapp.log import record_batch
from auditapp.log.rows import Stamp, entry_of
from auditapp.models import Event, SignInSession
from tests.conftest import an_event
from tests.finding.test_pages import READERS, everything, filters_of, positional, viewer_of
from tests.pages import FRAGMENT

TIMELINE = "/w/acme/timeline"


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


def live(text: str) -> str:
    """Return where a page asks for what is newer than itself."""
    [url] = re.findall(r'<div class="live" role="status"[^>]* data-live="([^"]+)"></div>', text)
    return unescape(url)


def said(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", "", text)).strip()


def ago(**past: float) -> str:
    return (datetime.now(UTC) - timedelta(**past)).isoformat()


def marked(text: str) -> set[str]:
    return set(re.findall(r'<li id="event-([0-9a-f-]{36})" class="row is-new"', text))


def test_a_page_is_told_how_many_of_the_new_events_match_it(owner, note):
    ask = live(owner.get(f"{TIMELINE}?entity=deal&origin=!ui").text)
    assert owner.get(ask, headers=FRAGMENT).status_code == 204

    note(origin="api")
    note(origin="ui")
    note("contact.created", origin="api")
    answer = owner.get(ask, headers=FRAGMENT)

    assert answer.status_code == 200
    assert said(answer.text) == "1 new: show"
    assert f'href="{TIMELINE}?entity=deal&amp;origin=!ui"' in answer.text


@pytest.mark.parametrize(
    ("query", "count"), [("q=fjord", 2), ("q=!deep&q=fjord", 1), ("field=stage&to=won", 1), ("q=nothing", 0)]
)
def test_words_and_changes_narrow_what_is_told(owner, note, query, count):
    ask = live(owner.get(f"{TIMELINE}?{query}").text)

    note(name="Deep fjord", changes={"stage": {"previous": "open", "current": "won"}})
    note(name="Fjord", changes={"stage": {"previous": "open", "current": "lost"}})
    note(name="Bay")

    assert said(owner.get(ask, headers=FRAGMENT).text) == (f"{count} new: show" if count else "")


def test_a_page_of_stories_is_told_of_new_events_too(owner, note):
    page = owner.get(f"{TIMELINE}?entity=deal&group=story").text
    new = note()

    answer = owner.get(live(page), headers=FRAGMENT).text
    seen = re.search(r'"Auditapp-Seen": "([\w-]+)"', answer)[1]
    again = owner.get(f"{TIMELINE}?entity=deal&group=story", headers={**FRAGMENT, "Auditapp-Seen": seen}).text

    assert said(answer) == "1 new: show"
    assert marked(again) == {new}


def test_what_was_not_there_before_is_marked_and_late_events_appear_where_they_belong(owner, note):
    old = [note(occurred_at=ago(hours=hours), name=f"Old {hours}") for hours in (5, 3, 1)]
    page = owner.get(f"{TIMELINE}?entity=deal&limit=2").text
    seen = re.search(r"seen=([\w-]+)", live(page))[1]

    late, later, newest = (note(occurred_at=ago(hours=hours)) for hours in (2, 4, 0))
    answer = owner.get(live(page), headers=FRAGMENT).text
    again = owner.get(f"{TIMELINE}?entity=deal&limit=5", headers={**FRAGMENT, "Auditapp-Seen": seen}).text

    assert said(answer) == "3 new, 1 of them further down: show"
    assert f'hx-headers=\'{{"Auditapp-Seen": "{seen}"}}\'' in answer
    ids = re.findall(r'<li id="event-([0-9a-f-]{36})"', again)
    assert ids == [newest, old[2], late, old[1], later]
    assert marked(again) == {newest, late, later}
    assert again.count('<span class="tag tag-new">new</span>') == 3
    assert not marked(owner.get(f"{TIMELINE}?entity=deal").text)


def test_older_rows_that_are_new_are_marked_too(owner, note):
    note(occurred_at=ago(hours=1))
    note(occurred_at=ago(hours=2))
    page = owner.get(f"{TIMELINE}?entity=deal&limit=1").text
    seen = re.search(r"seen=([\w-]+)", live(page))[1]
    late = note(occurred_at=ago(hours=1.5))

    again = owner.get(f"{TIMELINE}?entity=deal&limit=1", headers={**FRAGMENT, "Auditapp-Seen": seen}).text
    older = unescape(re.search(r'class="older"><a [^>]*href="([^"]+)"', again)[1])
    seen = re.search(r'"Auditapp-Seen": "([\w-]+)"', again)[1]

    assert marked(owner.get(older, headers={**FRAGMENT, "Auditapp-Seen": seen}).text) == {late}


def test_everything_further_down_is_said_so(owner, note):
    note(occurred_at=ago(hours=1))
    note(occurred_at=ago(hours=2))
    ask = live(owner.get(f"{TIMELINE}?entity=deal&limit=1").text)

    note(occurred_at=ago(hours=3))

    assert said(owner.get(ask, headers=FRAGMENT).text) == "1 new, further down: show"


def test_only_the_newest_page_asks(owner, note):
    for _ in range(3):
        note()
    page = owner.get(f"{TIMELINE}?entity=deal&limit=1").text
    older = unescape(re.search(r'class="older"><a [^>]*href="([^"]+)"', page)[1])

    assert "data-live" in page
    assert "data-live" not in owner.get(older).text


def test_what_matches_nothing_is_not_looked_at_again(owner, acme, note):
    ask = live(owner.get(f"{TIMELINE}?entity=deal").text)
    note("contact.created")

    answer = owner.get(ask, headers=FRAGMENT)

    assert answer.status_code == 204
    old, new = re.search(r"seen=([\w-]+)", ask)[1], answer.headers["Auditapp-Seen"]
    places = places_of(acme)
    assert places.read_seen(new) == places.read_seen(old) + 1


def test_no_more_than_a_thousand_new_events_are_looked_at(owner, acme, note):
    ask = live(owner.get(f"{TIMELINE}?entity=deal").text)
    contacts = live(owner.get(f"{TIMELINE}?entity=contact").text)
    record_batch(acme, [an_event() for _ in range(1000)])
    db.session.commit()
    note("contact.created")

    assert said(owner.get(ask, headers=FRAGMENT).text) == "1,000+ new: show"
    # The one behind the first thousand is found by asking again, from there on.
    answer = owner.get(contacts, headers=FRAGMENT)
    assert answer.status_code == 204
    further = re.sub(r"seen=[\w-]+", f"seen={answer.headers['Auditapp-Seen']}", contacts)
    assert said(owner.get(further, headers=FRAGMENT).text) == "1 new: show"


@pytest.mark.parametrize("who", ["owner", "member"])
def test_nobody_is_told_of_events_that_they_may_not_see(client, login, acme, other, note, who):
    login(who)
    ask = live(client.get(f"{TIMELINE}?entity=deal").text)

    note(actor="ben")
    note(workspace=other)

    answer = client.get(ask, headers=FRAGMENT)
    assert said(answer.text) == ("1 new: show" if who == "owner" else "")


@pytest.mark.parametrize(
    "query", ["", "seen=", "seen=x", "seen=1", "{seen}&last=x", "{seen}&entity=Ä", "{seen}&nope=1"]
)
def test_a_question_that_means_nothing_is_refused(owner, acme, query):
    query = query.format(seen=f"seen={places_of(acme).write_seen(1)}")

    assert owner.get(f"{TIMELINE}/new?{query}", headers=FRAGMENT).status_code == 422


def test_a_view_that_is_gone_is_not_asked_for_again(owner, acme):
    gone, seen = "01a20ac7-c0a1-711a-990d-7f584f8281e8", places_of(acme).write_seen(1)

    assert owner.get(f"{TIMELINE}/new?seen={seen}&view={gone}", headers=FRAGMENT).status_code == 404


@pytest.mark.parametrize("who", ["owner", "member"])
def test_a_page_that_waits_is_not_told_whether_anything_was_recorded_that_is_not_for_it(
    client, login, acme, other, note, who
):
    login(who)
    ask = live(client.get(f"{TIMELINE}?entity=deal").text)
    quiet = [client.get(ask, headers=FRAGMENT) for _ in range(3)]

    note("contact.created", actor="ben")
    note(workspace=other)
    after = client.get(ask, headers=FRAGMENT)

    marks = {answer.headers["Auditapp-Seen"] for answer in (*quiet, after)}
    assert len(marks) == 4, "another one each time, whether there was something or not"
    assert {len(mark) for mark in marks} == {43}


def test_no_page_or_answer_holds_the_number_of_an_event(client, login, acme, note):
    """Numbers are made so large that they would be seen wherever they stood."""
    login("owner")
    far_on = entry_of(acme.id, an_event(), Stamp(uuid.uuid4(), datetime.now(UTC)), None, None).row
    db.session.execute(sa.insert(Event).values(**far_on._asdict(), id=8_123_456_000))
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.text("SELECT setval(pg_get_serial_sequence('event', 'id'), 8123456000)"))
    db.session.commit()
    ids = [note(correlation_id="c", name="Refresh") for _ in range(4)]
    numbers = [str(number) for number in db.session.scalars(sa.select(Event.id))]
    view = client.post("/w/acme/views", data={"name": "Deals", "query": "entity=deal"}).location

    pages = [
        *(f"{TIMELINE}{query}" for query in ("", "?limit=2", "?group=story&limit=1", "/overview", "/new")),
        *("/w/acme/history/deal/1", "/w/acme/history/deal/1?limit=1", "/w/acme/stories/c"),
        *(f"/w/acme/events/{ids[0]}", view, live(client.get(f"{TIMELINE}?limit=2").text)),
        *("/w/acme/timeline.jsonl", "/w/acme/timeline.csv", f"/w/acme/undo?event={ids[0]}"),
    ]
    texts = [answer.text + str(answer.headers) for answer in map(client.get, pages)]

    assert max(map(int, numbers)) > 8_123_456_000
    assert not [page for page, text in zip(pages, texts, strict=True) if "8123456" in text]


def test_asking_keeps_nobodys_session_alive(owner, note):
    ask = live(owner.get(TIMELINE).text)
    long_ago = datetime.now(UTC) - timedelta(minutes=30)
    db.session.execute(sa.update(SignInSession).values(last_seen_at=long_ago))
    db.session.commit()

    for _ in range(2):
        assert owner.get(ask, headers=FRAGMENT).status_code == 204
    assert db.session.scalar(sa.select(SignInSession.last_seen_at)) == long_ago
    db.session.rollback()
    owner.get(TIMELINE)

    assert db.session.scalar(sa.select(SignInSession.last_seen_at)) > long_ago


def test_somebody_signed_out_gets_401(client, acme):
    assert client.get(f"{TIMELINE}/new?seen=1", headers=FRAGMENT).status_code == 401


QUERIES = [
    "",
    "entity=deal",
    "event=*.deleted&actor=!ada",
    "record=deal:3&outcome=success",
    "actor=me&origin=api",
    "correlation=c3&actor_type=!user",
    "since=2026-03-03T00:00:00Z",
    "event=*.updated&event=!deal.updated",
]


@pytest.fixture
def log(acme, other):
    for workspace in (acme, other):
        record_batch(workspace, [everything(number) for number in range(240)])
    db.session.commit()


@pytest.mark.parametrize("reader", READERS)
def test_since_the_beginning_everything_that_the_page_finds_is_new(acme, log, reader):
    viewer = viewer_of(acme, *READERS[reader])

    for query in QUERIES:
        filters = filters_of(f"{query}&until=2026-03-20")
        there = fetch_page(filters, viewer, [Event.id], 500)
        counted = news.count_new(filters, viewer, 0)

        assert counted.count == len(there)
        assert not counted.is_capped


def plan_of(statement) -> str:
    if db.engine.dialect.name == "postgresql":
        # A few hundred rows are scanned sooner; what must not be is that there is no other way.
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        db.session.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
        db.session.execute(sa.text("SET LOCAL enable_sort = off"))
        prefix = "EXPLAIN "
    else:
        prefix = "EXPLAIN QUERY PLAN "
    compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
    rows = db.session.connection().exec_driver_sql(prefix + str(compiled), positional(compiled))
    return "\n".join(str(row[-1]) for row in rows)


def test_nothing_new_costs_one_entry_of_an_index(acme, log):
    viewer = viewer_of(acme, *READERS["all"])
    asked = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    assert news.count_new(TimelineFilters(), viewer, news.newest_id(viewer)).count == 0

    assert len(asked) == 2  # the one above, and the one that is tested
    plan = plan_of(database().select_newest_number(viewer))
    if db.engine.dialect.name == "postgresql":
        assert "Limit" in plan and "Index Only Scan Backward using pk_event" in plan, plan
    else:
        assert plan == "SEARCH event", plan  # SQLite's words for the end of the table itself


@pytest.mark.parametrize("reader", ["all", "own", "permitted"])
def test_new_events_are_read_in_the_order_of_recording_and_no_others(acme, log, reader):
    viewer = viewer_of(acme, *READERS[reader])

    plans = [plan_of(news.select_count(filters_of(query), viewer, 3, None)) for query in QUERIES]

    wanted = "using pk_event" if db.engine.dialect.name == "postgresql" else "rowid>?"
    for plan in plans:
        assert wanted in plan, plan
        assert not [name for name in ("ix_event", "SCAN event", "Seq Scan") if name in plan], plan
