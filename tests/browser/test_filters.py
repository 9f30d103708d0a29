"""Narrowing the timeline: the results follow the form, the address follows both."""

import re
from threading import Event

import pytest
from flask import Flask, Response, request
from playwright.sync_api import Page, expect

from auditapp.models import Workspace
from tests.browser.conftest import TIMEOUT_MS, Complaints, Visit
from tests.browser.house import fill
from tests.browser.steps import ON_SQLITE, TIMELINE, open_filter, row_ids, rows, sign_in, tick

pytestmark = pytest.mark.browser


@pytest.fixture
def timeline(visit: Visit) -> Page:
    """Return acme's timeline, as its owner sees it."""
    return visit()


def box(page: Page, name: str, value: str):
    return page.locator(f"#filters input[name='{name}'][value='{value}']")


def expect_address(page: Page, query: str) -> None:
    """Expect the timeline's address with exactly this query string."""
    expect(page).to_have_url(re.compile(re.escape(TIMELINE + query) + "$"))


def test_a_tick_swaps_the_results_alone_and_keeps_form_menu_and_focus(timeline: Page):
    timeline.evaluate("for (const id of ['filters', 'results']) document.getElementById(id).mine = true")

    deal = open_filter(timeline, "Entity").get_by_role("checkbox", name="Deal", exact=True)
    deal.check()

    expect(rows(timeline)).to_have_count(8)
    expect(timeline.locator("#results [data-event^='contact.']")).to_have_count(0)
    expect_address(timeline, "?entity=deal")
    expect(deal).to_be_checked()
    expect(deal).to_be_focused()
    assert timeline.evaluate(
        "document.getElementById('filters').mine && document.getElementById('results').mine"
    )


def test_several_filters_give_a_sorted_address_without_empty_fields(timeline: Page):
    tick(timeline, "Outcome", "succeeded")
    tick(timeline, "Entity", "Deal")
    tick(timeline, "Actor", "Ben Okoro")

    expect_address(timeline, "?actor=ben&entity=deal&outcome=success")
    expect(timeline.get_by_role("list", name="Active filters").get_by_role("listitem")).to_have_count(4)


def test_back_and_forward_restore_the_results_and_the_form(timeline: Page):
    everything = rows(timeline).count()
    tick(timeline, "Entity", "Deal")
    expect(rows(timeline)).to_have_count(8)
    tick(timeline, "Event", "deal.deleted")
    expect(rows(timeline)).to_have_count(4)

    timeline.go_back()
    expect(rows(timeline)).to_have_count(8)
    expect_address(timeline, "?entity=deal")
    expect(box(timeline, "entity", "deal")).to_be_checked()
    expect(box(timeline, "event", "deal.deleted")).not_to_be_checked()

    timeline.go_back()
    expect(rows(timeline)).to_have_count(everything)
    expect_address(timeline, "")
    expect(box(timeline, "entity", "deal")).not_to_be_checked()

    timeline.go_forward()
    timeline.go_forward()
    expect(rows(timeline)).to_have_count(4)
    expect_address(timeline, "?entity=deal&event=deal.deleted")
    expect(box(timeline, "event", "deal.deleted")).to_be_checked()


def test_filters_still_work_after_back(timeline: Page):
    tick(timeline, "Entity", "Deal")
    expect(rows(timeline)).to_have_count(8)
    timeline.go_back()
    expect(box(timeline, "entity", "deal")).not_to_be_checked()

    tick(timeline, "Entity", "Contact")

    expect(rows(timeline)).to_have_count(4)
    expect_address(timeline, "?entity=contact")


def test_the_address_shows_somebody_else_the_same(timeline: Page, visit: Visit):
    tick(timeline, "Entity", "Deal")
    tick(timeline, "Event", "deal.deleted")
    expect(rows(timeline)).to_have_count(4)

    auditor = visit(timeline.url, "auditor@acme.example")

    assert row_ids(auditor) == row_ids(timeline)
    expect(box(auditor, "event", "deal.deleted")).to_be_checked()


def test_a_chip_takes_its_filter_away_and_the_form_follows(timeline: Page):
    tick(timeline, "Entity", "Deal")
    tick(timeline, "Event", "deal.deleted")
    expect(rows(timeline)).to_have_count(4)

    timeline.get_by_role("link", name="Remove the filter event deal.deleted").click()

    expect(rows(timeline)).to_have_count(8)
    expect_address(timeline, "?entity=deal")
    expect(box(timeline, "event", "deal.deleted")).not_to_be_checked()
    expect(box(timeline, "entity", "deal")).to_be_checked()
    expect(timeline.locator("#results")).to_be_focused()
    # The form that came instead is as alive as the first one.
    tick(timeline, "Outcome", "denied")
    expect_address(timeline, "?entity=deal&outcome=denied")
    expect(timeline.get_by_text("No events match these filters.")).to_be_visible()


