"""What a page weighs on its way to the browser, compressed, headers included."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.house import House
from tests.browser.steps import rows

pytestmark = pytest.mark.browser


def listen(page: Page) -> list:
    """Return a list that fills with the requests of a page as they end."""
    finished: list = []
    page.on("requestfinished", lambda request: finished.append(request))
    return finished


def weight(requests: list) -> int:
    """Return the bytes that came over the wire."""
    sizes = [request.sizes() for request in requests]
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)


def test_the_first_load_of_fifty_rows_is_under_60_kilobytes(open_page: Visit, house: House, cookies):
    page = open_page(house, storage_state=cookies("owner@big.example"))
    finished = listen(page)

    page.goto("/w/big/timeline", wait_until="networkidle")

    assert rows(page).count() == 50
    assert {request.resource_type for request in finished} >= {"document", "stylesheet", "script"}
    assert weight(finished) < 60_000


@pytest.mark.parametrize("kind", ["rich", "huge"])
def test_an_opened_row_is_under_10_kilobytes(open_page: Visit, house: House, cookies, kind: str):
    slug, event = ("acme", house.rich_event) if kind == "rich" else ("big", house.huge_event)
    page = open_page(house, storage_state=cookies(f"owner@{slug}.example"))
    page.goto(f"/w/{slug}/timeline?until=2021-01-01")
    finished = listen(page)

    page.locator(f"#event-{event} summary").first.click()
    expect(page.locator(".facts")).to_be_visible()

    requests = [request for request in finished if "/events/" in request.url]
    assert len(requests) == 1
    assert 0 < weight(requests) < 10_000
