"""Settings → API keys."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import ApiKey, Event

pytestmark = pytest.mark.one_database

KEYS = "/w/acme/settings/api-keys"


@pytest.fixture
def owner(client, login, acme):
    """Return a browser in which the owner is signed in."""
    login("owner")
    return client


def make(owner, **more) -> str:
    response = owner.post(KEYS, data={"name": "ERP", "scope": "events:write", "lifetime": "", **more})
    found = re.search(r'value="(auditapp_\w+)"', response.text)
    return found[1] if found else ""


def events() -> list[str]:
    return list(db.session.scalars(sa.select(Event.event).where(Event.entity_type == "auditapp.api_key")))


@pytest.mark.both_databases
def test_a_key_is_shown_once_and_opens_what_it_says(owner, app):
    key = make(owner)

    assert key and key not in owner.get(KEYS).text
    assert "ERP" in owner.get(KEYS).text
    headers = {"Authorization": f"Bearer {key}"}
    assert app.test_client().get("/api/v1/events", headers=headers).status_code == 403
    assert app.test_client().post("/api/v1/events", headers=headers, json={}).status_code == 422
    assert events() == ["auditapp.api_key.created"]


def test_the_question_before_a_key_is_revoked_shows_what_its_name_hides(owner):
    make(owner, name="ERP \u202egnp")

    text = owner.get(KEYS).text

    assert 'data-confirm="Revoke ERP' in text
    assert "\u202e" not in text


def test_a_revoked_key_opens_nothing_at_once_and_that_is_an_event(owner, app):
    key = make(owner, scope=["events:read", "events:write"])
    headers = {"Authorization": f"Bearer {key}"}
    assert app.test_client().get("/api/v1/events", headers=headers).status_code == 200
    revoke = re.search(r'action="([^"]+/revoke)"', owner.get(KEYS).text)[1]

    answer = owner.post(revoke)

    assert answer.status_code == 303
    assert app.test_client().get("/api/v1/events", headers=headers).status_code == 401
    assert "revoked" in owner.get(KEYS).text
    assert events() == ["auditapp.api_key.created", "auditapp.api_key.revoked"]
    owner.post(revoke)
    assert len(events()) == 2


def test_a_key_ends_when_it_was_made_to(owner, app):
    key = make(owner, lifetime="30", scope="events:read")
    row = db.session.scalars(sa.select(ApiKey)).one()
    assert timedelta(days=29) < row.expires_at - datetime.now(UTC) <= timedelta(days=30)
    headers = {"Authorization": f"Bearer {key}"}
    assert app.test_client().get("/api/v1/events", headers=headers).status_code == 200

    row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()

    assert app.test_client().get("/api/v1/events", headers=headers).status_code == 401
    assert "ended" in owner.get(KEYS).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": []},
        {"scope": "all"},
        {"lifetime": "1"},
        {"name": " "},
        {"name": "x" * 201},
        {"name": "a\x00b"},
    ],
)
def test_a_wrong_form_is_said_and_makes_nothing(owner, wrong):
    data = {"name": "ERP", "scope": "events:write", "lifetime": "", **wrong}

    response = owner.post(KEYS, data={name: value for name, value in data.items() if value != []})

    assert response.status_code == 422 and 'role="alert"' in response.text
    assert db.session.scalars(sa.select(ApiKey)).all() == []


def test_keys_of_another_workspace_are_404(owner, other):
    key_id = "019aa0c3-0000-7000-8000-000000000000"

    assert owner.post(f"{KEYS}/{key_id}/revoke").status_code == 404
    assert owner.post(f"{KEYS}/x/revoke").status_code == 404


def test_the_command_makes_lists_and_revokes(cli, acme):
    key = cli(
        "api-key", "create", "--workspace", "acme", "--name", "Sync", "--scope", "events:read"
    ).out.strip()

    listed = cli("api-key", "list", "--workspace", "acme").out
    revoked = cli("api-key", "revoke", key, "--workspace", "acme")
    again = cli("api-key", "revoke", key, "--workspace", "acme")

    assert "valid" in listed and "Sync" in listed and key not in listed
    assert revoked.out == "Revoked: Sync\n"
    assert again.code == 1 and again.err.count("\n") == 1
