"""Settings → Sources: made, used, and what could not be read."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import Event, SetAside, Source

pytestmark = pytest.mark.one_database

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
    text = db.session.scalars(sa.select(Event.event).where(Event.entity_type == "auditapp.source")).all()
    assert text == ["auditapp.source.created"]


@pytest.mark.both_databases
def test_what_cannot_be_read_is_listed_as_it_came_and_read_again_after_a_fix(owner, billing, monkeypatch):
    unread = json.dumps({**FINE, "note": "<b>bold</b>"}).encode()
    with monkeypatch.context() as patch:
        patch.setattr("auditapp.inbound.receiving.loads", lambda text: [])
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
    names = db.session.scalars(sa.select(Event.event).where(Event.entity_type == "auditapp.source")).all()
    assert names == ["auditapp.source.created", "auditapp.source.removed"]


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

    monkeypatch.setattr("auditapp.inbound.receiving._note_receipt", locked)

    assert send(owner, billing, FINE).status_code == 201
    assert send(owner, billing, b"{}").status_code == 202
    assert len(db.session.scalars(sa.select(SetAside.id)).all()) == 1


# A secret that no header can carry

UNSENDABLE = ["geheim-ü", " lead", "trail ", "a\nb", "a\tb", "日本", "a\x7f", "\u2009x", "\r\n", " "]


@pytest.mark.parametrize("kind", ["cloudevents", "retraced"])
@pytest.mark.parametrize("secret", UNSENDABLE)
def test_a_secret_that_no_header_can_carry_is_refused(owner, cli, kind, secret):
    response = owner.post(SOURCES, data={"name": "Odd", "kind": kind, "secret": secret})
    command = cli(
        "source", "create", "--workspace", "acme", "--kind", kind, "--name", "Odd", "--secret", secret
    )

    assert response.status_code == 422
    assert "A secret needs" in response.text or "no blank at its beginning or end" in response.text
    assert command.code == 1 and command.out == "" and command.err.count("\n") == 1
    assert db.session.scalars(sa.select(Source)).all() == []


@pytest.mark.parametrize("secret", ["s3cret", "a b", "q\"u'o=te,;", "x" * 200, "~!"])
@pytest.mark.parametrize("form", ["Bearer", "token="])
def test_a_secret_that_is_taken_opens_the_door(owner, cli, secret, form):
    kind = "cloudevents" if form == "Bearer" else "retraced"
    made = cli("source", "create", "--workspace", "acme", "--kind", kind, "--name", "X", "--secret", secret)
    body = FINE if form == "Bearer" else {"action": "a.b", "actor": {"id": "u"}}
    told = f"Bearer {secret}" if form == "Bearer" else f"token={secret}"

    sent = owner.application.test_client().post(
        made.out.strip(), data=json.dumps(body), headers={"Authorization": told}
    )

    assert sent.status_code == 201


@pytest.mark.parametrize("secret", [" schlüssel\t", "日本", "\nx\n"])
def test_a_secret_that_only_signs_may_be_any_text_and_is_kept_as_it_is(owner, cli, secret):
    owner.post(SOURCES, data={"name": "Form", "kind": "customermates", "secret": secret})
    cli(
        "source",
        "create",
        "--workspace",
        "acme",
        "--kind",
        "customermates",
        "--name",
        "X",
        "--secret",
        secret,
    )

    assert db.session.scalars(sa.select(Source.secret)).all() == [secret, secret]


def test_an_older_source_whose_secret_no_header_can_carry_says_that_it_fails(owner, billing, cli):
    db.session.execute(sa.update(Source).values(secret="geheim-ü"))
    db.session.commit()

    assert "No header can carry its secret" in owner.get(SOURCES).text
    assert "No header can carry its secret" in cli("doctor").out


# What is set aside is dismissed


def dismissals() -> list[tuple[str, str]]:
    """Return entity name and payload of each dismissal in the log, the oldest first."""
    query = sa.text(
        "SELECT e.entity_name, p.payload FROM event e JOIN event_payload p ON p.event_id = e.id"
        " WHERE e.event LIKE '%set_aside.dismissed' ORDER BY e.id"
    )
    return [tuple(row) for row in db.session.execute(query)]


def test_one_body_is_dismissed_kept_and_told_of(owner, billing):
    for body in (b"{}", b"[]"):
        assert send(owner, billing, body).status_code == 202
    first = str(db.session.scalars(sa.select(SetAside.id).order_by(SetAside.received_at)).first())

    page = owner.post(f"{show(owner)}/dismiss", data={"set_aside": first}, follow_redirects=True).text

    assert "1 dismissed" in page and page.index("<h2>Dismissed") < page.rindex("specversion: is required")
    assert "1 set aside" in owner.get(SOURCES).text
    assert owner.get(f"{show(owner)}/set-aside/{first}").data == b"{}"
    [(name, payload)] = dismissals()
    assert name == "1 body of Billing"
    assert json.loads(payload)["bodies"] == [
        {"id": first, "bytes": 2, "times": 1, "reason": "specversion: is required"}
    ]
    again = owner.post(f"{show(owner)}/dismiss", data={"set_aside": first}, follow_redirects=True)
    assert "0 dismissed" in again.text and len(dismissals()) == 1
    assert owner.post(f"{show(owner)}/dismiss", data={"set_aside": "x"}).status_code == 404


@pytest.mark.both_databases
def test_all_are_dismissed_in_one_event_and_the_source_fails_no_more(owner, billing):
    for body in (b"{}", b"[]", b"null"):
        send(owner, billing, body)
    assert "1 fails" in owner.get("/w/acme/settings/members").text

    page = owner.post(f"{show(owner)}/dismiss", follow_redirects=True).text

    assert "3 dismissed" in page and "fails" not in page
    assert "nothing is wrong" in owner.get(SOURCES).text
    [(name, payload)] = dismissals()
    assert name == "3 bodies of Billing" and len(json.loads(payload)["bodies"]) == 3
    assert "dismissed unread" in owner.get("/w/acme/timeline").text


def test_what_was_dismissed_can_still_be_read_and_waits_again_when_it_comes_again(
    owner, billing, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr("auditapp.inbound.receiving.loads", lambda text: [])
        send(owner, billing, FINE)
        owner.post(f"{show(owner)}/dismiss")
        send(owner, billing, FINE)
        assert "1 set aside" in owner.get(SOURCES).text
        owner.post(f"{show(owner)}/dismiss")
    dismissed = str(db.session.scalars(sa.select(SetAside.id)).one())

    all_again = owner.post(f"{show(owner)}/replay", follow_redirects=True).text
    page = owner.post(f"{show(owner)}/replay", data={"set_aside": dismissed}, follow_redirects=True).text

    assert "0 read and recorded" in all_again and "1 read and recorded" in page
    assert db.session.scalars(sa.select(SetAside)).all() == []


@pytest.mark.both_databases
def test_dismissed_bodies_leave_room_for_others(owner, billing, monkeypatch):
    monkeypatch.setattr("auditapp.inbound.set_aside.MAX_SET_ASIDE", 1)
    assert send(owner, billing, b"1").status_code == 202
    assert send(owner, billing, b"2").status_code == 503
    owner.post(f"{show(owner)}/dismiss")

    assert send(owner, billing, b"2").status_code == 202
    assert send(owner, billing, b"1").status_code == 503


def test_who_may_not_manage_sources_dismisses_nothing(owner, billing, login):
    send(owner, billing, b"{}")
    member = owner.application.test_client()
    login("member", with_client=member)

    assert member.post(f"{show(owner)}/dismiss").status_code == 403
    assert dismissals() == []


@pytest.mark.both_databases
def test_the_headers_that_were_kept_are_shown_with_the_body(owner, billing):
    path, secret = billing
    headers = {"Authorization": f"Bearer {secret}", "ce-id": "<7>", "ce-type": "a.b"}
    owner.application.test_client().post(path, data=b"x", headers=headers)

    page = owner.get(show(owner)).text

    assert "ce-id: &lt;7&gt;" in page and secret not in page


def test_what_waits_of_a_removed_source_is_not_lost(owner, billing):
    send(owner, billing, b"{}")
    here = show(owner)

    owner.post(f"{here}/remove")

    listed = owner.get(SOURCES).text
    assert "removed" in listed and "1 set aside" in listed
    assert "1 dismissed" in owner.post(f"{here}/dismiss", follow_redirects=True).text
    assert "No sources yet" in owner.get(SOURCES).text


# A source that fails says so


def test_a_source_that_fails_says_so_on_settings_and_in_doctor(owner, billing, cli):
    fine = cli("doctor")
    assert "no source fails" in fine.out and ">fails<" not in owner.get(SOURCES).text
    send(owner, billing, b"{}")

    found = cli("doctor")

    line = "the source 'Billing' of acme fails: 1 body could not be read. See Settings → Sources"
    assert found.code == 1 and f"WRONG  {line}" in found.out
    for page in (SOURCES, "/w/acme/settings/members", "/w/acme/settings/api-keys"):
        assert "1 fails" in owner.get(page).text
    assert "This source fails." in owner.get(show(owner)).text


def test_a_wrong_secret_is_told_until_the_right_one_comes(owner, billing, cli):
    send(owner, billing, FINE)

    assert send(owner, (billing[0], "wrong"), FINE).status_code == 401

    said = "What came last was refused: The secret or signature is not this source&#39;s."
    assert said in owner.get(SOURCES).text
    assert "What came last was refused" in cli("doctor").out
    assert send(owner, billing, FINE).status_code == 200
    assert "nothing is wrong" in owner.get(SOURCES).text


def test_a_refusal_is_forgotten_after_a_week_and_a_body_too_large_is_one(owner, billing):
    assert send(owner, billing, b" " * (10 * 1024**2 + 1)).status_code == 413
    assert "The body has more than 10 MiB." in owner.get(SOURCES).text

    long_ago = datetime.now(UTC) - timedelta(days=8)
    db.session.execute(sa.update(Source).values(last_refused_at=long_ago))
    db.session.commit()

    assert "nothing is wrong" in owner.get(SOURCES).text


def test_a_refusal_is_no_event(owner, billing):
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Event))

    send(owner, (billing[0], "wrong"), FINE)

    assert db.session.scalar(sa.select(sa.func.count()).select_from(Event)) == before
