"""Searching and narrowing: marks of what was searched, facets, activity, names offered while one types."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.steps import BOTH_WIDTHS, TIMELINE, rows
from tests.browser.test_accessibility import FOUR_LOOKS, expect_accessible

pytestmark = pytest.mark.browser


def open_timeline(visit: Visit, width: int, query: str = "") -> Page:
    """Open the timeline and wait until what is counted behind it is there; facets are open then."""
    page = visit(TIMELINE + query, width=width)
    wait_for_overview(page)
    return page


def wait_for_overview(page: Page) -> None:
    expect(page.locator(".activity svg")).to_be_visible()
    summary = page.locator(".facets > summary")
    if summary.is_visible() and page.locator(".facets:not([open])").count():
        summary.click()  # on a phone they are folded


def expect_query(page: Page, query: str) -> None:
    """Expect the timeline's address with this query string, a pattern."""
    expect(page).to_have_url(re.compile(re.escape(TIMELINE) + query + "$"))


def facet(page: Page, name: str):
    return page.get_by_role("region", name=name, exact=True)


def choice(page: Page, name: str, label: str):
    return facet(page, name).locator(".choice").filter(has=page.get_by_title(label, exact=True))


@BOTH_WIDTHS
def test_a_search_narrows_the_rows_and_marks_what_it_found_there_and_inside(visit: Visit, width: int):
    page = open_timeline(visit, width)
    everything = rows(page).count()
    box = page.get_by_role("searchbox", name="Search")

    box.fill('"number 3"')
    box.press("Enter")

    expect(rows(page)).to_have_count(1)
    expect_query(page, r"\?q=(\"|%22)number\+3(\"|%22)")
    expect(rows(page).locator("mark")).to_have_text(["Number 3"])
    rows(page).locator("summary").first.click()
    expect(rows(page).locator(".facts mark").first).to_have_text("Number 3")
    expect(box).to_have_value('"number 3"')

    page.go_back()
    expect(rows(page)).to_have_count(everything)
    expect(page.locator("#results mark")).to_have_count(0)
    expect(box).to_have_value("")
    page.go_forward()
    expect(rows(page)).to_have_count(1)


@BOTH_WIDTHS
def test_a_recorded_value_is_marked_in_the_change_and_in_the_payload(visit: Visit, width: int):
    page = open_timeline(visit, width, "?q=granted+payload")
    rows(page).locator("summary").first.click()

    expect(rows(page).locator("[data-field=body] ins mark")).to_have_text("granted")
    rows(page).get_by_text("Recorded payload").click()
    expect(rows(page).locator(".payload pre mark")).to_have_text("payload")


@BOTH_WIDTHS
def test_a_facet_narrows_then_leaves_out_then_is_taken_back(visit: Visit, width: int):
    page = open_timeline(visit, width)
    everything = rows(page).count()
    told = int(choice(page, "Entity", "Deal").locator(".events").inner_text())

    choice(page, "Entity", "Deal").locator(".include").click()
    expect(rows(page)).to_have_count(told)
    expect_query(page, r"\?entity=deal")
    expect(page.locator("#filters input[name=entity][value=deal]")).to_be_checked()
    wait_for_overview(page)
    expect(choice(page, "Entity", "Deal").locator(".include")).to_have_attribute("aria-current", "true")

    choice(page, "Entity", "Deal").get_by_role("link", name="All but Deal").click()
    expect(rows(page)).to_have_count(everything - told)
    expect_query(page, r"\?entity=(!|%21)deal")
    wait_for_overview(page)

    choice(page, "Entity", "Deal").get_by_role("link", name="Take back: not Deal").click()
    expect(rows(page)).to_have_count(everything)
    expect_query(page, "")

    page.go_back()
    page.go_back()
    expect_query(page, r"\?entity=deal")
    expect(rows(page)).to_have_count(told)


@BOTH_WIDTHS
def test_a_bar_in_numbers_leads_to_its_events_and_back(visit: Visit, width: int):
    page = open_timeline(visit, width, "?entity=note")
    page.get_by_text("In numbers").click()
    lines = page.get_by_role("table").get_by_role("row").filter(has=page.get_by_role("link"))
    expect(lines).to_have_count(3)

    lines.last.get_by_role("link").click()

    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?entity=note&since=2020-03-03\S*&until=2020-03-03\S*$"))
    page.go_back()
    expect(rows(page)).to_have_count(3)


def test_a_bar_of_the_picture_leads_to_its_events_too(visit: Visit):
    page = open_timeline(visit, 1280, "?entity=note")

    page.locator(".activity svg a").filter(has=page.locator(".bar-created")).click()

    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_have_attribute("data-event", "note.created")


@BOTH_WIDTHS
def test_names_are_offered_while_one_types_and_one_is_taken_by_keyboard(visit: Visit, width: int):
    page = open_timeline(visit, width, "?entity=deal")
    entry = page.get_by_role("searchbox", name="An actor’s name")

    entry.press_sequentially("ok")
    offer = facet(page, "Actor").get_by_role("status").get_by_role("link", name="Ben Okoro")
    expect(offer).to_be_visible()
    offer.focus()
    page.keyboard.press("Enter")

    expect_query(page, r"\?actor=ben&entity=deal")
    expect(rows(page).filter(has_not_text="Ben Okoro")).to_have_count(0)
    page.go_back()
    expect_query(page, r"\?entity=deal")


def test_enter_in_a_field_that_offers_names_stays_on_the_page(visit: Visit):
    page = open_timeline(visit, 1280)
    entry = page.get_by_role("searchbox", name="A record’s name")

    entry.fill("nothing like it")
    entry.press("Enter")

    expect(facet(page, "Entity").get_by_role("status")).to_contain_text("Nothing begins with")
    expect_query(page, "")


@BOTH_WIDTHS
def test_a_changed_field_leads_to_who_else_set_it_so(visit: Visit, width: int):
    page = visit(f"{TIMELINE}?entity=deal&event=deal.updated", width=width)
    rows(page).first.locator("summary").first.click()
    links = rows(page).first.locator("[data-field=stage] .asks")
    links.get_by_role("link", name="Who else").click()

    expect_query(page, r"\?entity=deal&field=stage&to=won")
    expect(rows(page)).to_have_count(4)


@pytest.mark.parametrize(("width", "touch"), [(1280, False), (390, True)])
def test_the_links_of_a_changed_field_are_always_seen_but_not_on_paper(visit: Visit, width: int, touch: bool):
    page = visit(f"{TIMELINE}?entity=deal&event=deal.updated", width=width, has_touch=touch, is_mobile=touch)
    rows(page).first.locator("summary").first.click()
    page.mouse.move(0, 0)

    links = rows(page).first.locator("[data-field=stage] .asks")

    expect(links).to_have_css("opacity", "1")
    for link in links.get_by_role("link").all():
        assert link.bounding_box()["height"] >= 24
    page.emulate_media(media="print")
    expect(links).to_be_hidden()


def test_axe_finds_nothing_with_facets_activity_and_marks(visit: Visit):
    page = open_timeline(visit, 390, "?limit=4&q=number")
    page.get_by_text("In numbers").click()
    rows(page).first.locator("summary").first.click()
    expect(rows(page).first.locator(".facts")).to_be_visible()
    page.get_by_role("searchbox", name="An actor’s name").fill("b")
    expect(page.locator(".offers a").first).to_be_visible()

    expect_accessible(page, FOUR_LOOKS)
