"""When the database is locked or gone: said so, with Retry-After, and nothing half-written."""

import sqlite3

import pytest
import sqlalchemy as sa

from auditapp import config
from auditapp.extensions import db
from auditapp.models import Event
from tests.pages import FRAGMENT

# The application is made with what "impatient" sets.
pytestmark = [pytest.mark.own_app, pytest.mark.one_database]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(config, "BUSY_SECONDS", 0.2)


@pytest.fixture
def locked(app, database):
    """Lock the log for everybody else, as a backup or a careless ALTER TABLE would."""
    if database.startswith("sqlite"):
        connection = sqlite3.connect(database.removeprefix("sqlite:///"))
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.rollback()
        connection.close()
        return
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("LOCK TABLE event, session, throttle IN ACCESS EXCLUSIVE MODE"))
        yield
    engine.dispose()


@pytest.mark.both_databases
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_locked_database_is_a_503_page_with_retry_after(
    app, client, login, acme, locked_after_login, headers
):
    response = client.get("/w/acme/timeline", headers=headers)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "The database does not answer just now" in response.text
    assert ("<html" in response.text) == (not headers)


@pytest.fixture
def locked_after_login(app, login, acme, request):
    login("owner")
    db.session.remove()
    return request.getfixturevalue("locked")


@pytest.mark.both_databases
def test_a_sign_in_while_locked_changes_nothing_and_works_afterwards(app, client, acme, database):
    from tests.conftest import PASSWORD

    if not database.startswith("sqlite"):
        pytest.skip("the same on PostgreSQL is shown by the page above")
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Event))
    db.session.remove()
    db.engine.dispose()
    lock = sqlite3.connect(database.removeprefix("sqlite:///"))
    lock.execute("BEGIN IMMEDIATE")
    data = {"email": "owner@acme.example", "password": PASSWORD}

    refused = client.post("/login", data=data)
    lock.rollback()
    lock.close()

    assert refused.status_code == 503
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Event)) == before
    assert client.post("/login", data=data).status_code == 303


@pytest.mark.both_databases
def test_a_database_that_is_gone_is_503_not_a_stack_trace(app, client, login, acme, monkeypatch):
    login("owner")

    def gone(*args, **kwargs):
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    monkeypatch.setattr("auditapp.web.gate.member_viewer", gone)
    response = client.get("/w/acme/timeline")

    assert response.status_code == 503
    assert "server closed" not in response.text
    assert client.get("/healthz").status_code == 200


@pytest.mark.both_databases
def test_a_mistake_of_ours_is_a_500_page_without_its_details(app, client, login, acme, monkeypatch):
    login("owner")
    monkeypatch.setattr("auditapp.web.timeline.list_events", lambda *_: 1 / 0)

    response = client.get("/w/acme/timeline")

    assert response.status_code == 500
    assert "Something went wrong on our side" in response.text and "ZeroDivision" not in response.text


@pytest.mark.parametrize("url", ["/nothing", "/w/acme/nothing", "/static/nothing.css"])
def test_an_unknown_address_is_404_with_a_way_back(client, url):
    response = client.get(url)

    assert response.status_code == 404
    assert 'href="/"' in response.text


def test_a_wrong_method_says_so(client):
    assert client.delete("/login").status_code == 405


@pytest.mark.parametrize(
    "host", ["a..b", "x" * 64 + ".example", "a b", "<b>", "ü.example", "evil.com/x", "x:y", ""]
)
def test_a_malformed_host_is_refused_in_one_line(client, host):
    response = client.get("/login", headers={"Host": host})

    assert response.status_code == 400 and response.text == "The Host header is malformed.\n"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "[::1]:5000", "audit.example.", "a-b.c_d"])
def test_a_sound_host_is_served(client, host):
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("name", ["auditapp", "remember_token", "tz", "x"])
def test_no_cookie_breaks_a_page(client, name):
    for value in ("ü|ü", "a|b", "\\x00", "|", "." * 50, "eyJhIjoxfQ.aaaa.bbbb"):
        client.set_cookie(name, value)
        assert client.get("/login").status_code == 200


@pytest.mark.both_databases
def test_the_ends_of_the_calendar_are_shown(client, login, acme, note):
    note(
        "deal.created",
        entity="old",
        occurred_at="0001-01-01T00:00:00Z",
        changes={
            "a": {"current": "9999-12-31T23:59:59Z", "kind": "date"},
            "b": {"current": "0001-01-01T00:00:01+14:00", "kind": "date"},
            "c": {"current": "9999-12-31T23:59:59-14:00"},
            "d": {"current": "2026-02-31"},
        },
    )
    login("owner")
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        client.set_cookie("tz", zone)
        assert client.get("/w/acme/history/deal/old").status_code == 200
        assert client.get("/w/acme/timeline?until=1000-01-01").status_code == 200


def test_whoever_is_not_signed_in_is_sent_there_from_any_page_they_name(client, acme):
    headers = {"HX-Request-Type": "partial", "HX-Current-URL": "http://[::1"}

    response = client.get("/w/acme/timeline/overview", headers=headers)

    assert response.status_code == 401
    assert response.headers["HX-Redirect"].startswith("/login")


@pytest.mark.both_databases
def test_a_denial_under_an_odd_address_is_still_a_denial(client, login, acme):
    login("member")

    assert client.post("/w/acme/settings/members/%00/role").status_code == 403
