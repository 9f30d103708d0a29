"""Saved views: made, shared, changed and removed, and what is new in each since somebody last looked."""

import re
import threading
from html import unescape

import pytest
import sqlalchemy as sa

from auditapp.access import saved_views
from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.models import SavedView, ViewVisit
from tests.conftest import an_event
from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

TIMELINE = "/w/acme/timeline"
VIEWS = "/w/acme/views"


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


@pytest.fixture
def as_somebody(owner, login):
    """Return a function that gives a browser in which somebody else is signed in."""

    def browser(who: str, slug: str = "acme"):
        browser = owner.application.test_client()
        login(who, slug, with_client=browser)
        return browser

    return browser


def save(browser, query="entity=deal", name="Deals", **more) -> str:
    """Save a view and return its path."""
    response = browser.post(VIEWS, data={"name": name, "query": query, **more})
    assert response.status_code == 303, response.text
    return response.location


def words(text: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", text)))


def tabs(browser) -> str:
    return words(browser.get(VIEWS, headers=FRAGMENT).text)


def marked(text: str) -> set[str]:
    return set(re.findall(r'<li id="event-([0-9a-f-]{36})" class="row is-new"', text))


def there(text: str) -> set[str]:
    return set(re.findall(r'<li id="event-([0-9a-f-]{36})"', text))


def test_the_filters_of_the_timeline_are_saved_and_shown_again_under_a_name(owner, note):
    deal, contact = note(name="Fjord"), note("contact.updated", name="Bay")
    offered = re.search(r'href="([^"]+)">Save as a view', owner.get(f"{TIMELINE}?entity=deal&limit=3").text)
    form = owner.get(unescape(offered[1])).text
    query = unescape(re.search(r'name="query" value="([^"]*)"', form)[1])

    view = save(owner, query, name="Our deals", description="What we <b>sell</b>")
    page = owner.get(view).text

    assert query == "entity=deal"
    assert "<h1><bdi>Our deals</bdi></h1>" in page
    assert "What we &lt;b&gt;sell&lt;/b&gt;" in page
    assert "only for you" in page
    assert deal in there(page) and contact not in there(page)
    assert 'aria-current="page"' in page
    assert "Our deals" in owner.get(TIMELINE).text


@pytest.mark.both_databases
def test_a_view_says_and_marks_what_is_new_since_this_person_last_looked(owner, note):
    note()
    view = save(owner)
    new = {note(), note(occurred_at="2026-01-01T00:00:00Z")}
    note("contact.updated")

    assert "Deals 2 new" in tabs(owner)
    first, second = owner.get(view).text, owner.get(view).text

    assert "2 since you last looked" in words(first)
    assert marked(first) == new
    assert "Nothing new since you last looked" in words(second)
    assert not marked(second)
    assert "new" not in tabs(owner)


@pytest.mark.both_databases
def test_what_is_new_is_counted_past_much_that_is_not_of_the_view_or_said_to_be_unknown(
    owner, acme, note, monkeypatch
):
    view = save(owner, "entity=deal")
    for _ in range(2):
        record_batch(acme, [an_event("task.created", entity=str(number)) for number in range(600)])
    note()

    counted = owner.get(view)
    monkeypatch.setattr("auditapp.web.saved_views.MAX_AT_A_VISIT", 10)
    record_batch(acme, [an_event("task.created", entity=str(number)) for number in range(20)])
    note()
    tab, unknown = tabs(owner), owner.get(view)

    assert "1 since you last looked" in words(counted.text)
    assert "new?" in tab
    assert "Perhaps something new since you last looked" in words(unknown.text)


def test_each_person_has_a_last_look_of_their_own(owner, as_somebody, note):
    view = save(owner, shared="yes")
    auditor = as_somebody("auditor")
    assert "since you last looked" not in auditor.get(view).text  # never looked before
    note()

    owner.get(view)

    assert "1 new" in tabs(auditor)
    assert "1 new" not in tabs(owner)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"Sec-Purpose": "prefetch"}),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}),
        ("GET", {"Purpose": "prefetch"}),
    ],
)
def test_what_nobody_saw_is_no_visit(owner, note, method, headers):
    view = save(owner)
    note()

    owner.open(view, method=method, headers=headers)

    assert "1 since you last looked" in words(owner.get(view).text)


