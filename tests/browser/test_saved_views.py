"""Saved views in the browser: saved from the timeline, read as tabs, left, put right and removed."""

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from auditapp.extensions import db
from auditapp.log import record
from auditapp.models import Workspace
from tests.browser.conftest import Complaints, Visit
from tests.browser.house import Server, fill
from tests.browser.steps import BOTH_WIDTHS, ON_SQLITE, TIMELINE, open_filter, rows, sideways, sign_in, tick
from tests.browser.test_accessibility import FOUR_LOOKS, expect_accessible
from tests.conftest import an_event, make_workspace

pytestmark = [pytest.mark.browser, ON_SQLITE]

DEALS = f"{TIMELINE}?entity=deal"
SHARED = "For everybody in this workspace"


@pytest.fixture
def acme(app: Flask) -> Workspace:
    workspace = make_workspace("acme")
    fill(workspace, 9)
    db.session.commit()
    return workspace


def happen(workspace: Workspace, **more: str) -> str:
    recorded = record(workspace, an_event(**more))
    db.session.commit()
    return f"event-{recorded.id}"


def save(page: Page, name: str, description: str = "", *, at: str = DEALS, shared: bool = False) -> None:
    page.goto(at)
    page.get_by_role("link", name="Save as a view").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Description").fill(description)
    page.get_by_label(SHARED).set_checked(shared)
    page.get_by_role("button", name="Save the view").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def tab(page: Page, name: str):
    return page.get_by_role("navigation", name="Views").get_by_role("link", name=name)


@BOTH_WIDTHS
def test_a_view_is_saved_read_and_says_what_is_new(
    server: Server, open_page: Visit, acme: Workspace, width: int
):
    page = open_page(server, width=width)
    sign_in(page)
    save(page, "Our deals", "What we sell", shared=True)
    expect(page).to_have_url(re.compile("/w/acme/views/[0-9a-f-]+$"))
    expect(rows(page)).to_have_count(6)
    expect(tab(page, "Our deals")).to_have_attribute("aria-current", "page")
    new = happen(acme)

    page.goto(TIMELINE)
    expect(tab(page, "Our deals")).to_contain_text("1 new")
    expect_accessible(page)
    page.set_viewport_size({"width": width, "height": 800})
    tab(page, "Our deals").click()

    expect(page.get_by_text("1 since you last looked")).to_be_visible()
    expect(page.locator(".row.is-new")).to_have_id(new)
    expect(page).to_have_title(re.compile("^Our deals"))
    expect_accessible(page, FOUR_LOOKS)
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="light")
    page.reload()
    expect(page.get_by_text("Nothing new since you last looked")).to_be_visible()
    expect(page.locator(".row.is-new")).to_have_count(0)


@BOTH_WIDTHS
def test_of_many_views_the_way_to_all_of_them_is_always_in_sight(
    server: Server, open_page: Visit, acme: Workspace, width: int
):
    page = open_page(server, width=width)
    sign_in(page)
    for number in range(7):
        save(page, f"What our region number {number} does")
    every = page.get_by_role("link", name="All views")

    for address in (TIMELINE, page.url):
        page.goto(address, wait_until="networkidle")  # what is new in them comes behind the page
        box = every.bounding_box()
        assert box["x"] + box["width"] <= width
        assert every.evaluate("link => link.scrollWidth - link.clientWidth") == 0
        assert (
            page.evaluate(
                "box => document.elementFromPoint(box.x + box.width - 2, box.y + box.height / 2).className",
                box,
            )
            == "all"
        )
    pin, edit = (
        page.get_by_role("button", name="Pin this view"),
        page.get_by_role("link", name="Edit this view"),
    )
    assert width == 390 or abs(pin.bounding_box()["y"] - edit.bounding_box()["y"]) < 4
    pin.click()
    expect(page.get_by_role("button", name="Unpin this view")).to_be_visible()

    expect(page.locator("#views li").nth(1)).to_contain_text("number 6")
    expect_accessible(page)


