"""What a page weighs on its way to the browser, compressed, headers included."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from auditapp.cli.demo import PASSWORD
from tests.browser.conftest import Visit
from tests.browser.house import House
from tests.browser.steps import fill_sign_in, rows
from tests.faults.checkout import Checkout
from tests.faults.serving import STOP_SECONDS

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


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server as a user starts it, which has made the demo's company."""
    folder = tmp_path_factory.mktemp("demo")
    checkout = Checkout(folder / "checkout")
    process = checkout.serve(folder / "log")
    yield f"http://127.0.0.1:{checkout.port}"
    process.terminate()
    process.wait(STOP_SECONDS)


@pytest.mark.parametrize("query", ["", "?group=story"])
@pytest.mark.parametrize("person", ["owner", "member"])
def test_the_first_load_of_the_demos_timeline_is_55_kilobytes_at_most(
    browser: Browser, demo: str, person: str, query: str
):
    signed_in = browser.new_context(base_url=demo)
    page = signed_in.new_page()
    page.goto("/login")
    fill_sign_in(page, f"{person}@demo.example", PASSWORD)
    expect(page.get_by_text("Signed in as")).to_be_attached()
    context = browser.new_context(base_url=demo, storage_state=signed_in.storage_state())
    page = context.new_page()
    finished = listen(page)

    page.goto(f"/w/demo/timeline{query}")
    expect(page.locator(".activity svg")).to_be_attached()
    expect(page.locator(".facet .choice").first).to_be_attached()
    page.mouse.wheel(0, 50_000)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)  # nothing may come behind it either

    asked = {urlsplit(request.url).path for request in finished}
    assert {request.resource_type for request in finished} >= {"document", "stylesheet", "script"}
    assert "/w/demo/timeline/overview" in asked
    assert rows(page).count() >= 20
    assert not page.locator(".waiting").count()
    assert weight(finished) <= 55_000
    signed_in.close()
    context.close()


def test_the_first_load_of_fifty_rows_is_under_55_kilobytes(open_page: Visit, house: House, cookies):
    page = open_page(house, storage_state=cookies("owner@big.example"), is_shared=False)
    finished = listen(page)

    page.goto("/w/big/timeline", wait_until="networkidle")

    assert rows(page).count() == 50
    assert {request.resource_type for request in finished} >= {"document", "stylesheet", "script"}
    assert weight(finished) < 55_000


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
