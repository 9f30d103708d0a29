"""How many statements a page costs does not depend on how much there is to show."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from uuid_utils.compat import uuid7

from auditapp.access import api_keys, members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.roles import find_role
from auditapp.extensions import db
from auditapp.filters.cursor import places_of
from auditapp.followers import catch_up
from auditapp.followers.failures import keep_failure
from auditapp.inbound import source as sources
from auditapp.log import record_batch
from auditapp.models import Event, Member, Role, SavedView, SetAside, Source, ViewVisit, follower_failure
from tests.conftest import an_event
from tests.pages import FRAGMENT

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
# Past the few that are looked at first here and there; then nothing grows.
FEW, MANY = 26, 60
VIEW_QUERIES = ["entity=deal", "q=pump", "field=stage&to=won", "actor=me&event=deal.updated", "group=story"]


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements of a block."""
    found: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        # When somebody was seen is noted once a minute, whatever page it is.
        if not statement.startswith("UPDATE session"):
            found.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def grow(acme):
    """Return a function that adds one of everything for each of some numbers."""
    first_source = sources.create_source(acme, "retraced", "First", "s3cret", COMMAND_LINE)
    db.session.commit()

    def add(numbers: range) -> None:
        for number in numbers:
            record_batch(acme, list(events_of(number)))
            api_keys.create_key(acme, f"Key {number}", {"events:read"}, COMMAND_LINE)
            sources.create_source(acme, "retraced", f"Source {number}", "s3cret", COMMAND_LINE)
            role = find_role(acme, ["Owner", "Auditor", "Member"][number % 3])
            person = members.add_member(
                acme, f"p{number}@acme.example", f"Person {number}", role, COMMAND_LINE
            )
            if number % 2:
                members.join(person)
            db.session.add(set_aside(acme, first_source, number))
            add_views(acme, number)
        db.session.commit()
        # What was recorded after the visits is new in every view.
        record_batch(
            acme, [an_event("deal.updated", entity="1", name="Pump", changes=change("stage", number))]
        )
        db.session.commit()
        catch_up(db.engine)
        for number in numbers:
            keep_failure(db.session.connection(), "index", acme.id, number + 1, ValueError())
        db.session.commit()
        db.session.expire_all()

    return add


def change(field, number, **more):
    return {field: {"previous": f"v{number}", "current": "won", **more}}


def events_of(number):
    """Yield events of one record by many actors, and of one story over many records."""
    at = START + timedelta(minutes=7 * number)
    first = {} if number else {"idempotency_key": "head"}
    yield an_event(
        "deal.updated",
        entity="1",
        name="Pump",
        actor=f"actor{number}",
        occurred_at=at,
        changes=change("stage", number) | change(f"field{number}", number),
        related=[{"type": "contact", "id": f"c{number}", "name": f"Contact {number}"}],
        payload={"deal": {"id": "1", "stage": "won"}},
        origin=["ui", "api", "workflow", "import"][number % 4],
        **first,
    )
    for step, verb in enumerate(("created", "updated", "updated")):
        yield an_event(
            f"task{number}.{verb}",
            entity=f"t{number}",
            name=f"Task {number}",
            actor={"type": ["user", "workflow"][step % 2], "id": f"w{number}", "name": "Flow"},
            occurred_at=at + timedelta(seconds=step),
            correlation_id="story",
            causation_id=str(uuid.uuid4()) if step else None,
            outcome="denied" if step == 2 and number % 2 else "success",
            changes=change("title", number, label="Title"),
        )
    yield an_event(
        f"task{number}.updated",
        entity=f"t{number}",
        occurred_at=at + timedelta(hours=1),
        changes=change("title", number),
        correlation_id=f"other{number}",
    )


def set_aside(workspace, source, number):
    now = datetime.now(UTC)
    return SetAside(
        workspace_id=workspace.id,
        id=uuid7(),
        source_id=source.id,
        body_hash=uuid7().bytes * 2,
        body=b'{"broken": true}',
        headers="{}",
        reason="what it says is not clear",
        times=1,
        received_at=now,
        last_received_at=now,
    )


def owner_of(workspace):
    mine = (Member.workspace_id == workspace.id, Role.name == "Owner")
    return db.session.scalars(sa.select(Member).join(Role).where(*mine).order_by(Member.created_at)).first()


def add_views(workspace, number):
    """Add a view of each kind, shared and visited before the newest events."""
    owner, now = owner_of(workspace), datetime.now(UTC)
    for query in VIEW_QUERIES:
        view = SavedView(
            workspace_id=workspace.id,
            id=uuid7(),
            member_id=owner.id,
            name=f"View {number} {query}"[:100],
            description="",
            query=query,
            is_shared=True,
            created_at=now,
            updated_at=now,
        )
        db.session.add(view)
        db.session.flush()
        db.session.add(
            ViewVisit(
                workspace_id=workspace.id,
                view_id=view.id,
                member_id=owner.id,
                seen_event_id=number,
                seen_at=now,
            )
        )


