"""Changed fields as a reader meets them: folds that open by keyboard, both directions of writing, paper."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.house import House
from tests.browser.steps import sideways

pytestmark = pytest.mark.browser


def field(page: Page, name: str) -> Locator:
    return page.locator(f"[data-field={name}]")


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_what_is_folded_opens_by_keyboard_with_and_without_javascript(
    visit: Visit, house: House, java_script_enabled: bool
):
    page = visit(f"/w/acme/events/{house.rich_event}", java_script_enabled=java_script_enabled)
    address = field(page, "address")
    expect(address.get_by_text("address.line3", exact=True)).to_be_visible()
    expect(address.get_by_text("address.line12", exact=True)).to_be_hidden()

    address.get_by_text("5 more", exact=True).press("Enter")
    expect(address.get_by_text("address.line12", exact=True)).to_be_visible()
    address.get_by_text("The whole before and after").press("Enter")

    expect(address.locator("pre").first).to_be_visible()


def test_every_kind_of_change_says_what_became_of_it(visit: Visit, house: House):
    page = visit(f"/w/acme/events/{house.rich_event}")

    for name, words in {
        "meeting": "3 days later",
        "amount": "+199.5",
        "payee": "U+0430 Cyrillic small letter a at character 2",
        "steps": "Order changed, 3 unchanged",
        "address": "Köln",
        "title": "no value",
        "due": "empty text",
    }.items():
        expect(field(page, name)).to_contain_text(words)


def test_a_word_from_right_to_left_leaves_its_neighbours_where_they_are(visit: Visit, house: House):
    arabic = field(visit(f"/w/acme/events/{house.rich_event}"), "arabic")

    before, arrow, after = (arabic.locator(part).bounding_box()["x"] for part in ("del", ".arrow", "ins"))

    assert before < arrow < after


@pytest.mark.parametrize("width", [1280, 390])
def test_changes_fit_the_page_and_what_opens_is_large_enough_to_hit(visit: Visit, house: House, width: int):
    page = visit(f"/w/acme/events/{house.rich_event}", width=width)
    summaries = page.locator(".changes summary:visible")

    for place in range(summaries.count()):
        summaries.nth(place).click()

    assert sideways(page) <= 0
    for summary in page.locator(".more > summary").all():
        assert summary.bounding_box()["height"] >= 24


def test_on_paper_nothing_is_folded(visit: Visit, house: House):
    page = visit(f"/w/acme/events/{house.rich_event}")

    page.emulate_media(media="print")

    expect(field(page, "address").get_by_text("address.line12", exact=True)).to_be_visible()
    expect(field(page, "body").locator(".fold span").first).to_be_visible()
