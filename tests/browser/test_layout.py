"""Every page at three widths: nothing beside, over or wider than it should be, nothing too small."""

import pytest
from playwright.sync_api import Page

from tests.browser import every_page
from tests.browser.conftest import Complaints, Visit
from tests.browser.house import House, served_app
from tests.browser.layout import faults

pytestmark = pytest.mark.browser

WIDTHS = (390, 1280, 1920)
ENDPOINTS = every_page.endpoints(served_app("sqlite://"))
# Errors, and pages that somebody else than an owner sees.
OTHERS = [
    ("/w/full/nonesuch", every_page.OWNER),
    ("/w/other/timeline", every_page.OWNER),
    ("/join/nonesuch", None),
    ("/w/full/settings/members", every_page.MEMBER),
    ("/w/full/timeline", every_page.MEMBER),
    ("/", "loner@acme.example"),
]


def expect_no_faults(page: Page) -> None:
    """Look at a page at each width, as it comes and with everything opened."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width} {page.url}: {fault}" for fault in faults(page)]
    page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
    page.wait_for_load_state("networkidle")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width} {page.url}, opened: {fault}" for fault in faults(page)]
    assert not found, "\n".join(found)


def look_at(page: Page, path: str) -> None:
    """Open a path; a page of its own must come."""
    answer = page.goto(path)
    assert answer
    assert answer.headers["content-type"].startswith("text/html"), f"{path} is no page: see NO_PAGES"
    assert answer.status < 500
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_page_is_wrecked(visit: Visit, house: House, complaints: Complaints, endpoint: str):
    complaints.expect("status of 4")  # of the pages that say what is wrong
    public = endpoint.startswith(("auth.", "openapi."))
    page = visit(None, None if public else every_page.OWNER)

    for path in every_page.paths_of(house.app, endpoint, house.every_value):
        look_at(page, path)
        expect_no_faults(page)


@pytest.mark.parametrize(("path", "email"), OTHERS)
def test_no_page_of_others_is_wrecked(visit: Visit, complaints: Complaints, path: str, email: str | None):
    complaints.expect("status of 4")
    page = visit(None, email)

    look_at(page, path)

    expect_no_faults(page)


WRECKS = {
    "wider than the window": "document.querySelector('main p').style.width = '3000px'",
    "stands beside": "document.querySelector('main').style.display = 'flex'",
    "is 8x8": "document.querySelector('[type=checkbox]').style.cssText = 'width: 8px; height: 8px'",
    "to hit": "document.querySelector('.view-form button').style.cssText = 'height: 18px; padding: 0'",
    "lies over": "document.querySelector('.view-form label').style.marginTop = '-3rem'",
    "is squeezed": "document.querySelector('main').style.width = '60px'",
}


@pytest.mark.parametrize("words", WRECKS)
def test_each_kind_of_wreck_is_found(visit: Visit, words: str):
    page = visit("/w/full/views/new?entity=deal", every_page.OWNER)
    page.evaluate(WRECKS[words])

    with pytest.raises(AssertionError, match=words):
        expect_no_faults(page)
