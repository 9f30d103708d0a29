"""What is derived from the log is made anew while the log goes on, exactly once, wherever it was stopped."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from threading import Thread
from time import sleep

import pytest
import sqlalchemy as sa

from auditapp.access.viewer import whole_log_viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters, Values
from auditapp.finding.pages import fetch_page
from auditapp.followers import rebuild as rebuilding
from auditapp.followers import step
from auditapp.index import search_index, terms
from auditapp.index.state import index_state_of, stale_workspaces
from auditapp.log import record, record_batch
from auditapp.models import Event, Workspace, event_count, follower
from auditapp.models.derived import HOUR
from auditapp.reading.facets import matches_of
from tests.conftest import an_event


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(step, "BATCH", 7)
    monkeypatch.setattr(rebuilding, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def make_stale(app):
    """Return a function that makes the index one of an earlier version."""

    def put():
        db.session.execute(sa.update(follower).values(version=terms.INDEX_VERSION - 1))
        db.session.commit()

    return put


def recorded(workspace, events, first=0):
    numbers = range(first, first + events)
    record_batch(
        workspace,
        [an_event("deal.updated", entity=str(number), name=f"kiwi n{number}") for number in numbers],
    )
    db.session.commit()


def found(workspace, word):
    filters = TimelineFilters({"q": Values((word,))})
    return sorted(
        row.entity_id for row in fetch_page(filters, whole_log_viewer(workspace), (Event.entity_id,), 50_000)
    )


def entities(workspace):
    mine = sa.select(Event.entity_id).where(Event.workspace_id == workspace.id, Event.event == "deal.updated")
    return sorted(db.session.scalars(mine))


def counted(workspace):
    mine = sa.select(sa.func.sum(event_count.c.events)).where(
        event_count.c.workspace_id == workspace.id, event_count.c.hours == HOUR
    )
    return db.session.scalar(mine)


def assert_whole(*workspaces):
    for workspace in workspaces:
        assert index_state_of(workspace.id).is_current
        assert found(workspace, "kiwi") == entities(workspace)
        total = db.session.scalar(sa.select(sa.func.count()).where(Event.workspace_id == workspace.id))
        assert counted(workspace) == total
        assert matches_of(TimelineFilters(), whole_log_viewer(workspace)).total == total


def test_a_new_workspace_is_whole_at_once(acme, other):
    assert stale_workspaces() == []


def test_a_rebuild_leaves_everything_found_and_counted_once(acme, other):
    recorded(acme, 30)
    recorded(other, 20)

    for _ in range(2):
        rebuilding.rebuild([acme.id, other.id])

        assert_whole(acme, other)


def test_a_rebuild_of_one_workspace_leaves_the_others_whole(acme, other):
    recorded(acme, 30)
    recorded(other, 20)

    rebuilding.rebuild([acme.id])

    assert_whole(acme, other)


def test_where_one_workspace_is_stale_all_are_whole_in_the_end(acme, other):
    recorded(acme, 30)
    recorded(other, 20)
    db.session.execute(sa.delete(follower).where(follower.c.workspace_id == acme.id))
    db.session.commit()

    rebuilding.rebuild([acme.id, other.id])

    assert_whole(acme, other)


def test_a_higher_version_in_the_code_alone_makes_the_index_stale(acme, monkeypatch):
    monkeypatch.setattr("auditapp.index.state.INDEX_VERSION", terms.INDEX_VERSION + 1)

    assert stale_workspaces() == [acme.id]


class Killed(BaseException):
    """Somebody pulled the plug."""


def killed_after(batches):
    done = []

    def tell(_workspace, _state):
        done.append(1)
        if len(done) == batches:
            raise Killed

    return tell


@pytest.mark.parametrize("batches", [1, 3])
def test_a_rebuild_that_was_stopped_goes_on_where_it_was(acme, other, make_stale, batches):
    recorded(acme, 40)
    make_stale()
    with pytest.raises(Killed):
        rebuilding.rebuild([acme.id, other.id], killed_after(batches))
    begun = index_state_of(acme.id)
    assert not begun.is_current and begun.is_begun

    seen = []
    rebuilding.rebuild([acme.id, other.id], lambda _, state: seen.append(state.seq))

    assert not seen or seen[0] > begun.seq
    assert index_state_of(acme.id).goal == begun.goal
    assert_whole(acme)


def test_events_recorded_during_a_rebuild_are_indexed_once(acme, make_stale):
    recorded(acme, 40)
    make_stale()
    first = iter(range(1000, 2000, 3))

    rebuilding.rebuild([acme.id], lambda *_: recorded(acme, 3, next(first)))

    assert_whole(acme)
    assert len(entities(acme)) > 50


def in_context(app, function, *given):
    with app.app_context():
        try:
            return function(*given)
        finally:
            db.session.remove()


def test_two_rebuilds_at_once_count_nothing_twice(app, acme, other, make_stale):
    recorded(acme, 80)
    recorded(other, 60)
    make_stale()
    numbers = [acme.id, other.id]

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: in_context(app, rebuilding.rebuild, numbers), range(3)))

    assert_whole(acme, other)


def test_writers_and_rebuilds_at_once_end_exact(app, acme, make_stale):
    recorded(acme, 60)
    make_stale()
    done = Signal()

    def write(start):
        workspace = db.session.get(Workspace, acme_id)
        number = start
        while not done.is_set():
            recorded(workspace, 2, number)
            number += 2
            sleep(0.02)

    acme_id = acme.id
    db.session.rollback()
    writers = [Thread(target=in_context, args=(app, write, 10_000 * each)) for each in (1, 2)]
    for writer in writers:
        writer.start()
    for _ in range(2):
        in_context(app, rebuilding.rebuild, [acme_id])
    done.set()
    for writer in writers:
        writer.join()

    assert_whole(db.session.get(Workspace, acme_id))


def test_a_writer_that_commits_late_is_neither_skipped_nor_counted_twice(app, acme, make_stale):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("writers take turns there")
    recorded(acme, 20)
    make_stale()
    acme_id = acme.id
    record(acme, an_event("deal.updated", entity="late", name="kiwi late"))  # number given, not committed
    # Neither others who record nor the rebuild wait for the late one.
    thread = Thread(target=in_context, args=(app, rebuilding.rebuild, [acme_id]))
    thread.start()
    in_context(app, lambda: recorded(db.session.get(Workspace, acme_id), 3, 500))
    thread.join()
    assert in_context(app, index_state_of, acme_id).is_current
    db.session.commit()

    assert "late" in entities(acme)
    assert_whole(acme)


def test_words_that_are_not_derived_any_more_are_forgotten(acme, make_stale, monkeypatch):
    monkeypatch.setattr(terms, "document", terms.document)
    monkeypatch.setattr(
        "auditapp.index.search_index.document", lambda *given: [*terms.document(*given), "papaya"]
    )
    recorded(acme, 20)
    assert {*entities(acme)} <= {*found(acme, "papaya")}
    monkeypatch.undo()
    make_stale()

    rebuilding.rebuild([acme.id])

    assert found(acme, "papaya") == []
    assert_whole(acme)


def test_an_error_of_the_database_leaves_what_was_done(acme, make_stale, monkeypatch):
    recorded(acme, 40)
    make_stale()
    add_documents = search_index.add_documents
    calls = iter([None, None, sa.exc.OperationalError("x", None, Exception("disk full"))])

    def failing(*given):
        if error := next(calls, None):
            raise error
        add_documents(*given)

    monkeypatch.setattr(search_index, "add_documents", failing)
    with pytest.raises(sa.exc.OperationalError):
        rebuilding.rebuild([acme.id])
    db.session.rollback()

    assert index_state_of(acme.id).is_begun and not index_state_of(acme.id).is_current
    rebuilding.rebuild([acme.id])
    assert_whole(acme)
