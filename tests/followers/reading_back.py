"""What follows a log, beside the log: whether each event has one place, and one effect."""

import sqlalchemy as sa

from auditapp.access.viewer import whole_log_viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters, Values
from auditapp.finding.pages import fetch_page
from auditapp.log import record_batch
from auditapp.models import Event, Workspace, event_count, follower, log_head, log_leaf, log_pending
from auditapp.models.derived import HOUR
from tests.conftest import an_event


def recorded(workspace, *names):
    """Record events of deals called so, each found by "kiwi" and by its own name, and commit."""
    record_batch(workspace, [deal(name) for name in names])
    db.session.commit()


def deal(name):
    return an_event("deal.updated", entity=name, name=f"kiwi {name}")


def in_context(app, function, *given):
    """Call what asks the database from another thread."""
    with app.app_context():
        try:
            return function(*given)
        finally:
            db.session.remove()


def placed(workspace_id):
    """Return the deals of a workspace in the order of their places."""
    mine = (Event.workspace_id == workspace_id, Event.event == "deal.updated")
    names = dict(iter(db.session.execute(sa.select(Event.id, Event.entity_id).where(*mine))))
    leaves = sa.select(log_leaf.c.event_id).where(log_leaf.c.workspace_id == workspace_id)
    numbers = db.session.scalars(leaves.order_by(log_leaf.c.seq))
    return [names[number] for number in numbers if number in names]


def found(workspace_id, word="kiwi"):
    """Return the deals that a word finds, as often as it finds them."""
    viewer = whole_log_viewer(db.session.get(Workspace, workspace_id))
    filters = TimelineFilters({"q": Values((word,))})
    return sorted(row.entity_id for row in fetch_page(filters, viewer, (Event.entity_id,), 50_000))


def counted(workspace_id):
    """Return how many events the counts say there were."""
    mine = (event_count.c.workspace_id == workspace_id, event_count.c.hours == HOUR)
    return db.session.scalar(sa.select(sa.func.sum(event_count.c.events)).where(*mine)) or 0


def cursor(workspace_id):
    """Return up to which place the index follows."""
    mine = (follower.c.workspace_id == workspace_id, follower.c.name == "index")
    return db.session.scalar(sa.select(follower.c.seq).where(*mine))


def check_places(workspace_id, *, all_of_them=True):
    """Check that places are dense from 1, and that each event has one."""
    seqs = list(
        db.session.scalars(
            sa.select(log_leaf.c.seq).where(log_leaf.c.workspace_id == workspace_id).order_by(log_leaf.c.seq)
        )
    )
    assert seqs == list(range(1, len(seqs) + 1)), "places are dense from 1"
    head = sa.select(log_head.c.size).where(log_head.c.workspace_id == workspace_id)
    assert db.session.scalar(head) == len(seqs)
    numbers = sa.select(log_leaf.c.event_id).where(log_leaf.c.workspace_id == workspace_id)
    events = sa.select(Event.id).where(Event.workspace_id == workspace_id)
    with_place = list(db.session.scalars(numbers))
    assert len(with_place) == len(set(with_place)), "an event has one place"
    if all_of_them:
        assert sorted(with_place) == sorted(db.session.scalars(events))
        waiting = sa.select(sa.func.count()).where(log_pending.c.workspace_id == workspace_id)
        assert db.session.scalar(waiting) == 0


def check_whole(*workspace_ids):
    """Check that every event has its place, and its effect once."""
    for workspace_id in workspace_ids:
        check_places(workspace_id)
        total = db.session.scalar(sa.select(sa.func.count()).where(Event.workspace_id == workspace_id))
        assert cursor(workspace_id) == total
        assert counted(workspace_id) == total
        assert found(workspace_id) == sorted(placed(workspace_id))
