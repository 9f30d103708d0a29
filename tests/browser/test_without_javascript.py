"""Everything works as plain links and forms too."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.house import House
from tests.browser.steps import BOTH_WIDTHS, TIMELINE, open_filter, open_menu, rows, sign_in

pytestmark = pytest.mark.browser


def plainly(visit: Visit, path: str = TIMELINE, **options) -> Page:
    return visit(path, java_script_enabled=False, **options)


def test_the_form_lands_on_the_canonical_address(visit: Visit):
    page = plainly(visit)

    menu = open_filter(page, "Event")
    menu.get_by_role("checkbox", name="deal.deleted", exact=True).check()
    menu.get_by_role("checkbox", name="contact.created", exact=True).check()
    page.get_by_role("button", name="Apply").click()

    expect(page).to_have_url(re.compile(r"/w/acme/timeline\?event=contact\.created&event=deal\.deleted$"))
    expect(rows(page)).to_have_count(8)
    open_filter(page, "Event")
    expect(page.get_by_role("checkbox", name="deal.deleted", exact=True)).to_be_checked()


def test_a_chip_is_a_link_that_takes_its_filter_away(visit: Visit):
    page = plainly(visit, f"{TIMELINE}?entity=deal&event=deal.deleted")

    page.get_by_role("link", name="Remove the filter event deal.deleted").click()

    expect(page).to_have_url(re.compile(r"/w/acme/timeline\?entity=deal$"))
    expect(rows(page)).to_have_count(8)


def test_a_bad_value_is_told_and_stays_as_typed(visit: Visit, complaints):
    complaints.expect("status of 422")
    page = plainly(visit)

    open_filter(page, "Time").get_by_label("Since").fill("yesterdayish")
    page.get_by_role("button", name="Apply").click()

    expect(page.get_by_role("alert")).to_contain_text("yesterdayish is no time")
    open_filter(page, "Time")
    expect(page.get_by_label("Since")).to_have_value("yesterdayish")


def test_an_open_row_links_to_the_page_of_its_event(visit: Visit, house: House):
    page = plainly(visit)
    row = page.locator(f"#event-{house.rich_event}")

    row.locator("summary").click()
    row.get_by_role("link", name="Show what changed").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Note Terms updated")
    expect(page.locator("[data-field=urgent] ins")).to_be_visible()
    page.get_by_text("Recorded payload").click()
    expect(page.get_by_role("group", name="Recorded payload")).to_be_visible()
    page.get_by_role("link", name="History of this note").click()
    expect(page.locator(f"[data-version='{house.rich_event}']")).to_be_visible()


def test_older_events_are_a_page_of_their_own_with_a_way_back(visit: Visit):
    page = plainly(visit, f"{TIMELINE}?limit=5")
    newest = row_ids_without_script(page)

    page.get_by_role("button", name="Show older events").click()
    expect(page).to_have_url(re.compile("before="))
    expect(rows(page)).to_have_count(5)

    older = row_ids_without_script(page)
    assert len(older) == 5
    assert not set(older) & set(newest)
    page.get_by_role("link", name="Show newer events").click()
    expect(page.locator(f"#{newest[0]}")).to_be_visible()
    assert row_ids_without_script(page) == newest


def test_sign_in_and_out(open_page: Visit, house: House):
    page = open_page(house, java_script_enabled=False)

    sign_in(page, at=f"{TIMELINE}?entity=deal")
    expect(page).to_have_url(re.compile(r"\?entity=deal$"))
    open_menu(page, "Signed in as")
    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(re.compile("/login$"))
    page.goto(TIMELINE)
    expect(page).to_have_url(re.compile("/login"))


@BOTH_WIDTHS
def test_menus_open_without_script(visit: Visit, width: int):
    page = plainly(visit, width=width)

    for name in ("Entity", "Event", "Actor", "Origin", "Outcome", "Time", "More"):
        panel = open_filter(page, name).locator(".panel")
        expect(panel).to_be_visible()
        box = panel.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@BOTH_WIDTHS
def test_no_place_is_kept_for_what_only_a_script_brings(visit: Visit, width: int):
    page = plainly(visit, width=width)
    link, first = page.get_by_role("link", name="Activity and counts"), page.locator("li.day").first

    expect(link).to_be_visible()
    assert first.bounding_box()["y"] - link.bounding_box()["y"] - link.bounding_box()["height"] < 25
    board = page.locator(".board").bounding_box()
    assert page.locator("#rows").bounding_box()["width"] == board["width"]
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Activity and counts")


def row_ids_without_script(page: Page) -> list[str]:
    return [row.get_attribute("id") for row in rows(page).all()]
