"""The server makes a stale index anew beside its work; killed in the middle, it goes on at its next start."""

import json

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.index.state import index_state_of
from auditapp.log import record_batch
from auditapp.models import event_count, follower
from auditapp.models.derived import HOUR
from tests.conftest import an_event
from tests.faults.serving import until

pytestmark = pytest.mark.faults
EVENTS = 12_000


@pytest.fixture
def stale(app, acme, cli):
    """Record many events and leave their index as one of an earlier version."""
    for start in range(0, EVENTS, 1000):
        record_batch(acme, [an_event("deal.updated", name=f"kiwi n{start + each}") for each in range(1000)])
    db.session.execute(sa.update(follower).values(version=0))
    db.session.commit()
    db.session.remove()


def test_a_server_answers_while_it_makes_the_index_anew_and_goes_on_after_a_kill(
    database, acme, key, stale, serve
):
    acme_id = acme.id
    db.session.rollback()

    def done():
        state = index_state_of(acme_id)
        db.session.rollback()
        return state

    server = serve(database)
    until(lambda: done().is_begun and done().seq > 1000, 60, "the rebuild is under way")
    head = {"Authorization": f"Bearer {key}"}
    answer = server.ask("GET", "/api/v1/events?q=n7", **head)
    server.kill()
    stood = done().seq
    assert answer.status == 503 and b"being made anew" in answer.text
    assert stood < EVENTS

    server.start()
    event = an_event("deal.updated", name="kiwi meanwhile")
    recorded = server.ask(
        "POST", "/api/v1/events", json.dumps(event).encode(), **head, **{"Content-Type": "application/json"}
    )
    assert recorded.status == 201
    assert server.ask("GET", "/api/v1/events?entity=deal&limit=1", **head).status == 200
    until(lambda: done().is_current, 120, "the index is whole")

    for word, events in (("n7", 1), ("n11999", 1), ("meanwhile", 1)):
        assert len(server.ask("GET", f"/api/v1/events?q={word}", **head).json["events"]) == events
    total = sa.select(sa.func.sum(event_count.c.events)).where(
        event_count.c.workspace_id == acme_id,
        event_count.c.hours == HOUR,
        event_count.c.event == "deal.updated",
    )
    assert db.session.scalar(total) == EVENTS + 1
