"""An event that a follower fails at keeps nobody from the others: it is kept, told of and tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.access import api_keys
from auditapp.access.own_events import COMMAND_LINE
from auditapp.extensions import db
from auditapp.followers import catch_up, catching_up, failures, follow_once, step
from auditapp.followers.catching_up import retry_failures
from auditapp.followers.failures import failures_of, try_at_once, wait_after
from auditapp.followers.index import INDEX
from auditapp.models import follower
from tests.followers.reading_back import check_places, check_whole, counted, cursor, found, recorded
from tests.pages import FRAGMENT

MINUTE = timedelta(minutes=1)
BAD = "deal that fails"


@pytest.fixture(autouse=True)
def durable(set_in_database):
    set_in_database("synchronous_commit", "on")  # the tests' server has it off, and doctor minds


@pytest.fixture
def put_off(monkeypatch):
    """Return a function that puts the clock of the retries on, or back."""

    def put(off):
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + off

        monkeypatch.setattr(failures, "datetime", Clock)

    return put


def fail(connection, _workspace_id):
    raise ValueError(f"nobody can index the {BAD}")


def fail_in_sql(connection, workspace_id):
    """Fail as a statement does: PostgreSQL takes no other one in the transaction from there on."""
    connection.execute(sa.text("INSERT INTO log_head VALUES (:number, 0)"), {"number": workspace_id})


def failing(where, how):
    """Return the index as it would be if it failed at some events."""

    def check(connection, events):
        for event in events:
            if event.row.entity_id == BAD:
                how(connection, event.row.workspace_id)

    def prepare(connection, events):
        if where == "prepare":
            check(connection, events)
        return INDEX.prepare(connection, events)

    def apply(connection, events, made, is_anew):
        INDEX.apply(connection, events, made, is_anew)
        if where == "apply":
            check(connection, events)

    return replace(INDEX, prepare=prepare, apply=apply)


WAYS = {
    "while it prepares": ("prepare", fail),
    "while it writes": ("apply", fail),
    "in a statement": ("apply", fail_in_sql),
}


@pytest.fixture
def poison(request, monkeypatch):
    """Let the index fail at events of one deal."""
    way = getattr(request, "param", "in a statement")
    monkeypatch.setattr(catching_up, "FOLLOWERS", (failing(*WAYS[way]),))


def heal(monkeypatch):
    monkeypatch.setattr(catching_up, "FOLLOWERS", (INDEX,))


def kept(workspace):
    with db.engine.connect() as connection:
        return failures_of(connection, workspace.id)


@pytest.fixture
def failed(acme, poison):
    """Record twenty events of which one in the middle fails, and let the index follow."""
    recorded(acme, *(f"n{number}" for number in range(10)), BAD, *(f"n{number}" for number in range(10, 19)))
    recorded(acme, "after")
    catch_up(db.engine)


@pytest.mark.parametrize("poison", WAYS, indirect=True)
def test_the_others_go_on_and_the_failure_is_kept(acme, failed):
    assert found(acme.id) == sorted([*(f"n{number}" for number in range(19)), "after"])
    check_places(acme.id)
    [failure] = kept(acme)
    assert (failure.name, failure.attempts) == ("index", 1)
    assert failure.next_at - failure.failed_at == MINUTE
    assert ("ValueError" in failure.error) != ("IntegrityError" in failure.error)
    assert BAD not in failure.error, "what somebody sent stands in no error"
    assert cursor(acme.id) == counted(acme.id) + 1


def test_only_the_one_that_fails_is_kept_of_several_in_several_batches(acme, poison, monkeypatch):
    monkeypatch.setattr(step, "BATCH", 6)
    recorded(acme, BAD, *(f"n{number}" for number in range(20)), BAD, "last")

    catch_up(db.engine)

    assert len(kept(acme)) == 2
    assert len(found(acme.id)) == 21


def test_it_is_tried_again_after_waits_that_grow(acme, failed, put_off):
    off, wait, a_little = timedelta(), MINUTE, timedelta(seconds=20)
    for attempts, minutes in ((2, 2), (3, 4), (4, 8)):
        put_off(off + wait - a_little)
        retry_failures(db.engine)
        assert kept(acme)[0].attempts == attempts - 1, "before its time nobody tries"

        off += wait + a_little
        put_off(off)
        assert retry_failures(db.engine) == 0

        [failure] = kept(acme)
        wait = minutes * MINUTE
        assert failure.attempts == attempts
        assert abs(failure.next_at - (datetime.now(UTC) + off) - wait) < a_little


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 2), (11, 1024), (12, 1440), (10_000, 1440)])
def test_a_wait_is_a_day_at_most(attempts, minutes):
    assert wait_after(attempts) == minutes * MINUTE


def test_it_is_whole_once_the_cause_is_gone(acme, failed, put_off, monkeypatch, cli):
    heal(monkeypatch)
    put_off(2 * MINUTE)

    assert retry_failures(db.engine) == 1

    assert kept(acme) == []
    check_whole(acme.id)
    assert retry_failures(db.engine) == 0
    assert cli("doctor", "--deep").code == 0


def test_it_may_be_tried_at_once(acme, failed, monkeypatch):
    heal(monkeypatch)
    with db.engine.begin() as connection:
        try_at_once(connection, acme.id)

    assert retry_failures(db.engine) == 1
    check_whole(acme.id)


def test_a_clock_that_was_put_back_two_hours_keeps_no_retry_waiting(acme, failed, put_off, monkeypatch):
    heal(monkeypatch)
    put_off(-timedelta(hours=2))

    assert retry_failures(db.engine) == 1
    check_whole(acme.id)


def test_the_doctor_names_it_neither_missing_nor_silently_whole(acme, failed, cli):
    result = cli("doctor", "--deep")

    wrong = [line for line in result.out.splitlines() if line.startswith("WRONG")]
    assert result.code == 1
    assert not any("not in the index" in line for line in wrong)
    [line] = [line for line in wrong if "events that the index failed at" in line]
    assert "acme: events that the index failed at: 1 (" in line
    assert "failed once with" in line and "next at" in line


def test_pages_and_counts_say_so(acme, failed, client, login):
    login("owner")

    page = client.get("/w/acme/timeline?q=kiwi", follow_redirects=True).text
    overview = client.get("/w/acme/timeline/overview", headers=FRAGMENT).text

    assert "1 event is not searchable: what makes them so failed at them, and tries again." in page
    assert "1 event is not counted:" in overview


@pytest.mark.parametrize(
    "error",
    [
        sa.exc.OperationalError("x", None, Exception("the connection is gone")),
        sa.exc.TimeoutError("no connection is free"),
        ConnectionResetError(),
    ],
    ids=["database", "connections", "system"],
)
def test_a_database_in_trouble_is_no_fault_of_the_event(acme, monkeypatch, error):
    def trouble(*_):
        raise error

    monkeypatch.setattr(catching_up, "FOLLOWERS", (failing("apply", trouble),))
    recorded(acme, "good", BAD)

    for _ in range(2):
        with pytest.raises(type(error)):
            catch_up(db.engine)

    assert kept(acme) == []
    heal(monkeypatch)
    catch_up(db.engine)
    check_whole(acme.id)


def test_where_another_process_went_past_it_nobody_passes_over_the_next(acme, monkeypatch):
    recorded(acme, *("n0" for _ in range(3)))
    catch_up(db.engine)
    recorded(acme, BAD, "n1", "n2")
    is_other = []

    def fail_after_another(connection, workspace_id):
        if not is_other:
            is_other.append(1)
            while step.follow(db.engine, of, workspace_id, 1) != 1:
                pass
        fail(connection, workspace_id)

    of = failing("prepare", fail_after_another)
    monkeypatch.setattr(catching_up, "FOLLOWERS", (of,))
    catch_up(db.engine)

    assert [failure.seq for failure in kept(acme)] == [cursor(acme.id) - 2]
    assert found(acme.id) == ["n0", "n0", "n0", "n1", "n2"]


def test_one_that_fails_while_the_index_is_made_anew_is_there_once_in_the_end(
    acme, put_off, monkeypatch, cli
):
    recorded(acme, "n1", BAD, "n2")
    catch_up(db.engine)
    db.session.execute(sa.update(follower).values(version=0))
    db.session.commit()
    monkeypatch.setattr(catching_up, "FOLLOWERS", (failing("prepare", fail),))
    catch_up(db.engine)
    assert len(kept(acme)) == 1

    heal(monkeypatch)
    put_off(2 * MINUTE)

    assert retry_failures(db.engine) == 1
    check_whole(acme.id)
    assert cli("doctor", "--deep").code == 0


def test_a_text_that_the_database_cannot_read_keeps_nobody_from_the_others(acme):
    if db.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL keeps no such text")
    recorded(acme, "n0", "n1", "n2")
    triggers = sa.text("SELECT sql FROM sqlite_master WHERE name = 'event_payload_no_update'")
    guard = db.session.scalar(triggers)
    damage = "UPDATE event_payload SET payload = CAST(x'7bff7d' AS TEXT) WHERE event_id = (%s)"
    middle = "SELECT id FROM event WHERE entity_id = 'n1'"
    for statement in ("DROP TRIGGER event_payload_no_update", damage % middle, guard):
        db.session.execute(sa.text(statement))
    db.session.commit()

    catch_up(db.engine)

    assert found(acme.id) == ["n0", "n2"]
    assert len(kept(acme)) == 1


def test_an_api_key_is_told_that_one_failed_and_a_file_is_not_handed_out_short(acme, failed, client):
    """It may be wrong for days, and keeps no program waiting; nothing is short in silence."""
    key = api_keys.create_key(acme, "crm", {"events:read"}, COMMAND_LINE)
    db.session.commit()
    while follow_once(db.engine, acme.id):
        pass
    head = {"Authorization": f"Bearer {key}"}

    answer = client.get("/api/v1/events?q=kiwi&limit=100", headers=head)
    by_columns = client.get("/api/v1/events?entity=deal&limit=100", headers=head)
    file = client.get("/api/v1/events.jsonl?q=kiwi", headers=head)

    assert answer.status_code == 200
    assert (len(answer.json["events"]), answer.json["not_searchable"]) == (20, 1)
    assert len(by_columns.json["events"]) == 21 and "not_searchable" not in by_columns.json
    assert file.status_code == 503 and "1 event is not searchable" in file.json["title"]
    assert client.get("/api/v1/events.jsonl?entity=deal", headers=head).text.count("\n") == 21