def test_another_filter_leaves_the_view_and_can_be_put_into_it(page: Page, acme: Workspace):
    sign_in(page)
    save(page, "Our deals")
    view = page.url
    update = page.get_by_role("link", name="Update this view")
    expect(update).to_be_hidden()

    tick(page, "Origin", "through the API")
    expect(page).to_have_url(re.compile(r"/timeline\?entity=deal&origin=api$"))
    expect(update).to_be_visible()
    expect_accessible(page)
    open_filter(page, "Origin")
    page.keyboard.press("Escape")
    update.click()
    expect(page.get_by_text("Shows, from now on")).to_be_visible()
    page.get_by_role("button", name="Save the changes").click()

    expect(page).to_have_url(view)
    expect(rows(page)).to_have_count(page.locator(".row", has_text="through the API").count())
    expect(update).to_be_hidden()


def test_back_returns_to_the_view_as_it_is(page: Page, acme: Workspace):
    sign_in(page)
    save(page, "Our deals")
    view = page.url
    tick(page, "Origin", "through the API")
    expect(page.get_by_role("link", name="Back to the view")).to_be_visible()

    page.go_back()

    expect(page).to_have_url(view)
    expect(page.get_by_role("link", name="Back to the view")).to_be_hidden()
    expect(rows(page)).to_have_count(6)


@BOTH_WIDTHS
def test_many_views_with_long_names_stay_in_one_line(
    server: Server, open_page: Visit, acme: Workspace, width: int
):
    page = open_page(server, width=width)
    sign_in(page)
    for number in range(8):
        save(page, f"{number} {'A very long name of a view ' * 3}", shared=number % 2 == 0)

    assert sideways(page) <= 0
    expect(page.locator("#views [aria-current]")).to_be_in_viewport()
    strip = page.get_by_role("navigation", name="Views")
    expect(strip).to_be_visible()
    assert strip.evaluate("strip => strip.getBoundingClientRect().height") < 60
    expect_accessible(page)


def test_views_work_without_javascript(server: Server, open_page: Visit, acme: Workspace):
    page = open_page(server, java_script_enabled=False)
    sign_in(page)
    save(page, "Our deals")
    happen(acme)
    tab(page, "Our deals").click()
    expect(page.get_by_text("1 since you last looked")).to_be_visible()
    page.get_by_role("link", name="Edit this view").click()
    page.get_by_label("Name").fill("Their deals")
    page.get_by_role("button", name="Save the changes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Their deals")

    page.goto(f"{TIMELINE}?entity=contact")
    page.get_by_role("link", name="Save as a view").click()
    page.get_by_role("link", name="Their deals").click()
    page.get_by_role("button", name="Save the changes").click()
    expect(rows(page)).to_have_count(3)
    page.get_by_role("link", name="Edit this view").click()
    page.get_by_role("button", name="Remove this view").click()

    expect(page.get_by_text("The view Their deals was removed.")).to_be_visible()


def test_the_forms_and_the_list_are_accessible_and_removing_asks_first(
    page: Page, acme: Workspace, complaints: Complaints
):
    complaints.expect("status of 422")
    sign_in(page)
    save(page, "Our deals", "What we sell", shared=True)
    page.get_by_role("link", name="All views").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Views")
    expect_accessible(page)
    page.get_by_role("link", name="Edit Our deals").click()
    page.get_by_label("Name").fill(" ")
    page.get_by_role("button", name="Save the changes").click()
    expect(page.get_by_text("A name needs 1 to 100 characters.")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("What we sell")
    expect_accessible(page)
    questions: list[str] = []
    page.once("dialog", lambda dialog: (questions.append(dialog.message), dialog.dismiss()))

    page.get_by_role("button", name="Remove this view").click()

    assert questions == ["Remove the view Our deals for everybody? No event is removed."]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove this view").click()
    expect(page.get_by_text("The view Our deals was removed.")).to_be_visible()
