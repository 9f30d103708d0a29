"""Columns, density and times as one likes them, in lines; and on paper."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from auditapp.models import Workspace
from tests.browser.house import record_in_order
from tests.browser.steps import ON_SQLITE, TIMELINE, rows, sideways, sign_in
from tests.conftest import an_event

pytestmark = [pytest.mark.browser, ON_SQLITE]

LONG = "Wonderfully long name of a deal that nobody ever wanted to read to its very end " * 3
UNBROKEN = "x" * 200


@pytest.fixture
def timeline(app: Flask, page: Page, acme: Workspace) -> Page:
    """Return a timeline of 50 rows, most of them with names of 200 characters."""
    names = [LONG[:200], UNBROKEN, "Short", None, "العقد" * 40]
    events = [
        an_event(
            f"deal.{'updated' if number % 3 else 'created'}",
            entity=f"{'i' * 100 if number % 7 == 0 else 'd'}{number}",
            name=names[number % 5],
            actor={
                "type": "workflow" if number % 2 else "user",
                "id": str(number % 9),
                "name": names[number % 4] or "Ada",
            },
            on_behalf_of={"type": "user", "id": "b", "name": LONG[:200]} if number % 11 == 0 else None,
            origin="api",
            outcome="failure" if number % 6 == 0 else "success",
            occurred_at=f"2026-03-{1 + number % 20:02}T09:55:{number:02}Z",
            changes={f"field_{n}_{number}": {"previous": 1, "current": 2} for n in range(number % 12)},
            payload={"number": number},
        )
        for number in range(50)
    ]
    record_in_order(acme, events)
    sign_in(page, at=f"{TIMELINE}?entity=deal")
    return page


def choose(page: Page, columns: tuple[str, ...], density: str, times: str) -> None:
    """Save preferences through the menu."""
    page.locator(".display > .opener").click()
    for box in page.locator(".display [name=column]").all():
        box.set_checked(box.get_attribute("value") in columns)
    page.locator(f".display [value={density}]").check()
    page.locator(f".display [value={times}]").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()


LEFT_EDGES = """rows => {
  const edges = {};
  for (const cell of rows.flatMap(row => [...row.querySelector("summary").children])) {
    const box = cell.getBoundingClientRect(), name = cell.className.split(" ")[0];
    const edge = name === "when" ? box.right : box.left;
    (edges[name] ??= new Set()).add(Math.round(edge));
    if (box.left < 0 || box.right > innerWidth) edges[`${name} beyond the page`] = new Set([1, 2]);
  }
  return Object.entries(edges).filter(([, places]) => places.size > 1).map(([name]) => name);
}"""

CUT_OFF = """tags => tags.filter(tag =>
  tag.getBoundingClientRect().right > tag.closest(".what, .who").getBoundingClientRect().right + 1).length"""


# Changed fields that are seen at all, in less room than a word takes.
CRUMBS = """fields => fields.filter(one => {
  const box = one.getBoundingClientRect(), line = one.parentElement.getBoundingClientRect();
  const seen = Math.min(box.right, line.right) - box.left;
  return box.top < line.bottom - 2 && seen < Math.min(70, one.scrollWidth) - 1; // scrollWidth is rounded
}).map(one => one.textContent)"""


@pytest.mark.parametrize("width", [1280, 390])
def test_every_choice_lines_up_whatever_the_names(timeline: Page, width: int):
    timeline.set_viewport_size({"width": 1280, "height": 800})
    column_sets = [
        (),
        ("actor", "fields", "origin"),
        ("event", "id"),
        ("actor", "fields", "origin", "event", "id"),
    ]
    for columns, density in product(column_sets, ("comfortable", "compact")):
        times = {"comfortable": "both", "compact": "exact"}[density] if columns else "relative"
        choose(timeline, columns, density, times)
        timeline.set_viewport_size({"width": width, "height": 800})

        assert rows(timeline).count() == 50
        assert (rows(timeline).evaluate_all(LEFT_EDGES), sideways(timeline)) == ([], 0), (columns, density)
        heights = rows(timeline).evaluate_all(
            "rows => rows.map(row => row.querySelector('summary').offsetHeight)"
        )
        assert min(heights) >= 24
        if density == "compact" and width == 1280:
            assert max(heights) <= 30
        if density == "compact" and width == 390:
            assert max(heights) <= 3 * 21 + 4  # what happened, who and when, the event's name and the id
        if density == "compact":
            assert timeline.locator("#results .fields").evaluate_all(CRUMBS) == []
        # Who is no person, and what failed, is never cut off.
        for tag in ("tag-workflow", "tag-failed"):
            if tag == "tag-failed" or "actor" in columns:
                assert timeline.locator(f"#results .{tag}").evaluate_all(CUT_OFF) == 0, (
                    tag,
                    columns,
                    density,
                )
        timeline.set_viewport_size({"width": 1280, "height": 800})


def test_the_menu_keeps_what_was_chosen_and_stays_where_one_was(timeline: Page):
    choose(timeline, ("event",), "compact", "exact")

    expect(timeline).to_have_url(re.compile(r"\?entity=deal$"))
    expect(rows(timeline).first.locator(".event-name")).to_have_text(re.compile(r"deal\."))
    expect(rows(timeline).first.locator(".who")).to_have_count(0)
    expect(rows(timeline).first.locator(".clock")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    timeline.reload()
    expect(timeline.locator("ol.timeline.compact")).to_be_visible()


def test_without_javascript_the_menu_works_too(timeline: Page, app: Flask):
    page = timeline.context.browser.new_context(
        java_script_enabled=False, storage_state=timeline.context.storage_state()
    ).new_page()
    page.goto(timeline.url)

    page.locator(".display > .opener").click()
    page.get_by_label("Compact, a line each").check()
    page.get_by_role("button", name="Save").click()

    expect(page.locator("ol.timeline.compact")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?entity=deal$"))
    page.context.close()


def test_single_keys_can_be_turned_off(timeline: Page):
    timeline.keyboard.press("?")
    timeline.get_by_role("link", name="Turn these off").click()
    timeline.get_by_label("Shortcuts of a single key").uncheck()
    timeline.get_by_role("button", name="Save").click()
    expect(timeline).to_have_url(re.compile(r"/timeline\?entity=deal$"))

    timeline.keyboard.press("j")

    assert timeline.locator("#results .row summary:focus").count() == 0
    expect(timeline.get_by_role("button", name="Keys")).to_have_count(0)


PAPER = {"width": 703, "height": 1000}  # A4 at 96 pixels an inch, less its margins


@pytest.mark.parametrize("density", ["comfortable", "compact"])
def test_paper_has_the_sentence_the_range_and_exact_times_and_nothing_to_press(timeline: Page, density: str):
    choose(timeline, ("actor", "fields", "origin", "event", "id"), density, "relative")
    rows(timeline).first.locator("summary").click()
    expect(timeline.locator(".facts").last).to_be_visible()
    timeline.get_by_text("Recorded payload", exact=True).click()

    timeline.emulate_media(media="print", color_scheme="dark")
    timeline.set_viewport_size(PAPER)

    expect(timeline.get_by_role("heading", name="Everything that happened to deals")).to_be_visible()
    paper = timeline.locator(".paper")
    expect(paper).to_contain_text(re.compile(r"Workspace\s*Acme"))
    expect(paper).to_contain_text(re.compile(r"50, from 2026-03-01 .* to 2026-03-20 "))
    expect(paper).to_contain_text("by Owner, owner@acme.example, Owner")
    shown = "time => getComputedStyle(time, '::after').content"
    time = rows(timeline).first.locator("summary time")
    assert re.match(r'"2026-03-20 \d\d:55:\d\d [A-Z]+"', time.evaluate(shown))
    expect(time.locator(".ago")).to_be_hidden()
    expect(timeline.get_by_role("group", name="Recorded payload")).to_be_visible()
    for control in (
        "Copy link",
        "Display",
        "Keys",
        "Show older events",
        "Actor type",
        "History of this deal",
    ):
        assert timeline.get_by_text(control, exact=True).locator("visible=true").count() == 0, control
    assert sideways(timeline) == 0
    cut = """rows => rows.flatMap(row => [...row.querySelectorAll("summary *, .detail pre")])
      .filter(one => getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1)
      .map(one => one.className)"""
    assert rows(timeline).evaluate_all(cut) == []
    assert timeline.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert rows(timeline).first.evaluate("row => getComputedStyle(row).color") == "rgb(0, 0, 0)"


def test_paper_means_the_same_later_and_shows_nothing_that_is_shut(app: Flask, page: Page, acme: Workspace):
    yesterday = datetime.now(UTC).replace(hour=9, minute=55, second=43, microsecond=0) - timedelta(days=1)
    moments = [yesterday + timedelta(microseconds=micros) for micros in (898_000, 554_610, 470_144)]
    for moment in moments:
        record_in_order(
            acme,
            [
                an_event(entity="1", name=LONG, occurred_at=moment, correlation_id="one", payload={"a": 1}),
                an_event("task.created", occurred_at=moment + timedelta(seconds=1), correlation_id="one"),
            ],
        )
    sign_in(page, at=f"{TIMELINE}?entity=deal&group=story&since=30d&until=1m")
    rows(page).first.locator("summary").first.click()
    expect(page.locator(".facts")).to_be_visible()

    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)

    shown = "element => getComputedStyle(element, '::after').content"
    assert page.locator("li.day h2").evaluate(shown) == f'"{yesterday:%A}, {yesterday.day} {yesterday:%B %Y}"'
    expect(page.locator("li.day h2 span")).to_be_hidden()
    expect(page.locator(".paper")).to_contain_text(
        re.compile(r"Asked for\s*from \d{4}-\d\d-\d\d [\d:]{8}\.\d{6} [A-Z]+ until \d{4}-")
    )
    time = rows(page).first.locator("summary time").first
    assert re.fullmatch(r'"\d{4}-\d\d-\d\d [\d:]{8}\.\d{6} [A-Z]+"', time.evaluate(shown))
    assert time.evaluate("time => time.getClientRects().length") == 1
    expect(page.get_by_text("Recorded payload", exact=True)).to_be_hidden()
    marker = "summary => getComputedStyle(summary, '::before').display"
    assert page.locator(".story > summary").first.evaluate(marker) == "none"


def test_paper_counts_the_older_rows_that_were_added(timeline: Page):
    timeline.goto(f"{TIMELINE}?entity=deal&limit=20")
    expect(timeline.locator("[data-paper-older]")).to_have_text("; older ones are not on this paper")
    for count in (40, 50):
        timeline.get_by_role("button", name="Show older events").click()
        expect(rows(timeline)).to_have_count(count)

    timeline.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    expect(timeline.locator("[data-paper-count]")).to_have_text("50")
    expect(timeline.locator("[data-paper-oldest]")).to_have_text(re.compile("^2026-03-01 "))
    expect(timeline.locator("[data-paper-older]")).to_have_text("")
    assert timeline.pdf(format="A4").startswith(b"%PDF")
