"""Which events belong to a record and its relations, for whom, in which order, and after a rebuild."""

import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers import catch_up
from auditapp.followers.rebuild import rebuild
from auditapp.log import record_batch
from auditapp.reading.records import related
from auditapp.reading.records.record import Record
from auditapp.reading.records.related import list_related, related_records
from auditapp.reading.records.relations import fields_of, type_of
from tests.conftest import an_event
from tests.finding.test_pages import PLACES, READERS, filters_of, sees, viewer_of

START = datetime(2026, 3, 1, tzinfo=UTC)
DEAL = Record("deal", "1")


def random_events(seed: int, count: int = 150) -> list[dict]:
    """Return events of a few records, many of them in one instant, that name each other as related."""
    dice = random.Random(seed)  # noqa: S311 - the same events every time
    kinds = ["deal.updated", "contact.updated", "task.created"]
    return [
        an_event(
            dice.choice(kinds),
            entity=str(dice.randrange(6)),
            actor=dice.choice(
                [{"type": "user", "id": "ada", "email": "member@acme.example"}, {"type": "user", "id": "ben"}]
            ),
            related=[
                {"type": dice.choice(["deal", "contact"]), "id": str(dice.randrange(8)), "name": "Named"}
                for _ in range(dice.choice([0, 0, 0, 1, 2]))
            ],
            changes={"stage": {"previous": "open", "current": dice.choice(["won", "lost"])}},
            occurred_at=(START + timedelta(hours=dice.randrange(count // 3))).isoformat(),
        )
        for _ in range(count)
    ]


def record_log(acme, other):
    """Record the same events in two workspaces."""
    for workspace in (acme, other):
        record_batch(workspace, random_events(5))
    db.session.commit()


@pytest.fixture
def log(acme, other):
    """Return what the database has of acme, as it was sent, newest first."""
    events = random_events(5)
    order = sorted(range(len(events)), key=lambda place: (events[place]["occurred_at"], place), reverse=True)
    return [events[place] for place in order]


def told(event) -> tuple:
    at = datetime.fromisoformat(str(event["occurred_at"]))
    return event["event"], event["entity"]["id"], event["actor"]["id"], at


def told_row(row) -> tuple:
    return row.event, row.entity_id, row.actor_id, row.occurred_at


def record_of(entity) -> Record:
    return Record(entity["type"], entity["id"])


def belonging(events: list[dict]) -> list[dict]:
    """Return, the plain way, what belongs to the deal out of events that somebody may see."""
    own = [event for event in events if record_of(event["entity"]) == DEAL]
    of = {DEAL, *(record_of(each) for event in own for each in event["related"])}
    return [
        event
        for event in events
        if record_of(event["entity"]) in of or DEAL in map(record_of, event["related"])
    ]


class Seen:
    """An event as ``sees`` asks about it."""

    def __init__(self, event: dict) -> None:
        self.event, self.actor = event["event"], event["actor"]


def all_pages(viewer, **filters) -> list:
    rows, cursor = [], {}
    while True:
        page = list_related(DEAL, viewer, filters_of("", limit="7", **filters, **cursor))
        rows += page.events
        if page.older is None:
            return rows
        cursor = {"before": PLACES.write(page.older)}


@pytest.mark.parametrize("reader", READERS)
def test_events_of_a_record_and_of_its_relations_come_together_newest_first(acme, log, reader):
    viewer = viewer_of(acme, *READERS[reader])

    rows = all_pages(viewer)

    assert [told_row(row) for row in rows] == [
        told(event) for event in belonging([each for each in log if sees(reader, Seen(each))])
    ]


def test_a_page_leads_back_to_the_newer_one(acme, log):
    viewer = viewer_of(acme, *READERS["all"])
    first = list_related(DEAL, viewer, filters_of("", limit="5"))
    second = list_related(DEAL, viewer, filters_of("", limit="5", before=PLACES.write(first.older)))

    back = list_related(DEAL, viewer, filters_of("", limit="5", after=PLACES.write(second.newer)))

    assert first.newer is None
    assert [row.id for row in back.events] == [row.id for row in first.events]


@pytest.mark.parametrize("query", ["actor=ben", "event=task.*", "field=stage&to=won", "since=2026-03-02"])
def test_other_filters_narrow_further(acme, log, query):
    viewer = viewer_of(acme, *READERS["all"])
    passes = {
        "actor=ben": lambda event: event["actor"]["id"] == "ben",
        "event=task.*": lambda event: event["event"] == "task.created",
        "field=stage&to=won": lambda event: event["changes"]["stage"]["current"] == "won",
        "since=2026-03-02": lambda event: event["occurred_at"] >= "2026-03-02",
    }[query]

    rows = list_related(DEAL, viewer, filters_of(query, limit="200")).events

    assert [told_row(row) for row in rows] == [told(event) for event in belonging(log) if passes(event)]


def test_relations_are_named_by_their_newest_name_and_only_so_many_count(acme, monkeypatch):
    monkeypatch.setattr(related, "MAX_RECORDS", 2)
    names = [("1", "Old name"), ("2", "Two"), ("3", "Three"), ("1", "New name"), ("1", None)]
    record_batch(
        acme,
        [
            an_event(
                entity="1",
                related=[{"type": "task", "id": task, "name": name}, {"type": "deal", "id": "1"}],
                occurred_at=(START + timedelta(minutes=minute)).isoformat(),
            )
            for minute, (task, name) in enumerate(names)
        ],
    )

    found = related_records(DEAL, viewer_of(acme, *READERS["all"]))

    assert found == {Record("task", "1"): "New name", Record("task", "3"): "Three"}


TASK = Record("task", "7")
SUBTASK = [{"id": "7", "name": "Call"}]


@pytest.mark.parametrize(
    ("field", "value", "is_relation"),
    [
        ("tasks", SUBTASK, True),
        ("task", SUBTASK[0], True),
        ("tags", SUBTASK, False),
        ("tasks", "7", False),
        ("tasks", [{"id": 7}], False),
    ],
)
def test_what_a_changed_field_refers_to_is_a_relation_in_both_directions(acme, field, value, is_relation):
    at = {"occurred_at": START.isoformat()}
    record_batch(
        acme,
        [
            an_event("task.created", entity="7", **at),
            an_event("task.created", entity="8", **at),
            an_event("deal.updated", entity="1", changes={field: {"current": value}}, **at),
            an_event("deal.updated", entity="2", **at),
        ],
    )
    viewer = viewer_of(acme, *READERS["all"])

    of_deal = [(row.entity_type, row.entity_id) for row in list_related(DEAL, viewer, filters_of("")).events]

    assert related_records(DEAL, viewer) == ({TASK: "Call"} if is_relation else {})
    assert of_deal == [("deal", "1"), *([("task", "7")] if is_relation else [])]
    of_task = [row.entity_type for row in list_related(TASK, viewer, filters_of("")).events]
    assert "task" in of_task
    if is_relation:
        assert of_task == ["deal", "task"]


@pytest.mark.parametrize(
    ("entity_type", "field"),
    [
        ("task", "tasks"),
        ("company", "companies"),
        ("custom_column", "customColumns"),
        ("address", "addresses"),
    ],
)
def test_a_field_is_named_after_a_type_in_the_singular_or_the_plural(entity_type, field):
    assert type_of(field, {entity_type, "deal"}) == entity_type
    assert field in fields_of(entity_type)
    assert type_of(entity_type, {entity_type}) == entity_type
    assert type_of(field, {"deal"}) is None


def test_a_rebuild_finds_relations_in_what_was_recorded_before(acme, log):
    catch_up(db.engine)
    sqlite = db.engine.dialect.name == "sqlite"
    db.session.execute(
        sa.text("INSERT INTO event_search (event_search) VALUES ('delete-all')")
        if sqlite
        else sa.text("DELETE FROM event_search")
    )
    db.session.commit()
    viewer = viewer_of(acme, *READERS["all"])
    assert all_pages(viewer) == []
    db.session.rollback()

    rebuild([acme.id])

    assert [told_row(row) for row in all_pages(viewer)] == [told(event) for event in belonging(log)]
