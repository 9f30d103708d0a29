"""Settings → Members, and the one-time link that lets people in."""

import re

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.models import Event, Invitation, Member
from tests.conftest import PASSWORD

pytestmark = pytest.mark.one_database

MEMBERS = "/w/acme/settings/members"
NEW = {"name": "Grace <b>", "email": "Grace@New.example", "role": "Auditor"}


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


def link_in(text: str) -> str:
    return re.search(r'value="http://localhost(/join/[^"]+)"', text)[1]


def member_id(text: str, email: str) -> str:
    row = re.search(rf"<tr>(?:(?!</tr>).)*{re.escape(email)}.*?</tr>", text, re.DOTALL)[0]
    return re.search(r"members/([0-9a-f-]{36})/", row)[1]


def names_of_events() -> list[str]:
    db.session.rollback()
    return [
        event for event in db.session.scalars(sa.select(Event.event).order_by(Event.id)) if "member." in event
    ]


def test_an_added_member_sets_a_password_by_link_and_is_in(app, owner):
    added = owner.post(MEMBERS, data=NEW)
    guest = app.test_client()
    link = link_in(added.text)
    assert "Grace &lt;b&gt;" in added.text
    assert "Join <bdi>Acme</bdi>" in guest.get(link).text

    response = guest.post(
        link, data={"password": PASSWORD, "password_again": PASSWORD}, follow_redirects=True
    )

    assert response.request.path == "/w/acme/timeline"
    assert "Auditor" in response.text
    assert guest.get(link).status_code == 404 and guest.post(link).status_code == 404
    assert names_of_events()[-2:] == ["auditapp.member.added", "auditapp.member.joined"]
    assert guest.post("/login", data={"email": "grace@new.example", "password": PASSWORD}).status_code == 303


def test_before_joining_an_invited_person_sees_nothing(app, owner, acme):
    owner.post(MEMBERS, data=NEW)

    guest = app.test_client()
    assert guest.post("/login", data={"email": "grace@new.example", "password": ""}).status_code == 422
    assert guest.post("/login", data={"email": "grace@new.example", "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"password": "short", "password_again": "short"}, "at least 10 characters"),
        ({"password": PASSWORD, "password_again": PASSWORD + "!"}, "The two passwords differ."),
        ({"password": "x" * 600, "password_again": "x" * 600}, "512 characters at most"),
        ({}, "at least 10 characters"),
    ],
)
def test_a_bad_password_is_said_and_the_link_still_works(app, owner, data, says):
    link = link_in(owner.post(MEMBERS, data=NEW).text)
    guest = app.test_client()

    response = guest.post(link, data=data)

    assert response.status_code == 422 and says in response.text
    assert guest.post(link, data={"password": PASSWORD, "password_again": PASSWORD}).status_code == 303


def test_a_link_never_lets_its_maker_into_somebody_elses_account(app, owner, other):
    """Acme's owner invites the owner of another workspace, and uses the link."""
    link = link_in(owner.post(MEMBERS, data={**NEW, "email": "owner@other.example"}).text)
    thief = app.test_client()

    response = thief.post(link, data={"password": "stolen password", "password_again": "stolen password"})

    assert response.location == f"/login?next={link}"
    assert thief.get("/w/other/timeline").status_code == 302
    real = app.test_client()
    assert (
        real.post("/login", data={"email": "owner@other.example", "password": "stolen password"}).status_code
        == 401
    )
    assert real.post("/login", data={"email": "owner@other.example", "password": PASSWORD}).status_code == 303
    assert real.get("/w/acme/timeline").status_code == 404
    assert real.post(link).status_code == 303
    assert real.get("/w/acme/timeline").status_code == 200