def pages(workspace) -> dict[str, str]:
    """Return every page there is, by the route's endpoint and what is asked of it."""
    first, event = "/w/acme", first_of(Event.uid, Event.workspace_id == workspace.id, Event.entity_id == "1")
    deal, view = (
        f"{first}/history/deal/1",
        first_of(SavedView.id, SavedView.name == f"View 0 {VIEW_QUERIES[0]}"),
    )
    source = first_of(Source.id, Source.name == "First")
    body = first_of(SetAside.id, SetAside.workspace_id == workspace.id)
    seen = places_of(workspace).write_seen(0)
    actors = urlencode([("actor", f"actor{number}") for number in range(15)])
    events = db.session.scalars(sa.select(Event.uid).where(Event.entity_id == "1").order_by(Event.id)).all()
    return {
        "home.index": "/",
        "auth.login": "/login",
        "health.healthz": "/healthz",
        "health.readyz": "/readyz",
        "timeline.home": first,
        "timeline.index": f"{first}/timeline?limit=200",
        "timeline.index words": f"{first}/timeline?limit=200&q=pump",
        "timeline.index changes": f"{first}/timeline?field=stage&to=won",
        "timeline.index stories": f"{first}/timeline?group=story&limit=20",
        "timeline.index stories of words": f"{first}/timeline?group=story&limit=20&q=pump",
        "timeline.index many actors": f"{first}/timeline?{actors}&limit=1",
        "timeline.index names": f"{first}/timeline?entity=deal&event=%21deal.deleted&limit=5&origin=ui",
        "timeline.index nothing": f"{first}/timeline?actor=actor1&entity=deal&q=nothing",
        "overview.show": f"{first}/timeline/overview",
        "overview.show words": f"{first}/timeline/overview?q=pump",
        "overview.show filters": f"{first}/timeline/overview?entity=deal&event=deal.*&outcome=success",
        "overview.show actor": f"{first}/timeline/overview?actor=actor1&entity=deal",
        "overview.suggest actors": f"{first}/timeline/suggest?for=actor&typed=actor",
        "overview.suggest records": f"{first}/timeline/suggest?for=record&typed=task",
        "news.show": f"{first}/timeline/new?seen={seen}",
        "news.show words": f"{first}/timeline/new?seen={seen}&q=pump",
        "event.show": f"{first}/events/{event}",
        "history.show": deal,
        "history.show related": f"{deal}?related=1",
        "history.show field": f"{deal}?field=stage",
        "history.show fields": f"{deal}?view=fields",
        "history.show at": f"{deal}?at=2026-03-02T18:00:00Z",
        "history.show compare": f"{deal}?from={events[0]}&to={events[20]}",
        "stories.show": f"{first}/stories/story",
        "undo.show event": f"{first}/undo?event={event}",
        "undo.show story": f"{first}/undo?correlation=story",
        "views.index": f"{first}/views",
        "views.show": f"{first}/views/{view}",
        "views.edit": f"{first}/views/{view}/edit",
        "views.new": f"{first}/views/new?entity=deal",
        "preferences.show": f"{first}/preferences",
        "members.index": f"{first}/settings/members",
        "api_keys.index": f"{first}/settings/api-keys",
        "sources.index": f"{first}/settings/sources",
        "sources.show": f"{first}/settings/sources/{source}",
        "sources.body": f"{first}/settings/sources/{source}/set-aside/{body}",
        "followers.index": f"{first}/settings/followers",
        "openapi.document": "/api/v1/openapi.json",
        "openapi.read": "/api/v1/docs",
    }


def calls(workspace) -> dict[str, str]:
    """Return every call of the API that reads."""
    events = db.session.scalars(sa.select(Event.uid).where(Event.entity_id == "1").order_by(Event.id)).all()
    deal = "/api/v1/records/deal/1"
    return {
        "api.index": "/api/v1/events?limit=200",
        "api.index words": "/api/v1/events?q=pump&limit=200",
        "api.index stories": "/api/v1/events?group=story&limit=20",
        "api.show": f"/api/v1/events/{events[0]}",
        "records.index": deal,
        "records.versions": f"{deal}/versions",
        "records.state": f"{deal}/state",
        "records.compared": f"{deal}/compare?from={events[0]}&to={events[20]}",
        "records_undo.undo": "/api/v1/records/task1/t1/undo?correlation=story",
    }


def exports(workspace) -> dict[str, str]:
    """Return every file, which is read in batches."""
    return {
        "export.timeline_csv": "/w/acme/timeline.csv",
        "export.timeline_jsonl": "/w/acme/timeline.jsonl",
        "export.timeline_csv words": "/w/acme/timeline.csv?q=pump",
        "history_export.versions_jsonl": "/w/acme/history.jsonl/deal/1",
        "history_export.versions_jsonl related": "/w/acme/history.jsonl/deal/1?related=1",
    }


