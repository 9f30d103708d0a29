"""Signing in and out: sessions on the server, throttling, and where one lands afterwards."""

import html
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from auditapp.access import sessions
from auditapp.extensions import db
from auditapp.models import Event, SignInSession, Throttle
from auditapp.web.local_url import local_path
from tests.conftest import PASSWORD

OWNER = {"email": "owner@acme.example", "password": PASSWORD}


def events(name: str) -> list[Event]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Event).where(Event.event == name)))


def test_signing_in_goes_to_the_workspace_and_is_an_event(client, acme):
    response = client.post("/login", data=OWNER, follow_redirects=True)

    assert response.request.path == "/w/acme/timeline"
    assert "<strong><bdi>Owner</bdi></strong> signed in" in response.text
    assert len(events("auditapp.session.created")) == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("owner@acme.example", "wrong password"),
        ("nobody@acme.example", PASSWORD),
        ("owner@acme.example\x00", PASSWORD),
        ("owner@acme.example", PASSWORD + "\x00"),
        ("owner@acme.example", "x" * 10_000),
        ("’ OR 1=1 --", "x"),
    ],
)
def test_a_wrong_sign_in_says_the_same_whoever_it_was(client, acme, email, password):
    response = client.post("/login", data={"email": email, "password": password})

    assert response.status_code == 401
    assert "do not belong together" in response.text
    assert client.get("/w/acme/timeline").status_code == 302


def test_a_failed_sign_in_is_an_event_once_per_account_and_window(client, acme, other):
    for _ in range(3):
        client.post("/login", data={**OWNER, "password": "wrong password"})
    client.post("/login", data={"email": "nobody@x.example", "password": "wrong password"})

    failed = events("auditapp.session.failed")
    assert [(event.workspace_id, event.outcome, event.entity_name) for event in failed] == [
        (acme.id, "failure", "Owner")
    ]


def test_a_person_may_type_the_address_in_any_case(client, acme):
    assert client.post("/login", data={**OWNER, "email": " Owner@ACME.example "}).status_code == 303


def test_empty_fields_are_asked_for_and_not_counted(client, acme):
    for _ in range(40):
        response = client.post("/login", data={"email": "", "password": ""})

    assert response.status_code == 422
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Throttle)) == 0


@pytest.mark.parametrize("email", ["owner@acme.example", "nobody@acme.example"])
def test_guessing_is_stopped_per_account_alike_for_known_and_unknown(client, acme, email):
    answers = [
        client.post("/login", data={"email": email, "password": f"guess {n}"}).status_code
        for n in range(sessions.ACCOUNT_LIMIT + 2)
    ]
    late = client.post("/login", data={"email": email, "password": PASSWORD})

    assert answers == [401] * sessions.ACCOUNT_LIMIT + [429] * 2
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 15 * 60
    assert "Too many attempts" in late.text


def test_guessing_is_stopped_per_address_whatever_the_account(client, acme):
    answers = [
        client.post("/login", data={"email": f"n{n}@x.example", "password": "guess"}).status_code
        for n in range(sessions.ADDRESS_LIMIT + 1)
    ]

    assert answers == [401] * sessions.ADDRESS_LIMIT + [429]
    elsewhere = client.post("/login", data=OWNER, environ_base={"REMOTE_ADDR": "198.51.100.9"})
    assert elsewhere.status_code == 303


def guess(client, times: int, email: str = OWNER["email"], **more) -> list[int]:
    """Return what a stranger is answered who guesses at an account."""
    data = {"email": email, "password": "wrong password"}
    return [client.post("/login", data=data, **more).status_code for _ in range(times)]


def test_strangers_who_guess_do_not_lock_out_a_browser_that_has_signed_in_before(client, login, acme, app):
    login("owner")
    client.post("/logout")
    stranger = app.test_client()

    assert guess(stranger, sessions.ACCOUNT_LIMIT + 1)[-1] == 429

    assert stranger.post("/login", data=OWNER).status_code == 429
    assert client.post("/login", data=OWNER).status_code == 303


def test_a_browser_that_has_signed_in_before_is_slowed_for_itself(client, login, acme, app):
    login("owner")
    client.post("/logout")

    assert guess(client, sessions.ACCOUNT_LIMIT + 1) == [401] * sessions.ACCOUNT_LIMIT + [429]

    assert client.post("/login", data=OWNER).status_code == 429
    assert app.test_client().post("/login", data=OWNER).status_code == 303


def test_a_browser_is_known_to_those_who_signed_in_with_it_alone(client, login, acme, app):
    login("member")
    client.post("/logout")
    login("auditor")
    client.post("/logout")
    guess(app.test_client(), sessions.ACCOUNT_LIMIT + 1)
    guess(app.test_client(), sessions.ACCOUNT_LIMIT + 1, "member@acme.example")

    assert client.post("/login", data=OWNER).status_code == 429
    assert client.post("/login", data={**OWNER, "email": "member@acme.example"}).status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "W10.aaaa.bbbb", "WyJhIixbXV0.aaaaaa.c2ln"])
