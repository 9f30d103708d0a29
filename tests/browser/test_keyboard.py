"""Everything with the keyboard alone: the order of the stops, and that each can be seen."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.steps import BOTH_WIDTHS, TIMELINE, open_filter, rows

pytestmark = pytest.mark.browser

STOP = """() => {
  const stop = document.activeElement, style = getComputedStyle(stop), box = stop.getBoundingClientRect();
  return {
    text: (stop.textContent || stop.name || "").trim().replace(/\\s+/g, " "),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
      && !style.outlineColor.endsWith(", 0)"),
    onScreen: box.width > 0 && box.right > 0 && box.left < innerWidth
      && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


def stops(page: Page, count: int) -> list[dict]:
    """Press Tab and return what has the focus, as often as told."""
    found = []
    for _ in range(count):
        page.keyboard.press("Tab")
        found.append(page.evaluate(STOP))
    return found


def stops_until(page: Page, text: str) -> list[dict]:
    """Press Tab until this has the focus, and return all that had it."""
    found = stops(page, 1)
    while found[-1]["text"] != text:
        assert len(found) < 150, [stop["text"] for stop in found]
        found += stops(page, 1)
    return found


@BOTH_WIDTHS
def test_tab_goes_through_the_timeline_in_reading_order_and_every_stop_is_seen(visit: Visit, width: int):
    page = visit(f"{TIMELINE}?limit=2", width=width)

    found = stops_until(page, "Show older events")

    expected = ["Skip to the content", "Auditapp", "Timeline", "Settings", "Signed in as Owner"]
    expected += ["Entity", "Event", "Actor", "Origin", "Outcome", "Time", "More"]
    expected += ["Copy link", "Copy exact link", "CSV", "JSONL", "Display", "Keys"]
    texts = [stop["text"] for stop in found]
    assert [text for text in texts if text in expected] == expected
    assert texts[-3:-1] == rows(page).locator("summary").evaluate_all(
        "rows => rows.map(row => row.textContent.trim().replace(/\\s+/g, ' '))"
    )
    assert [stop["text"] for stop in found if not (stop["outlined"] and stop["onScreen"])] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_stop_of_an_open_row_is_seen(visit: Visit, scheme: str):
    page = visit(f"{TIMELINE}?entity=note&limit=1", color_scheme=scheme)
    rows(page).locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".detail .facts")).to_be_visible()

    found = stops_until(page, "Show older events")

    assert len(found) > 4
    assert [stop["text"] for stop in found if not (stop["outlined"] and stop["onScreen"])] == []


def test_every_stop_of_the_sign_in_form_is_seen(visit: Visit):
    page = visit("/login", None)
    page.get_by_role("link", name="Auditapp").focus()

    found = stops(page, 3)

    assert [stop["text"] for stop in found] == ["email", "password", "Sign in"]
    assert all(stop["outlined"] for stop in found)


def test_the_first_stop_skips_to_the_content(visit: Visit):
    page = visit()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()


def test_another_stop_skips_the_counts(visit: Visit):
    page = visit()
    skip = page.get_by_role("link", name="Skip to the events")

    skip.focus()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(rows(page).locator("summary").first).to_be_focused()


def test_escape_closes_a_menu_and_gives_the_focus_back(visit: Visit):
    page = visit()

    for name in ("Entity", "Time"):
        menu = open_filter(page, name)
        page.keyboard.press("Tab")
        expect(menu.locator(".panel :focus")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(menu.locator(".panel")).to_be_hidden()
        expect(menu.locator(".opener")).to_be_focused()


def test_a_click_beside_a_menu_closes_it(visit: Visit):
    page = visit()
    panel = open_filter(page, "Entity").locator(".panel")
    expect(panel).to_be_visible()

    page.get_by_role("heading", level=1).click()

    expect(panel).to_be_hidden()


def test_only_one_filter_menu_is_open_at_a_time(visit: Visit):
    page = visit()

    open_filter(page, "Entity")
    open_filter(page, "Outcome")

    expect(page.locator(":popover-open")).to_have_count(1)


def test_filtering_and_undoing_it_needs_no_mouse(visit: Visit):
    page = visit()
    everything = rows(page).count()

    page.locator("#filters .opener", has_text="Entity").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    first = page.locator(":focus").get_attribute("value")
    called = page.locator(":focus").evaluate("box => box.labels[0].innerText.trim()")
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(rf"\?entity={first}$"))
    expect(rows(page)).not_to_have_count(everything)
    page.keyboard.press("Escape")
    page.get_by_role("link", name=f"Remove the filter entity {called}").press("Enter")
    expect(rows(page)).to_have_count(everything)
    expect(page.locator("#results")).to_be_focused()
    # From the results that came instead the way goes on inside of them.
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Copy link")).to_be_focused()
