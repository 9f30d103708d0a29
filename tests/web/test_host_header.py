"""Under which names the site answers, and where the links that it makes lead."""

import re

import pytest

from auditapp.operating import served_at
from tests.conftest import PASSWORD
from tests.web.settings.test_members import MEMBERS

pytestmark = pytest.mark.one_database

FORM = {"name": "Grace", "email": "grace@new.example", "role": "Member"}
BASE = "https://audit.acme.example"


@pytest.fixture
def at_base(app):
    """Say where the site is."""
    app.config["BASE_URL"] = BASE


def add_member(client, **headers: str):
    """Add a member as the owner who came by some host, and return the page."""
    sign_in = {"email": "owner@acme.example", "password": PASSWORD}
    assert client.post("/login", data=sign_in, headers=headers).status_code == 303
    return client.post(MEMBERS, data=FORM, headers=headers)


def link_of(page) -> str:
    """Return the one-time link on a page."""
    return re.search(r'value="([^"]*/join/[^"]+)"', page.text)[1]


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5300", "[::1]:5000"])
def test_on_this_machine_a_link_leads_to_where_one_is(client, acme, host):
    page = add_member(client, Host=host)

    assert link_of(page).startswith(f"http://{host}/join/")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1:5000"]
)
def test_no_link_leads_where_a_stranger_says(client, acme, host):
    page = add_member(client, Host=host)

    assert link_of(page).startswith("/join/")
    assert "Put the address of this site before it" in page.text


def test_no_link_leads_where_a_stranger_says_that_a_proxy_was_asked(client, acme):
    page = add_member(client, **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})

    assert link_of(page).startswith("http://localhost/join/")


@pytest.mark.both_databases
def test_links_lead_to_the_base_url(client, acme, at_base):
    page = add_member(client, Host="audit.acme.example")

    assert link_of(page).startswith(f"{BASE}/join/")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("audit.acme.example", 200),
        ("AUDIT.acme.example:443", 200),
        ("audit.acme.example.", 200),
        ("audit.acme.example:8443", 400),
        ("evil.example", 400),
        ("evil.audit.acme.example", 400),
        ("localhost", 400),
        ("127.0.0.1:5000", 400),
    ],
)
def test_other_names_than_the_base_urls_are_refused(client, at_base, host, status):
    response = client.get("/login", headers={"Host": host})

    assert response.status_code == status
    assert status == 200 or f"This site is {BASE}" in response.text
    assert client.get("/healthz", headers={"Host": host}).status_code == 200
    assert client.get("/readyz", headers={"Host": host}).status_code == 200


def test_a_command_prints_a_link_to_the_server_that_serves_its_database(
    app, cli, acme, tmp_path, monkeypatch
):
    monkeypatch.setattr(served_at, "INSTANCE", tmp_path)
    invite = ("user", "create", "--name", "Grace", "--workspace", "acme", "--role", "Member")
    served_at.remember_server("http://127.0.0.1:5311")

    served = cli(*invite, "grace@new.example").out
    served_at.forget_server()
    not_served = cli(*invite, "hopper@new.example").out

    assert served.startswith("http://127.0.0.1:5311/join/")
    assert not_served.startswith("http://127.0.0.1:5000/join/")


def test_a_command_prints_a_link_to_the_base_url(app, cli, acme, at_base):
    made = cli(
        "user", "create", "grace@new.example", "--name", "G", "--workspace", "acme", "--role", "Member"
    )

    assert made.out.startswith(f"{BASE}/join/")
