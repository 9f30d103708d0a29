"""``/metrics``: for agents on this machine, whatever else they are; and what it tells."""

import re

import pytest
import sqlalchemy as sa

from auditapp.access import api_keys
from auditapp.access.own_events import COMMAND_LINE
from auditapp.extensions import db
from auditapp.followers.failures import keep_failure
from auditapp.followers.places import give_places
from auditapp.http import metrics
from auditapp.models import Event, SetAside, follower
from auditapp.operating import readiness
from tests.web.settings.test_sources import billing, owner, send  # noqa: F401 - fixtures

pytestmark = pytest.mark.own_app


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(readiness, "TRY_EVERY", 0)
    monkeypatch.setattr(metrics, "KEPT_SECONDS", 0)


def read(client) -> dict[str, float]:
    """Return what is told, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def ask(client, address="127.0.0.1", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/metrics", headers=names, environ_base={"REMOTE_ADDR": address}).status_code


# Whom it answers


@pytest.mark.one_database
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_it_answers_on_loopback(client, acme, address):
    assert ask(client, address) == 200


@pytest.mark.one_database
@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1", "2001:db8::1", "", "unix"])
def test_to_all_others_there_is_nothing(client, acme, address):
    assert ask(client, address) == 404


@pytest.mark.one_database
@pytest.mark.parametrize("trusted", [0, 1, 2])
@pytest.mark.parametrize(
    "header",
    [
        {"X_Forwarded_For": "127.0.0.1"},
        {"X_Forwarded_For": "127.0.0.1, 192.0.2.1"},
        {"X_Forwarded_For": ""},
        {"Forwarded": "for=127.0.0.1"},
        {"X_Real_IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_what_a_proxy_passes_on_is_refused_whatever_it_says(app, trusted, header):
    from werkzeug.middleware.proxy_fix import ProxyFix

    if trusted:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted)

    assert ask(app.test_client(), **header) == 404


@pytest.mark.one_database
@pytest.mark.parametrize("host", ["evil.example", "192.0.2.1:5000", "localhost.evil.example"])
def test_a_name_that_somebody_gave_to_this_machine_is_refused(client, acme, host):
    assert ask(client, Host=host) == 404


@pytest.mark.one_database
def test_an_agent_here_needs_not_know_the_base_url(app, client, acme):
    app.config["BASE_URL"] = "https://audit.acme.example"

    assert ask(client, Host="127.0.0.1:5000") == 200
    assert ask(client, Host="audit.acme.example") == 404


@pytest.mark.one_database
def test_neither_a_role_nor_a_key_opens_it_from_elsewhere(client, login, acme):
    login("owner")
    key = api_keys.create_key(acme, "all", {"events:read", "events:write"}, COMMAND_LINE)
    db.session.commit()

    assert ask(client, "192.0.2.1") == 404
    assert ask(client, "192.0.2.1", Authorization=f"Bearer {key}") == 404


# What it tells


def test_it_tells_of_the_log_and_how_far_it_is_followed(client, acme, other, note):
    before = read(client)
    for _ in range(3):
        note()
    note(workspace=other)
    give_places(db.engine, acme.id)
    with db.engine.begin() as connection:
        keep_failure(connection, "index", acme.id, 1, ValueError())

    told = read(client)

    events = db.session.scalar(sa.select(sa.func.count()).select_from(Event))
    assert told["auditapp_log_events"] == events == before["auditapp_log_events"] + 4
    assert told["auditapp_log_pending_events"] == 1
    assert told['auditapp_follower_lag_events{follower="index"}'] == 4
    assert told['auditapp_follower_worst_lag_events{follower="index"}'] == 3
    assert 0 <= told['auditapp_follower_lag_seconds{follower="index"}'] < 60
    assert told['auditapp_follower_failures{follower="index"}'] == 1
    assert told['auditapp_follower_stale_workspaces{follower="index"}'] == 0
    assert told["auditapp_worker_up"] == 0 and "auditapp_worker_seen_seconds" not in told
    assert told["process_resident_memory_bytes"] > 1e6


def test_it_tells_when_a_worker_was_seen_and_what_is_stale(client, acme):
    from tests.cli.test_doctor_following import put_worker

    put_worker()
    db.session.execute(sa.update(follower).values(version=0))
    db.session.commit()

    told = read(client)

    assert told["auditapp_worker_up"] == 1 and 0 <= told["auditapp_worker_seen_seconds"] < 10
    assert told['auditapp_follower_stale_workspaces{follower="index"}'] == 1


@pytest.mark.one_database
def test_requests_are_counted_by_method_and_class_of_status_and_timed_by_view(client, acme):
    client.get("/login")
    assert client.get("/healthz").text == "ok\n"
    client.get("/nothing/here")
    client.open("/login", method="PROPFIND")

    told = read(client)

    assert told['auditapp_requests_total{method="GET",status="2xx"}'] == 2
    assert told['auditapp_requests_total{method="GET",status="4xx"}'] == 1
    assert told['auditapp_requests_total{method="other",status="4xx"}'] == 1
    assert told['auditapp_request_seconds_count{view="auth.login"}'] == 1
    assert told['auditapp_request_seconds_count{view="none"}'] == 2
    assert told['auditapp_request_seconds_bucket{le="+Inf",view="health.healthz"}'] == 1
    assert read(client)['auditapp_request_seconds_count{view="metrics.show"}'] == 1


@pytest.mark.one_database
def test_two_applications_count_apart(app, client, acme):
    from auditapp import create_app

    again = create_app({**app.config})
    client.get("/login")

    assert 'view="auth.login"' not in again.test_client().get("/metrics").text
    with again.app_context():
        db.engine.dispose()


@pytest.mark.one_database
def test_sources_that_fail_and_what_is_set_aside_are_counted(owner, billing):  # noqa: F811
    send(owner, billing, b"{}")
    send(owner, billing, b"{} ")

    told = read(owner)

    assert db.session.scalar(sa.select(sa.func.count()).select_from(SetAside)) == 2
    assert (told["auditapp_sources_failing"], told["auditapp_set_aside"]) == (1, 2)


@pytest.mark.one_database
def test_nothing_from_outside_is_in_it(owner, billing, note):  # noqa: F811
    note(name="Pump")
    owner.get("/w/acme/history/deal/pump-77?q=hunter2")
    owner.get(
        "/w/acme/timeline?q=hunter2", headers={"User-Agent": "hunter2", "X-Request-ID": "hunter2hunter2"}
    )
    owner.open("/hunter2", method="HUNTER2")

    text = owner.get("/metrics").text

    assert not re.search(r"acme|hunter2|HUNTER2|pump|Billing|owner@", text)
    assert billing[0].rpartition("/")[2] not in text


@pytest.mark.one_database
def test_without_a_database_it_still_tells_of_requests(client, acme):
    for table in ("worker", "set_aside"):
        db.session.execute(sa.text(f"DROP TABLE {table}"))
    db.session.commit()

    told = read(client)

    assert told["auditapp_database_up"] == 0 and "auditapp_log_events" not in told
    assert "process_cpu_seconds_total" in told


@pytest.mark.one_database
def test_it_asks_the_database_every_few_seconds_only(client, acme, monkeypatch):
    monkeypatch.setattr(readiness, "TRY_EVERY", 60)
    monkeypatch.setattr(metrics, "KEPT_SECONDS", 60)
    read(client)
    sent = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))

    read(client)

    assert sent == []
