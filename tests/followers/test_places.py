"""Each event gets one place, in the order in which events were committed, whoever commits late."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from threading import Thread
from time import monotonic

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers import catch_up, follow_once, places, step
from auditapp.log import record, record_batch
from auditapp.models import Workspace, log_leaf
from tests.followers.reading_back import check_whole, deal, in_context, placed, recorded


def is_sqlite():
    return db.engine.dialect.name == "sqlite"


@pytest.fixture
def only_postgresql(app):
    if is_sqlite():
        pytest.skip("writers take turns there")


@pytest.fixture
def every_second(only_postgresql):
    """Have PostgreSQL give every second number, so that two transactions may have numbers in turns."""
    db.session.execute(sa.text("ALTER SEQUENCE event_id_seq INCREMENT BY 2"))
    db.session.commit()


def next_number(number):
    """Have PostgreSQL give this number next."""
    db.session.execute(sa.text("SELECT setval('event_id_seq', :number, false)"), {"number": number})
    db.session.commit()


def test_places_are_dense_from_one_in_each_workspace_and_in_the_order_of_the_commits(acme, other):
    for number in range(4):
        recorded(acme, f"a{number}", f"b{number}")
        recorded(other, f"c{number}")
        catch_up(db.engine, [acme.id])
    catch_up(db.engine)

    assert placed(acme.id) == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3"]
    assert placed(other.id) == ["c0", "c1", "c2", "c3"]
    check_whole(acme.id, other.id)


def test_places_given_in_small_batches_are_the_same(acme, monkeypatch):
    monkeypatch.setattr(places, "BATCH", 3)
    monkeypatch.setattr(places, "MAX_ROWS", 2)
    for number in range(9):
        recorded(acme, f"n{number}")

    catch_up(db.engine)

    assert placed(acme.id) == [f"n{number}" for number in range(9)]
    check_whole(acme.id)


def test_who_commits_late_gets_a_later_place_and_nobody_waits_for_it(app, acme, only_postgresql):
    acme_id = acme.id
    recorded(acme, "first")
    record(acme, deal("late"))  # has its number now, and is not committed

    began = monotonic()
    in_context(app, lambda: recorded(db.session.get(Workspace, acme_id), "second", "third"))
    in_context(app, catch_up, db.engine, [acme_id])
    took = monotonic() - began
    before = in_context(app, placed, acme_id)
    db.session.commit()
    catch_up(db.engine, [acme_id])

    assert before == ["first", "second", "third"]
    assert placed(acme_id) == ["first", "second", "third", "late"]
    assert took < 4, "who waits for a lock gives up after five seconds"
    check_whole(acme_id)


def test_numbers_of_two_transactions_between_each_other_are_all_placed(app, acme, every_second, monkeypatch):
    monkeypatch.setattr(places, "BATCH", 1)  # so that one row of log_pending is looked at alone
    acme_id = acme.id
    recorded(acme, "first")
    catch_up(db.engine)
    next_number(1001)
    record_batch(acme, [deal("1"), deal("3"), deal("5")])
    in_context(app, next_number, 1002)

    def others():
        recorded(db.session.get(Workspace, acme_id), "2", "4", "6")
        recorded(db.session.get(Workspace, acme_id), "8")

    in_context(app, others)
    db.session.commit()

    catch_up(db.engine, [acme_id])

    assert sorted(placed(acme_id)) == ["1", "2", "3", "4", "5", "6", "8", "first"]
    check_whole(acme_id)


def test_one_between_anothers_numbers_that_commits_late_is_not_passed_over(app, acme, every_second):
    acme_id = acme.id
    recorded(acme, "first")
    catch_up(db.engine)
    next_number(1002)
    record_batch(acme, [deal("2"), deal("4")])  # not committed
    in_context(app, next_number, 1001)
    in_context(app, lambda: recorded(db.session.get(Workspace, acme_id), "1", "3", "5"))
    in_context(app, catch_up, db.engine, [acme_id])
    db.session.commit()

    catch_up(db.engine, [acme_id])

    assert placed(acme_id) == ["first", "1", "3", "5", "2", "4"]
    check_whole(acme_id)


@pytest.mark.parametrize("writers", [2, 8, 30])
def test_many_writers_and_two_who_give_places_skip_nothing_and_take_nothing_twice(
    app, acme, other, writers, monkeypatch
):
    monkeypatch.setattr(places, "BATCH", 7)
    monkeypatch.setattr(step, "BATCH", 5)
    ids, each = [acme.id, other.id], 240 // writers
    db.session.rollback()
    done = Signal()

    def write(writer):
        left = [f"w{writer}n{number}" for number in range(each)]
        while left:
            names, workspace_id = left[: 1 + len(left) % 3], ids[(writer + len(left)) % 2]
            try:
                recorded(db.session.get(Workspace, workspace_id), *names)
            except (sa.exc.OperationalError, sa.exc.TimeoutError):  # as a sender would: once more
                db.session.rollback()
            else:
                left = left[len(names) :]

    def follow_all():
        while not done.is_set():
            for workspace_id in ids:
                try:
                    follow_once(db.engine, workspace_id)
                except (sa.exc.OperationalError, sa.exc.TimeoutError):
                    continue

    followers = [Thread(target=in_context, args=(app, follow_all)) for _ in range(2)]
    for thread in followers:
        thread.start()
    try:
        with ThreadPoolExecutor(writers) as threads:
            list(threads.map(lambda writer: in_context(app, write, writer), range(writers)))
    finally:
        done.set()
        for thread in followers:
            thread.join()
    catch_up(db.engine)

    assert len(placed(ids[0]) + placed(ids[1])) == writers * each
    check_whole(*ids)


def test_an_event_that_nobody_noted_gets_its_place_by_a_rebuild(acme, cli):
    recorded(acme, "noted")
    catch_up(db.engine)
    recorded(acme, "lost")
    db.session.execute(sa.text("DELETE FROM log_pending"))
    db.session.commit()

    assert "events without a place in the log: 1" in cli("doctor", "--deep").out
    assert cli("index", "rebuild").code == 0

    assert placed(acme.id) == ["noted", "lost"]
    check_whole(acme.id)
    assert "without a place" not in cli("doctor", "--deep").out


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM log_leaf",
        "UPDATE log_leaf SET seq = seq + 100",
        "UPDATE log_leaf SET event_id = 0",
        "UPDATE log_leaf SET workspace_id = 99",
    ],
)
def test_places_are_append_only(acme, statement):
    recorded(acme, "one")
    catch_up(db.engine)

    with pytest.raises(sa.exc.IntegrityError, match="append-only"):
        db.session.execute(sa.text(statement))
    db.session.rollback()


def test_a_place_is_not_given_twice(acme):
    recorded(acme, "one", "two")
    catch_up(db.engine)
    leaf = db.session.execute(sa.select(log_leaf.c.workspace_id, log_leaf.c.event_id)).first()

    for seq in (1, 1000):
        with pytest.raises(sa.exc.IntegrityError):
            db.session.execute(
                log_leaf.insert().values(workspace_id=leaf.workspace_id, seq=seq, event_id=leaf.event_id)
            )
        db.session.rollback()