def test_a_made_up_device_cookie_is_a_strangers(client, acme, app, cookie):
    guess(app.test_client(), sessions.ACCOUNT_LIMIT)
    client.set_cookie("auditapp_device", cookie)

    assert client.post("/login", data=OWNER).status_code == 429


def test_a_device_cookie_names_nobody_and_is_for_the_server_alone(client, login, acme):
    login("owner")

    cookie = client.get_cookie("auditapp_device")
    assert cookie.http_only and cookie.same_site == "Lax" and "owner" not in cookie.value
    assert int(cookie.max_age) > 86_400 * 300


def test_those_behind_a_proxy_that_nobody_told_us_of_are_not_one(client, acme):
    through = {"headers": {"X-Forwarded-For": "203.0.113.7"}}
    for number in range(sessions.ADDRESS_LIMIT):
        guess(client, 1, f"n{number}@x.example", **through)

    assert client.post("/login", data=OWNER, **through).status_code == 429
    other = client.post("/login", data=OWNER, headers={"X-Forwarded-For": "203.0.113.8"})
    assert other.status_code == 303


def test_saying_to_be_a_proxy_does_not_make_guesses_endless(client, acme, monkeypatch):
    monkeypatch.setattr(sessions, "PROXY_LIMIT", 40)

    answers = [
        guess(client, 1, f"n{n}@x.example", headers={"X-Forwarded-For": f"203.0.113.{n}"})[0]
        for n in range(41)
    ]

    assert answers == [401] * 40 + [429]


def test_a_network_of_ipv6_is_one_address(client, acme):
    def at(number: int) -> dict:
        return {"environ_base": {"REMOTE_ADDR": f"2001:db8:1:2::{number:x}"}}

    for number in range(sessions.ADDRESS_LIMIT):
        guess(client, 1, f"n{number}@x.example", **at(number))

    assert client.post("/login", data=OWNER, **at(1000)).status_code == 429
    elsewhere = {"environ_base": {"REMOTE_ADDR": "2001:db8:1:3::1"}}
    assert client.post("/login", data=OWNER, **elsewhere).status_code == 303


def test_a_clock_that_was_put_right_makes_nobody_wait_for_it(client, acme):
    guess(client, sessions.ACCOUNT_LIMIT + 1)
    ahead = datetime.now(UTC) + timedelta(days=3)
    db.session.execute(sa.update(Throttle).values(window_start=ahead))
    db.session.commit()

    late = client.post("/login", data=OWNER)

    assert (late.status_code, int(late.headers["Retry-After"]) <= 15 * 60) == (429, True)
    begun = db.session.scalar(sa.select(sa.func.max(Throttle.window_start)))
    assert begun <= datetime.now(UTC)
    db.session.execute(sa.update(Throttle).values(window_start=begun - timedelta(minutes=16)))
    db.session.commit()
    assert client.post("/login", data=OWNER).status_code == 303


def test_after_the_window_one_may_try_again(client, acme):
    for _ in range(sessions.ACCOUNT_LIMIT + 1):
        client.post("/login", data={**OWNER, "password": "wrong password"})
    db.session.execute(sa.update(Throttle).values(window_start=datetime.now(UTC) - timedelta(minutes=16)))
    db.session.commit()

    assert client.post("/login", data=OWNER).status_code == 303


def test_a_rightful_sign_in_starts_the_count_anew(client, acme):
    for _ in range(3):
        for _ in range(sessions.ACCOUNT_LIMIT - 1):
            client.post(
                "/login", data={**OWNER, "password": "wrong password"}, environ_base={"REMOTE_ADDR": "::1"}
            )
        assert client.post("/login", data=OWNER, environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 303
        client.post("/logout")
        db.session.execute(sa.delete(Throttle))
        db.session.commit()


def test_signing_out_ends_a_copied_cookie_too(client, login, acme):
    login("owner")
    copy = client.get_cookie("auditapp").value
    thief = client.application.test_client()
    thief.set_cookie("auditapp", copy)
    assert thief.get("/w/acme/timeline").status_code == 200

    client.post("/logout")

    assert thief.get("/w/acme/timeline").status_code == 302
    assert client.get("/w/acme/timeline").status_code == 302
    assert len(events("auditapp.session.ended")) == 1


def test_a_sign_in_starts_a_new_session_and_keeps_none_of_the_old_cookie(client, acme):
    client.get("/login")
    with client.session_transaction() as before:
        before["planted"] = "by somebody else"
        token = before.get("csrf_token")

    client.post("/login", data=OWNER)

    with client.session_transaction() as after:
        assert "planted" not in after
        assert after.get("csrf_token") != token or token is None


def test_the_token_is_kept_as_a_hash_only(client, login, acme):
    login("owner")
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]

    stored = db.session.scalars(sa.select(SignInSession)).one()
    assert token.encode() not in stored.token_hash and len(stored.token_hash) == 32