def test_all_filters_can_be_cleared_at_once(timeline: Page):
    everything = rows(timeline).count()
    tick(timeline, "Entity", "Deal")
    tick(timeline, "Event", "deal.deleted")
    expect_address(timeline, "?entity=deal&event=deal.deleted")

    timeline.get_by_role("link", name="Clear all").click()

    expect(rows(timeline)).to_have_count(everything)
    expect_address(timeline, "")
    expect(timeline.locator("#filters :checked")).to_have_count(0)


def test_not_leaves_a_value_out(timeline: Page):
    everything = rows(timeline).count()

    open_filter(timeline, "Entity")
    box(timeline, "entity", "!deal").check()

    expect(rows(timeline)).to_have_count(everything - 8)
    expect(timeline.locator("#results [data-event^='deal.']")).to_have_count(0)
    expect(timeline).to_have_url(re.compile(r"\?entity=(!|%21)deal$"))


@ON_SQLITE
def test_three_quick_clicks_end_with_the_last_even_if_the_first_answer_is_late(
    app: Flask, page: Page, acme: Workspace
):
    arrived, may_answer, answered = Event(), Event(), Event()

    def be_late() -> None:
        if request.args.getlist("entity") == ["deal"]:
            arrived.set()
            may_answer.wait(TIMEOUT_MS / 1000)

    def note_answer(response: Response) -> Response:
        if request.args.getlist("entity") == ["deal"]:
            response.call_on_close(answered.set)
        return response

    app.before_request_funcs.setdefault(None, []).append(be_late)
    app.after_request_funcs.setdefault(None, []).append(note_answer)
    fill(acme)
    sign_in(page)

    open_filter(page, "Entity")
    boxes = [box(page, "entity", value).element_handle() for value in ("deal", "contact", "auditapp.member")]
    page.evaluate("box => box.click()", boxes[0])
    assert arrived.wait(TIMEOUT_MS / 1000)
    page.evaluate("boxes => boxes.forEach(box => box.click())", boxes[1:])

    expect_address(page, "?entity=auditapp.member&entity=contact&entity=deal")
    may_answer.set()  # the first click's, late
    assert answered.wait(TIMEOUT_MS / 1000)
    expect_address(page, "?entity=auditapp.member&entity=contact&entity=deal")
    expect(page.get_by_role("link", name="Remove the filter")).to_have_count(3)
    expect(rows(page)).to_have_count(12 + 6)


def test_a_bad_value_is_told_in_a_sentence_and_stays_as_typed(timeline: Page, complaints: Complaints):
    complaints.expect("status of 422")
    everything = rows(timeline).count()
    for menu, role, field, typed, sentence in [
        ("Event", "textbox", "Event: deal.* or *.deleted", "Deal!", "event: Deal! is no event"),
        ("Time", "combobox", "Since", "yesterdayish", "since: yesterdayish is no time"),
        ("More", "textbox", "Record: deal:<id>", "deal", "record: deal is no record"),
    ]:
        open_filter(timeline, menu)
        entry = timeline.get_by_role(role, name=field)

        entry.fill(typed)
        entry.press("Enter")

        expect(timeline.get_by_role("alert")).to_contain_text(sentence)
        expect(entry).to_have_value(typed)
        expect(entry).to_be_focused()
        timeline.get_by_role("link", name="Clear all filters").click()
        expect(timeline.get_by_role("alert")).to_have_count(0)
        expect(rows(timeline)).to_have_count(everything)
        open_filter(timeline, menu)
        expect(entry).to_have_value("")


def test_a_bad_value_in_the_address_shows_the_page_with_its_sentence(timeline: Page, complaints: Complaints):
    complaints.expect("status of 422")

    timeline.goto(f"{TIMELINE}?entity=deal&event=Deal!")

    expect(timeline.get_by_role("alert")).to_contain_text("Deal! is no event")
    expect(box(timeline, "entity", "deal")).to_be_checked()
    open_filter(timeline, "Event")
    expect(timeline.get_by_role("textbox", name="Event, typed")).to_have_value("Deal!")


def test_a_typed_pattern_narrows_and_its_chip_removes_it(timeline: Page):
    open_filter(timeline, "Event")
    entry = timeline.get_by_role("textbox", name="Event: deal.* or *.deleted")
    entry.fill("*.deleted")
    entry.press("Tab")
    expect(rows(timeline).and_(timeline.locator("[data-event$='.deleted']"))).to_have_count(5)
    expect(rows(timeline)).to_have_count(5)
    expect(timeline).to_have_url(re.compile(r"\?event=(\*|%2A)\.deleted$"))

    timeline.get_by_role("link", name="Remove the filter event *.deleted").click()

    expect_address(timeline, "")
    open_filter(timeline, "Event")
    expect(entry).to_have_value("")
