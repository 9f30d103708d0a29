"""A streaming standby that is read from: held back, so that it is certainly behind, and stopped."""

import re
import uuid
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from auditapp import create_app
from auditapp.cli import replica_findings
from auditapp.database import replica
from auditapp.extensions import db
from auditapp.followers import waiting
from auditapp.models import ApiKey, Member, Role
from auditapp.outbound import files
from auditapp.routing import REPLICA
from tests.conftest import an_event, make_workspace
from tests.faults.serving import until
from tests.faults.standby import Standby
from tests.pages import CheckingClient

pytestmark = pytest.mark.faults

TIMELINE = "/w/acme/timeline"
EVENTS = "/api/v1/events"


@pytest.fixture(scope="module")
def standby(own_postgresql):
    """Return a standby of the server that may be stopped and started."""
    standby = Standby(own_postgresql)
    yield standby
    standby.remove()


@pytest.fixture
def database(own_postgresql):
    """Return a database on a server as safe as it comes."""
    return own_postgresql.make_database()


@pytest.fixture
def app_with(database):
    """Return a function that makes the application on the primary, with a replica at a URL."""
    apps = []

    def make(url):
        app = create_app(
            {
                "SQLALCHEMY_DATABASE_URI": database,
                "DATABASE_REPLICA_URL": url,
                "TESTING": True,
                "SECRET_KEY": "test",
                "WTF_CSRF_ENABLED": False,
            }
        )
        app.test_client_class = CheckingClient
        context = app.app_context()
        context.push()
        apps.append(context)
        return app

    yield make
    for context in reversed(apps):
        CheckingClient.close_streamed()
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
        context.pop()


@pytest.fixture
def app(standby, database, app_with):
    """Return the application with the standby to read from."""
    standby.catch_up()
    app = app_with(standby.url_of(database))
    yield app
    standby.resume()


@pytest.fixture
def asked(app):
    """Return what was asked of the replica, but for how far it is."""
    statements = []

    @sa.event.listens_for(db.engines[REPLICA], "before_cursor_execute")
    def note(_connection, _cursor, statement, *_more):
        if "pg_last_wal_replay_lsn" not in statement and "pg_control_system" not in statement:
            statements.append(statement)

    return statements


@pytest.fixture
def keys(cli, acme):
    """Return the headers of two API keys, of which one may write too."""

    def headers_of(*scopes):
        options = [part for scope in scopes for part in ("--scope", scope)]
        key = cli("api-key", "create", "--workspace", "acme", "--name", "Replica", *options).out.strip()
        return {"Authorization": f"Bearer {key}"}

    return SimpleNamespace(writer=headers_of("events:read", "events:write"), reader=headers_of("events:read"))


@pytest.fixture
def people(app, acme, login, standby):
    """Return the cast, signed in, and replayed on the standby, which goes no further from there."""
    clients = {who: app.test_client() for who in ("owner", "auditor", "member")}
    for who, client in clients.items():
        login(who, with_client=client)
    db.session.remove()
    standby.catch_up()
    standby.pause()
    return SimpleNamespace(**clients)


def test_a_page_is_read_from_the_replica_and_what_one_wrote_from_the_primary(people, standby, asked):
    assert "Signed in" in people.auditor.get(TIMELINE).text and asked

    wrote = people.owner.post(
        "/w/acme/settings/members", data={"email": "new@acme.example", "name": "Newcomer", "role": "Member"}
    )
    writer, reader = people.owner.get(TIMELINE).text, people.auditor.get(TIMELINE).text

    assert wrote.status_code == 200
    assert "Newcomer" in writer and "Newcomer" not in reader
    standby.resume()
    asked.clear()
    assert "Newcomer" in people.owner.get(TIMELINE).text and asked
    asked.clear()
    assert "Newcomer" in people.auditor.get(TIMELINE).text and asked


def test_who_signs_in_reads_of_it(people, app, login):
    client = app.test_client()
    login("auditor", with_client=client)

    mine, others = (who.get(f"{TIMELINE}?limit=1").text for who in (client, people.auditor))

    assert mine.count("data-event=") == others.count("data-event=") == 1
    assert newest(mine) != newest(others)


def newest(page):
    return page.partition('id="event-')[2].partition('"')[0]


def test_a_key_finds_what_it_recorded_and_another_one_what_is_replayed(keys, people, client, standby, asked):
    sent = client.post(EVENTS, json=an_event("deal.won"), headers=keys.writer)
    [recorded] = sent.json["events"]

    def find(headers):
        return [event["id"] for event in client.get(f"{EVENTS}?entity=deal", headers=headers).json["events"]]

    assert find(keys.writer) == [recorded["id"]]
    assert find(keys.reader) == [] and asked
    standby.resume()
    asked.clear()
    assert find(keys.writer) == find(keys.reader) == [recorded["id"]]
    assert asked
    told = client.get(f"{EVENTS}?event=auditapp.api_key.updated", headers=keys.writer)
    assert told.json["events"] == [], "how far a key is, is no change of it"


