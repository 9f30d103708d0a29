"""Names and payloads are text: they run nothing, ask for nothing, hide nothing and break no layout."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import hostile
from tests.browser.conftest import Complaints, Visit
from tests.browser.house import House
from tests.browser.steps import open_filter, open_menu, rows, sideways

pytestmark = pytest.mark.browser

HOSTILE_OWNER = "owner@hostile.example"
TIMELINE = "/w/hostile/timeline"


@pytest.fixture
def harmless(visit: Visit) -> Iterator[Visit]:
    """Return a function like ``visit`` whose pages must ask for nothing that a name tells them to."""
    asked: list[str] = []

    def visit_and_listen(path: str, email: str = HOSTILE_OWNER, **options: Any) -> Page:
        page = visit(None, email, **options)
        page.on("request", lambda request: asked.append(urlsplit(request.url).path))
        page.goto(path)
        return page

    yield visit_and_listen
    assert asked
    assert not {path for path in asked if path in ("/owned", "/w/hostile/owned")}


def expect_harmless(page: Page) -> None:
    """Expect that nothing in the page became more than text, and that it fits windows of both widths."""
    assert page.title() != "owned"
    for selector in ("script:not([src])", "img", "main b", "[onerror], [onfocus]", "[hx-get='/owned']"):
        expect(page.locator(selector)).to_have_count(0)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert sideways(page) <= 0, f"{page.url} at {width} pixels"


def test_the_timeline_with_every_row_open_shows_names_as_text(harmless: Visit):
    page = harmless(TIMELINE)
    for row in page.locator("[data-event='deal.updated']").all():
        row.locator("summary").first.click()
        expect(row.locator(".facts")).to_be_visible()
        row.get_by_text("Recorded payload").click()
        expect(row.get_by_role("group", name="Recorded payload")).to_be_visible()

    expect_harmless(page)
    expect(rows(page).get_by_text(hostile.SCRIPT).first).to_be_visible()


def test_the_page_and_the_history_of_each_event_show_names_as_text(harmless: Visit, house: House):
    page = harmless(TIMELINE)
    for event, name in zip(house.hostile_events, hostile.NAMES, strict=True):
        page.goto(f"/w/hostile/events/{event}")
        page.get_by_text("Recorded payload").click()
        expect(page.get_by_role("group", name="Recorded payload")).to_be_visible()
        expect_harmless(page)

        page.get_by_role("link", name="History of this deal").click()
        expect(page.locator(f"[data-version='{event}']")).to_be_visible()
        if name != hostile.BIDI:
            expect(page.get_by_role("heading", level=1)).to_contain_text(name.strip())
        expect_harmless(page)


def test_filters_and_chips_show_names_as_text(harmless: Visit):
    page = harmless(TIMELINE)

    page.locator("#filters .opener").get_by_text("Actor", exact=True).click()
    for name in (hostile.SCRIPT, hostile.BREAKOUT, hostile.LONG_WORD, hostile.ARABIC):
        page.locator(f"#filters input[name=actor][value={css_string(name)}]").check()
        expect(page.locator(".chip", has_text=name[:20])).to_have_count(1)
    expect_harmless(page)
    page.keyboard.press("Escape")
    open_menu(page, "Signed in as")

    expect_harmless(page)


def test_the_members_page_shows_names_as_text(harmless: Visit):
    page = harmless("/w/hostile/settings/members")

    expect_harmless(page)
    questions: list[str] = []
    page.once("dialog", lambda dialog: (questions.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Remove <script>").click()

    assert questions[0].startswith("Remove <script>")


def test_the_switch_shows_names_as_text(harmless: Visit):
    page = harmless(TIMELINE, "both@acme.example")

    open_menu(page, "Workspace:")

    expect(
        page.get_by_role("navigation", name="Main").get_by_role("link", name="<b>bold</b>")
    ).to_be_visible()
    expect_harmless(page)


def test_other_pages_show_names_as_text(harmless: Visit, house: House, complaints: Complaints):
    complaints.expect("status of 403")
    page = harmless("/w/hostile/settings/members", "both@acme.example")
    expect(page.get_by_text("Your role here is Auditor")).to_be_visible()
    expect_harmless(page)

    page.goto(house.hostile_join_path)

    expect(page.get_by_role("heading", level=1)).to_contain_text("Join <b>bold</b>")
    expect_harmless(page)


def test_characters_that_reorder_text_are_shown(harmless: Visit, house: House):
    page = harmless(f"/w/hostile/events/{house.hostile_events[hostile.NAMES.index(hostile.BIDI)]}")

    heading = page.get_by_role("heading", level=1)

    expect(heading).to_contain_text("invoiceU+202Egpj.exe")
    expect(heading).to_contain_text("U+200Bzero")
    expect(heading.get_by_text("U+202E")).to_have_attribute("title", "RIGHT-TO-LEFT OVERRIDE")


def test_a_hostile_address_is_text_too(harmless: Visit, complaints: Complaints):
    complaints.expect("status of 422")
    page = harmless(TIMELINE, width=390)

    for name in hostile.NAMES:
        page.goto(f"{TIMELINE}?entity={quote(name)}&since={quote(name)}")

        expect(page.get_by_role("alert")).to_contain_text("is no time")
        open_filter(page, "Time")
        expect(page.get_by_label("Since")).to_have_value(name)
        expect_harmless(page)


def css_string(text: str) -> str:
    """Return text as a string of a CSS selector."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
