"""Filters by what no column has: the address, the API key or source behind the actor, and for whom it was."""

import re
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers.rebuild import rebuild
from auditapp.log import record
from auditapp.models import Workspace, follower
from tests.pages import FRAGMENT

TIMELINE = "/w/acme/timeline"
# By the letter that tests name an event by.
ADDRESSES = {
    "a": "198.51.100.7",
    "b": "198.51.100.200",
    "c": "198.51.101.7",
    "d": "::ffff:198.51.100.8",
    "e": "2001:db8::7",
    "f": "2001:0DB8:0000:0000:0000:0000:0000:0007",
    "g": "2001:db8:1::7",
    "h": "10.0.0.1",
    "i": "0.0.0.0",  # noqa: S104
    "j": "255.255.255.255",
    "k": "fe80::1%eth0",
}
ADA = {"type": "user", "id": "Ada/1 é", "name": "Ada"}


@pytest.fixture
def log(app, acme):
    """Record one event for each address, and three without one; return the letters by their ids."""
    letters = {}
    with app.app_context():
        workspace = db.session.scalars(sa.select(Workspace).where(Workspace.slug == "acme")).one()
        for letter, address in ADDRESSES.items():
            letters[_record(workspace, letter, context={"ip": address})] = letter
        letters[_record(workspace, "x")] = "x"
        letters[_record(workspace, "y", on_behalf_of=ADA, claimed_by="key-1")] = "y"
        letters[_record(workspace, "z", on_behalf_of={**ADA, "id": "Bob"}, claimed_by="source-2")] = "z"
        db.session.commit()
    return letters


def _record(workspace, letter, claimed_by=None, **more):
    event = {
        "event": "deal.updated",
        "actor": {"type": "user", "id": "u_1"},
        "entity": {"type": "deal", "id": letter},
        **more,
    }
    claimant = {"type": "api_key", "id": claimed_by, "name": "ERP"} if claimed_by else None
    return str(record(workspace, event, claimed_by=claimant).id)


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


def found(text: str, log: dict[str, str]) -> str:
    ids = re.findall(r'<li id="event-([^"]+)"', text)
    return "".join(sorted(log[event] for event in ids if event in log))


QUESTIONS = [
    ("ip=198.51.100.7", "a"),
    ("ip=198.51.100.7/32", "a"),
    ("ip= 198.51.100.7 ", "a"),
    ("ip=::ffff:198.51.100.7", "a"),
    ("ip=::FFFF:c633:6407", "a"),
    ("ip=198.51.100.8", "d"),
    ("ip=198.51.100.0/24", "abd"),
    ("ip=198.51.100.0/255.255.255.0", "abd"),
    ("ip=::ffff:198.51.100.0/120", "abd"),
    ("ip=198.51.100.0/25", "ad"),
    ("ip=198.51.100.0/28", "ad"),
    ("ip=198.51.100.6/31", "a"),
    ("ip=198.51.100.0/23", "abcd"),
    ("ip=198.51.100.0/22", "abcd"),
    ("ip=198.0.0.0/7", "abcd"),
    ("ip=0.0.0.0/0", "abcdhij"),
    ("ip=0.0.0.0/1", "hi"),
    ("ip=128.0.0.0/1", "abcdj"),
    ("ip=0.0.0.0", "i"),
    ("ip=::/0", "efgk"),
    ("ip=2001:db8::7", "ef"),
    ("ip=2001:DB8:0:0::7", "ef"),
    ("ip=2001:db8::/32", "efg"),
    ("ip=2001:db8::/47", "efg"),
    ("ip=2001:db8::/48", "ef"),
    ("ip=fe80::1", "k"),
    ("ip=10.0.0.1&ip=2001:db8:1::/48", "gh"),
    ("ip=198.51.100.0/24&ip=!198.51.100.7", "bd"),
    ("ip=!0.0.0.0/0&ip=!::/0", "xyz"),
    ("ip=203.0.113.1", ""),
    ("claimed_by=key-1", "y"),
    ("claimed_by=KEY-1", ""),
    ("claimed_by=key", ""),
    ("claimed_by=key-1&claimed_by=source-2", "yz"),
    ("claimed_by=!key-1&on_behalf_of=Bob", "z"),
    ("on_behalf_of=Ada/1 é", "y"),
    ("on_behalf_of=ada/1 é", ""),
    ("on_behalf_of=!Bob&claimed_by=!nobody&ip=!0.0.0.0/0&ip=!::/0", "xy"),
    ("on_behalf_of=Bob&entity=deal&q=deal&actor=u_1", ""),
    ("on_behalf_of=Bob&entity=deal&actor=u_1&since=1h", "z"),
    ("group=story&ip=198.51.100.0/24", "abd"),
]


@pytest.mark.parametrize(("question", "letters"), QUESTIONS)
def test_events_are_found_by_address_by_claimant_and_by_whom_they_were_for(owner, log, question, letters):
    pairs = [tuple(part.split("=", 1)) for part in question.split("&")]

    page = owner.get(f"{TIMELINE}?{urlencode(pairs)}", follow_redirects=True)

    assert page.status_code == 200
    assert found(page.text, log) == letters


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("198.51.100.7/24", "write 198.51.100.0/24"),
        ("2001:db8::7/32", "write 2001:db8::/32"),
        ("::ffff:198.51.100.7/120", "write 198.51.100.0/24"),
        ("198.51.100", "is no address and no network"),
        ("198.51.100.7/33", "is no address and no network"),
        ("198.51.100.256", "is no address and no network"),
        ("5", "is no address and no network"),
        ("!", "is no address and no network"),
        ("localhost", "is no address and no network"),
        ("198.51.100.*", "is no address and no network"),
        ("<b>", "is no address and no network"),
    ],
)
def test_what_is_no_address_is_refused_with_what_to_write(owner, value, said):
    page = owner.get(f"{TIMELINE}?{urlencode({'ip': value})}", headers=FRAGMENT)

    assert page.status_code == 422
    assert said in page.text


def test_the_sentence_says_whence_on_whose_word_and_for_whom(owner, log):
    query = urlencode([("ip", "198.51.100.0/24"), ("claimed_by", "key-1"), ("on_behalf_of", "!Bob")])

    page = owner.get(f"{TIMELINE}?{query}", follow_redirects=True)
    plain = " ".join(re.sub(r"<[^>]+>", "", page.text).split())

    assert (
        "Everything that happened from 198.51.100.0/24 on the word of “key-1”, "
        "except what was done on behalf of “Bob”"
    ) in plain


def test_events_that_an_older_version_indexed_are_found_after_the_index_is_made_anew(app, owner, log):
    with app.app_context():
        workspace = db.session.scalar(sa.select(Workspace.id).where(Workspace.slug == "acme"))
        db.session.execute(sa.update(follower).values(version=2))
        db.session.commit()
    stale = owner.get(f"{TIMELINE}?ip=198.51.100.7")

    with app.app_context():
        rebuild([workspace])
    page = owner.get(f"{TIMELINE}?ip=198.51.100.7")

    assert (stale.status_code, page.status_code) == (503, 200)
    assert found(page.text, log) == "a"


def test_another_workspace_s_addresses_are_not_found(app, client, login, acme, other, log):
    login("owner", "other")

    page = client.get("/w/other/timeline?ip=0.0.0.0/0", follow_redirects=True)

    assert found(page.text, log) == ""