def test_what_is_not_replayed_yet_is_not_called_missing(keys, people, client):
    sent = client.post(EVENTS, json=an_event("deal.won", name="Refresh"), headers=keys.writer)
    [recorded] = sent.json["events"]

    page = people.auditor.get(f"/w/acme/events/{recorded['id']}")
    answer = client.get(f"{EVENTS}/{recorded['id']}", headers=keys.reader)

    assert page.status_code == 200 and "Refresh" in page.text
    assert answer.status_code == 200
    assert people.auditor.get(f"/w/acme/events/{uuid.uuid4()}").status_code == 404


def test_words_that_the_replica_does_not_have_yet_are_looked_for_on_the_primary(
    keys, people, client, standby, asked, monkeypatch
):
    monkeypatch.setattr(waiting, "WHOLE_SECONDS", 0.3)
    client.post(EVENTS, json=an_event("deal.won", name="Refresh"), headers=keys.writer)
    standby.resume()
    standby.pause()  # nobody has had the index follow by then, and now the replica cannot
    asked.clear()

    answer = client.get(f"{EVENTS}?q=refresh", headers=keys.reader)

    assert answer.status_code == 200 and len(answer.json["events"]) == 1 and asked
    standby.resume()
    asked.clear()
    assert "Refresh" in people.auditor.get(f"{TIMELINE}?q=refresh").text and asked


def test_a_change_of_rights_counts_though_it_is_not_replayed(keys, people, client):
    paths = [TIMELINE, f"{TIMELINE}.csv"]
    assert [people.auditor.get(path).status_code for path in paths] == [200, 200]
    assert client.get(EVENTS, headers=keys.reader).status_code == 200
    auditor = db.session.scalars(sa.select(Member).join(Member.role).where(Role.name == "Auditor")).one()
    key = db.session.scalars(sa.select(ApiKey).where(ApiKey.scopes == "events:read")).one()
    settings, member, key_id = "/w/acme/settings", auditor.id, key.id
    db.session.rollback()

    people.owner.post(f"{settings}/members/{member}/role", data={"role": "Member"})
    people.owner.post(f"{settings}/api-keys/{key_id}/revoke")

    assert [people.auditor.get(path).status_code for path in paths] == [200, 403]
    assert client.get(EVENTS, headers=keys.reader).status_code == 401
    people.owner.post(f"{settings}/members/{member}/remove")
    assert [people.auditor.get(path).status_code for path in paths] == [404, 404]


def test_a_log_that_is_too_old_is_not_read(people, keys, client, monkeypatch, asked):
    client.post(EVENTS, json=an_event("deal.won", name="Refresh"), headers=keys.writer)
    assert "Refresh" not in people.auditor.get(TIMELINE).text

    monkeypatch.setattr(replica, "MAX_AGE", 0)
    asked.clear()

    assert "Refresh" in people.auditor.get(TIMELINE).text and not asked


def test_a_replica_of_a_log_to_which_nobody_writes_is_not_too_old(people, standby, monkeypatch, asked):
    standby.resume()
    monkeypatch.setattr(replica, "MAX_AGE", 0)

    assert people.auditor.get(TIMELINE).status_code == 200 and asked


def test_a_position_of_another_server_keeps_nobody_from_the_replica(people, keys, client, standby, asked):
    standby.resume()
    db.session.execute(sa.text("UPDATE api_key SET wal_position = 4611686018427387904"))
    db.session.commit()

    assert client.get(EVENTS, headers=keys.reader).status_code == 200 and asked


def test_an_export_is_read_from_the_replica(people, keys, client, standby, asked, monkeypatch):
    client.post(EVENTS, json={"events": [an_event("deal.won")] * 5}, headers=keys.writer)
    standby.resume()
    standby.pause()
    client.post(EVENTS, json=an_event("deal.lost"), headers=keys.writer)
    monkeypatch.setattr(files, "PIECE_BYTES", 1)  # each event a piece
    asked.clear()

    page = people.auditor.get("/w/acme/timeline.jsonl?entity=deal")

    assert page.text.count("deal.won") == 5 and asked
    own = people.auditor.get(f"{TIMELINE}?event=auditapp.export.*").text
    assert own.count('data-event="auditapp.export.') == 2, "whoever exported reads of both of its ends"


