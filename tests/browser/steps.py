"""What the browser tests do again and again, in the words of a user."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import PASSWORD

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
BOTH_WIDTHS = pytest.mark.parametrize("width", [1280, 390])
TIMELINE = "/w/acme/timeline"
OWNER = "owner@acme.example"


def sign_in(page: Page, email: str = OWNER, *, at: str = TIMELINE) -> None:
    """Ask for a page, be sent to the sign-in form, fill it in, and arrive at the page."""
    page.goto(at)
    fill_sign_in(page, email)
    expect(page.get_by_text("Signed in as")).to_be_attached()
    page.wait_for_load_state()  # the scripts have run: keys do what they are to do


def fill_sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill the sign-in form in and send it."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def rows(page: Page) -> Locator:
    """Return the rows of the timeline."""
    return page.locator("#results .row")


def row_ids(page: Page) -> list[str]:
    """Return the ids of the rows, in their order."""
    return rows(page).evaluate_all("rows => rows.map(row => row.id)")


def open_filter(page: Page, name: str) -> Locator:
    """Open one of the filter menus and return it."""
    menu = page.locator(".filter", has=page.locator(".opener", has_text=name))
    menu.locator(".opener").click()
    return menu


def open_menu(page: Page, words: str) -> None:
    """Open the menu of the top bar whose name holds these words, seen or not."""
    page.locator("nav .opener", has_text=words).click()


def tick(page: Page, menu: str, value: str) -> None:
    """Tick a value in a filter menu, and close the menu, which covers the results."""
    open_filter(page, menu).get_by_role("checkbox", name=value, exact=True).check()
    page.keyboard.press("Escape")


def sideways(page: Page) -> int:
    """Return by how many pixels the page is wider than its window, less the place of a scrollbar."""
    # Of the window's widths only the root's own box is without that place where nothing scrolls.
    root = "document.documentElement"
    return int(page.evaluate(f"{root}.scrollWidth - {root}.getBoundingClientRect().width"))
