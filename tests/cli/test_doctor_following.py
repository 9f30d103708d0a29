"""``flask doctor`` and ``/readyz`` on what follows the log: behind, standing, failing, followed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.cli import following_findings
from auditapp.extensions import db
from auditapp.followers import catch_up
from auditapp.followers.failures import keep_failure
from auditapp.followers.lag import read_lag
from auditapp.followers.places import give_places
from auditapp.models import follower, follower_failure, worker
from auditapp.operating import readiness


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(readiness, "TRY_EVERY", 0)


def put_worker(ago=timedelta()):
    """Have a worker be seen so long ago."""
    db.session.execute(sa.delete(worker))
    values = {"name": "log", "holder": "a-host:1:aa", "beat": 1, "beat_at": datetime.now(UTC) - ago}
    db.session.execute(worker.insert().values(**values))
    db.session.commit()


@pytest.fixture
def set_worker(app):
    """Return a function that has a worker be seen so long ago."""
    return put_worker


@pytest.fixture
def fail(acme, note):
    """Return a function that has the index fail at new events, since some days."""

    def put(events=1, days=0):
        for _ in range(events):
            note()
        catch_up(db.engine)
        with db.engine.begin() as connection:
            for seq in range(1, events + 1):
                keep_failure(connection, "index", acme.id, seq, ValueError("a secret"))
            values = {"failed_at": datetime.now(UTC) - timedelta(days=days)}
            connection.execute(sa.update(follower_failure).values(**values))

    return put


def an_hour_passes():
    """Have all that was recorded, and all that moved, be an hour old: by a clock that went on."""
    if db.engine.dialect.name == "sqlite":
        trigger = db.session.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'event_no_update'"))
        db.session.execute(sa.text("DROP TRIGGER event_no_update"))
        db.session.execute(sa.text("UPDATE event SET recorded_at = recorded_at - 3600 * 1000000"))
        db.session.connection().exec_driver_sql(trigger)
    else:
        db.session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        db.session.execute(sa.text("UPDATE event SET recorded_at = recorded_at - interval '1 hour'"))
    db.session.execute(sa.update(follower).values(changed_at=datetime.now(UTC) - timedelta(hours=1)))
    db.session.commit()


def lines(cli, about):
    return [line for line in cli("doctor").out.splitlines() if about in line]


# /readyz


def test_ready_says_nothing_more_where_a_worker_follows(client, acme, set_worker):
    set_worker()

    assert client.get("/readyz").text == "ready\n"


def test_ready_says_how_far_the_index_is_behind_and_that_nobody_follows(client, acme, other, note):
    note()
    note()
    note(workspace=other)
    give_places(db.engine, acme.id)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.text) == (
        200,
        "ready\nno worker follows the log\nindex: 3 events behind\n",
    )
    an_hour_passes()
    assert "index: 3 events behind, and stands\n" in client.get("/readyz").text


def test_ready_counts_what_failed_and_what_is_made_anew_and_names_no_workspace(client, fail, set_worker):
    fail(2)
    set_worker()
    db.session.execute(sa.update(follower).values(version=0))
    db.session.commit()

    text = client.get("/readyz").text

    assert "index: being made anew, or to be, in 1 workspace\n" in text
    assert "index: 2 events failed\n" in text
    assert "acme" not in text and "secret" not in text


def test_a_load_balancer_is_told_ready_though_what_follows_cannot_be_read(client, acme):
    db.session.execute(sa.text("DROP TABLE worker"))
    db.session.commit()

    answer = client.get("/readyz")

    assert (answer.status_code, answer.text) == (200, "ready\nwhat follows the log: unknown\n")


def test_it_costs_the_same_statements_in_a_thousand_workspaces(client, acme, note):
    note()
    db.session.commit()
    sent = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    client.get("/readyz")
    few = len(sent)
    with db.engine.begin() as connection:
        for table, values in (
            ("workspace", "n, {uid}, 'w' || n, 'W', 'UTC', (SELECT min(created_at) FROM workspace)"),
            ("log_head", "n, 7"),
            ("follower", "n, 'index', 3, 0, 0, NULL"),
        ):
            columns = {"workspace": " (id, uid, slug, name, timezone, created_at)"}.get(table, "")
            uid = "randomblob(16)" if connection.dialect.name == "sqlite" else "gen_random_uuid()"
            values = values.format(uid=uid)
            numbers = (
                "WITH RECURSIVE numbers(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1099)"
            )
            connection.exec_driver_sql(
                f"INSERT INTO {table}{columns} {numbers} SELECT {values} FROM numbers"
                if connection.dialect.name == "sqlite"
                else f"{numbers} INSERT INTO {table}{columns} SELECT {values} FROM numbers"
            )
    sent.clear()

    text = client.get("/readyz").text

    assert "index: 7,001 events behind" in text
    assert len(sent) == few


def test_no_plan_reads_the_log(client, acme, note):
    for _ in range(3):
        note()
    give_places(db.engine, acme.id)
    note()
    asked = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    with db.engine.connect() as connection:
        read_lag(connection)
        read_lag(connection, acme.id)
        queries = [*asked]
        is_sqlite = db.engine.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
        if not is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = [
            " ".join(str(cell) for row in connection.exec_driver_sql(explain + query, given) for cell in row)
            for query, given in queries
        ]

    of_the_log = [plan for plan in plans if re.search(r"\b(event|log_leaf)\b", plan)]
    assert len(of_the_log) == 4, "the oldest with a place, and the oldest without, of all and of one"
    for plan in of_the_log:
        assert not re.search(r"SCAN (event|log_leaf)\b|Seq Scan on (event|log_leaf)\b", plan), plan


# flask doctor


def test_a_worker_that_was_seen_is_told_and_all_is_up_to_date(cli, acme, set_worker):
    set_worker()

    assert lines(cli, "worker") == ["ok     a worker follows the log, seen 0 seconds ago"]
    assert lines(cli, "index:") == ["ok     index: up to date"]


def test_no_worker_is_no_fault_as_long_as_nothing_waits(app, cli, acme, set_worker):
    set_worker(timedelta(hours=2))

    assert lines(cli, "no worker") == [
        "ok     no worker follows the log just now; one was last seen 2 hours ago; AUDITAPP_WORKER is on, so"
        " a server brings one along"
    ]
    app.config["WORKER"] = False
    [line] = lines(cli, "no worker")
    assert line.startswith("ok") and line.endswith("is off, so flask --app app worker has to run")


def test_a_lag_is_told_by_workspace_and_is_no_fault(cli, acme, other, note):
    for _ in range(3):
        note()
    note(workspace=other)
    give_places(db.engine, acme.id)

    [line] = lines(cli, "index:")

    assert line.startswith("ok     index: 4 events behind (acme 3, other 1), the oldest for 0 seconds")


def test_the_oldest_of_all_that_waits_says_since_when(cli, acme, other, note):
    note()
    note(workspace=other)
    give_places(db.engine, acme.id)
    an_hour_passes()
    for workspace in (acme, other, acme, other):
        note(workspace=workspace)

    [behind] = lines(cli, "index stands")
    catch_up(db.engine, [acme.id])
    [pending] = lines(cli, "index stands")
    catch_up(db.engine, [other.id])

    assert "6 events behind (acme 3, other 3), the oldest for 1 hour:" in behind
    assert "3 events behind (other 3), the oldest for 1 hour:" in pending
    assert lines(cli, "index:") == ["ok     index: up to date"]


def test_a_follower_that_stands_without_a_worker_is_wrong_and_says_what_helps(app, cli, note, set_worker):
    note()
    an_hour_passes()

    [line] = lines(cli, "index stands")
    app.config["WORKER"] = False
    [apart] = lines(cli, "index stands")
    set_worker()
    followed = lines(cli, "index:")

    told = (
        "WRONG  index stands, since no worker follows the log: 1 event behind (acme 1), the oldest for 1 hour"
    )
    assert line == f"{told}: start the server, or flask --app app worker"
    assert apart == f"{told}: start flask --app app worker"
    assert followed == ["ok     index: 1 event behind (acme 1), the oldest for 1 hour"]


def test_what_failed_is_wrong_with_how_many_since_when_why_and_what_to_do(cli, fail):
    fail(2, days=3)
    since = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%d %H:%M")

    result = cli("doctor")

    [line] = [line for line in result.out.splitlines() if "failed at" in line]
    assert result.code == 1
    assert line.startswith(
        f"WRONG  index failed at 2 events of acme, the oldest since {since} UTC, tried once: ValueError."
    )
    assert "tries again, the oldest at 20" in line and "Settings → Index and followers" in line
    assert "secret" not in line


def test_of_failures_in_many_workspaces_some_are_told_and_the_rest_is_counted(
    cli, fail, monkeypatch, other, note
):
    fail()
    note(workspace=other)
    catch_up(db.engine)
    with db.engine.begin() as connection:
        keep_failure(connection, "index", other.id, 1, ValueError())
    monkeypatch.setattr(following_findings, "SHOWN", 1)

    found = lines(cli, "WRONG  ")

    assert [line for line in found if "failed at 1 event of acme" in line]
    assert "WRONG  1 more events failed in 1 more workspaces" in found
    assert not [line for line in found if "of other" in line]


def test_a_failure_stays_since_when_it_began(acme, fail):
    from auditapp.followers.failures import failures_of

    fail(days=3)
    with db.engine.begin() as connection:
        [before] = failures_of(connection, acme.id)
        keep_failure(connection, "index", acme.id, before.seq, ValueError(), before)
        [after] = failures_of(connection, acme.id)

    assert (after.attempts, after.failed_at) == (2, before.failed_at)
    assert after.next_at > before.next_at


@pytest.mark.parametrize("name", ["log_leaf_no_delete"])
def test_a_guard_of_the_places_that_is_gone_is_told(cli, app, name):
    on = "" if db.engine.dialect.name == "sqlite" else " ON log_leaf"
    db.session.execute(sa.text(f"DROP TRIGGER {name}{on}"))
    db.session.commit()

    assert lines(cli, "triggers")[0].startswith("WRONG  triggers are missing on log_leaf")
