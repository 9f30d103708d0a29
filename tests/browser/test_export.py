"""Saving what is filtered as a file."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.steps import BOTH_WIDTHS, ON_SQLITE, rows, sideways, sign_in, tick

pytestmark = pytest.mark.browser


@ON_SQLITE
@BOTH_WIDTHS
@pytest.mark.parametrize(("name", "lines"), [("CSV", 3), ("JSONL", 2)])
def test_the_links_save_what_the_filters_leave_and_the_page_stays(
    server, open_page, acme, note, width, name, lines
):
    note(name="First")
    note(name="=Second")
    note("task.created")
    page = open_page(server, width)
    sign_in(page)
    tick(page, "Entity", "Deal")
    expect(rows(page)).to_have_count(2)

    link = page.get_by_role("link", name=name, exact=True)
    with page.expect_download() as saving:
        link.click()

    text = Path(saving.value.path()).read_text()
    assert saving.value.suggested_filename.startswith("acme-timeline-")
    assert saving.value.suggested_filename.endswith(name.lower())
    assert text.count("\n") == lines and "Second" in text
    expect(rows(page)).to_have_count(2)
    assert link.bounding_box()["height"] >= 24 and link.bounding_box()["width"] >= 24
    assert sideways(page) <= 0
