"""Stories: the switch above the rows, what an action set off opening in place, and a story's own page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.house import Server, record_in_order
from tests.browser.steps import BOTH_WIDTHS, ON_SQLITE, OWNER, open_filter, row_ids, rows, sideways, sign_in
from tests.browser.test_accessibility import FOUR_LOOKS, expect_accessible
from tests.conftest import an_event, make_workspace

pytestmark = [pytest.mark.browser, ON_SQLITE]

BY_STORY = "/w/acme/timeline?entity=deal&group=story"
FLOW = {"type": "workflow", "id": "flow", "name": "Deal won"}
HANS = {"type": "user", "id": "hans", "name": "Hans", "email": "hans@acme.example"}
LONG = "Refresh of everything that there is in the data centre, " * 3


@pytest.fixture
def action(app: Flask) -> list[str]:
    """Record what Hans did, which a workflow followed three levels deep, and return the ids."""
    workspace = make_workspace("acme")
    common = {"correlation_id": "act/1 & more"}
    found: list[str] = []
    for number, event in enumerate(["deal.updated", "task.created", "email.sent", "task.updated"]):
        found += record_in_order(
            workspace,
            [
                an_event(
                    event,
                    entity=str(number),
                    name=LONG if number == 2 else f"Number {number}",
                    actor=FLOW if number else HANS,
                    occurred_at=f"2026-03-24T09:00:0{number}Z",
                    changes={"stage": {"previous": "open", "current": "won"}},
                    **({"causation_id": found[-1]} if found else {}),
                    **common,
                )
            ],
        )
    record_in_order(workspace, [an_event(entity="alone", actor=HANS)])
    return found


@pytest.fixture
def opened(server: Server, open_page: Visit, action: list[str]) -> Callable[..., Page]:
    """Return a function that opens a page of this test's server as its owner."""

    def visit(path: str = BY_STORY, **options: Any) -> Page:
        page = open_page(server, **options)
        sign_in(page, OWNER, at=path)
        return page

    return visit


@BOTH_WIDTHS
def test_what_an_action_set_off_opens_in_place_below_its_row(opened, action, width):
    page = opened(width=width)
    row = page.locator(f"#event-{action[0]}")
    expect(rows(page)).to_have_count(2)
    expect(row.locator(".who").first).to_have_text("Hans")

    row.get_by_text("and 3 more it set off").click()

    steps = row.locator(".steps .row")
    expect(steps).to_have_count(3)
    for step in steps.all():
        expect(step.locator(".who").first).to_contain_text("Deal won")
        expect(step.locator(".who .tag").first).to_have_text("workflow")
    expect(steps.first.locator("time").first).to_have_text("+1 s")
    expect(page).to_have_url(re.compile(re.escape(BY_STORY) + "$"))
    assert len(set(row_ids(page))) == 5
    assert sideways(page) == 0
    steps.first.locator("summary").first.click()
    expect(steps.first.locator("[data-field=stage] ins").first).to_have_text("won")


def test_the_keyboard_opens_it_and_the_next_stop_is_inside(opened, action):
    page = opened()
    row = page.locator(f"#event-{action[0]}")

    row.locator(".story > summary").focus()
    page.keyboard.press("Enter")
    expect(row.locator(".steps .row")).to_have_count(3)
    page.keyboard.press("Tab")

    expect(row.locator(".set-off :focus")).to_have_count(1)


def test_j_and_k_go_from_row_to_row_and_into_what_is_open(opened, action):
    page = opened()
    row, alone = page.locator(f"#event-{action[0]}"), page.locator(".row", has_text="alone").last

    page.keyboard.press("j")
    expect(alone.locator("summary").first).to_be_focused()
    page.keyboard.press("j")
    expect(row.locator("summary").first).to_be_focused()
    page.keyboard.press("k")
    expect(alone.locator("summary").first).to_be_focused()
    row.get_by_text("and 3 more it set off").click()
    expect(row.locator(".steps .row")).to_have_count(3)
    row.locator("summary").first.focus()
    page.keyboard.press("j")
    expect(row.locator(".steps .row summary").first).to_be_focused()
    page.keyboard.press("k")

    expect(row.locator("summary").first).to_be_focused()


