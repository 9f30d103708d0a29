"""axe-core finds nothing on any page: signed in and out, light and dark, wide and narrow."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, Visit
from tests.browser.house import House
from tests.browser.steps import OWNER, TIMELINE, fill_sign_in, open_filter, open_menu, rows, sideways

pytestmark = pytest.mark.browser

MEMBER = "member@acme.example"
FEW = f"{TIMELINE}?limit=6"  # axe takes its time, a row at a time

# Every rule of axe-core, those called best practices included, except experimental ones.
ALL = "() => axe.run({resultTypes: ['violations'], rules: {'target-size': {enabled: true}}})"
# What can differ between looks: the page itself is the same.
LOOK = """() => axe.run({
  resultTypes: ['violations'],
  runOnly: ['color-contrast', 'link-in-text-block', 'target-size', 'scrollable-region-focusable'],
})"""
RUNS = [(ALL, "light", 1280), (LOOK, "dark", 1280), (LOOK, "light", 390), (ALL, "dark", 390)]


def expect_accessible(page: Page) -> None:
    """Run axe on the page as it stands, in both colour schemes and both widths."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for run, scheme, width in RUNS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{scheme} {width}: {line}" for line in violations(page.evaluate(run))]
        if sideways(page) > 0:
            found.append(f"{width}: {sideways(page)} pixels too wide")
    assert not found, "\n".join(found)


def violations(results: dict[str, Any]) -> list[str]:
    """Return what axe found, a line each; but an open menu may cover a part of what is behind it."""
    return [
        f"{found['id']} at {node['target']}: {node['html'][:150]} ({node['failureSummary']})"
        for found in results["violations"]
        for node in found["nodes"]
        if not (found["id"] == "target-size" and "obscured" in node["failureSummary"])
    ]


def test_sign_in(visit: Visit):
    expect_accessible(visit("/login", None))


def test_sign_in_with_an_error(visit: Visit, complaints: Complaints):
    complaints.expect("status of 401")
    page = visit("/login", None)
    fill_sign_in(page, "nobody@acme.example", "wrong")
    expect(page.get_by_role("alert")).to_be_visible()

    expect_accessible(page)


def test_join(visit: Visit, house: House):
    expect_accessible(visit(house.join_path, None))


def test_join_with_a_link_that_is_over(visit: Visit, complaints: Complaints):
    complaints.expect("status of 404")

    expect_accessible(visit("/join/over", None))


def test_timeline(visit: Visit):
    expect_accessible(visit(FEW))


@pytest.mark.parametrize("menu", ["Entity", "Event", "Actor", "Time", "More"])
def test_timeline_with_an_open_filter(visit: Visit, menu: str):
    page = visit(f"{TIMELINE}?actor=%21ada&entity=deal&event=deal.%2A&limit=1")
    open_filter(page, menu)

    expect_accessible(page)


def test_timeline_with_the_menus_of_the_top_bar_open(visit: Visit):
    page = visit(FEW, "both@acme.example")
    open_menu(page, "Workspace:")
    expect_accessible(page)
    open_menu(page, "Signed in as")

    expect_accessible(page)


def test_timeline_of_nothing(visit: Visit):
    expect_accessible(visit(f"{TIMELINE}?entity=deal&outcome=denied"))


def test_timeline_that_refuses_a_value(visit: Visit, complaints: Complaints):
    complaints.expect("status of 422")

    expect_accessible(visit(f"{TIMELINE}?event=Deal!&since=yesterdayish"))


def test_timeline_with_open_rows_and_payload(visit: Visit):
    page = visit(f"{TIMELINE}?entity=note")
    for row in rows(page).all():
        row.locator("summary").first.click()
        expect(row.locator(".facts")).to_be_visible()
    for folded in page.get_by_text("Recorded payload").all():
        folded.click()
    page.locator(".fold summary").first.click()

    expect_accessible(page)


def test_timeline_after_older_events_came(visit: Visit):
    page = visit(f"{TIMELINE}?limit=2")
    page.get_by_role("button", name="Show older events").click()
    expect(rows(page)).to_have_count(4)

    expect_accessible(page)


def test_timeline_of_a_member(visit: Visit):
    expect_accessible(visit(TIMELINE, MEMBER))


def test_event(visit: Visit, house: House):
    page = visit(f"/w/acme/events/{house.rich_event}")
    page.get_by_text("Recorded payload").click()

    expect_accessible(page)


def test_event_in_full(visit: Visit, house: House):
    expect_accessible(visit(f"/w/acme/events/{house.rich_event}?show=all"))


def test_history(visit: Visit):
    expect_accessible(visit("/w/acme/history/note/1"))


def test_members(visit: Visit):
    expect_accessible(visit("/w/acme/settings/members"))


def test_error_pages(visit: Visit, complaints: Complaints):
    complaints.expect("status of 403")
    complaints.expect("status of 404")
    page = visit("/w/acme/settings/members", MEMBER)
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not manage members")
    expect_accessible(page)
    page.goto("/w/other/timeline")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")

    expect_accessible(page)


def test_somebody_in_no_workspace(visit: Visit):
    page = visit("/", "loner@acme.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in no workspace")

    expect_accessible(page)


def test_hostile_names(visit: Visit, house: House):
    page = visit("/w/hostile/timeline", "both@acme.example")
    page.locator(f"#event-{house.hostile_events[0]} summary").first.click()
    expect(page.locator(".facts")).to_be_visible()

    expect_accessible(page)


def test_axe_finds_what_it_should(visit: Visit):
    page = visit(TIMELINE, OWNER)
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    page.evaluate("document.querySelector('#filters [type=text]').removeAttribute('aria-label')")

    with pytest.raises(AssertionError, match="color-contrast"):
        expect_accessible(page)