@pytest.mark.parametrize(
    ("column", "minutes", "alive"),
    [
        ("last_seen_at", 59, True),
        ("last_seen_at", 61, False),
        ("created_at", 719, True),
        ("created_at", 721, False),
    ],
)
def test_a_session_ends_when_idle_and_when_old(client, login, acme, column, minutes, alive):
    login("owner")
    past = datetime.now(UTC) - timedelta(minutes=minutes)
    db.session.execute(sa.update(SignInSession).values({column: past}))
    db.session.commit()

    response = client.get("/w/acme/timeline")

    assert (response.status_code == 200) == alive
    assert len(events("auditapp.session.ended")) == (0 if alive else 1)


def test_use_keeps_a_session_alive(client, login, acme):
    login("owner")
    past = datetime.now(UTC) - timedelta(minutes=50)
    db.session.execute(sa.update(SignInSession).values(last_seen_at=past))
    db.session.commit()

    client.get("/w/acme/timeline")

    db.session.rollback()
    assert db.session.scalar(sa.select(SignInSession.last_seen_at)) > past + timedelta(minutes=49)


def pass_by(seconds):
    """Let time go by for all sessions."""
    for session in db.session.scalars(sa.select(SignInSession)):
        session.last_seen_at -= timedelta(seconds=seconds)
        session.created_at -= timedelta(seconds=seconds)
    db.session.commit()
    db.session.remove()


@pytest.mark.parametrize("pause", [4, 20, 50])
def test_whoever_clicks_within_a_short_idle_time_stays_signed_in(client, login, acme, app, pause):
    app.config["SESSION_IDLE"] = timedelta(minutes=1)
    login("owner")

    for _ in range(200 // pause):
        pass_by(pause)
        assert client.get("/w/acme/timeline").status_code == 200

    pass_by(61)
    assert client.get("/w/acme/timeline").status_code == 302


def test_last_seen_is_written_once_a_minute_where_sessions_are_long(client, login, acme):
    login("owner")
    pass_by(59)
    before = db.session.scalar(sa.select(SignInSession.last_seen_at))
    db.session.remove()

    client.get("/w/acme/timeline")
    assert db.session.scalar(sa.select(SignInSession.last_seen_at)) == before
    pass_by(2)
    client.get("/w/acme/timeline")
    db.session.rollback()
    assert db.session.scalar(sa.select(SignInSession.last_seen_at)) > before + timedelta(seconds=50)


@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("/w/acme/timeline?entity=deal", "/w/acme/timeline?entity=deal"),
        ("/w/acme/history/deal/a%2Fb", "/w/acme/history/deal/a%2Fb"),
        ("//evil.com", "/"),
        ("/\\evil.com", "/"),
        ("\\\\evil.com", "/"),
        ("https:evil.com", "/"),
        ("https://evil.com", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.com", "/"),
        ("/\n/evil.com", "/"),
        (" /evil", "/"),
        ("/x y", "/"),
        ("evil", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_after_signing_in_one_lands_on_this_site_only(target, lands):
    assert local_path(target) == lands


@pytest.mark.parametrize("name", ["a&b=c", "100% ?#", "a/b", "日本"])
def test_whoever_signs_in_comes_to_the_page_they_asked_for_whatever_its_address(client, acme, note, name):
    note(entity=name, name="Found again")
    asked = client.get(f"/w/acme/history/deal/{quote(name, safe='')}?view=fields")

    form = client.get(asked.location).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    back = html.unescape(re.search(r'name="next"[^>]*value="([^"]*)"', form)[1])
    data = {**OWNER, "next": back, **({"csrf_token": token[1]} if token else {})}
    page = client.get(client.post("/login", data=data).location)

    assert page.status_code == 200
    assert "Found again" in page.text and 'aria-current="page">Fields' in page.text


def test_next_is_honoured_from_the_address_and_the_form(client, acme):
    page = client.get("/login?next=/w/acme/timeline%3Fentity%3Ddeal").text
    assert 'value="/w/acme/timeline?entity=deal"' in page

    response = client.post("/login", data={**OWNER, "next": "/w/acme/timeline?entity=deal"})
    assert response.location == "/w/acme/timeline?entity=deal"
    client.post("/logout")
    assert client.post("/login?next=//evil.com", data=OWNER).location == "/"


def test_a_form_without_its_token_is_refused(app, acme):
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()

    assert client.post("/login", data=OWNER).status_code == 400
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)[1]
    assert client.post("/login", data={**OWNER, "csrf_token": token}).status_code == 303


def test_https_makes_cookies_secure_and_promises_to_stay(app, acme):
    app.config |= {"HTTPS": True, "SESSION_COOKIE_SECURE": True}

    response = app.test_client().post("/login", data=OWNER)

    assert "Secure" in response.headers["Set-Cookie"] and "HttpOnly" in response.headers["Set-Cookie"]
    assert "SameSite=Lax" in response.headers["Set-Cookie"]
    assert "max-age=" in response.headers["Strict-Transport-Security"]
