"""Nobody who sees a part of the log is told that it is all of it."""

import html
import re

import pytest

from auditapp.access.roles import find_role
from auditapp.extensions import db
from auditapp.models import RolePermission
from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

TIMELINE = "/w/acme/timeline"
OWN, PERMITTED, ALL = "read_own", "read_permitted", "read_all"
CLAIMS = re.compile(
    r"[^.<>]*\b(?:everything|nothing has been recorded|in the log\b|log begins|no (?:older )?events match)"
    r"[^.<>]*",
    re.IGNORECASE,
)
TRUE = re.compile(
    r"everything you did|may not see everything|everything that its reader may see|you may see", re.IGNORECASE
)


@pytest.fixture
def read_as(client, login, acme, note):
    """Return a function that signs a member in whose role has one more right, and returns the client."""

    def read(*rights: tuple[str, str]):
        role = find_role(acme, "Member")
        for resource, action in rights:
            right = RolePermission(workspace_id=acme.id, role_id=role.id, resource=resource, action=action)
            db.session.add(right)
        db.session.commit()
        login("member")
        return client

    mary = {"type": "user", "id": "m", "name": "Mary", "email": "member@acme.example"}
    note(actor=mary, entity="1", name="Mine")
    note(actor="ben", entity="1", name="Mine", correlation_id="one")
    note("task.created", actor="ben", entity="2", name="Bens")
    return read


LEVELS = {
    OWN: [],
    PERMITTED: [("audit_log", PERMITTED), ("deal", "read")],
    ALL: [("audit_log", ALL)],
}


def heading(text: str) -> str:
    found = re.search(r'<h2 class="filter-words"[^>]*>(.*?)</h2>', text)
    return html.unescape(re.sub("<[^>]+>", "", found[1]))


@pytest.mark.parametrize(
    ("level", "query", "says"),
    [
        (OWN, "", "Everything you did"),
        (OWN, "?group=story", "Everything you did, by story"),
        (OWN, "?entity=deal", "Everything you did to deals"),
        (OWN, "?event=deal.updated", "Deals updated by you"),
        (OWN, "?field=stage", "Stage changed by you"),
        (OWN, "?actor=me", "Everything you did"),
        (OWN, "?actor=!ben", "Everything you did, except what “ben” did"),
        (OWN, "?actor=ben", "Everything “ben” did, as far as you did it yourself"),
        (OWN, "?actor=ben&actor=me", "Everything “ben” or you did, as far as you did it yourself"),
        (OWN, "?actor_type=workflow", "Everything a workflow did, as far as you did it yourself"),
        (PERMITTED, "", "Everything that happened, as far as you may see it"),
        (PERMITTED, "?actor=ben&event=deal.updated", "Deals updated by Ben, as far as you may see it"),
        (ALL, "", "Everything that happened"),
        (ALL, "?event=deal.updated", "Deals updated"),
    ],
)
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_heading_and_title_say_whose_view_it_is(read_as, level, query, says, headers):
    text = read_as(*LEVELS[level]).get(TIMELINE + query, headers=headers).text

    assert heading(text) == says
    assert html.unescape(re.search("<title>(.*?)</title>", text)[1]) == f"{says} · Acme · Auditapp"
    if not headers:
        described = html.unescape(re.search('<meta name="description" content="([^"]*)"', text)[1])
        assert described == f"{says}, in the audit log of Acme."


PLACES = [
    TIMELINE,
    f"{TIMELINE}?group=story",
    f"{TIMELINE}?entity=deal",
    f"{TIMELINE}?entity=nothing",
    f"{TIMELINE}?until=2001-01-01",
    f"{TIMELINE}/overview",
    f"{TIMELINE}/suggest?for=record&typed=zzz",
    "/w/acme/history/deal/1",
    "/w/acme/history/deal/1?view=fields",
    "/w/acme/history/deal/1?at=2001-01-01",
    "/w/acme/history/deal/1?to={event}",
    "/w/acme/views",
    "/w/acme/views/new?entity=deal",
]


@pytest.mark.parametrize("level", [OWN, PERMITTED])
@pytest.mark.parametrize("place", PLACES)
def test_no_page_claims_more_than_its_reader_sees(read_as, level, place):
    client = read_as(*LEVELS[level])
    event = re.search(r'id="event-([^"]+)"', client.get(f"{TIMELINE}?entity=deal").text)[1]

    answer = client.get(place.format(event=event))

    assert answer.status_code == 200
    claims = [claim.strip() for claim in CLAIMS.findall(html.unescape(answer.text))]
    claims = [claim for claim in claims if not TRUE.search(claim)]
    assert claims == []
    assert re.search("may (not )?see|you did", answer.text) or "/views" in place


@pytest.mark.both_databases
def test_whoever_sees_some_kinds_of_records_is_not_told_that_it_is_their_own_doing(read_as, acme):
    text = read_as(("audit_log", PERMITTED), ("deal", "read")).get(f"{TIMELINE}?entity=nothing").text

    assert "No events match these filters among what you may see." in text
    assert "caused" not in text
