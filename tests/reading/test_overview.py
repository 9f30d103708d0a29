"""Facets and activity: exact where they say so, and "at least" where they cannot be."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from auditapp.access.permissions import Permission
from auditapp.extensions import db
from auditapp.finding.effects import effect_of
from auditapp.followers import catch_up
from auditapp.log import record_batch
from auditapp.models import event_count
from auditapp.models.derived import WEEK
from auditapp.reading import facets
from auditapp.reading.activity import activity_of
from auditapp.reading.facets import facets_of
from tests.conftest import an_event
from tests.finding.test_full_text import filters_of, pairs_of
from tests.finding.test_pages import viewer_of

ALL = Permission.AUDIT_LOG_READ_ALL.grant
START = datetime(2026, 3, 1, 22, 10, tzinfo=UTC)
NOW = datetime(2026, 4, 20, 12, 34, tzinfo=UTC)
SOME = "2026-01-01"


def numbered(number: int) -> dict:
    return an_event(
        ["deal.created", "deal.updated", "deal.updated", "contact.deleted", "quote.sent"][number % 5],
        entity=str(number),
        actor={"type": ["user", "workflow"][number % 2], "id": f"a{min(number % 17, 12)}"},
        origin=["ui", "api", "import"][number % 3],
        outcome="failure" if number % 11 == 0 else "success",
        # Over the change to summer time of 29 March, in the workspace's zone.
        occurred_at=START + timedelta(minutes=number * 97),
    )


def record_log(acme, other):
    """Fill acme with 700 events of seven weeks, and the other workspace with some."""
    told = [numbered(number) for number in range(700)]
    for start in range(0, 700, 70):
        record_batch(acme, told[start : start + 70])
    record_batch(other, told[:50])
    db.session.commit()


@pytest.fixture
def log(acme, other):
    """Return what the database has of acme."""
    return [numbered(number) for number in range(700)]


@pytest.fixture(params=[10_000, 60], ids=["all looked at", "more than are looked at"])
def cap(request, monkeypatch):
    """Set the cap, so that counts come out of the matches themselves, or from elsewhere."""
    monkeypatch.setattr(facets, "CAP", request.param)
    monkeypatch.setattr(facets, "LOOK_AT", request.param // 2)
    return request.param


TESTS = {
    "entity": lambda e, v: e["event"].rpartition(".")[0] in v,
    "event": lambda e, v: e["event"] in v,
    "actor": lambda e, v: e["actor"]["id"] in v,
    "origin": lambda e, v: e["origin"] in v,
    "outcome": lambda e, v: e["outcome"] in v,
    "actor_type": lambda e, v: e["actor"]["type"] in v,
    "since": lambda e, v: e["occurred_at"] >= datetime.fromisoformat(v[0]),
    "until": lambda e, v: e["occurred_at"] < datetime.fromisoformat(v[0]),
}
VALUE = {
    "entity": lambda e: e["event"].rpartition(".")[0],
    "event": lambda e: e["event"],
    "actor": lambda e: e["actor"]["id"],
    "origin": lambda e: e["origin"],
    "outcome": lambda e: e["outcome"],
}
QUERIES = [
    "",
    "entity=deal",
    "event=deal.updated&origin=api",
    "origin=ui&origin=api&outcome=success",
    "actor_type=workflow",
    "since=2026-03-10T05:20:00Z",
    "since=2026-03-10T05:20:00Z&until=2026-03-28T23:59:59Z",
    "since=2026-03-10T05:20:00Z&until=2026-03-10T05:50:00Z",
    "since=2026-03-10T05:20:00Z&until=2026-03-11T23:50:00Z&entity=deal",
    "until=2026-03-29T01:30:00Z",
    "since=2026-03-28T23:00:00Z&until=2026-03-30T01:30:00Z",
    "actor=a3",
]


def passing(log, query: str, but: str = "") -> list[dict]:
    asked: dict[str, list[str]] = {}
    for name, value in pairs_of(query) if query else []:
        asked.setdefault(name, []).append(value)
    return [e for e in log if all(TESTS[name](e, v) for name, v in asked.items() if name != but)]


def narrowed(query: str):
    """Return the filter; set-up's own events are of another year."""
    until = [] if "until" in query else [("until", "2026-04-20T12:34:00Z")]
    return filters_of(*(pairs_of(query) if query else []), *until)


@pytest.mark.parametrize("query", QUERIES)
def test_facets_count_what_each_choice_would_find(acme, log, cap, query):
    found = facets_of(narrowed(query), viewer_of(acme, ALL))

    whole = passing(log, query)
    assert found.total == min(len(whole), cap)
    assert found.is_capped == (len(whole) > cap)
    for name, shares in found.shares.items():
        wanted = Counter(VALUE[name](e) for e in passing(log, query, but=name))
        exact = len(whole) <= cap or (name != "actor" and "actor=" not in query)
        for share in shares:
            if exact and not share.is_capped:
                assert share.events == wanted[share.value], (name, share)
            else:
                assert share.is_capped and share.events <= wanted[share.value], (name, share)
        if exact and name != "actor":
            assert {share.value for share in shares} == set(wanted), name
        assert [s.events for s in shares] == sorted((s.events for s in shares), reverse=True) or not exact


