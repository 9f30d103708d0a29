"""Every menu of every page: each text in it can be clicked, and what belongs to the text obeys."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser import every_page
from tests.browser.conftest import Complaints, Visit
from tests.browser.house import House, served_app
from tests.browser.steps import BOTH_WIDTHS, TIMELINE

pytestmark = pytest.mark.browser

ENDPOINTS = every_page.endpoints(served_app("sqlite://"))
BOTH = "both@acme.example"

# A text of a panel, by number, outside of links and buttons: scrolled to, its place, and what it labels.
TEXTS = """(panel, place) => {
  const walk = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT), texts = [];
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (walk.currentNode.data.trim() && parent.checkVisibility() && !parent.closest(
      "a, button, option, datalist, .visually-hidden, textarea")) texts.push(walk.currentNode);
  }
  const text = texts[place];
  if (!text) return null;
  text.parentElement.scrollIntoView({ block: "nearest" });
  const range = document.createRange();
  range.selectNodeContents(text);
  const box = range.getBoundingClientRect(), control = text.parentElement.closest("label")?.control;
  panel.querySelectorAll("[data-clicked]").forEach(one => one.removeAttribute("data-clicked"));
  control?.setAttribute("data-clicked", "");
  return {
    text: text.data.trim(), x: box.x + box.width / 2, y: box.y + box.height / 2,
    type: control?.type ?? "", was: control?.checked ?? false,
  };
}"""
# What floats without being a popover would need a script to shut it.
OTHER_MENUS = """() => [...document.querySelectorAll("details > :not(summary)")]
  .filter(one => ["absolute", "fixed"].includes(getComputedStyle(one).position))
  .map(one => one.outerHTML.slice(0, 80))"""


def hold_still(page: Page) -> None:
    """Leave a page as it came: no filter that is clicked brings other results, with another menu in them."""

    def answer(route: Route) -> None:
        if route.request.headers.get("hx-request"):
            route.fulfill(status=204)
        else:
            route.continue_()

    page.route("**/*", answer)


def click_every_text(page: Page, panel: Locator) -> int:
    """Click each text of an open menu, see that its control obeys and the menu stays, and count them."""
    place = 0
    while text := panel.evaluate(TEXTS, place):
        page.mouse.click(text["x"], text["y"])
        expect(panel, text["text"]).to_be_visible()
        expect_obeyed(panel.locator("[data-clicked]"), text)
        place += 1
    return place


def expect_obeyed(control: Locator, text: dict[str, Any]) -> None:
    """See that a click on a text did what it says."""
    if text["type"] in ("checkbox", "radio"):
        expect(control, text["text"]).to_be_checked(checked=text["type"] == "radio" or not text["was"])
    elif text["type"]:
        expect(control, text["text"]).to_be_focused()


def try_menus(page: Page) -> int:
    """Open every menu of a page, click all its texts, shut it by Escape, and count the texts."""
    assert page.evaluate(OTHER_MENUS) == []
    clicked = 0
    for opener in page.locator("[popovertarget]:visible").all():
        panel = page.locator(f"#{opener.get_attribute('popovertarget')}")
        opener.click()
        expect(panel).to_be_visible()
        box, under, size = panel.bounding_box(), opener.bounding_box(), page.viewport_size
        assert box
        assert size
        assert under
        assert 0 <= box["y"] - under["y"] - under["height"] < 12 or box["y"] + box["height"] <= under["y"]
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= size["height"]
        assert box["x"] + box["width"] <= size["width"]
        clicked += click_every_text(page, panel)
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(opener).to_be_focused()
    return clicked


@BOTH_WIDTHS
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_text_of_every_menu_can_be_clicked(
    visit: Visit, house: House, complaints: Complaints, endpoint: str, width: int
):
    complaints.expect("status of 4")
    page = visit(None, every_page.OWNER, width=width)
    hold_still(page)

    page.goto(next(every_page.paths_of(house.app, endpoint, house.every_value)))
    texts = try_menus(page)

    has_bar = page.get_by_text("Signed in as").count()
    assert texts >= (2 if has_bar else 0)  # the address and the role, at least


@BOTH_WIDTHS
def test_the_menus_of_the_timeline_are_among_them(visit: Visit, width: int):
    page = visit(None, BOTH, width=width)
    hold_still(page)
    page.goto(TIMELINE)
    names = [opener.inner_text() for opener in page.locator("[popovertarget]:visible").all()]
    assert {"Display", "Entity", "Event", "Actor", "Origin", "Outcome", "Time", "More"} <= set(names)

    assert try_menus(page) > 40
    assert len(names) == 10


def test_without_javascript_every_text_can_be_clicked_too(visit: Visit):
    page = visit(TIMELINE, BOTH, java_script_enabled=False)

    page.locator(".display .opener").click()
    page.get_by_text("Compact, a line each").click()

    expect(page.get_by_label("Compact, a line each")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("#display")).to_be_hidden()
    expect(page.locator(".display .opener")).to_be_focused()


def test_tab_out_of_a_menu_shuts_it_and_goes_on(visit: Visit):
    page = visit(TIMELINE)
    page.locator(".display .opener").focus()
    page.keyboard.press("Enter")
    panel = page.locator("#display")
    expect(panel).to_be_visible()

    panel.get_by_role("link", name="As a page").focus()
    page.keyboard.press("Tab")

    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Keys")).to_be_focused()