def test_older_rows_are_no_visit_and_are_marked_too(owner, note):
    for _ in range(51):
        note()
    view = save(owner)
    late = note(occurred_at="2020-01-01T00:00:00Z")
    owner.get(view, headers={"Sec-Purpose": "prefetch"})
    page = owner.open(view, headers={"Sec-Purpose": "prefetch"}).text
    link = re.search(r'<li class="older"><a [^>]*hx-get="([^"]+)"[^>]*"Auditapp-Seen": "([\w-]+)"', page)

    older = owner.get(unescape(link[1]), headers={**FRAGMENT, "Auditapp-Seen": link[2]})

    assert marked(older.text) == {late}
    assert "1 new" in tabs(owner)


def test_new_events_are_shown_on_the_view_itself_and_then_are_seen(owner, note):
    view = save(owner)
    page = owner.get(view).text
    ask = unescape(re.search(r'data-live="([^"]+)"', page)[1])
    new = note()

    answer = owner.get(ask, headers=FRAGMENT).text
    seen = re.search(r'"Auditapp-Seen": "([\w-]+)"', answer)[1]
    shown = owner.get(view, headers={**FRAGMENT, "Auditapp-Seen": seen})

    assert f'hx-get="{view}"' in answer
    assert marked(shown.text) == {new}
    assert shown.headers["HX-Push-Url"] == view
    assert "new" not in tabs(owner)


def test_private_views_are_404_for_everybody_else_shared_ones_are_for_all_readers(owner, as_somebody, note):
    private, shared = save(owner, name="Mine alone"), save(owner, name="For all", shared="yes")
    member = as_somebody("member")
    theirs = note(actor="ben")
    own = note(actor="member")

    for url in (private, f"{private}/edit"):
        assert member.get(url).status_code == 404
    for url in (f"{private}/edit", f"{private}/delete"):
        assert member.post(url, data={"name": "Taken"}).status_code == 404
    assert "Mine alone" not in member.get(VIEWS).text + member.get(TIMELINE).text + tabs(member)
    page = member.get(shared).text
    assert "For all" in tabs(member)
    assert own in there(page) and theirs not in there(page)


def test_a_shared_view_is_changed_by_who_made_it_or_who_manages_members(owner, as_somebody):
    member, auditor = as_somebody("member"), as_somebody("auditor")
    view = save(member, shared="yes")
    wanted = {"name": "Better", "query": "entity=contact", "shared": "yes"}

    assert auditor.get(f"{view}/edit").status_code == 403
    assert "Edit" not in words(auditor.get(VIEWS).text)
    for action in ("edit", "delete"):
        assert auditor.post(f"{view}/{action}", data=wanted).status_code == 403
    assert owner.post(f"{view}/edit", data=wanted).status_code == 303
    assert "Better" in words(member.get(view).text)
    assert member.post(f"{view}/delete").status_code == 303
    assert member.get(view).status_code == 404
    assert not db.session.scalars(sa.select(ViewVisit)).all()


def test_a_view_takes_the_filters_that_were_changed(owner, note):
    view = save(owner)

    form = owner.get(f"{view}/edit?entity=contact&limit=5").text
    query = unescape(re.search(r'name="query" value="([^"]*)"', form)[1])
    owner.post(f"{view}/edit", data={"name": "Deals", "query": query})

    assert query == "entity=contact"
    assert f'href="{view}/edit?entity=contact"' in owner.get(f"{VIEWS}/new?entity=contact").text
    assert 'data-live="/w/acme/timeline/new?entity=contact&amp;' in owner.get(view).text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": " "}, "A name needs 1 to 100 characters."),
        ({"name": "a" * 101}, "A name needs 1 to 100 characters."),
        ({"name": "nul\x00"}, "A name needs 1 to 100 characters."),
        ({"description": "b" * 501}, "A description has 500 characters at most."),
        ({"query": "entity=Nö"}, "is no entity type; write it as deal"),
        ({"query": "actor=" + "a" * 9000}, "actor: an id has 1 to 512 characters."),
        ({"query": "&".join(f"actor={n}{'a' * 500}" for n in range(20))}, "These filters are too long"),
    ],
)
def test_what_cannot_be_saved_is_said_and_what_was_typed_stays(owner, typed, sentence):
    form = {
        "name": "Kept name",
        "description": "Kept words",
        "query": "entity=deal",
        "shared": "yes",
        **typed,
    }

    response = owner.post(VIEWS, data=form)

    assert response.status_code == 422
    assert sentence in words(response.text)
    for kept in ("Kept name", "Kept words"):
        assert kept in response.text or kept not in form.values()
    assert 'value="yes" checked' in response.text
    assert not db.session.scalars(sa.select(SavedView)).all()