@BOTH_WIDTHS
def test_the_switch_swaps_the_rows_and_keeps_the_filter(opened, action, width):
    page = opened("/w/acme/timeline?actor=flow&actor=hans", width=width)
    switch = page.get_by_role("navigation", name="How to read the timeline")
    expect(rows(page)).to_have_count(5)

    switch.get_by_role("link", name="By story").click()
    expect(page).to_have_url(re.compile(r"actor=flow&actor=hans&group=story$"))
    expect(rows(page)).to_have_count(2)
    expect(switch.get_by_role("link", name="By story")).to_have_attribute("aria-current", "true")
    switch.get_by_role("link", name="What people did").click()
    expect(page).to_have_url(
        re.compile(r"actor_type=user&group=story&origin=(!|%21)system&origin=(!|%21)workflow$")
    )
    switch.get_by_role("link", name="Everything").click()

    expect(rows(page)).to_have_count(5)
    expect(page).to_have_url(re.compile(r"actor=flow&actor=hans$"))


def test_a_filter_that_is_ticked_keeps_the_rows_by_story(opened, action):
    page = opened()

    open_filter(page, "Event")
    page.get_by_role("checkbox", name="deal.updated", exact=True).check()

    expect(page).to_have_url(re.compile(r"event=deal.updated&group=story$"))


def test_a_part_of_a_story_leads_to_its_page(opened, action):
    page = opened("/w/acme/timeline?entity=email&group=story")

    page.get_by_role("link", name="Part of a larger action").click()

    expect(page).to_have_url(re.compile(r"/stories/act%2F1%20%26%20more$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile(r"Deal Number 0 updated\s+by Hans, and 3 more it set off")
    )
    page.locator(f"#event-{action[3]} summary").first.click()
    expect(page.locator(f"#event-{action[3]} [data-field=stage] ins")).to_have_text("won")


def test_without_javascript_it_is_a_link_to_the_story(opened, action):
    page = opened(java_script_enabled=False)

    page.get_by_text("and 3 more it set off").click()
    page.get_by_role("link", name="Show all that belongs to this action").click()

    expect(page).to_have_url(re.compile(r"/stories/act%2F1%20%26%20more$"))
    expect(page.locator(".steps .row")).to_have_count(4)


def test_axe_finds_nothing_in_rows_by_story_and_in_a_story(opened, action):
    page = opened()
    page.get_by_text("and 3 more it set off").click()
    expect(page.locator(".steps .row")).to_have_count(3)
    page.locator(".steps .row summary").first.click()
    expect(page.locator(".steps .facts")).to_be_visible()
    expect_accessible(page, FOUR_LOOKS)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("link", name="This action by itself").click()
    expect(page.locator(".steps .row")).to_have_count(4)

    expect_accessible(page, FOUR_LOOKS)


def test_paper_has_exact_times_and_says_who_read_it(opened, action: list[str]):
    page = opened()
    page.goto("/w/acme/stories/act%2F1%20%26%20more")
    page.emulate_media(media="print")

    expect(page.locator("dl.paper")).to_be_visible()
    expect(page.locator("dl.paper")).to_contain_text(OWNER)
    expect(page.get_by_text(f"Event {action[1]}")).to_be_visible()
    expect(page.locator(".row .when .clock").nth(1)).to_be_hidden()
    printed = "each => getComputedStyle(each, '::after').content"
    assert page.locator(".row time").nth(1).evaluate(printed).startswith('"2026-03-24 ')
    assert page.locator(".byline time").evaluate(printed).startswith('"2026-03-24 ')
    size = "each => parseFloat(getComputedStyle(each).fontSize)"
    assert page.locator("h1").evaluate(size) > page.locator("body").evaluate(size)