# Of the API they are the same, of a key; a link is for one person; metrics are kept for some seconds.
ELSEWHERE = {"api.export_csv", "api.export_jsonl", "auth.join", "metrics.show", "static"}


def first_of(column, *conditions):
    return db.session.scalar(sa.select(column).where(*conditions).order_by(column).limit(1))


def costs(client, urls, **more):
    """Return the statements of each page, asked a second time: what is written at the first is written."""
    found = {}
    for name, url in urls.items():
        client.get(url, follow_redirects=True, **more)
        with counted() as statements:
            answer = client.get(url, follow_redirects=True, **more)
            assert answer.status_code == 200, (name, answer.status_code, answer.text)
            answer.get_data()
        # That somebody was seen is written once a minute, and a slow machine takes longer than that.
        found[name] = [each for each in statements if not each.startswith("UPDATE session")]
    return found


# A search asks the last minute, hour, … of a longer log, and stories are found by longer and longer walks: a
# few steps, however much there is. Where nothing matches, a search for each of three filters is tried.
SEARCHES = {"nothing": 3, "words": 1, "changes": 1, "stories": 1, "related": 1, "suggest": 1, "show field": 2}
# What is new in views is counted for two hundred of them at once.
SEARCHES["views.index"] = 1
STEPS = 6


def _steps(name):
    return STEPS * max((searches for part, searches in SEARCHES.items() if part in name), default=0)


def grown(before, after, more=0):
    """Return what costs more than it did, from how many statements to how many."""
    return {
        name: (len(before[name]), len(statements))
        for name, statements in after.items()
        if len(statements) > len(before[name]) + more + _steps(name)
    }


def test_every_page_is_counted(app, grow, acme):
    grow(range(FEW))
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in rule.methods}

    asked = {name.partition(" ")[0] for urls in (pages, calls, exports) for name in urls(acme)}

    assert routes - ELSEWHERE == asked


OWN_PAGES = (
    "timeline.index",
    "timeline.index words",
    "overview.show",
    "views.index",
    "views.show",
    "news.show",
)


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
@pytest.mark.parametrize("who", ["owner", "member"])
def test_no_page_costs_more_statements_where_there_is_more(grow, client, login, acme, who, headers):
    grow(range(FEW))
    login(who)
    urls = {
        name: url
        for name, url in pages(acme).items()
        if who == "owner" or name in ("timeline.index", "views.index")
    }
    before = costs(client, urls, headers=headers)

    grow(range(FEW, MANY))

    assert not grown(before, costs(client, urls, headers=headers))


def test_no_call_costs_more_statements_where_there_is_more(grow, client, acme):
    grow(range(FEW))
    key = api_keys.create_key(acme, "reader", {"events:read"}, COMMAND_LINE)
    db.session.commit()
    head = {"Authorization": f"Bearer {key}"}
    before = costs(client, calls(acme), headers=head)

    grow(range(FEW, MANY))

    assert not grown(before, costs(client, calls(acme), headers=head))


def test_a_file_costs_a_statement_more_for_a_hundred_events_more(grow, client, login, acme):
    def grow_whole(numbers: range) -> None:
        """Leave no failure behind: a file of what was searched for is then refused."""
        grow(numbers)
        db.session.execute(sa.delete(follower_failure))
        db.session.commit()

    grow_whole(range(FEW))
    login("owner")
    before = costs(client, exports(acme))
    events = db.session.scalar(sa.select(sa.func.max(Event.id)))

    grow_whole(range(FEW, MANY))

    more = db.session.scalar(sa.select(sa.func.max(Event.id))) - events
    assert not grown(before, costs(client, exports(acme)), more // 100 + 3)


def test_nothing_is_read_twice_for_one_page(grow, client, login, acme):
    grow(range(FEW))
    login("owner")

    for name, statements in costs(client, pages(acme)).items():
        names = [each for each in statements if "FROM event_name" in each or "FROM event_kind" in each]
        assert len(names) == len(set(names)), (name, names)


def test_an_undo_of_many_records_is_read_by_few_statements(client, login, acme):
    login("owner")
    for start in range(0, 200, 50):
        record_batch(
            acme,
            [
                an_event(
                    "deal.updated",
                    entity=str(number),
                    correlation_id="action",
                    changes=change("stage", number) | change("owner", number),
                )
                for number in range(start, start + 50)
            ],
        )
    record_batch(
        acme,
        [an_event("deal.updated", entity=str(each), changes=change("owner", each)) for each in range(200)],
    )
    db.session.commit()

    found = costs(client, {"undo": "/w/acme/undo?correlation=action"})

    assert len(found["undo"]) < 15


def test_doctor_costs_no_more_where_there_are_more_workspaces(cli, acme):
    with counted() as before:
        cli("doctor")
    for number in range(5):
        members.create_workspace(f"w{number}", "W", "UTC", COMMAND_LINE)
    db.session.commit()

    with counted() as after:
        cli("doctor")

    assert len(after) == len(before)