def test_an_undo_is_prepared_of_what_is_so_now(people, keys, client):
    change = {"stage": {"previous": "open", "current": "won"}}
    sent = client.post(EVENTS, json=an_event("deal.updated", changes=change), headers=keys.writer)
    [recorded] = sent.json["events"]

    assert people.auditor.get(f"/w/acme/undo?event={recorded['id']}").status_code == 200
    undo = client.get(f"/api/v1/records/deal/1/undo?event={recorded['id']}", headers=keys.reader)
    assert undo.status_code == 200


@pytest.fixture
def stopped(people, standby):
    """Stop the standby under who reads it, and start it again."""
    assert people.auditor.get(TIMELINE).status_code == 200
    standby.stop()
    is_running = False

    def start():
        nonlocal is_running
        standby.start()
        is_running = True

    yield start
    if not is_running:
        standby.start()


def test_where_the_replica_is_gone_the_primary_answers(people, stopped, standby, client, cli, asked, caplog):
    for _ in range(3):
        assert "Signed in" in people.auditor.get(TIMELINE).text
    assert people.auditor.get("/w/acme/timeline.csv").status_code == 200
    assert client.get("/readyz").status_code == 200
    said = [record.message for record in caplog.records if "the replica" in record.message]
    assert said == ["the replica does not answer; the primary is read instead"]
    wrong = [
        line for line in cli("doctor").out.splitlines() if line.startswith("WRONG") and "replica" in line
    ]
    assert len(wrong) == 1 and "the replica does not answer" in wrong[0]

    stopped()
    standby.catch_up()
    asked.clear()

    def is_read():
        assert people.auditor.get(TIMELINE).status_code == 200
        return asked

    until(is_read, replica.TRY_AGAIN + 5, "it is read again")
    assert "the replica is read again" in caplog.text


def lines_of_doctor(cli):
    return [line for line in cli("doctor").out.splitlines() if "the replica" in line]


def test_a_replica_that_fails_in_the_middle_is_left_for_the_primary(
    people, keys, client, standby, caplog, monkeypatch
):
    client.post(EVENTS, json={"events": [an_event("deal.won")] * 5}, headers=keys.writer)
    standby.resume()
    monkeypatch.setattr(files, "PIECE_BYTES", 1)  # each event a piece
    failed = []

    @sa.event.listens_for(db.engines[REPLICA], "before_cursor_execute", retval=True)
    def fail(_connection, _cursor, statement, parameters, *_more):
        broken = re.sub(r"FROM event(_payload)?\b", "FROM nothing", statement)
        failed.append(broken != statement)
        return broken, parameters

    page = people.auditor.get(TIMELINE)
    by_page = failed.count(True)
    export = people.auditor.get("/w/acme/timeline.csv?entity=deal")

    assert page.status_code == export.status_code == 200
    assert "Signed in" in page.text and by_page
    assert export.text.count("deal.won") == 5 and "INCOMPLETE" not in export.text
    assert failed.count(True) > by_page
    assert "a query failed while the replica was read" in caplog.text


def test_the_doctor_says_how_far_behind_the_replica_is(people, keys, client, standby, cli, monkeypatch):
    for _ in range(4):
        client.post(EVENTS, json={"events": [an_event("deal.won")] * 100}, headers=keys.writer)
    before, [line] = bytes_behind(cli)
    assert line.startswith("ok") and "the replica is a standby and read from" in line and before > 100_000
    monkeypatch.setattr(replica_findings, "MAX_AGE", 0)
    _, [line] = bytes_behind(cli)
    assert line.startswith("WRONG") and "see that it replays" in line
    monkeypatch.undo()
    standby.resume()

    after, [line] = bytes_behind(cli)

    assert line.startswith("ok") and after < 50_000, "but for what doctor itself writes"


def bytes_behind(cli):
    lines = lines_of_doctor(cli)
    return int(re.search(r"([\d,]+) bytes behind", lines[0])[1].replace(",", "")), lines


@pytest.mark.parametrize(
    ("of", "says"),
    [("primary", "it is no standby"), ("another", "a standby of another server or another database")],
)
def test_what_is_no_replica_of_this_database_is_not_read(
    of, says, own_postgresql, standby, database, app_with, login, caplog
):
    url = database if of == "primary" else standby.url_of(own_postgresql.make_database())
    standby.catch_up()
    app = app_with(url)
    make_workspace("acme")
    client = app.test_client()
    login("auditor", with_client=client)

    page, doctor = client.get(TIMELINE), app.test_cli_runner().invoke(args=["doctor"])

    assert "Signed in" in page.text
    assert says in caplog.text
    assert says in doctor.output and doctor.exit_code == 1