@pytest.mark.parametrize("query", QUERIES)
def test_each_bar_counts_what_lies_between_its_ends(acme, log, cap, query):
    found = activity_of(narrowed(query), viewer_of(acme, ALL), NOW)

    whole = passing(log, query)
    if not whole:
        assert found is None
        return
    assert all(one.end == two.start for one, two in pairwise(found.bars))
    if found.counted_from:
        assert cap == 60 and query == "actor=a3"
        return
    for bar in found.bars:
        inside = [e for e in whole if bar.start <= e["occurred_at"] < bar.end]
        assert bar.effects == Counter(effect_of(e["event"], e["outcome"]) for e in inside), bar
    assert sum(bar.events for bar in found.bars) == len(whole)


@pytest.mark.parametrize(
    ("query", "unit", "bars"),
    [
        ("since=2026-03-10T05:00:00Z&until=2026-03-10T09:00:00Z", "hour", 4),
        ("since=2026-03-28T23:00:00Z&until=2026-03-29T22:00:00Z", "hour", 23),
        ("since=2026-03-01&until=2026-03-31", "day", 31),
        ("", "day", 51),
    ],
)
def test_the_unit_follows_the_length(acme, log, query, unit, bars):
    found = activity_of(narrowed(query), viewer_of(acme, ALL), NOW)

    assert found.unit == unit
    assert abs(len(found.bars) - bars) <= 1


def test_days_begin_at_midnight_in_the_workspaces_zone_also_when_clocks_change(acme, log):
    found = activity_of(narrowed(""), viewer_of(acme, ALL), NOW)

    hours = {bar.start.hour for bar in found.bars}
    assert hours == {23, 22}
    [short] = [bar for bar in found.bars[1:-1] if bar.end - bar.start != timedelta(days=1)]
    assert short.end - short.start == timedelta(hours=23)


def test_a_long_log_is_drawn_in_weeks(acme):
    record_batch(acme, [an_event(occurred_at=datetime(year, 5, 5, tzinfo=UTC)) for year in range(2016, 2026)])

    found = activity_of(filters_of(("entity", "deal")), viewer_of(acme, ALL), NOW)

    assert found.unit == "5 weeks"
    assert len(found.bars) < 140
    assert sum(bar.events for bar in found.bars) == 10


def test_who_sees_their_own_events_counts_no_others(acme, log):
    record_batch(acme, [an_event(actor={"type": "user", "id": "m", "email": "member@acme.example"})])

    found = facets_of(filters_of(("entity", "deal")), viewer_of(acme, Permission.AUDIT_LOG_READ_OWN.grant))

    assert found.total == 1
    assert [share.value for share in found.shares["actor"]] == ["m"]


def test_times_at_the_ends_of_the_calendar_do_no_harm(acme, log):
    for query in ("since=0001-01-02T00:00:00Z", "until=9999-12-31T20:00:00Z"):
        assert facets_of(filters_of(*pairs_of(query)), viewer_of(acme, ALL)).total >= 700


def test_counts_of_many_writers_add_up_in_few_rows(acme):
    for number in range(30):
        record_batch(acme, [numbered(number * 5), numbered(number * 5)])
        db.session.commit()
    catch_up(db.engine)

    rows = db.session.execute(
        sa.select(sa.func.count(), sa.func.sum(event_count.c.events)).where(
            event_count.c.event == "deal.created", event_count.c.hours == WEEK
        )
    ).one()
    kinds = {(number % 2, number % 3, number % 11 == 0) for number in range(0, 150, 5)}
    assert rows[1] == 60
    assert rows[0] <= len(kinds) * 3


def test_a_writer_does_not_wait_for_another_to_count(acme):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("writers take turns on SQLite")
    record_batch(acme, [numbered(0)])
    db.session.commit()
    record_batch(acme, [numbered(0)])

    with db.engine.connect() as another:
        another.execute(sa.text("SET lock_timeout = '2s'"))
        record_batch(acme, [numbered(0)], connection=another)
        another.commit()
    db.session.commit()

    found = facets_of(filters_of(("entity", "deal")), viewer_of(acme, ALL))
    assert {share.value: share.events for share in found.shares["event"]} == {"deal.created": 3}


NOTHING = ["actor=nobody", "actor=nobody&entity=deal", "correlation=none", "q=nowhere", "actor=a3&q=none"]


@pytest.mark.parametrize("query", NOTHING)
def test_a_filter_that_finds_nothing_counts_nothing(acme, log, query):
    viewer = viewer_of(acme, ALL)

    found = facets_of(filters_of(*pairs_of(query)), viewer)

    assert found.total == 0
    assert activity_of(filters_of(*pairs_of(query)), viewer, NOW) is None