def test_a_new_link_ends_the_old_one_and_links_end_after_a_week(app, owner, acme):
    page = owner.post(MEMBERS, data=NEW).text
    old = link_in(page)
    new = link_in(owner.post(f"{MEMBERS}/{member_id(page, 'grace@new.example')}/link").text)

    assert app.test_client().get(old).status_code == 404
    assert app.test_client().get(new).status_code == 200
    db.session.execute(sa.update(Invitation).values(expires_at=acme.created_at))
    db.session.commit()
    assert app.test_client().get(new).status_code == 404


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"email": "no address"}, "is no e-mail address"),
        ({"email": "x\x00@y.example"}, "is no e-mail address"),
        ({"email": "auditor@acme.example"}, "is a member already"),
        ({"name": "  "}, "A name needs 1 to 200 characters."),
        ({"name": "x" * 201}, "A name needs"),
        ({"role": "Emperor"}, "there is no role"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(owner, change, says):
    before = names_of_events()

    response = owner.post(MEMBERS, data={**NEW, **change})

    assert response.status_code == 422 and says in response.text
    assert names_of_events() == before


def test_a_changed_role_counts_at_once_and_is_an_event_with_both_roles(app, owner, login):
    member = app.test_client()
    login("member", with_client=member)
    one = member_id(owner.get(MEMBERS).text, "member@acme.example")

    owner.post(f"{MEMBERS}/{one}/role", data={"role": "Auditor"})

    assert names_of_events()[-1] == "auditapp.member.updated"
    assert "Owner signed in" in re.sub(r"<[^>]+>", "", member.get("/w/acme/timeline").text)
    text = owner.get(f"/w/acme/history/auditapp.member/{one}").text
    assert re.search(r"<del>.*Member.*</del>.*<ins>.*Auditor.*</ins>", text, re.DOTALL)
    owner.post(f"{MEMBERS}/{one}/role", data={"role": "Auditor"})
    assert names_of_events().count("auditapp.member.updated") == 1


@pytest.mark.both_databases
@pytest.mark.parametrize("action", ["role", "remove"])
def test_the_last_owner_stays(owner, action):
    one = member_id(owner.get(MEMBERS).text, "owner@acme.example")

    response = owner.post(f"{MEMBERS}/{one}/{action}", data={"role": "Member"})

    assert response.status_code == 422 and "A workspace needs an owner" in response.text
    assert owner.get(MEMBERS).status_code == 200


@pytest.mark.both_databases
def test_a_removed_member_can_come_back_under_the_same_id(app, owner):
    one = member_id(owner.get(MEMBERS).text, "member@acme.example")
    owner.post(f"{MEMBERS}/{one}/remove")
    assert "member@acme.example" not in owner.get(MEMBERS).text

    page = owner.post(MEMBERS, data={**NEW, "email": "member@acme.example"}).text

    assert member_id(page, "member@acme.example") == one
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Member)) == 3


@pytest.mark.parametrize("who", ["auditor", "member"])
def test_only_who_manages_members_may(client, login, acme, who):
    login(who)

    for path in ("", "/x/role", "/x/remove", "/x/link"):
        assert client.post(MEMBERS + path, data=NEW).status_code == 403


def test_adding_an_address_does_not_tell_what_another_workspace_calls_them(app, owner, acme, other, login):
    them = app.test_client()
    login("owner", "other", them)
    them.post("/w/other/settings/members", data={**NEW, "name": "Rear Admiral Hopper"})

    page = owner.post(MEMBERS, data={**NEW, "name": "G. H."}).text
    joining = app.test_client().get(link_in(page)).text
    listed = owner.get(MEMBERS).text

    for text in (page, joining, listed, owner.get("/w/acme/timeline").text):
        assert "Rear Admiral" not in text
    assert "G. H." in page and "G. H." in listed


def test_who_joins_is_called_as_whose_invitation_they_took(app, owner, acme, other, login):
    them = app.test_client()
    login("owner", "other", them)
    them.post("/w/other/settings/members", data={**NEW, "name": "Rear Admiral Hopper"})
    link = link_in(owner.post(MEMBERS, data={**NEW, "name": "Grace"}).text)

    app.test_client().post(link, data={"password": PASSWORD, "password_again": PASSWORD})

    assert "Grace" in owner.get(MEMBERS).text
    there = them.get("/w/other/settings/members").text
    assert "Rear Admiral Hopper" in there and ">Grace<" not in there
