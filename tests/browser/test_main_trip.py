"""The main job, once through, on both databases."""

import re

import pytest
from playwright.sync_api import Page, expect

from auditapp.models import Workspace
from tests.browser.house import fill
from tests.browser.steps import rows, sign_in, tick

pytestmark = pytest.mark.browser


def test_sign_in_filter_expand_and_read_the_history(page: Page, acme: Workspace):
    events = fill(acme)

    sign_in(page)
    tick(page, "Entity", "Deal")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/w/acme/timeline\?entity=deal$"))
    row = page.locator(f"#event-{events[0]}")
    row.locator("summary").click()
    stage = row.locator("[data-field=stage]")
    expect(stage.locator("del")).to_have_text("open")
    expect(stage.locator("ins")).to_have_text("won")
    row.get_by_role("link", name="History of this deal").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Deal Number 0")
    version = page.locator(f"[data-version='{events[0]}']")
    expect(version.locator("[data-field=stage] del")).to_have_text("open")
    expect(version.locator("[data-field=stage] ins")).to_have_text("won")
    page.go_back()
    expect(rows(page)).not_to_have_count(0)
    expect(page.locator("[data-event='contact.created']")).to_have_count(0)