@pytest.mark.both_databases
def test_two_views_of_one_person_have_two_names(owner, as_somebody):
    view = save(owner)
    second = save(owner, name="More deals")
    taken = "There is a view of that name already; give this one another."

    for url in (VIEWS, f"{second}/edit"):
        response = owner.post(url, data={"name": " DEALS ", "query": ""})
        assert response.status_code == 422 and taken in response.text
    assert owner.post(f"{view}/edit", data={"name": "Deals", "query": ""}).status_code == 303
    save(as_somebody("member"))


def test_a_view_takes_no_filters_beside_its_own(owner):
    view = save(owner)

    response = owner.get(f"{view}?foo=bar")

    assert response.status_code == 422
    assert "foo is not known here" in response.text


def test_a_view_that_one_pins_comes_first_for_oneself_alone(owner, as_somebody):
    views = [save(owner, name=name, shared="yes") for name in ("Amber", "Birch", "Cedar")]
    auditor = as_somebody("auditor")
    page = owner.get(views[2]).text
    action, asked = re.search(
        r'action="([^"]*/pin)">.*?name="pinned" value="([^"]*)"', page, re.DOTALL
    ).groups()

    assert owner.post(action, data={"pinned": asked}).location == views[2]

    assert re.findall("Amber|Birch|Cedar", tabs(owner)) == ["Cedar", "Amber", "Birch"]
    assert re.findall("Amber|Birch|Cedar", tabs(auditor)) == ["Amber", "Birch", "Cedar"]
    assert "Cedar for the workspace pinned" in words(owner.get(VIEWS).text)
    # Looking at it once more leaves it where it is.
    page = owner.get(views[2]).text
    assert "Unpin" in page and "Cedar" in tabs(owner).split("Amber")[0]
    owner.post(action, data={"pinned": re.search(r'name="pinned" value="([^"]*)"', page)[1]})
    assert re.findall("Amber|Birch|Cedar", tabs(owner)) == ["Amber", "Birch", "Cedar"]


def test_nobody_pins_a_view_that_they_do_not_see(owner, as_somebody):
    assert as_somebody("auditor").post(f"{save(owner)}/pin", data={"pinned": "yes"}).status_code == 404


def test_copy_link_on_a_view_gives_the_views_own_address(owner, note):
    note()
    view = save(owner)

    assert f'<a href="{view}" data-copy>Copy link</a>' in owner.get(view).text


def test_a_person_has_fifty_views_at_most(owner, as_somebody, monkeypatch):
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 2)
    save(owner), save(owner, name="More deals")

    assert "You have 2 views already" in owner.post(VIEWS, data={"name": "x", "query": ""}).text
    save(as_somebody("member"))


def test_a_saved_query_that_means_nothing_any_more_is_said_as_on_the_timeline(owner):
    view = save(owner)
    db.session.execute(sa.update(SavedView).values(query="entity=deal&gone=1"))
    db.session.commit()

    page = owner.get(view)

    assert page.status_code == 422
    assert "gone: there is no such filter." in words(page.text)
    assert "Deals" in page.text
    assert "Deals" in tabs(owner)
    # It can be renamed as it is, and mended.
    assert owner.post(f"{view}/edit", data={"name": "Odd", "query": "entity=deal&gone=1"}).status_code == 303
    assert owner.post(f"{view}/edit", data={"name": "Odd", "query": "entity=deal"}).status_code == 303
    assert owner.get(view).status_code == 200


