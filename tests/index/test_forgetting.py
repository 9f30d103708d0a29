"""What was indexed can be taken out again before a text is erased, and put back without it."""

import sqlalchemy as sa

from auditapp.access.permissions import Permission
from auditapp.extensions import db
from auditapp.filters import TimelineFilters, Values
from auditapp.finding import fetch_page
from auditapp.index import documents_of, forget, index
from auditapp.index.stored_events import read_logged, stored_events
from auditapp.log import record_batch
from auditapp.models import Event, event_count
from tests.conftest import an_event
from tests.finding.test_pages import viewer_of


def found(workspace, word) -> list[str]:
    filters = TimelineFilters({"q": Values((word,))})
    return [
        row.entity_id
        for row in fetch_page(
            filters, viewer_of(workspace, Permission.AUDIT_LOG_READ_ALL.grant), (Event.entity_id,), 10
        )
    ]


def counted(workspace) -> list[int]:
    """Return how many events of deals an hour, a day and a week count."""
    mine = (event_count.c.workspace_id == workspace.id) & event_count.c.event.like("deal.%")
    query = sa.select(event_count.c.hours, sa.func.sum(event_count.c.events)).where(mine)
    return [int(row[1]) for row in db.session.execute(query.group_by(event_count.c.hours))]


def logged(acme, entity):
    connection = db.session.connection()
    mine = (Event.workspace_id == acme.id, Event.entity_id == entity)
    return connection, read_logged(connection, stored_events(connection).where(*mine))


def test_a_forgotten_event_is_neither_found_nor_counted_and_the_others_are(acme, other):
    record_batch(acme, [an_event(entity=name, payload={"said": "papaya"}) for name in "ab"])
    record_batch(other, [an_event(entity="a", payload={"said": "papaya"})])
    assert found(other, "papaya") == ["a"]
    assert found(acme, "papaya") == ["b", "a"] and counted(acme) == [2, 2, 2]

    forget(*logged(acme, "a"))
    db.session.commit()

    assert found(acme, "papaya") == ["b"] and counted(acme) == [1, 1, 1]
    assert found(other, "papaya") == ["a"] and counted(other) == [1, 1, 1]


def test_an_event_whose_text_is_erased_is_found_by_what_is_left(acme):
    record_batch(acme, [an_event(entity="a", payload={"said": "papaya"})])
    assert found(acme, "papaya") == ["a"]

    forget(*logged(acme, "a"))
    db.session.commit()
    db.session.execute(sa.text("UPDATE event_payload SET payload = NULL, payload_salt = NULL"))
    connection, events = logged(acme, "a")
    index(connection, events, documents_of(connection, events))
    db.session.commit()

    assert found(acme, "papaya") == []
    assert found(acme, "a") == ["a"] and counted(acme) == [1, 1, 1]


def test_the_last_of_a_kind_leaves_no_row_behind(acme):
    record_batch(acme, [an_event(entity="a")])
    assert found(acme, "a") == ["a"]

    forget(*logged(acme, "a"))
    db.session.commit()

    assert counted(acme) == []
