"""Undo as somebody uses it: from an event to its document, copied or downloaded, also without JavaScript."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.house import Server, record_in_order
from tests.browser.steps import BOTH_WIDTHS, ON_SQLITE, OWNER, sideways, sign_in
from tests.browser.test_accessibility import FOUR_LOOKS, expect_accessible
from tests.conftest import an_event, make_workspace

pytestmark = [pytest.mark.browser, ON_SQLITE]

LONG = "Refresh of everything that there is in the data centre, " * 3 + "without\u202eend"
CLIPBOARD = ["clipboard-read", "clipboard-write"]


@pytest.fixture
def story(app: Flask) -> list[str]:
    """Record an action with a failure, odd causes and a change since, and return the ids of its events."""
    workspace = make_workspace("acme")
    services = [{"id": "a", "name": "Card <b>"}, {"id": "b", "name": "Rack"}]
    changes = {
        "stage": {"previous": "open", "current": "won"},
        "services": {"previous": services, "current": services[1:]},
        "notes": {"previous": "word " * 100, "current": "other " * 100},
    }
    found = record_in_order(workspace, [an_event(entity="d", name=LONG, changes=changes, correlation_id="c")])
    later = {"stage": {"previous": "won", "current": "lost"}}
    since = {"correlation_id": "c", "causation_id": found[0]}
    task = {"title": {"current": "Onboard"}}
    found += record_in_order(
        workspace,
        [
            an_event(entity="d", name=LONG, actor="ben", changes=later),
            an_event("task.created", entity="t", name="Onboard", changes=task, **since),
            an_event("email.sent", entity="m", name="Thanks", outcome="failure", **since),
            an_event("invoice.sent", entity="i", correlation_id="c", causation_id="job <7> " * 20),
        ],
    )
    return found


@pytest.fixture
def opened(server: Server, open_page: Visit, story: list[str]) -> Callable[..., Page]:
    """Return a function that opens the action's first event as the owner."""

    def visit(path: str = "", **options: Any) -> Page:
        page = open_page(server, **options)
        sign_in(page, OWNER, at=path or f"/w/acme/events/{story[0]}")
        return page

    return visit


def downloaded(page: Page, button: str) -> dict:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    assert download.value.suggested_filename.startswith("acme-undo-")
    return json.loads(Path(download.value.path()).read_text())


@BOTH_WIDTHS
def test_the_document_of_an_event_is_copied_and_downloaded(opened, width):
    page = opened(width=width, permissions=CLIPBOARD)

    page.get_by_role("link", name="Prepare to undo this").click()
    expect(page.locator(".undo-steps li").first).to_have_text("Set Stage back to open")
    expect(page.locator(".conflicts li")).to_contain_text("Stage has changed since, by Ben; it is lost now")
    assert sideways(page) == 0
    page.get_by_role("button", name="Take the document").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".copied")).to_have_text("Copied")

    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    again = downloaded(page, "Download")
    assert copied["records"] == again["records"]
    assert copied["records"][0]["changes"]["stage"] == {"previous": "lost", "current": "open"}
    assert sideways(page) == 0


def test_a_page_without_a_clipboard_selects_the_document(opened):
    page = opened()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role("link", name="Prepare to undo this").click()
    page.get_by_role("button", name="Take the document").click()

    page.get_by_role("button", name="Copy").click()

    expect(page.locator(".copied")).to_have_text("Selected; copy it with the keyboard")
    selected = page.evaluate("document.activeElement.id + getSelection().toString().slice(0, 1)")
    assert selected == "document{"


def test_without_javascript_the_document_is_there_to_read_and_to_download(opened):
    page = opened(java_script_enabled=False)

    page.get_by_role("link", name="Prepare to undo this").click()
    assert downloaded(page, "Download it")["format"] == "auditapp-undo/1"
    page.get_by_role("button", name="Take the document").click()

    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    assert json.loads(page.get_by_label("The document").input_value())["format"] == "auditapp-undo/1"


def test_axe_finds_nothing_in_an_undo_its_document_and_a_story_with_odd_causes(opened):
    page = opened("/w/acme/stories/c")
    expect(page.locator(".cause")).to_have_count(1)
    expect_accessible(page, FOUR_LOOKS)

    page.get_by_role("link", name="Prepare to undo this action").click()
    expect(page.locator("section.undo")).to_have_count(3)
    for folded in page.locator("section.undo > details > summary").all():
        folded.click()
    expect_accessible(page, FOUR_LOOKS)
    page.get_by_role("button", name="Take the document").click()
    expect(page.get_by_label("The document")).to_be_visible()

    expect_accessible(page, FOUR_LOOKS)
