"""Settings → Sources: made, used, and what could not be read."""

import json
import re

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import Event, SetAside, Source

SOURCES = "/w/acme/settings/sources"
FINE = {
    "specversion": "1.0",
    "id": "1",
    "source": "/billing",
    "type": "invoice.paid",
    "subject": "i_1",
    "time": "2026-03-24T09:00:00Z",
}


@pytest.fixture
def owner(client, login, acme):
    """Return a browser in which the owner is signed in."""
    login("owner")
    return client


@pytest.fixture
def billing(owner):
    """Return the path and secret of a source as Settings shows them."""
    page = owner.post(SOURCES, data={"name": "Billing", "kind": "cloudevents", "secret": ""}).text
    path = re.search(r'value="http://localhost(/in/\w+)"', page)[1]
    secret = re.search(r'Secret <input[^>]* value="([^"]+)"', page)[1]
    return path, secret


def send(owner, billing, body):
    path, secret = billing
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return owner.application.test_client().post(
        path, data=text, headers={"Authorization": f"Bearer {secret}"}
    )


def show(owner) -> str:
    return re.search(rf'href="({SOURCES}/[^"/]+)"', owner.get(SOURCES).text)[1]


def test_a_source_is_made_with_a_secret_that_is_shown_once(owner, billing):
    assert len(billing[1]) > 40
    assert billing[1] not in owner.get(SOURCES).text + owner.get(show(owner)).text
    assert send(owner, billing, FINE).status_code == 201
    text = db.session.scalars(sa.select(Event.event).where(Event.entity_type == "source")).all()
    assert text == ["source.created"]


def test_what_cannot_be_read_is_listed_as_it_came_and_read_again_after_a_fix(owner, billing, monkeypatch):
    unread = json.dumps({**FINE, "note": "<b>bold</b>"}).encode()
    with monkeypatch.context() as patch:
        patch.setattr("auditapp.sources.receiving.loads", lambda text: [])
        assert send(owner, billing, unread).status_code == 202
    page = owner.get(show(owner)).text
    assert "1 set aside" in owner.get(SOURCES).text
    assert "&lt;b&gt;bold" in page
    body = owner.get(re.search(r'href="([^"]+/set-aside/[^"]+)"', page)[1])
    assert body.data == unread and body.content_type == "application/octet-stream"

    done = owner.post(f"{show(owner)}/replay", follow_redirects=True)

    assert "1 read and recorded" in done.text
    assert db.session.scalars(sa.select(SetAside)).all() == []
    assert db.session.scalars(sa.select(Event).where(Event.entity_id == "i_1")).one().origin == "webhook"


def test_what_still_cannot_be_read_stays_with_its_reason(owner, billing):
    send(owner, billing, b"{}")
    waiting = str(db.session.scalars(sa.select(SetAside.id)).one())

    page = owner.post(f"{show(owner)}/replay", data={"set_aside": waiting}, follow_redirects=True).text

    assert "1 still cannot be read" in page and "is required" in page
    assert owner.post(f"{show(owner)}/replay", data={"set_aside": "x"}).status_code == 404


def test_a_removed_source_is_gone_but_what_it_sent_stays(owner, billing):
    send(owner, billing, FINE)

    owner.post(f"{show(owner)}/remove")

    assert "No sources yet" in owner.get(SOURCES).text
    assert send(owner, billing, FINE).status_code == 404
    assert db.session.scalars(sa.select(Event).where(Event.entity_id == "i_1")).one()
    names = db.session.scalars(sa.select(Event.event).where(Event.entity_type == "source")).all()
    assert names == ["source.created", "source.removed"]


@pytest.mark.parametrize("wrong", [{"kind": "moon"}, {"name": ""}, {"secret": "x" * 201}])
def test_a_wrong_form_is_said_and_makes_nothing(owner, wrong):
    response = owner.post(SOURCES, data={"name": "B", "kind": "retraced", "secret": "s", **wrong})

    assert response.status_code == 422 and 'role="alert"' in response.text
    assert db.session.scalars(sa.select(Source)).all() == []


def test_a_source_of_another_workspace_is_404(owner, billing, other, login):
    here = show(owner)
    stranger = owner.application.test_client()
    login("owner", "other", with_client=stranger)

    for url in (here, here.replace("acme", "other")):
        assert stranger.get(url).status_code == 404
        assert stranger.post(f"{url}/replay").status_code == 404
        assert stranger.post(f"{url}/remove").status_code == 404


def test_the_secret_is_in_no_event(owner, billing):
    texts = db.session.scalars(sa.text("SELECT changes FROM event_payload")).all()

    assert any("Billing" in text for text in texts)
    assert not any(billing[1] in text for text in texts)


def test_what_was_recorded_is_not_answered_with_503_and_sent_again(owner, billing, monkeypatch):
    def locked(*_):
        raise sa.exc.OperationalError("UPDATE source", {}, Exception("locked"))

    monkeypatch.setattr("auditapp.sources.receiving._note_receipt", locked)

    assert send(owner, billing, FINE).status_code == 201
    assert send(owner, billing, b"{}").status_code == 202
    assert len(db.session.scalars(sa.select(SetAside.id)).all()) == 1
