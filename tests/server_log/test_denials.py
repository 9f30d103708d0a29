"""Whatever is denied is a line that says why and to whom; as events, once per person, page and hour."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.access import sessions
from auditapp.access.api_keys import create_key
from auditapp.access.members import members_of
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.roles import find_role
from auditapp.extensions import db
from auditapp.inbound.source import create_source
from auditapp.models import Account, ApiKey, Event, Throttle
from tests.conftest import PASSWORD

OF_ROLES = "access.denied"


@pytest.fixture
def reasons(server_log):
    """Return a function that tells the reasons of the denials so far, and forgets them."""

    def take(**with_fields):
        lines = server_log.of("denied")
        server_log.forget()
        for line in lines:
            assert line["level"] == "warning" and line["address"] == "127.0.0.1" and line["request_id"]
            assert {name: line.get(name) for name in with_fields} == with_fields
        return [line["reason"] for line in lines]

    return take


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def test_keys_that_open_nothing(client, acme, reasons):
    good = create_key(acme, "k", {"events:write"}, COMMAND_LINE)
    expired = create_key(acme, "e", {"events:read"}, COMMAND_LINE, datetime.now(UTC) - timedelta(days=1))
    revoked = create_key(acme, "r", {"events:read"}, COMMAND_LINE)
    rows = {row.name: row for row in db.session.scalars(sa.select(ApiKey))}
    rows["r"].revoked_at = datetime.now(UTC)
    unknown = create_key(acme, "u", {"events:read"}, COMMAND_LINE)
    db.session.delete(db.session.scalars(sa.select(ApiKey).where(ApiKey.name == "u")).one())
    db.session.commit()
    ids = {name: str(row.id) for name, row in rows.items() if name != "u"}

    def ask(headers):
        return client.get("/api/v1/events", headers=headers).status_code

    assert (ask({}), reasons(key=None)) == (401, ["key-missing"])
    assert (ask({"Authorization": "Basic eDp5"}), reasons()) == (401, ["key-missing"])
    assert (ask(bearer("nonsense")), reasons(key=None)) == (401, ["key-malformed"])
    assert (ask(bearer(unknown)), reasons(key=None)) == (401, ["key-unknown"])
    assert (ask(bearer(expired)), reasons(key=ids["e"], workspace="acme")) == (401, ["key-expired"])
    assert (ask(bearer(revoked)), reasons(key=ids["r"], workspace="acme")) == (401, ["key-revoked"])
    scope = (403, ["scope"])
    assert (ask(bearer(good)), reasons(key=ids["k"], workspace="acme", scope="events:read")) == scope


def test_a_key_that_asks_too_often_or_for_what_is_not_its_own(client, app, acme, other, note, reasons):
    theirs = note(workspace=other)
    key = create_key(acme, "k", {"events:read"}, COMMAND_LINE)
    db.session.commit()
    assert client.get(f"/api/v1/events/{theirs}", headers=bearer(key)).status_code == 404
    assert reasons(workspace="acme") == ["not-found"]

    app.config["REQUESTS_PER_MINUTE"] = 1
    client.get("/api/v1/events", headers=bearer(key))
    assert client.get("/api/v1/events", headers=bearer(key)).status_code == 429
    assert reasons(workspace="acme") == ["too-many-requests"]


def test_strangers_and_those_who_are_not_signed_in(client, login, acme, other, note, reasons):
    theirs = note(workspace=other)
    assert client.get("/w/acme/timeline").status_code == 302
    assert reasons(account=None) == ["not-signed-in"]
    login("owner")
    account = str(db.session.scalar(sa.select(Account.id).where(Account.email == "owner@acme.example")))

    assert client.get("/w/other/timeline").status_code == 404
    assert reasons(account=account, asked="other", route="/w/<workspace>/timeline") == ["not-a-member"]
    assert client.get("/w/acme/views/0192f3c4-1111-7000-8000-000000000000").status_code in (404, 405)
    assert client.get(f"/w/acme/events/{theirs}").status_code == 404
    assert reasons(account=account, workspace="acme")[-1:] == ["not-found"]


def test_forms_links_webhooks_and_hosts(client, app, acme, reasons):
    source = create_source(acme, "cloudevents", "s", "hunter2hunter2", COMMAND_LINE)
    db.session.commit()
    path, source_id = source.path, str(source.id)

    assert client.get("/join/nonsense").status_code == 404
    assert reasons(route="/join/<token>") == ["link-over"]
    assert client.post("/in/nonsense", data=b"{}").status_code == 404
    assert reasons(source=None) == ["source-unknown"]
    assert client.post(f"/in/{path}", data=b"{}").status_code == 401
    assert reasons(source=source_id, workspace="acme") == ["signature"]
    assert client.get("/login", headers={"Host": "a b"}).status_code == 400
    assert reasons(route=None) == ["host"]
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post("/login", data={"email": "a@b.example"}).status_code == 400
    assert reasons(route="/login") == ["csrf"]


def test_sign_ins(client, acme, reasons):
    form = {"email": "owner@acme.example", "password": "wrong password"}
    account = str(db.session.scalar(sa.select(Account.id).where(Account.email == form["email"])))

    client.post("/login", data={**form, "email": "nobody@acme.example"})
    assert reasons(account=None) == ["sign-in-failed"]
    for _ in range(sessions.ACCOUNT_LIMIT):
        client.post("/login", data=form)
    assert reasons(account=account) == ["sign-in-failed"] * sessions.ACCOUNT_LIMIT
    assert client.post("/login", data={**form, "password": PASSWORD}).status_code == 429
    assert reasons() == ["sign-in-throttled"]


def denied_events():
    db.session.rollback()
    return db.session.scalar(
        sa.select(sa.func.count()).select_from(Event).where(Event.event.endswith(OF_ROLES))
    )


def test_a_missing_right_is_a_line_each_time_and_an_event_once_per_person_page_and_hour(
    client, login, acme, reasons
):
    login("member")
    reasons()

    for _ in range(20):
        assert client.get("/w/acme/settings/members").status_code == 403
    assert reasons(permission="members:manage", workspace="acme") == ["role"] * 20
    assert denied_events() == 1

    client.get("/w/acme/settings/api-keys")
    assert denied_events() == 2, "another page"
    client.post("/logout")
    auditor = client.application.test_client()
    login("auditor", with_client=auditor)
    auditor.get("/w/acme/settings/members")
    assert denied_events() == 3, "another person"

    earlier = datetime.now(UTC) - timedelta(minutes=61)
    db.session.execute(sa.update(Throttle).values(window_start=earlier))
    db.session.commit()
    for _ in range(3):
        auditor.get("/w/acme/settings/members")
    assert denied_events() == 4, "another hour"


def test_somebody_elses_sign_in_does_not_begin_the_hour_anew(client, login, acme):
    login("member")
    client.get("/w/acme/settings/members")
    past = datetime.now(UTC) - timedelta(minutes=50)
    db.session.execute(sa.update(Throttle).values(window_start=past))
    db.session.commit()

    login("auditor", with_client=client.application.test_client())
    client.get("/w/acme/settings/members")

    assert denied_events() == 1


def test_a_denial_that_cannot_be_recorded_counts_for_nothing(client, login, acme, monkeypatch):
    login("member")

    def fail(*_args, **_more):
        raise sa.exc.OperationalError("x", {}, Exception("disk full"))

    with monkeypatch.context() as broken:
        broken.setattr("auditapp.web.gate.note", fail)
        assert client.get("/w/acme/settings/members").status_code == 503
    assert client.get("/w/acme/settings/members").status_code == 403

    assert denied_events() == 1


def test_a_removed_members_denials_are_a_strangers(client, login, acme, reasons):
    login("auditor")
    member = next(each for each in members_of(acme) if each.role == find_role(acme, "Auditor"))
    member.removed_at = datetime.now(UTC)
    db.session.commit()
    reasons()

    assert client.get("/w/acme/settings/members").status_code == 404
    assert reasons() == ["not-a-member"]
