"""axe-core finds nothing on any page: signed in and out, light and dark, wide and narrow."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser import every_page
from tests.browser.conftest import Complaints, Visit
from tests.browser.house import House
from tests.browser.steps import OWNER, TIMELINE, fill_sign_in, open_filter, open_menu, rows, sideways

pytestmark = pytest.mark.browser

MEMBER = "member@acme.example"
FEW = f"{TIMELINE}?limit=6"  # axe takes its time, a row at a time

# Every rule of axe-core, those called best practices included, except experimental ones.
ALL = {"rules": {"target-size": {"enabled": True}}}
# What can differ between looks: the page itself is the same.
LOOK = {"runOnly": ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]}
RUN = """async rules => {
  const { violations } = await axe.run({ ...rules, resultTypes: ["violations"] });
  // A target is not too near to one that an open menu covers: nobody can hit that.
  const isCovered = neighbour => {
    const element = document.querySelector(neighbour.target[0]), box = element.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return top?.closest(".panel") && !top.closest(".panel").contains(element);
  };
  const isReal = node => {
    const near = node.any.filter(check => check.id === "target-offset").flatMap(check => check.relatedNodes);
    return !near.length || !near.every(isCovered);
  };
  for (const one of violations) if (one.id === "target-size") one.nodes = one.nodes.filter(isReal);
  return violations;
}"""

# The colours are the same at both widths, so two looks see them all; four are for the richest pages.
TWO_LOOKS = [(ALL, "light", 1280), (LOOK, "dark", 390)]
FOUR_LOOKS = [*TWO_LOOKS, (LOOK, "light", 390), (LOOK, "dark", 1280)]


def expect_accessible(page: Page, looks: list[tuple[Any, Any, int]] = TWO_LOOKS) -> None:
    """Run axe on the page as it stands, in both colour schemes and both widths."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for rules, scheme, width in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{scheme} {width}: {line}" for line in in_words(page.evaluate(RUN, rules))]
        if sideways(page) > 0:
            found.append(f"{width}: {sideways(page)} pixels too wide")
    assert not found, "\n".join(found)


def in_words(violations: list[dict[str, Any]]) -> list[str]:
    """Return what axe found, a line each; but an open menu may cover a part of what is behind it."""
    return [
        f"{found['id']} at {node['target']}: {node['html'][:150]} ({node['failureSummary']})"
        for found in violations
        for node in found["nodes"]
        if not (found["id"] == "target-size" and "obscured" in node["failureSummary"])
    ]


def test_pages_of_somebody_signed_out(visit: Visit, house: House, complaints: Complaints):
    complaints.expect("status of 401")
    complaints.expect("status of 404")
    page = visit("/login", None)
    expect_accessible(page)
    fill_sign_in(page, "nobody@acme.example", "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    expect_accessible(page)
    page.goto(house.join_path)
    expect_accessible(page)
    page.goto("/join/over")

    expect_accessible(page)


def test_timeline(visit: Visit):
    expect_accessible(visit(FEW))


@pytest.mark.parametrize("menu", ["Actor", "Time", "More"])
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

    expect_accessible(page, FOUR_LOOKS)


def test_what_is_searched_for_is_marked_readably_in_every_colour(visit: Visit, house: House):
    q = "granted+call+bonn+null+true+payload+1+ada+ben+open+terms"
    page = visit(f"/w/acme/events/{house.rich_event}?q={q}&show=all")
    for folded in page.locator(".changes summary:visible").all():
        folded.click()
    assert page.locator("mark").count() > 10

    expect_accessible(page, FOUR_LOOKS)


def test_timeline_after_older_events_came(visit: Visit):
    page = visit(f"{TIMELINE}?limit=2")
    page.get_by_role("button", name="Show older events").click()
    expect(rows(page)).to_have_count(4)

    expect_accessible(page)


def test_timeline_of_a_member(visit: Visit):
    expect_accessible(visit(TIMELINE, MEMBER))


def test_event_and_history(visit: Visit, house: House):
    page = visit(f"/w/acme/events/{house.rich_event}")
    page.get_by_text("Recorded payload").click()
    for summary in page.locator(".changes summary:visible").all():
        summary.click()
    expect_accessible(page, FOUR_LOOKS)
    page.goto(f"/w/acme/events/{house.rich_event}?show=all")
    expect_accessible(page)
    page.goto("/w/acme/history/note/1")

    expect_accessible(page, FOUR_LOOKS)


def test_many_related_records_can_each_be_hit(visit: Visit, house: House):
    page = visit(f"/w/acme/events/{house.related_event}")
    expect(page.locator(".inline a")).to_have_count(12)

    expect_accessible(page)


def test_members(visit: Visit):
    expect_accessible(visit("/w/acme/settings/members"))


def test_api_keys(visit: Visit):
    page = visit("/w/acme/settings/api-keys")
    expect_accessible(page)
    page.get_by_label("What it is for").fill("Nightly sync")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_label("New API key")).to_be_visible()

    expect_accessible(page)


def test_sources(visit: Visit):
    page = visit("/w/acme/settings/sources")
    page.get_by_label("Name").fill("Billing")
    page.get_by_label("Form").select_option("CloudEvents")
    page.get_by_role("button", name="Add a source").click()
    path = page.get_by_label("URL").input_value()
    secret = page.get_by_label("Secret", exact=True).input_value()
    expect_accessible(page)
    answer = page.request.post(path, data="{}", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 202
    page.get_by_role("link", name="Billing", exact=True).click()
    page.get_by_text("As it came", exact=True).click()

    expect_accessible(page)


def test_what_follows_the_log(visit: Visit):
    page = visit("/w/full/settings/followers", every_page.OWNER)
    expect(page.get_by_role("button", name="Try all again now")).to_be_visible()

    expect_accessible(page, FOUR_LOOKS)


def test_the_description_of_the_api(visit: Visit):
    expect_accessible(visit("/api/v1/docs", None), [(LOOK, "dark", 390), (ALL, "light", 1280)])


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


def test_timeline_with_the_display_menu_and_the_list_of_keys(visit: Visit):
    page = visit(f"{TIMELINE}?actor=%21ada&entity=deal&limit=3&since=4w")
    page.locator(".display > .opener").click()
    expect_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()

    expect_accessible(page)


def test_preferences(visit: Visit):
    expect_accessible(visit("/w/acme/preferences"))
