"""What a search finds: words, phrases, beginnings, changes; with every other filter; in the order of time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from auditapp.access.permissions import Permission
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.expression import All
from auditapp.finding import database, postgresql
from auditapp.finding.index_expression import tree_of
from auditapp.log import record_batch
from auditapp.reading.timeline import list_events
from tests.conftest import an_event
from tests.finding.test_pages import PLACES, positional, viewer_of

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ALL = Permission.AUDIT_LOG_READ_ALL.grant


def filters_of(*pairs: tuple[str, str]) -> TimelineFilters:
    return TimelineFilters.from_args(pairs, zone=ZoneInfo("UTC"), now=NOW, knows_me=True, places=PLACES)


def found(viewer, *pairs) -> list[str]:
    """Return the entity ids of what was found, newest first."""
    return [row.entity_id for row in list_events(filters_of(*pairs, ("limit", "200")), viewer).events]


@pytest.fixture
def one(acme):
    """Return a function that records an event with entity id "it" and tells whether a search finds it."""
    record_batch(acme, [an_event(entity="other", name="Something else", payload={"x": "plain"})])
    viewer = viewer_of(acme, ALL)

    def finds(q: str, **event) -> bool:
        record_batch(acme, [an_event(entity="it", **event)])
        return found(viewer, ("q", q)) == ["it"]

    return finds


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("Data Center Refresh", "center"),
        ("Data Center Refresh", "refresh DATA"),
        ("Data Center Refresh", '"data center"'),
        ("Data Center Refresh", "cent*"),
        ("Data Center Refresh", '"data cent*"'),
        ("Müller & Söhne", "muller"),
        ("Muller & Sohne", "MÜLLER söhne"),
        ("Cafe\u0301 Zoë", "café zoe"),
        ("straße Łódź", "STRASSE lodz"),
        ("hans.meier@acme.example", "hans.meier@acme.example"),
        ("hans.meier@acme.example", "meier"),
        ("first_name", "first"),
        ("日本語テスト", "日本"),
        ("ﾊﾞｲｸ ｶﾞｽ ﾊﾟﾝ", "バイク ガス パン"),
        ("日本語テスト", "本語"),
        ("日本語テスト", "語"),
        ("日本語テスト", "ト"),
        ("日本語テスト", "日本語テスト"),
        ("北京市 Beijing", "beijing 京"),
        ("서울특별시", "특별"),
        ("ﬁnance ＦＵＬＬ", "finance full"),
        ("Привет мир", "ПРИВЕТ"),
        ("019aa0c4-1111-7000-8000-00000000000a", "019AA0C4-1111-7000-8000-00000000000a"),
        ("see 019aa0c4-1111-7000-8000-00000000000a there", "019aa0c4-1111-7000-8000-00000000000a"),
        ("a" * 300, "a" * 300),
        ("_1", "1"),
        ("NOT OR AND", "not or and"),
        ('it\'s 100% "so"', "it's 100%"),
    ],
)
def test_a_text_is_found(one, text, q):
    assert one(q, name=text)


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("Data Center Refresh", '"center data"'),
        ("Data Center Refresh", "cent"),
        ("Data Center Refresh", "center missing"),
        ("日本語", "日語"),
        ("日 本", "日本"),
        ("Müller", "mueller"),
    ],
)
def test_a_text_is_not_found(one, text, q):
    assert not one(q, name=text)


@pytest.mark.parametrize(
    ("q", "event"),
    [
        ("won", {"changes": {"stage": {"previous": "open", "current": "won"}}}),
        ("open", {"changes": {"stage": {"previous": "open", "current": "won"}}}),
        ("48000", {"changes": {"value": {"previous": 1, "current": 48000}}}),
        ("48000.5", {"payload": {"deep": [{"value": 48000.5}]}}),
        ("tagged", {"payload": {"tags": ["tagged", "x"]}}),
        ("card", {"related": [{"type": "service", "id": "s_9", "name": "Network Card"}]}),
        ("s_9", {"related": [{"type": "service", "id": "s_9", "name": "Network Card"}]}),
        ("grace", {"actor": {"type": "user", "id": "u", "name": "Grace", "email": "g@x.example"}}),
        ("g@x.example", {"actor": {"type": "user", "id": "u", "name": "Grace", "email": "g@x.example"}}),
        ("boss", {"on_behalf_of": {"type": "user", "id": "b", "name": "The Boss"}}),
        ("198.51.100.7", {"context": {"ip": "198.51.100.7"}}),
        ("req-77", {"context": {"request_id": "req-77"}}),
        ("story-5", {"correlation_id": "story-5"}),
    ],
)
def test_names_ids_and_values_are_searched(one, q, event):
    assert one(q, **event)


@pytest.mark.parametrize("q", ["stage", "payload", "deal", "true", "null"])
def test_what_is_no_value_is_not(one, q):
    assert not one(q, changes={"stage": {"previous": None, "current": True}}, payload={"payload": {}})


def test_a_phrase_does_not_span_two_values(one):
    assert not one('"alpha beta"', payload={"a": "alpha", "b": "beta"})


def test_its_own_id_finds_an_event(acme):
    [recorded] = record_batch(acme, [an_event(entity="it")])

    assert found(viewer_of(acme, ALL), ("q", str(recorded.id))) == ["it"]


WORDS = ["alpha", "beta", "gamma", "delta"]


def numbered(number: int) -> dict:
    changes = {
        "stage": {"previous": ["open", "lost", None][number % 3], "current": ["won", "open"][number % 2]},
        **(
            {"owner": {"previous": {"id": "u1", "name": "Ann"}, "current": {"id": "u2", "name": "Bo"}}}
            if number % 5 == 0
            else {}
        ),
        **({"amount": {"current": 100.0 + number % 3}} if number % 4 == 0 else {}),
        **({"tags": {"previous": ["a", "b"], "current": ["b", "c"]}} if number % 7 == 0 else {}),
    }
    return an_event(
        ["deal.created", "deal.updated", "contact.updated"][number % 3],
        entity=str(number),
        actor={
            "type": ["user", "workflow"][number % 2],
            "id": ["ada", "flow", "ben"][number % 3],
            "email": f"{['member', 'x', 'y'][number % 3]}@acme.example",
        },
        origin=["ui", "api"][number % 2],
        outcome=["success", "success", "success", "failure"][number % 4],
        changes=changes,
        payload={"note": " ".join(word for place, word in enumerate(WORDS) if number % (place + 2) == 0)},
        correlation_id=f"c{number % 6}",
        # Dense at first, then ever thinner: a page needs spans of each length.
        occurred_at=START + timedelta(seconds=number if number < 150 else number * number * 40),
    )


def record_log(acme, other):
    """Fill acme with 300 events in a mixed order, and the other workspace with the same."""
    told = [numbered(number) for number in range(300)]
    mixed = told[::2] + told[1::2]
    for workspace in (acme, other):
        record_batch(workspace, mixed)
    db.session.commit()


@pytest.fixture
def log(acme, other):
    """Return what the database has of acme, in the order of time."""
    return [numbered(number) for number in range(300)]


def has(event: dict, word: str) -> bool:
    return word in event["payload"]["note"].split()


def change(event: dict, name: str, side: str):
    return event["changes"].get(name, {}).get(side, "missing")


QUERIES = {
    "q=alpha": lambda e: has(e, "alpha"),
    "q=alpha beta": lambda e: has(e, "alpha") and has(e, "beta"),
    "q=alpha&q=gamma": lambda e: has(e, "alpha") or has(e, "gamma"),
    "q=alpha&q=!beta": lambda e: has(e, "alpha") and not has(e, "beta"),
    "q=!alpha": lambda e: not has(e, "alpha"),
    "q=del*": lambda e: has(e, "delta"),
    'q="alpha beta"': lambda e: has(e, "alpha") and has(e, "beta"),
    "q=alpha&entity=deal": lambda e: has(e, "alpha") and e["event"].startswith("deal."),
    "q=alpha&entity=!deal": lambda e: has(e, "alpha") and not e["event"].startswith("deal."),
    "q=alpha&actor=ben": lambda e: has(e, "alpha") and e["actor"]["id"] == "ben",
    "q=alpha&actor=me": lambda e: (
        has(e, "alpha") and e["actor"]["id"] == "ada" and e["actor"]["type"] == "user"
    ),
    "q=alpha&origin=!api": lambda e: has(e, "alpha") and e["origin"] != "api",
    "q=beta&outcome=failure": lambda e: has(e, "beta") and e["outcome"] == "failure",
    "q=beta&outcome=success": lambda e: has(e, "beta") and e["outcome"] == "success",
    "q=beta&outcome=!success": lambda e: has(e, "beta") and e["outcome"] != "success",
    "q=beta&actor_type=user": lambda e: has(e, "beta") and e["actor"]["type"] == "user",
    "q=beta&actor_type=!workflow": lambda e: has(e, "beta") and e["actor"]["type"] != "workflow",
    "q=alpha&record=deal:24": lambda e: (
        has(e, "alpha") and e["entity"] == {"type": "deal", "id": "24", "name": None}
    ),
    "q=alpha&correlation=c2": lambda e: has(e, "alpha") and e["correlation_id"] == "c2",
    "q=alpha&since=2026-03-02": lambda e: (
        has(e, "alpha") and e["occurred_at"] >= datetime(2026, 3, 2, tzinfo=UTC)
    ),
    "q=alpha&until=2026-03-01T00:01:00Z": lambda e: (
        has(e, "alpha") and e["occurred_at"] < datetime(2026, 3, 1, 0, 1, tzinfo=UTC)
    ),
    "field=owner": lambda e: "owner" in e["changes"],
    "field=!owner": lambda e: "owner" not in e["changes"],
    "field=owner&field=amount": lambda e: "owner" in e["changes"] or "amount" in e["changes"],
    "field=stage&from=open": lambda e: change(e, "stage", "previous") == "open",
    "field=stage&from=null": lambda e: change(e, "stage", "previous") is None,
    "field=stage&to=open": lambda e: change(e, "stage", "current") == "open",
    "field=stage&from=open&to=won": lambda e: (
        change(e, "stage", "previous") == "open" and change(e, "stage", "current") == "won"
    ),
    "field=stage&from=!open": lambda e: change(e, "stage", "previous") != "open",
    "field=stage&from=open&from=lost&to=!won": lambda e: (
        change(e, "stage", "previous") in ("open", "lost") and change(e, "stage", "current") != "won"
    ),
    "field=owner&to=Bo": lambda e: "owner" in e["changes"],
    "field=owner&from=u1&to=u2": lambda e: "owner" in e["changes"],
    "field=owner&to=Ann": lambda e: False,
    "field=amount&to=101": lambda e: change(e, "amount", "current") == 101.0,
    "field=amount&to=101.0": lambda e: change(e, "amount", "current") == 101.0,
    "field=tags&to=c": lambda e: "tags" in e["changes"],
    "field=tags&from=a": lambda e: "tags" in e["changes"],
    "field=tags&to=b": lambda e: False,
    "field=stage&to=won&q=alpha": lambda e: change(e, "stage", "current") == "won" and has(e, "alpha"),
    "field=nothing": lambda e: False,
}
READERS = {
    "all": [ALL],
    "own": [Permission.AUDIT_LOG_READ_OWN.grant],
    "permitted": [Permission.AUDIT_LOG_READ_PERMITTED.grant, ("contact", "read")],
    "nothing": [("roles", "read")],
}


def sees(reader: str, event: dict) -> bool:
    own = event["actor"]["type"] == "user" and event["actor"]["email"] == "member@acme.example"
    contact = event["event"].startswith("contact.")
    return {"all": True, "own": own, "permitted": own or contact, "nothing": False}[reader]


def pairs_of(query: str) -> list[tuple[str, str]]:
    return [tuple(part.split("=", 1)) for part in query.split("&")]


@pytest.fixture(params=["few", "the newest", "spans of time"])
def plan(request, app, monkeypatch):
    """Have one of the plans serve the searches: on 600 events the first would serve them all."""
    on_postgresql = app.config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql")
    if request.param == "few":
        return
    if not on_postgresql:
        pytest.skip("SQLite has one plan")
    monkeypatch.setattr(postgresql, "FEW", 0)
    if request.param == "spans of time":
        monkeypatch.setattr(postgresql, "GLANCE", 1)


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize("reader", READERS)
def test_each_search_finds_what_it_says_newest_first(acme, log, reader):
    viewer = viewer_of(acme, *READERS[reader])
    for query, test in QUERIES.items():
        until = [] if "until" in query else [("until", "2027-01-01")]
        only = [("entity", "deal"), ("entity", "contact")] if query.startswith(("q=!", "field=!")) else []

        ids = found(viewer, *pairs_of(query), *until, *only)

        wanted = [e for e in log if test(e) and sees(reader, e)]
        wanted.sort(key=lambda e: e["occurred_at"], reverse=True)
        assert ids == [e["entity"]["id"] for e in wanted][:200], query


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize("query", ["q=alpha", "q=gamma", "field=stage", "field=owner&to=Bo&q=!beta"])
@pytest.mark.parametrize("size", ["3", "50"])
def test_pages_meet_without_a_gap_or_an_overlap_in_both_directions(acme, log, query, size):
    viewer = viewer_of(acme, ALL)
    whole = sorted((e for e in log if QUERIES.get(query, lambda e: True)(e)), key=lambda e: e["occurred_at"])

    walked, cursor = [], []
    while True:
        page = list_events(filters_of(*pairs_of(query), ("limit", size), *cursor), viewer)
        walked += [row.uid for row in page.events]
        if not page.older:
            break
        cursor = [("before", PLACES.write(page.older))]
    back = [row.uid for row in page.events]
    while page.newer:
        page = list_events(
            filters_of(*pairs_of(query), ("limit", size), ("after", PLACES.write(page.newer))), viewer
        )
        back = [row.uid for row in page.events] + back

    assert len(set(walked)) == len(walked)
    assert back == walked
    if query in QUERIES:
        assert len(walked) == len(whole)


def test_another_workspace_is_never_found(acme, other):
    record_batch(other, [an_event(name="secret plan", changes={"stage": {"current": "won"}})])

    assert not found(viewer_of(acme, ALL), ("q", "secret"))
    assert not found(viewer_of(acme, ALL), ("field", "stage"))


def test_what_was_not_committed_is_not_found(acme):
    record_batch(acme, [an_event(name="ghost")])
    db.session.rollback()

    assert not found(viewer_of(acme, ALL), ("q", "ghost"))


def test_the_index_of_words_serves_a_search(acme, log):
    viewer = viewer_of(acme, ALL)
    filters = filters_of(("q", "alpha"), ("entity", "deal"))
    on_postgresql = db.engine.dialect.name == "postgresql"
    if on_postgresql:
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        # Of 600 rows any index will do; what must be shown is that this one can.
        db.session.execute(sa.text("ALTER TABLE event_search DROP CONSTRAINT pk_event_search"))
    tree = tree_of(filters, viewer)
    statement = database().select_numbers(All(tree.parts), filters, viewer, 51)

    compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
    prefix = "EXPLAIN " if on_postgresql else "EXPLAIN QUERY PLAN "
    rows = db.session.connection().exec_driver_sql(prefix + str(compiled), positional(compiled))
    plan = "\n".join(str(row[-1]) for row in rows)

    if on_postgresql:
        assert "ix_event_search_words" in plan and "Seq Scan" not in plan, plan
    else:
        assert "event_search VIRTUAL TABLE INDEX" in plan, plan
        assert "SEARCH event USING INTEGER PRIMARY KEY" in plan and "SCAN event\n" not in plan, plan
