"""Signing in and out, sessions that end, and the way between workspaces."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete

from auditapp.extensions import db
from auditapp.models import SignInSession, Workspace
from tests.browser.conftest import Complaints, Visit
from tests.browser.house import fill
from tests.browser.steps import (
    ON_SQLITE,
    TIMELINE,
    fill_sign_in,
    open_filter,
    open_menu,
    row_ids,
    rows,
    sign_in,
    tick,
)

pytestmark = pytest.mark.browser


def end_all_sessions() -> None:
    db.session.execute(delete(SignInSession))
    db.session.commit()


@ON_SQLITE
def test_somebody_who_signs_in_arrives_where_they_wanted_to_go(
    page: Page, acme: Workspace, complaints: Complaints
):
    complaints.expect("status of 401")
    fill(acme)

    page.goto(f"{TIMELINE}?entity=deal&event=deal.updated")
    expect(page).to_have_url(re.compile("/login"))
    expect(page.get_by_label("E-mail address")).to_be_focused()
    fill_sign_in(page, "owner@acme.example", "not the password")
    expect(page.get_by_role("alert")).to_have_text("E-mail address and password do not belong together.")
    expect(page.get_by_label("E-mail address")).to_have_value("owner@acme.example")
    expect(page.get_by_label("Password")).to_be_focused()
    fill_sign_in(page, "owner@acme.example")

    expect(page).to_have_url(re.compile(r"/w/acme/timeline\?entity=deal&event=deal\.updated$"))
    expect(rows(page)).to_have_count(4)


@ON_SQLITE
def test_signing_out_ends_the_session_for_a_copied_cookie_too(
    page: Page, acme: Workspace, server, open_page: Visit
):
    sign_in(page)
    thief = open_page(server, storage_state=page.context.storage_state())
    thief.goto(TIMELINE)
    expect(thief).to_have_url(re.compile(TIMELINE + "$"))

    open_menu(page, "Signed in as")
    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(re.compile("/login$"))
    thief.reload()
    expect(thief).to_have_url(re.compile("/login"))
    page.goto(TIMELINE)
    expect(page).to_have_url(re.compile("/login"))


@ON_SQLITE
def test_a_session_that_ends_in_the_middle_of_a_filter_comes_back_to_that_filter(
    page: Page, acme: Workspace, complaints: Complaints
):
    complaints.expect("status of 401")
    fill(acme)
    sign_in(page)
    tick(page, "Entity", "Deal")
    expect(rows(page)).to_have_count(8)
    expect(page.locator(".facet").first).to_be_visible()
    end_all_sessions()

    open_filter(page, "Event").get_by_role("checkbox", name="deal.deleted", exact=True).click()
    expect(page).to_have_url(re.compile(r"/login\?next="))
    fill_sign_in(page, "owner@acme.example")

    expect(page).to_have_url(re.compile(r"/w/acme/timeline\?entity=deal&event=deal\.deleted$"))
    expect(rows(page)).to_have_count(4)


@ON_SQLITE
def test_a_session_that_ends_before_a_row_is_opened_comes_back_to_that_event(
    page: Page, acme: Workspace, complaints: Complaints
):
    complaints.expect("status of 401")
    newest = fill(acme)[0]
    sign_in(page)
    expect(page.locator(".facet").first).to_be_visible()
    end_all_sessions()

    page.locator(f"#event-{newest} summary").click()
    expect(page).to_have_url(re.compile(r"/login\?next="))
    fill_sign_in(page, "owner@acme.example")

    expect(page).to_have_url(re.compile(f"/w/acme/events/{newest}$"))


def test_the_switch_leads_to_the_other_workspace_and_back(visit: Visit):
    page = visit("/w/acme/timeline", "both@acme.example")
    acme_rows = row_ids(page)

    open_menu(page, "Workspace:")
    boxes = [link.bounding_box() for link in page.locator(":popover-open a").all()]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]  # a list, not a line
    switch = page.locator(":popover-open")
    switch.get_by_role("link", name="<b>bold</b>").click()

    expect(page).to_have_url(re.compile("/w/hostile/timeline$"))
    expect(rows(page)).not_to_have_count(0)
    assert not set(row_ids(page)) & set(acme_rows)
    open_menu(page, "Workspace:")
    expect(switch.get_by_role("link", name="<b>bold</b>")).to_have_attribute("aria-current", "true")
    switch.get_by_role("link", name="Acme", exact=True).click()
    expect(page).to_have_url(re.compile("/w/acme/timeline$"))
    assert row_ids(page) == acme_rows


def test_a_member_of_one_workspace_sees_no_switch(visit: Visit):
    page = visit()

    expect(page.locator("nav").get_by_text("Acme", exact=True)).to_be_visible()
    expect(page.get_by_text("Workspace:")).to_have_count(0)


@ON_SQLITE
def test_a_one_time_link_sets_the_password_and_lets_in(page: Page, acme: Workspace, server, open_page: Visit):
    sign_in(page, at="/w/acme/settings/members")
    page.get_by_label("Name").fill("Nia New")
    page.get_by_label("E-mail address").fill("nia@acme.example")
    page.get_by_role("button", name="Add and make a link").click()
    link = page.get_by_label("One-time link").input_value()

    nia = open_page(server)
    nia.goto(link)
    nia.get_by_label("Choose a password").fill("a long password of mine")
    nia.get_by_label("Once more").fill("a long password of mine")
    nia.get_by_role("button", name="Set the password and join").click()

    expect(nia).to_have_url(re.compile("/w/acme/timeline$"))
    expect(rows(nia).filter(has_text="joined the workspace")).to_have_count(1)


@ON_SQLITE
def test_removing_a_member_asks_first(page: Page, acme: Workspace):
    sign_in(page, at="/w/acme/settings/members")
    questions: list[str] = []
    remove = page.get_by_role("button", name="Remove Auditor")

    page.once("dialog", lambda dialog: (questions.append(dialog.message), dialog.dismiss()))
    remove.click()
    expect(page.get_by_role("row", name="auditor@acme.example")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    remove.click()

    expect(page.get_by_role("status")).to_have_text("Auditor was removed.")
    expect(page.get_by_role("row", name="auditor@acme.example")).to_have_count(0)
    assert questions == ["Remove Auditor from this workspace? What they did stays in the log."]
