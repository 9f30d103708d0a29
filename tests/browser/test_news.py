"""New events while a page is read: told without moving it, shown when wanted, never asked for in vain."""

import re

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from auditapp.extensions import db
from auditapp.log import record
from auditapp.models import Workspace
from tests.browser.conftest import Complaints, Visit
from tests.browser.house import Server, fill
from tests.browser.steps import BOTH_WIDTHS, ON_SQLITE, TIMELINE, row_ids, rows, sign_in, tick
from tests.browser.test_accessibility import expect_accessible
from tests.conftest import an_event, make_workspace

pytestmark = [pytest.mark.browser, ON_SQLITE]

DEALS = f"{TIMELINE}?entity=contact&entity=deal&limit=10"


@pytest.fixture
def acme(app: Flask) -> Workspace:
    workspace = make_workspace("acme")
    fill(workspace, 24)
    db.session.commit()
    return workspace


def happen(workspace: Workspace, event: str = "deal.updated", **more: str) -> str:
    recorded = record(workspace, an_event(event, **more))
    db.session.commit()
    return f"event-{recorded.id}"


def asked(page: Page) -> list[str]:
    """Return the questions for news from now on, as they come."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if "/timeline/new" in request.url else None)
    return found


def reading(page: Page, url: str = DEALS) -> Page:
    page.clock.install()
    sign_in(page, at=url)
    page.wait_for_load_state("networkidle")  # or the clock runs out for what is still loading
    return page


def told(page: Page) -> Locator:
    return page.get_by_role("status").and_(page.locator("[data-live]"))


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def places(page: Page) -> list[float]:
    return rows(page).evaluate_all("rows => rows.map(row => row.getBoundingClientRect().top + scrollY)")


@BOTH_WIDTHS
def test_new_events_are_told_without_moving_anything_and_marked_when_shown(
    server: Server, open_page: Visit, acme: Workspace, width: int
):
    page = reading(open_page(server, width=width))
    before, stood = row_ids(page), places(page)
    expect(told(page)).to_have_text("")

    new, late = happen(acme), happen(acme, occurred_at="2026-01-01T00:00:00Z")
    page.clock.run_for(15_000)

    expect(told(page)).to_contain_text("2 new, 1 of them further down")
    assert (row_ids(page), places(page)) == (before, stood)
    told(page).get_by_role("link").click()
    expect(rows(page).first).to_have_id(new)
    expect(rows(page).first).to_contain_text("new")
    expect(page.locator(".row.is-new")).to_have_count(1)
    expect(told(page)).to_have_text("")
    expect(page).to_have_url(re.compile(re.escape(DEALS) + "$"))
    for shown in (10, 20):
        expect(rows(page)).to_have_count(shown)
        page.get_by_role("button", name="Show older events").click()
    expect(page.locator(f"#{late}.is-new")).to_be_visible()
    expect_accessible(page)


def test_the_announcement_is_accessible_and_stays_in_sight(page: Page, acme: Workspace):
    reading(page)
    happen(acme)
    page.clock.run_for(15_000)
    expect(told(page)).to_contain_text("1 new")

    expect_accessible(page)
    page.set_viewport_size({"width": 1280, "height": 300})
    page.mouse.wheel(0, 300)

    expect(told(page).get_by_role("link")).to_be_in_viewport()


def test_the_same_count_is_told_once(page: Page, acme: Workspace):
    reading(page)
    happen(acme)
    page.clock.run_for(15_000)
    expect(told(page)).to_contain_text("1 new")
    page.evaluate(
        """() => {
          window.changes = 0;
          new MutationObserver(() => window.changes++)
            .observe(document.querySelector("[data-live]"), {childList: true, subtree: true});
        }"""
    )

    with page.expect_response("**/timeline/new**"):
        page.clock.run_for(15_000)
    assert page.evaluate("window.changes") == 0
    happen(acme)
    page.clock.run_for(15_000)

    expect(told(page)).to_contain_text("2 new")


def test_a_hidden_tab_does_not_ask_and_asks_at_once_when_it_is_seen_again(page: Page, acme: Workspace):
    reading(page)
    questions = asked(page)
    hide(page, True)
    happen(acme)

    page.clock.run_for(120_000)
    assert not questions
    hide(page, False)

    expect(told(page)).to_contain_text("1 new")
    assert len(questions) == 1


def test_what_the_filter_leaves_out_is_not_told(page: Page, acme: Workspace):
    reading(page)
    tick(page, "Origin", "through the API")
    expect(page).to_have_url(re.compile("origin=api"))
    happen(acme, origin="ui")

    with page.expect_response("**/timeline/new**") as answered:
        page.clock.run_for(15_000)

    assert answered.value.status == 204
    expect(told(page)).to_have_text("")
    happen(acme, origin="api")
    page.clock.run_for(15_000)
    expect(told(page)).to_contain_text("1 new")


def test_whoever_was_signed_out_is_not_asked_for_again(page: Page, acme: Workspace, complaints: Complaints):
    complaints.expect("status of 401")
    reading(page)
    page.context.clear_cookies()
    questions = asked(page)

    with page.expect_response("**/timeline/new**"):
        page.clock.run_for(15_000)
    page.clock.run_for(300_000)

    assert len(questions) == 1


def test_a_server_in_trouble_is_asked_less_and_less(page: Page, acme: Workspace, complaints: Complaints):
    complaints.expect("status of 503")
    reading(page)
    questions = asked(page)
    page.route("**/timeline/new**", lambda route: route.fulfill(status=503))

    for expected in (1, 2, 3):
        with page.expect_response("**/timeline/new**"):
            page.clock.run_for(15_000 * 2 ** (expected - 1))
        page.wait_for_function("() => !newsAsked")  # until the answer was looked at
        page.clock.run_for(15_000)
        assert len(questions) == expected

    page.unroute("**/timeline/new**")
    happen(acme)
    page.clock.run_for(120_000)
    expect(told(page)).to_contain_text("1 new")


def test_an_older_page_does_not_ask(page: Page, acme: Workspace):
    reading(page)
    page.goto(page.get_by_role("button", name="Show older events").get_attribute("href"))
    page.wait_for_load_state("networkidle")
    questions = asked(page)
    happen(acme)

    page.clock.run_for(60_000)

    assert not questions
