"""Reading the timeline: rows open in place, older ones are added, times are the reader's own."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.house import House
from tests.browser.steps import TIMELINE, row_ids, rows

pytestmark = pytest.mark.browser


def row_of(page: Page, event_id: str) -> Locator:
    return page.locator(f"#event-{event_id}")


def test_a_click_opens_a_row_in_place_and_another_closes_it(visit: Visit, house: House):
    page = visit()
    row = row_of(page, house.events[0])
    summary = row.locator("summary").first

    summary.click()
    stage = row.locator("[data-field=stage]")
    expect(stage.locator("del")).to_have_text("open")
    expect(stage.locator("ins")).to_have_text("won")
    expect(page).to_have_url(re.compile(TIMELINE + "$"))
    summary.click()

    expect(stage).to_be_hidden()


def test_the_keyboard_opens_a_row_in_place(visit: Visit, house: House):
    page = visit()
    row = row_of(page, house.events[0])

    row.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(row.locator("[data-field=stage] ins")).to_have_text("won")
    page.keyboard.press("Tab")

    # The next stop is inside of what was opened.
    expect(row.locator(".detail :focus")).to_have_count(1)


def test_a_row_is_fetched_once_however_often_it_is_opened(visit: Visit, house: House):
    page = visit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/events/" in request.url else None)
    summary = row_of(page, house.events[0]).locator("summary").first

    for _ in range(3):
        summary.click()
        expect(row_of(page, house.events[0]).locator("[data-field=stage]")).to_have_count(1)

    assert len(asked) == 1


def test_nothing_moves_under_the_pointer_when_an_open_row_loses_focus(visit: Visit, house: House):
    page = visit()
    row = row_of(page, house.events[0])
    row.locator("summary").first.click()
    expect(row.locator(".facts")).to_be_visible()
    link = row.get_by_role("link", name="History of this deal")
    # On the page, not in the window: the click may scroll.
    place = "link => link.getBoundingClientRect().top + window.scrollY"
    before = link.evaluate(place)

    page.get_by_role("heading", level=1).click()

    assert link.evaluate(place) == before


def test_an_open_row_says_everything_that_was_recorded(visit: Visit, house: House):
    page = visit()
    row = row_of(page, house.rich_event)

    row.locator("summary").first.click()

    for name, facts in {
        "Entity": ["Note", "Terms"],
        "Event": ["note.updated"],
        "Actor": ["Ada", "ada@acme.example", "person"],
        "On behalf of": ["Ben Okoro"],
        "Origin": ["through a webhook"],
        "Outcome": ["succeeded"],
        "Occurred": ["2020-03-03", "09:55:43.898000 UTC"],
        "Related": ["Deal", "Number 0"],
        "IP address": ["198.51.100.7"],
        "Browser": ["Mozilla/5.0"],
    }.items():
        fact = row.locator(".facts > div", has=page.locator(f"dt:text-is('{name}')"))
        for words in facts:
            expect(fact).to_contain_text(words)
    for name in ("body", "title", "amount", "urgent", "due", "contacts", "layout"):
        expect(row.locator(f"[data-field={name}]")).to_be_visible()


def test_unchanged_text_is_folded_without_breaking_its_line(visit: Visit, house: House):
    page = visit(f"/w/acme/events/{house.rich_event}")
    fold = page.locator("[data-field=body] .fold")
    unchanged = fold.locator("span")
    line_after = """fold => {
      const after = document.createRange();
      after.selectNodeContents(fold.nextSibling);
      return after.getClientRects()[0].top - fold.querySelector("summary").getBoundingClientRect().top;
    }"""

    expect(unchanged).to_be_hidden()
    assert abs(fold.evaluate(line_after)) < 8
    fold.locator("summary").click()

    expect(unchanged).to_be_visible()
    assert fold.evaluate(line_after) > 40


def test_the_payload_is_folded_until_asked_for(visit: Visit, house: House):
    page = visit()
    row = row_of(page, house.rich_event)
    row.locator("summary").first.click()
    payload = row.get_by_role("group", name="Recorded payload")
    expect(row.get_by_text("Recorded payload")).to_be_visible()
    expect(payload).to_be_hidden()

    row.get_by_text("Recorded payload").click()

    expect(payload).to_be_visible()
    expect(payload).to_contain_text('"text": "payload"')


def test_the_link_of_an_event_opens_a_page_of_its_own(visit: Visit, house: House):
    page = visit()
    row = row_of(page, house.rich_event)
    row.locator("summary").first.click()

    row.get_by_role("link", name="This event by itself").click()

    expect(page).to_have_url(re.compile(f"/w/acme/events/{house.rich_event}$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Note Terms updated")
    expect(page.locator("[data-field=urgent] ins")).to_have_text("Yes")
    page.get_by_role("link", name="All by this actor").click()
    expect(page).to_have_url(re.compile(r"\?actor=ada$"))
    expect(rows(page)).not_to_have_count(0)


def test_older_events_are_added_below_and_the_first_of_them_gets_the_focus(visit: Visit):
    page = visit(f"{TIMELINE}?limit=5")
    first_page = row_ids(page)
    rows(page).nth(1).locator("summary").click()
    expect(rows(page).nth(1).locator(".facts")).to_be_visible()

    page.get_by_role("button", name="Show older events").press("Enter")

    expect(rows(page)).to_have_count(10)
    assert row_ids(page)[:5] == first_page
    assert len(set(row_ids(page))) == 10
    expect(rows(page).nth(5).locator("summary")).to_be_focused()
    expect(rows(page).nth(1).locator(".facts")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?limit=5$"))
    for day in page.locator("li.day").all_inner_texts():
        assert page.locator("li.day", has_text=day).count() == 1


def test_older_events_go_on_to_where_the_log_begins(visit: Visit):
    page = visit(f"{TIMELINE}?entity=deal&limit=3")

    for count in (6, 8):
        page.get_by_role("button", name="Show older events").click()
        expect(rows(page)).to_have_count(count)

    expect(page.get_by_role("button", name="Show older events")).to_have_count(0)
    expect(page.get_by_text("No older events match.")).to_be_visible()
    assert len(set(row_ids(page))) == 8
    assert row_ids(page) == row_ids(visit(f"{TIMELINE}?entity=deal"))


@pytest.mark.parametrize(
    ("zone", "shown", "exact"),
    [
        ("Asia/Kolkata", "15:25", "2020-03-03 15:25:43.898000 IST (UTC+05:30)"),
        ("UTC", "09:55", "2020-03-03 09:55:43.898000 UTC"),
    ],
)
def test_times_are_in_the_readers_zone_with_the_exact_instant_on_hover(
    visit: Visit, house: House, zone: str, shown: str, exact: str
):
    page = visit(timezone_id=zone)  # any first page tells the server the zone
    page.goto(f"{TIMELINE}?entity=note")
    time = row_of(page, house.rich_event).locator("time")

    expect(time.locator(".clock")).to_have_text(shown)
    expect(time).to_have_attribute("datetime", "2020-03-03T09:55:43.898000Z")
    assert time.get_attribute("title").startswith(exact)
    if zone != "UTC":
        assert time.get_attribute("title").endswith("2020-03-03 09:55:43.898000 UTC")
