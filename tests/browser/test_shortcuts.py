"""Single keys on the timeline, the list of them, and links that are copied."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.house import House
from tests.browser.steps import BOTH_WIDTHS, TIMELINE, open_filter, rows, tick

pytestmark = pytest.mark.browser

CLIPBOARD = ["clipboard-read", "clipboard-write"]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def summary(page: Page, number: int):
    return rows(page).nth(number).locator("summary").first


def copied(page: Page) -> str:
    expect(page.locator(".copied")).to_have_text("Copied")
    return page.evaluate("navigator.clipboard.readText()")


@BOTH_WIDTHS
def test_j_and_k_move_between_rows_and_on_to_older_ones(visit: Visit, width: int):
    page = visit(f"{TIMELINE}?limit=4", width=width)

    press(page, "j")
    expect(summary(page, 0)).to_be_focused()
    press(page, "j", "j", "k")
    expect(summary(page, 1)).to_be_focused()
    press(page, "k", "k", "k")
    expect(summary(page, 0)).to_be_focused()
    press(page, "j", "j", "j", "j", "Enter")

    expect(rows(page)).to_have_count(8)
    expect(summary(page, 4)).to_be_focused()
    expect(summary(page, 4)).to_be_in_viewport()


def test_enter_opens_and_k_inside_an_open_row_goes_to_its_line(visit: Visit, house: House):
    page = visit(f"{TIMELINE}?entity=note")

    press(page, "j", "Enter")
    row = page.locator(f"#event-{house.rich_event}")
    expect(row.locator(".facts")).to_be_visible()
    row.get_by_role("link", name="History of this note").focus()
    press(page, "k")

    expect(row.locator("summary").first).to_be_focused()


def test_x_opens_the_payload_of_a_row_that_was_never_opened_and_closes_it(visit: Visit, house: House):
    page = visit(f"{TIMELINE}?entity=note")
    payload = page.locator(f"#event-{house.rich_event}").get_by_role("group", name="Recorded payload")

    press(page, "j", "x")
    expect(payload).to_be_visible()
    expect(page.get_by_text("Recorded payload", exact=True)).to_be_focused()
    press(page, "x")
    expect(payload).to_be_hidden()
    press(page, "x")

    expect(payload).to_be_visible()


def test_h_goes_to_the_records_history(visit: Visit):
    page = visit(f"{TIMELINE}?entity=note")

    press(page, "h")
    expect(page.get_by_text("Go to a row first")).to_be_visible()
    press(page, "j", "h")

    expect(page).to_have_url(re.compile("/w/acme/history/note/1$"))


def test_c_copies_the_rows_link_or_the_pages(visit: Visit, house: House):
    page = visit(f"{TIMELINE}?entity=note", permissions=CLIPBOARD)

    press(page, "c")
    assert copied(page) == f"{house.url}{TIMELINE}?entity=note"
    press(page, "j", "c")
    page.wait_for_function(
        "id => navigator.clipboard.readText().then(text => text.endsWith(id))", arg=house.rich_event
    )

    assert page.evaluate("navigator.clipboard.readText()") == f"{house.url}/w/acme/events/{house.rich_event}"


def test_links_are_copied_by_a_click_and_are_links_all_the_same(visit: Visit, house: House):
    page = visit(f"{TIMELINE}?entity=deal&since=7d", permissions=CLIPBOARD)

    page.get_by_role("link", name="Copy link").click()
    assert copied(page) == f"{house.url}{TIMELINE}?entity=deal&since=7d"
    exact = page.get_by_role("link", name="Copy exact link")
    exact.click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('until='))")
    address = page.evaluate("navigator.clipboard.readText()")

    expect(page).to_have_url(re.compile(r"since=7d$"))
    assert address == page.evaluate("link => link.href", exact.element_handle())
    page.goto(address)
    expect(rows(page)).to_have_count(8)


@pytest.mark.parametrize(
    ("key", "focused"), [("/", "#filters input[name='q']"), ("f", "#filters .opener >> nth=0")]
)
def test_search_and_filters_are_a_key_away(visit: Visit, key: str, focused: str):
    page = visit()

    press(page, key)

    expect(page.locator(focused)).to_be_focused()
    if key == "/":
        expect(page.locator(focused)).to_have_value("")


@pytest.mark.parametrize("name", ["Search", "A record’s name"])
def test_escape_leaves_a_search_box_and_what_was_typed_stays(visit: Visit, name: str):
    page = visit()
    entry = page.get_by_role("searchbox", name=name)

    entry.fill("number")
    press(page, "Escape", "j")

    expect(page.locator("#results .row summary:focus")).to_have_count(1)
    expect(entry).to_have_value("number")


def test_a_late_answer_to_a_search_leaves_the_focus_at_a_row(visit: Visit):
    page = visit()
    held: list[Route] = []
    page.route("**/timeline?q=**", lambda route: held.append(route))
    entry = page.get_by_role("searchbox", name="Search")
    entry.fill("number")
    with page.expect_request("**/timeline?q=**"):
        press(page, "Escape")  # which leaves the box: the search is asked for

    press(page, "j")
    expect(summary(page, 0)).to_be_focused()
    held[0].continue_()

    expect(page).to_have_url(re.compile(r"\?q=number$"))
    expect(summary(page, 0)).to_be_focused()


def test_j_from_inside_a_filter_menu_closes_it(visit: Visit):
    page = visit()
    menu = open_filter(page, "Entity")
    menu.get_by_role("checkbox", name="Deal", exact=True).focus()

    press(page, "j")

    expect(summary(page, 0)).to_be_focused()
    expect(menu.locator(".panel")).to_be_hidden()


def test_keys_are_letters_where_one_types_and_nothing_with_a_modifier(visit: Visit):
    page = visit()
    entry = open_filter(page, "Event").get_by_role("textbox", name="Event: deal.* or *.deleted")

    entry.focus()
    page.keyboard.type("jkxhc/f?")
    expect(entry).to_have_value("jkxhc/f?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    entry.fill("")
    press(page, "Escape", "Control+j", "Alt+j", "Meta+j")

    assert page.locator("#results .row summary:focus").count() == 0


@BOTH_WIDTHS
def test_a_question_mark_or_the_button_lists_the_keys_and_gives_the_focus_back(visit: Visit, width: int):
    page = visit(f"{TIMELINE}?limit=3", width=width)
    dialog = page.get_by_role("dialog", name="Keyboard")

    press(page, "j", "?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    words, close = dialog.get_by_text("Not while you type."), dialog.get_by_role("button", name="Close")
    assert close.bounding_box()["y"] - words.bounding_box()["y"] - words.bounding_box()["height"] > 8
    press(page, "j")  # behind a dialog nothing moves
    press(page, "Escape")
    expect(dialog).to_be_hidden()
    expect(summary(page, 0)).to_be_focused()
    page.get_by_role("button", name="Keys").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()

    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Keys")).to_be_focused()


def test_keys_still_work_after_the_results_were_swapped(visit: Visit):
    page = visit()

    tick(page, "Entity", "Deal")
    expect(rows(page)).to_have_count(8)
    press(page, "j")
    expect(summary(page, 0)).to_be_focused()
    press(page, "?")

    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_the_title_follows_the_filter(visit: Visit):
    page = visit()
    expect(page).to_have_title("Everything that happened · Acme · Auditapp")

    tick(page, "Entity", "Deal")
    expect(page.get_by_role("heading", level=2).first).to_have_text("Everything that happened to deals")
    expect(page).to_have_title("Everything that happened to deals · Acme · Auditapp")
    page.go_back()

    expect(page).to_have_title("Everything that happened · Acme · Auditapp")


def test_an_offer_of_an_empty_result_finds_something(visit: Visit):
    page = visit(f"{TIMELINE}?entity=deal&outcome=denied")

    page.get_by_role("link", name="Drop outcome denied").click()

    expect(rows(page)).to_have_count(8)
    expect(page).to_have_url(re.compile(r"\?entity=deal$"))
    expect(page.locator("#filters :checked")).to_have_count(1)
