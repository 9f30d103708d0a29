"""Which rows a timeline by story has, in which order and for whom, and that an index serves each query."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.reading import story
from auditapp.reading.story import list_stories, select_first_matches, select_stories
from auditapp.reading.timeline import SUMMARY_COLUMNS, list_events, place
from tests.conftest import an_event
from tests.finding.test_pages import PLACES, READERS, START, filters_of, viewer_of

FILTERS = [
    "",
    "entity=deal",
    "actor_type=user",
    "actor=ben&actor=me",
    "outcome=!success",
    "event=*.deleted&origin=!api",
    "record=deal:3",
    "correlation=c3&correlation=c4",
    "correlation=!c3",
    "since=2026-03-02&until=2026-03-05",
    "q=refresh",
    "field=stage&to=won",
]


def random_events(seed: int, count: int = 300) -> list[dict]:
    """Return events of which many share a correlation or an instant, some of them out of order."""
    dice = random.Random(seed)  # noqa: S311 - the same events every time
    actors = [
        {"type": "user", "id": "ada", "email": "member@acme.example"},
        {"type": "user", "id": "ben", "email": "ben@acme.example"},
        {"type": "workflow", "id": "flow"},
    ]
    return [
        an_event(
            dice.choice(["deal.created", "deal.updated", "deal.deleted", "contact.updated"]),
            entity=str(dice.randrange(6)),
            name=dice.choice(["Refresh", "Renewal"]),
            actor=dice.choice(actors),
            origin=dice.choice(["ui", "api"]),
            outcome=dice.choice(["success", "success", "failure"]),
            changes={"stage": {"previous": "open", "current": dice.choice(["won", "lost"])}},
            occurred_at=START + timedelta(minutes=dice.randrange(count) * 30),
            # A few large ones, many small ones, and some that stand alone.
            **dice.choice([{}, {"correlation_id": f"c{min(dice.randrange(60), dice.randrange(60))}"}]),
        )
        for _ in range(count)
    ]


def record_log(acme, other):
    for workspace in (acme, other):
        record_batch(workspace, random_events(1))
    db.session.commit()


@pytest.fixture
def log(acme, other):
    """Ask for the database that has those events."""


def all_matches(query: str, viewer) -> list:
    """Return every event that the timeline without stories shows, newest first."""
    rows, cursor = [], {}
    while True:
        page = list_events(filters_of(query, limit="200", **cursor), viewer)
        rows += page.events
        if not page.older:
            return rows
        cursor = {"before": PLACES.write(page.older)}


def reference(rows) -> list:
    """Return the rows of a timeline by story, made the plain way from all that matches."""
    first = {row.correlation_id: row for row in reversed(rows[:])}
    for row in reversed(rows):
        if place(row) < place(first[row.correlation_id]):
            first[row.correlation_id] = row
    return [row.uid for row in rows if first[row.correlation_id].uid == row.uid]


def walk(query: str, viewer, limit: int) -> tuple[list, list]:
    """Return the rows of all pages, walked to the oldest and back."""
    there, cursor = [], {}
    while True:
        page = list_stories(filters_of(query, limit=str(limit), group="story", **cursor), viewer)
        assert len(page.events) <= limit
        there += [row.uid for row in page.events]
        if not page.older:
            break
        cursor = {"before": PLACES.write(page.older)}
    back = [row.uid for row in page.events]
    while page.newer:
        page = list_stories(
            filters_of(query, limit=str(limit), group="story", after=PLACES.write(page.newer)), viewer
        )
        back = [row.uid for row in page.events] + back
    return there, back


@pytest.mark.parametrize("reader", ["all", "own", "permitted"])
@pytest.mark.parametrize("query", FILTERS)
def test_pages_of_any_size_have_each_story_once_at_its_earliest_match(acme, log, reader, query):
    viewer = viewer_of(acme, *READERS[reader])
    wanted = reference(all_matches(query, viewer))
    assert wanted or (reader, query) == ("permitted", "record=deal:3")

    for limit in (1, 7, 200) if len(wanted) < 60 else (7, 50):
        there, back = walk(query, viewer, limit)
        assert there == wanted, limit
        assert back == wanted, limit


@pytest.mark.parametrize("query", ["", "actor_type=user", "q=refresh"])
def test_pages_are_the_same_where_large_stories_are_passed_by(acme, log, query, monkeypatch):
    monkeypatch.setattr(story, "MIN_CHUNK", 8)
    monkeypatch.setattr(story, "MAX_CHUNK", 8)  # so that one chunk is never enough
    viewer = viewer_of(acme, *READERS["all"])
    wanted = reference(all_matches(query, viewer))

    assert walk(query, viewer, 3) == (wanted, wanted)


@pytest.mark.parametrize("query", ["", "actor_type=user"])
def test_a_walk_that_is_given_up_makes_a_short_page_and_goes_on_from_there(acme, log, query, monkeypatch):
    monkeypatch.setattr(story, "MIN_CHUNK", 8)
    monkeypatch.setattr(story, "MAX_WALK", 10)
    monkeypatch.setattr(story, "LARGE", 0)  # no story is passed by
    viewer = viewer_of(acme, *READERS["all"])

    there, back = walk(query, viewer, 9)

    assert there == reference(all_matches(query, viewer))
    assert [uid for uid in there if uid in back] == back  # the way back begins with a short page


def test_both_bounds_leave_the_stories_between_them(acme, log):
    viewer = viewer_of(acme, *READERS["all"])
    rows = list_stories(filters_of("", limit="200", group="story"), viewer).events
    query = filters_of("", limit="200", group="story")

    page = list_stories(replace(query, after=place(rows[60]), before=place(rows[10])), viewer)

    assert [row.uid for row in page.events] == [row.uid for row in rows[11:60]]


def test_a_row_stays_where_it_is_when_others_follow(acme, log):
    viewer = viewer_of(acme, *READERS["all"])
    query = filters_of("until=2026-03-20", limit="50", group="story")
    before = list_stories(query, viewer).events

    record_batch(acme, [an_event(correlation_id=row.correlation_id, entity="late") for row in before])
    db.session.commit()

    assert [row.uid for row in list_stories(query, viewer).events] == [row.uid for row in before]


@pytest.mark.parametrize("reader", ["all", "own", "permitted"])
def test_a_row_says_how_many_others_one_may_see_and_whether_it_began_them(acme, log, reader):
    viewer = viewer_of(acme, *READERS[reader])
    first, visible = {}, defaultdict(int)
    for row in all_matches("", viewer):
        first[row.correlation_id] = row.id
        visible[row.correlation_id] += 1

    for query in ("", "entity=contact"):
        page = list_stories(filters_of(query, limit="200", group="story"), viewer)
        assert page.events
        for row in page.events:
            found = page.stories[row.id]
            assert (found.others, found.more) == (visible[row.correlation_id] - 1, False)
            assert found.is_part == (first[row.correlation_id] != row.id)
            # Who may not see all does not know whether something came before.
            assert found.is_head == (reader == "all" and not found.is_part)


def test_an_effect_that_claims_an_earlier_time_than_its_cause_began_nothing(acme):
    viewer = viewer_of(acme, *READERS["all"])
    [cause] = record_batch(acme, [an_event(occurred_at=START, correlation_id="c")])
    record_batch(
        acme,
        [
            an_event(
                "task.created",
                actor={"type": "workflow", "id": "flow"},
                occurred_at=START - timedelta(milliseconds=5),
                correlation_id="c",
                causation_id=str(cause.id).upper(),
            ),
            an_event("deal.won", occurred_at=START, correlation_id="d", causation_id="job 7"),
        ],
    )
    db.session.commit()

    page = list_stories(filters_of("correlation=c&correlation=d", group="story"), viewer)

    heads = {row.event: page.stories[row.id].is_head for row in page.events}
    assert heads == {"task.created": False, "deal.won": True}


@pytest.fixture
def large(acme):
    """Record a story of 3,000 events, among which others stand, and follow it by a few."""
    events = [
        an_event(
            entity=str(number),
            occurred_at=START + timedelta(seconds=number),
            **({} if number % 1000 == 500 else {"correlation_id": "large"}),
        )
        for number in range(3003)
    ]
    for start in range(0, len(events), 1000):
        record_batch(acme, events[start : start + 1000])
    db.session.commit()
    return viewer_of(acme, *READERS["all"])


@pytest.fixture
def statements():
    """Return the statements that are executed from now on."""
    heard: list[str] = []

    def hear(_connection, _cursor, statement, *_more):
        heard.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", hear)
    yield heard
    sa.event.remove(db.engine, "before_cursor_execute", hear)


def test_a_large_story_is_counted_up_to_a_thousand_and_passed_by_in_few_queries(large, statements):
    page = list_stories(filters_of("entity=deal", group="story"), large)

    assert [row.entity_id for row in page.events] == ["2500", "1500", "500", "0"]
    assert (page.stories[page.events[-1].id].others, page.stories[page.events[-1].id].more) == (1000, True)
    assert len(statements) < 15, statements


def test_the_number_of_queries_does_not_grow_with_the_rows(acme, log, statements):
    viewer = viewer_of(acme, *READERS["all"])
    counted = []
    for limit in ("5", "50"):
        statements.clear()
        list_stories(filters_of("", limit=limit, group="story"), viewer)
        counted.append(len(statements))

    assert max(counted) < 10, counted


def plan_of(statement) -> str:
    if db.engine.dialect.name == "postgresql":
        # With 300 rows a scan is cheaper than any index; what must not be is that there is no other way.
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            db.session.execute(sa.text(f"SET LOCAL {setting} = off"))
    prefix = "EXPLAIN " if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
    bound = {
        name: compiled._bind_processors[name](value) if name in compiled._bind_processors else value
        for name, value in compiled.construct_params().items()
    }
    values = tuple(bound[name] for name in compiled.positiontup) if compiled.positional else bound
    return "\n".join(
        str(row[-1]) for row in db.session.connection().exec_driver_sql(prefix + str(compiled), values)
    )


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("query", [query for query in FILTERS if not query.startswith(("q=", "field="))])
def test_the_first_match_of_a_story_is_found_in_its_own_index(acme, log, reader, query):
    viewer = viewer_of(acme, *READERS[reader])

    plan = plan_of(select_first_matches(filters_of(query), viewer, [1, 2, 3]))

    assert "Seq Scan" not in plan and "SCAN event" not in plan and "TEMP B-TREE" not in plan, plan
    assert_rows_are_found_by_number(plan)
    # Where nothing can match, PostgreSQL asks nothing.
    walked = {"ix_event_correlation", *by_any_index()}
    assert any(name in plan for name in walked) or "One-Time Filter: false" in plan or reader == "nothing", (
        plan
    )
    assert not {name for name in INDEXES - {"ix_event_correlation"} - by_any_index() if name in plan}, plan


def by_any_index() -> set[str]:
    """Of a few rows PostgreSQL finds those of a page, by their numbers, in any index."""
    return (
        {"ix_event_actor", "ix_event_kind", "ix_event_time"}
        if db.engine.dialect.name == "postgresql"
        else set()
    )


INDEXES = {index.name for index in SUMMARY_COLUMNS[0].table.indexes}


@pytest.mark.parametrize("reader", ["all", "own", "permitted"])
def test_the_others_of_a_story_are_counted_in_its_own_index(acme, log, reader):
    plan = plan_of(select_stories([1, 2, 3], viewer_of(acme, *READERS[reader])))

    assert "Seq Scan" not in plan and "SCAN event" not in plan, plan
    assert {name for name in INDEXES if name in plan} - by_any_index() == {"ix_event_correlation"}, plan
    assert_rows_are_found_by_number(plan)


def assert_rows_are_found_by_number(plan: str) -> None:
    if db.engine.dialect.name == "sqlite":  # else it walks all of the workspace for them
        assert "SEARCH seen USING INTEGER PRIMARY KEY" in plan, plan
