"""Which events a filter finds, for whom, in which order; and that an index serves every query."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from auditapp import create_app
from auditapp.access.opaque import Sealer
from auditapp.access.permissions import Permission
from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.cursor import Places
from auditapp.finding.pages import select_glance, select_page
from auditapp.log import record_batch
from auditapp.models import Account, Member
from auditapp.reading.timeline import SUMMARY_COLUMNS, list_events
from tests.conftest import BOTH, an_event, make_workspace

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def everything(number: int) -> dict:
    """Return an event that differs from its neighbours in every filterable way."""
    actors = [
        {"type": "user", "id": "ada", "email": "member@acme.example"},
        {"type": "user", "id": "ben", "email": "ben@acme.example"},
        {"type": "api_key", "id": "key"},
        {"type": "workflow", "id": "flow"},
        {"type": "system", "id": "job"},
        {"type": "anonymous", "id": "nobody"},
    ]
    events = ["deal.created", "deal.updated", "deal.deleted", "contact.updated", "deal.stage.changed"]
    return an_event(
        events[number % 5],
        entity=str(number % 7),
        actor=actors[number % 6],
        origin=["ui", "api", "workflow", "unknown"][number % 4],
        outcome=["success", "success", "failure", "denied"][number % 4],
        correlation_id=f"c{number % 11}",
        # Pairs share an instant, so that the order of recording decides between them.
        occurred_at=START + timedelta(hours=number // 2),
    )


def record_log(acme, other):
    """Fill acme with 240 events, and the other workspace with the same."""
    for workspace in (acme, other):
        record_batch(workspace, [everything(number) for number in range(240)])
    db.session.commit()


def told() -> list:
    return [SimpleNamespace(number=number, **everything(number)) for number in range(240)]


@pytest.fixture
def log(acme, other):
    """Return what the database has of acme."""
    return told()


@pytest.fixture(scope="module", params=BOTH)
def filled(request, copies):
    """Return an application with that log for the sweeps, which only read, and the log."""
    copy = copies(request.param, "acme", "other", of="sweep", record_log=record_log)
    copy.renew()
    app = create_app({"SQLALCHEMY_DATABASE_URI": copy.url, "TESTING": True})
    yield app, told()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def kept(filled):
    """Return acme as the sweeps share it, and its log."""
    app, log = filled
    with app.app_context():
        yield SimpleNamespace(workspace=make_workspace("acme"), log=log)
        db.session.remove()


def viewer_of(workspace, *permissions) -> Viewer:
    member = db.session.scalars(
        sa.select(Member)
        .join(Account)
        .where(Member.workspace_id == workspace.id, Account.email.like("member@%"))
    ).one()
    return Viewer(workspace, frozenset(permissions), member.id)


READERS = {
    "all": [Permission.AUDIT_LOG_READ_ALL.grant],
    "own": [Permission.AUDIT_LOG_READ_OWN.grant],
    "permitted": [Permission.AUDIT_LOG_READ_PERMITTED.grant, ("contact", "read"), ("deal.stage", "read")],
    "nothing": [("roles", "read")],
}


def sees(reader: str, event) -> bool:
    own = event.actor["id"] == "ada"
    permitted = event.event in ("contact.updated", "deal.stage.changed")
    return {"all": True, "own": own, "permitted": own or permitted, "nothing": False}[reader]


def kind_of(event) -> str:
    return event.event.rpartition(".")[0]


SINGLE = {
    "entity=deal": lambda e: kind_of(e) == "deal",
    "entity=!deal": lambda e: kind_of(e) != "deal",
    "entity=deal&entity=contact": lambda e: kind_of(e) in ("deal", "contact"),
    "entity=never_seen": lambda e: False,
    "record=deal:3": lambda e: (kind_of(e), e.entity["id"]) == ("deal", "3"),
    "record=deal:3&record=contact:3": lambda e: kind_of(e) in ("deal", "contact") and e.entity["id"] == "3",
    "record=!deal:3": lambda e: (kind_of(e), e.entity["id"]) != ("deal", "3"),
    "event=deal.updated": lambda e: e.event == "deal.updated",
    "event=deal.*": lambda e: e.event.startswith("deal."),
    "event=*.deleted": lambda e: e.event.endswith(".deleted"),
    "event=!*.updated&event=!deal.created": lambda e: (
        e.event not in ("deal.updated", "contact.updated", "deal.created")
    ),
    "actor=ada": lambda e: e.actor["id"] == "ada",
    "actor=!ada": lambda e: e.actor["id"] != "ada",
    "actor=me": lambda e: e.actor["id"] == "ada",
    "actor=!me": lambda e: e.actor["id"] != "ada",
    "actor=me&actor=ada&actor=ben": lambda e: e.actor["id"] in ("ada", "ben"),
    "actor=ben&actor=key&actor=!ben": lambda e: e.actor["id"] == "key",
    "actor_type=user": lambda e: e.actor["type"] == "user",
    "actor_type=system&actor_type=api_key": lambda e: e.actor["type"] in ("system", "api_key"),
    "actor_type=!user": lambda e: e.actor["type"] != "user",
    "origin=api": lambda e: e.origin == "api",
    "origin=!unknown": lambda e: e.origin != "unknown",
    "outcome=failure": lambda e: e.outcome == "failure",
    "outcome=success": lambda e: e.outcome == "success",
    "outcome=!success": lambda e: e.outcome != "success",
    "correlation=c3&correlation=c4": lambda e: e.correlation_id in ("c3", "c4"),
    "correlation=!c3": lambda e: e.correlation_id != "c3",
    "since=2026-03-03T00:00:00Z": lambda e: e.occurred_at >= datetime(2026, 3, 3, tzinfo=UTC),
    "until=2026-03-03T00:00:00Z": lambda e: e.occurred_at < datetime(2026, 3, 3, tzinfo=UTC),
}
PAIRS = list(combinations(SINGLE, 2))


def is_of_different_parameters(one: str, two: str) -> bool:
    """The same parameter twice means "or", which SINGLE has."""
    names = [part.split("=")[0] for query in (one, two) for part in query.split("&")]
    return len({"since", "until"} & set(names)) == 2 or one.split("=")[0] != two.split("=")[0]


DIFFERENT = [pair for pair in PAIRS if is_of_different_parameters(*pair)]
ASKED = ["", *SINGLE, *("&".join(pair) for pair in PAIRS)]


PLACES = Places(Sealer("a secret", b"a workspace"))


def filters_of(query: str, **more: str) -> TimelineFilters:
    pairs = [tuple(part.split("=", 1)) for part in query.split("&") if part]
    once = [pair for place, pair in enumerate(pairs) if pair not in pairs[:place]]
    pairs = [*once, *more.items()]
    return TimelineFilters.from_args(pairs, zone=ZoneInfo("UTC"), now=NOW, knows_me=True, places=PLACES)


def found(query: str, viewer: Viewer, **more: str) -> list:
    return list_events(filters_of(query, limit="200", **more), viewer).events


def keys(rows) -> list:
    """Name events by what tells them apart; rows of set-up (members, workspace) come later in time."""
    return [
        (row.occurred_at, row.event, row.entity_id, row.actor_id)
        for row in rows
        if row.occurred_at < datetime(2026, 3, 20, tzinfo=UTC)
    ]


def expected(log, *tests) -> list:
    wanted = [event for event in reversed(log) if all(test(event) for test in tests)]
    return [(e.occurred_at, e.event, e.entity["id"], e.actor["id"]) for e in wanted]


@pytest.mark.parametrize("reader", READERS)
def test_each_filter_finds_what_it_says_newest_first(acme, log, reader):
    viewer = viewer_of(acme, *READERS[reader])
    for query, test in SINGLE.items():
        rows = found(query, viewer, until="2026-03-20") if "until" not in query else found(query, viewer)
        assert keys(rows) == expected(log, test, lambda e: sees(reader, e))[:200], query


@pytest.mark.parametrize(("one", "two"), DIFFERENT, ids=lambda query: query)
def test_each_pair_of_filters_finds_what_both_say(kept, one, two):
    query = f"{one}&{two}"
    for reader in ("all", "permitted"):
        viewer = viewer_of(kept.workspace, *READERS[reader])
        rows = found(query, viewer) if "until" in query else found(query, viewer, until="2026-03-20")
        wanted = expected(kept.log, SINGLE[one], SINGLE[two], lambda e, reader=reader: sees(reader, e))
        assert keys(rows) == wanted[:200], reader


@pytest.mark.parametrize("reader", ["all", "own", "permitted"])
@pytest.mark.parametrize("query", ["", "entity=deal", "actor=ben&actor=me", "outcome=!success"])
def test_pages_meet_without_a_gap_or_an_overlap_in_both_directions(acme, log, reader, query):
    viewer = viewer_of(acme, *READERS[reader])
    whole = [row.uid for row in found(query, viewer)]

    walked, cursor = [], {}
    while True:
        page = list_events(filters_of(query, limit="7", **cursor), viewer)
        walked += [row.uid for row in page.events]
        if not page.older:
            break
        cursor = {"before": PLACES.write(page.older)}
    back = [row.uid for row in page.events]
    while page.newer:
        page = list_events(filters_of(query, limit="7", after=PLACES.write(page.newer)), viewer)
        back = [row.uid for row in page.events] + back

    assert walked[:200] == whole
    assert back == walked


def test_events_recorded_meanwhile_shift_nothing(acme, log):
    viewer = viewer_of(acme, *READERS["all"])
    first = list_events(filters_of("entity=deal", limit="5"), viewer)
    second = list_events(filters_of("entity=deal", limit="5", before=PLACES.write(first.older)), viewer)

    record_batch(acme, [an_event(entity="new")] * 3)

    again = list_events(filters_of("entity=deal", limit="5", before=PLACES.write(first.older)), viewer)
    assert [row.uid for row in again.events] == [row.uid for row in second.events]


def test_since_at_or_after_until_is_an_empty_page(acme, log):
    viewer = viewer_of(acme, *READERS["all"])

    assert not found("since=2026-03-05&until=2026-03-03", viewer)
    assert not found("since=2026-03-03T00:00:00Z&until=2026-03-03T00:00:00Z", viewer)


def test_rows_of_one_instant_are_shown_in_the_order_of_recording(acme):
    at = "2026-03-24T09:55:43Z"
    record_batch(acme, [an_event(entity=str(number), occurred_at=at) for number in range(20)])

    rows = found("entity=deal", viewer_of(acme, *READERS["all"]))

    assert [row.entity_id for row in rows] == [str(number) for number in reversed(range(20))]


def explain(query: str, viewer: Viewer) -> str | None:
    statement = select_page(filters_of(query), viewer, SUMMARY_COLUMNS, 51)
    return None if statement is None else plan_of(statement)  # None: nothing can match, nothing is asked


def plan_of(statement) -> str:
    if db.engine.dialect.name == "postgresql":
        # With 240 rows a scan is cheaper than any index; what must not be is that there is no other way.
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        db.session.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
        prefix = "EXPLAIN "
    else:
        prefix = "EXPLAIN QUERY PLAN "
    compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
    raw = db.session.connection().exec_driver_sql(prefix + str(compiled), positional(compiled))
    return "\n".join(str(row[-1]) for row in raw)


def positional(compiled):
    processed = compiled.construct_params()
    bound = {
        name: compiled._bind_processors[name](value) if name in compiled._bind_processors else value
        for name, value in processed.items()
    }
    return tuple(bound[name] for name in compiled.positiontup) if compiled.positional else bound


def test_the_check_itself_sees_a_table_scan(acme, log):
    with pytest.raises(AssertionError):
        _assert_index(_plan_of_a_scan(), "a scan")


def _plan_of_a_scan() -> str:
    prefix = "EXPLAIN " if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    rows = db.session.execute(sa.text(prefix + "SELECT * FROM event WHERE fields = 'x'"))
    return "\n".join(str(row[-1]) for row in rows)


def _assert_index(plan: str, query: str) -> None:
    assert "Seq Scan" not in plan and "SCAN event" not in plan, f"{query}\n{plan}"
    assert "event_payload" not in plan, f"{query}\n{plan}"
    assert "USING INDEX" in plan or "USING COVERING INDEX" in plan or "Index " in plan, f"{query}\n{plan}"


@pytest.mark.parametrize("query", ASKED)
def test_an_index_serves_each_filter_and_each_pair_and_none_reads_payloads(kept, query):
    for reader, permissions in READERS.items():
        plan = explain(query, viewer_of(kept.workspace, *permissions))
        if plan is not None:
            _assert_index(plan, f"{reader}: {query}")


@pytest.mark.parametrize("reader", READERS)
def test_hardly_a_filter_or_pair_needs_no_index(kept, reader):
    viewer = viewer_of(kept.workspace, *READERS[reader])
    asked = [q for q in ASKED if select_page(filters_of(q), viewer, SUMMARY_COLUMNS, 51) is not None]

    assert len(asked) > 300 or reader == "nothing"


WALKS = {
    "": "ix_event_time",
    "event=deal.updated": "ix_event_kind",
    "entity=deal": "ix_event_kind",
    "event=*.deleted": "ix_event_kind",
    "actor=ada": "ix_event_actor",
    "actor=ada&event=deal.updated": "ix_event_actor",
    "actor=ada&origin=api": "ix_event_actor",
    "actor=me": "ix_event_member",
    "record=deal:3": "ix_event_entity",
    "origin=api": "ix_event_kind",
    "correlation=c3": "ix_event_correlation",
    "actor_type=system": "ix_event_kind",
    "outcome=denied": "ix_event_kind",
    "outcome=!success&origin=!ui": "ix_event_kind",
    "entity=deal&outcome=denied&origin=unknown": "ix_event_kind",
}


@pytest.mark.parametrize("query", WALKS)
def test_a_filter_walks_the_index_that_fits_it(acme, log, query):
    """PostgreSQL would sort 240 rows rather than walk an index; without sorting it shows that it can."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.text("SET LOCAL enable_sort = off"))
        # Of 240 rows either of two would do; what must be shown is that this one can.
        other = {"ix_event_actor": "ix_event_kind", "ix_event_kind": "ix_event_time"}.get(WALKS[query])
        if other:
            db.session.execute(sa.text(f"DROP INDEX {other}"))

    plan = explain(query, viewer_of(acme, *READERS["all"]))

    assert WALKS[query] in plan, plan
    if db.engine.dialect.name == "sqlite" and WALKS[query] in ("ix_event_kind", "ix_event_actor"):
        # Pinned as a whole: no row is passed that does not match.
        assert "outcome=?" in plan and "occurred_at" not in plan.split(WALKS[query])[1].split("\n")[0], plan


def test_many_kinds_are_found_by_a_glance_at_the_newest_and_by_walks_alike(acme, log):
    viewer = viewer_of(acme, *READERS["all"])

    for query, test in (
        ("outcome=success", lambda e: e.outcome == "success"),
        ("entity=!contact", lambda e: kind_of(e) != "contact"),
    ):
        for limit in ("5", "200"):
            rows = list_events(filters_of(query, limit=limit, until="2026-03-20"), viewer).events
            assert keys(rows) == expected(log, test)[: int(limit)], (query, limit)


def test_a_glance_finds_the_newest_by_their_numbers(acme, log):
    """Else SQLite walks all of the workspace for a filter that few of the newest pass."""
    viewer = viewer_of(acme, *READERS["all"])

    plan = plan_of(select_glance(filters_of("outcome=failure"), viewer, SUMMARY_COLUMNS, 51))

    if db.engine.dialect.name == "sqlite":
        assert "SEARCH event USING INTEGER PRIMARY KEY" in plan, plan
        assert plan.count("ix_event_time") == 1, plan
    else:
        assert "Seq Scan" not in plan, plan