def test_me_means_whoever_looks_and_relative_times_stay_relative(owner, as_somebody, note):
    owners, members = note(actor="owner"), note(actor="member")
    view = save(owner, "actor=me&entity=deal&since=7d", shared="yes")

    assert there(owner.get(view).text) == {owners}
    assert there(as_somebody("member").get(view).text) == {members}
    assert "since=7d" in owner.get(view).text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202etxt.exe", "x" * 100, "a'\"b&c"])
def test_hostile_names_are_shown_as_they_are(owner, name):
    view = save(owner, name=name, description=name, shared="yes")

    for url in (TIMELINE, view, VIEWS, f"{view}/edit", f"{VIEWS}/new?entity=deal"):
        text = owner.get(url).text
        assert "<script>alert" not in text
        assert "\u202etxt" not in re.sub(r'value="[^"]*"|<textarea.*?</textarea>', "", text, flags=re.DOTALL)


def test_shared_views_are_told_in_the_log_and_private_ones_are_not(owner, as_somebody):
    save(owner, name="Nobody's business")
    view = save(owner, name="Ours", shared="yes")
    owner.post(f"{view}/edit", data={"name": "Ours", "query": "entity=deal"})
    owner.post(f"{view}/edit", data={"name": "Ours", "query": "entity=deal", "shared": "yes"})
    owner.post(f"{view}/delete")

    page = owner.get(f"{TIMELINE}?entity=auditapp.saved_view").text
    page = words(page.partition("<ol")[2])

    assert "business" not in page
    assert re.findall(r"Saved view Ours (\w+)", page) == ["deleted", "updated", "updated", "created"]


@pytest.mark.both_databases
def test_visits_at_once_all_succeed_and_the_one_that_saw_most_stays(owner, note):
    view = save(owner)
    note()
    signed_in = owner.get_cookie("auditapp")
    answers = []

    def visit():
        browser = owner.application.test_client()
        browser.set_cookie(signed_in.key, signed_in.value)
        answers.append(browser.get(view).status_code)

    threads = [threading.Thread(target=visit) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert answers == [200] * 8
    assert "new" not in tabs(owner)


@pytest.mark.both_databases
def test_a_view_whose_visit_cannot_be_written_is_read_all_the_same(owner, note, monkeypatch):
    view = save(owner)
    db.session.execute(sa.text("ALTER TABLE view_visit RENAME TO elsewhere"))
    monkeypatch.setattr(saved_views, "visits_of", lambda viewer: {})
    monkeypatch.setattr(saved_views, "pinned_of", lambda viewer: set())
    db.session.commit()

    assert owner.get(view).status_code == 200


@pytest.mark.both_databases
def test_a_removed_members_views_harm_nobody(owner, as_somebody, note):
    member = as_somebody("member")
    shared, private = save(member, name="Left behind", shared="yes"), save(member, name="Hidden")
    page = owner.get("/w/acme/settings/members").text
    names = re.findall(r'members/([0-9a-f-]{36})/remove"[^§]*?Remove (\w+) from', page)
    [member_id] = [each for each, name in names if name == "Member"]

    owner.post(f"/w/acme/settings/members/{member_id}/remove")

    assert owner.get(shared).status_code == 200
    assert owner.get(private).status_code == 404
    assert member.get(private).status_code == 404
    assert owner.post(f"{shared}/delete").status_code == 303


def test_another_workspaces_view_is_404(owner, as_somebody, other):
    stranger = as_somebody("owner", "other")
    made = stranger.post("/w/other/views", data={"name": "Theirs", "query": "", "shared": "yes"}).location

    inside_ours = made.replace("/w/other/", "/w/acme/")
    assert stranger.get(made).status_code == 200
    for url in (inside_ours, f"{inside_ours}/edit", f"{VIEWS}/nothing", f"{VIEWS}/nothing/edit"):
        assert owner.get(url).status_code == 404
    assert owner.post(f"{inside_ours}/delete").status_code == 404
