"""When the server fails or is gone, the page says so where the answer would have been."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.exc import OperationalError

from auditapp.models import Workspace
from auditapp.web import event, timeline
from tests.browser.conftest import Complaints, Visit
from tests.browser.house import House, Server, fill
from tests.browser.steps import ON_SQLITE, TIMELINE, open_filter, rows, sign_in, tick

pytestmark = pytest.mark.browser

NO_ANSWER = "No answer from the server. Check the connection and reload the page."
FAILURES = {
    503: (OperationalError("SELECT", {}, Exception("gone")), "The database does not answer just now."),
    500: (RuntimeError("a mistake of ours"), "Something went wrong on our side."),
}


def raiser(error: Exception):
    """Return a function that fails, whatever it is asked."""

    def fail(*_args, **_kwargs):
        raise error

    return fail


@ON_SQLITE
def test_a_server_that_is_gone_is_told_in_place_of_rows_and_of_a_row(
    page: Page, server: Server, acme: Workspace, complaints: Complaints
):
    complaints.expect("net::ERR_")
    complaints.expect("Failed to fetch")
    newest = fill(acme)[0]
    sign_in(page)
    server.stop()
    row = page.locator(f"#event-{newest}")

    row.locator("summary").click()
    expect(row.get_by_role("alert")).to_have_text(NO_ANSWER)
    tick(page, "Entity", "Deal")

    expect(page.locator("#results > [role=alert]")).to_have_text(NO_ANSWER)
    expect(page).to_have_url(re.compile(TIMELINE + "$"))
    expect(rows(page).first).to_be_visible()


def test_the_message_goes_away_once_the_server_answers_again(visit: Visit, complaints: Complaints):
    complaints.expect("net::ERR_FAILED")
    complaints.expect("Failed to fetch")
    page = visit()
    page.context.route("**/timeline?*", lambda route: route.abort())
    tick(page, "Entity", "Deal")
    tick(page, "Outcome", "succeeded")
    expect(page.get_by_role("alert")).to_have_text(NO_ANSWER)
    page.context.unroute("**/timeline?*")

    tick(page, "Event", "deal.deleted")

    expect(page.get_by_role("alert")).to_have_count(0)
    expect(rows(page)).to_have_count(4)


def test_older_events_that_do_not_come_leave_the_newer_ones(visit: Visit, complaints: Complaints):
    complaints.expect("net::ERR_FAILED")
    complaints.expect("Failed to fetch")
    page = visit(f"{TIMELINE}?limit=5")
    page.context.route("**/timeline?*before=*", lambda route: route.abort())
    older = page.get_by_role("button", name="Show older events")

    older.click()
    expect(page.get_by_role("alert")).to_have_text(NO_ANSWER)
    expect(rows(page)).to_have_count(5)
    page.context.unroute("**/timeline?*before=*")
    older.click()

    expect(rows(page)).to_have_count(10)
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("status", FAILURES)
def test_a_failure_is_told_in_place_of_the_results(
    visit: Visit, complaints: Complaints, monkeypatch: pytest.MonkeyPatch, status: int
):
    complaints.expect(f"status of {status}")
    error, words = FAILURES[status]
    page = visit()
    monkeypatch.setattr(timeline, "list_events", raiser(error))

    menu = open_filter(page, "Entity")
    menu.get_by_role("checkbox", name="Deal", exact=True).check()

    expect(page.locator("#results").get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_role("heading", level=1)).to_have_text("Timeline")
    expect(menu.get_by_role("checkbox", name="Deal", exact=True)).to_be_checked()
    monkeypatch.undo()
    menu.get_by_role("checkbox", name="Contact", exact=True).check()
    expect(rows(page)).to_have_count(12)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_failure_is_told_in_place_of_the_opened_row(
    visit: Visit, house: House, complaints: Complaints, monkeypatch: pytest.MonkeyPatch
):
    complaints.expect("status of 500")
    error, words = FAILURES[500]
    page = visit()
    row = page.locator(f"#event-{house.events[0]}")
    monkeypatch.setattr(event, "find_event", raiser(error))

    row.locator("summary").click()

    expect(row.get_by_role("alert")).to_contain_text(words)
    expect(rows(page)).not_to_have_count(1)
    monkeypatch.undo()
    row.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Number 0")


def test_a_failure_of_older_events_leaves_the_newer_ones_and_can_be_tried_again(
    visit: Visit, complaints: Complaints, monkeypatch: pytest.MonkeyPatch
):
    complaints.expect("status of 503")
    error, words = FAILURES[503]
    page = visit(f"{TIMELINE}?limit=5")
    monkeypatch.setattr(timeline, "list_events", raiser(error))

    page.get_by_role("button", name="Show older events").click()

    expect(page.locator("ol.timeline > li").get_by_role("alert")).to_contain_text(words)
    expect(rows(page)).to_have_count(5)
    monkeypatch.undo()
    page.get_by_role("link", name="Try again").click()
    expect(rows(page)).to_have_count(5)
    expect(page.get_by_role("link", name="Show newer events")).to_be_visible()


def test_a_failure_is_a_page_with_a_way_on(
    visit: Visit, complaints: Complaints, monkeypatch: pytest.MonkeyPatch
):
    complaints.expect("status of 503")
    page = visit()
    monkeypatch.setattr(timeline, "list_events", raiser(FAILURES[503][0]))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("The database does not answer just now")
    monkeypatch.undo()

    page.get_by_role("link", name="Go to your timeline").click()

    expect(rows(page)).not_to_have_count(0)
