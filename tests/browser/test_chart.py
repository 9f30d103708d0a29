"""The chart as it is drawn: heights in pixels are counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from auditapp.models import Workspace
from tests.browser.house import record_in_order
from tests.browser.steps import ON_SQLITE, TIMELINE, sign_in
from tests.conftest import an_event

pytestmark = [pytest.mark.browser, ON_SQLITE]

# Of each bar: what its title says, how high its parts are together and whether they leave gaps, in pixels.
BARS = """() => [...document.querySelectorAll(".activity svg a")].map(link => {
  const boxes = [...link.querySelectorAll(".bar")].map(bar => bar.getBoundingClientRect());
  const top = Math.min(...boxes.map(box => box.top)), foot = Math.max(...boxes.map(box => box.bottom));
  return {
    events: +/: ([\\d,]+) event/.exec(link.querySelector("title").textContent)[1].replaceAll(",", ""),
    height: boxes.length ? foot - top : 0,
    parts: boxes.reduce((sum, box) => sum + box.height, 0),
  };
})"""
VERBS = ("created", "updated", "deleted", "seen")


def drawn(page: Page, acme: Workspace, days: list[list[tuple[str, str]]]) -> list[dict[str, Any]]:
    """Record the days' events, (verb, outcome) each, and return the bars that have any."""
    start = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=40)
    for day, events in enumerate(days):
        made = [
            an_event(f"deal.{verb}", outcome=outcome, entity=str(n), occurred_at=start + timedelta(days=day))
            for n, (verb, outcome) in enumerate(events)
        ]
        record_in_order(acme, made)
    sign_in(page, at=f"{TIMELINE}?entity=deal")
    page.locator(".activity svg").wait_for()
    return [bar for bar in page.evaluate(BARS) if bar["events"]]


def many(count: int) -> list[tuple[str, str]]:
    return [("updated", "success")] * count


MIXED = [(VERBS[n % 4], "failure" if n % 5 == 0 else "success") for n in range(15)]
FEW = [("deleted", "success"), ("created", "success")]


@pytest.mark.parametrize(
    "days",
    [
        [MIXED, many(33)],
        [many(1), many(2), many(1000), FEW, [("updated", "denied")]],
        [many(7)],
        [MIXED, MIXED[:5], FEW],
    ],
    ids=["15 of all kinds and 33 of one", "one beside a thousand", "one bar", "only mixed ones"],
)
def test_a_bar_is_as_high_as_its_events_are_many(app: Flask, page: Page, acme: Workspace, days: Any):
    bars = drawn(page, acme, days)

    assert [bar["events"] for bar in bars] == [len(day) for day in days]
    pixel = max(bar["height"] for bar in bars) / max(bar["events"] for bar in bars)
    for bar in bars:
        assert bar["height"] == pytest.approx(bar["events"] * pixel, abs=0.2)
        assert bar["parts"] == pytest.approx(bar["height"], abs=0.2)


def test_what_is_too_low_to_be_seen_is_marked_below(app: Flask, page: Page, acme: Workspace):
    bars = drawn(page, acme, [many(999), FEW, [("updated", "denied")]])
    assert min(bar["height"] for bar in bars) < 1

    flags = page.locator(".flags rect").evaluate_all(
        "flags => flags.map(flag => [flag.getAttribute('class'), flag.getBoundingClientRect().height >= 3])"
    )

    assert flags == [["bar-deleted", True], ["bar-failed", True]]
    assert "marked below: deleted, failed or denied" in page.locator(".activity .legend").inner_text()


@pytest.mark.parametrize("width", [1920, 1280, 800, 390])
def test_the_ends_of_the_chart_are_named_below_its_ends(app: Flask, page: Page, acme: Workspace, width: int):
    """However long the legend is: between them it pushed the newest under the oldest."""
    page.set_viewport_size({"width": width, "height": 900})
    drawn(page, acme, [MIXED, many(33)])

    axis = page.locator(".activity .axis").first
    oldest, newest = (axis.locator(f"> :{end}-child").bounding_box() for end in ("first", "last"))
    chart, legend = (page.locator(f".activity {part}").bounding_box() for part in ("svg", ".legend"))

    assert oldest and newest and chart and legend
    assert oldest["y"] == newest["y"] < legend["y"]
    assert oldest["x"] == pytest.approx(chart["x"], abs=1)
    assert newest["x"] + newest["width"] == pytest.approx(chart["x"] + chart["width"], abs=1)


def test_a_mark_below_leads_where_its_bar_leads(app: Flask, page: Page, acme: Workspace):
    drawn(page, acme, [many(60), FEW])
    box = page.locator(".flags rect").bounding_box()
    assert box

    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    page.wait_for_url("**since=*")
    assert page.locator("#results [data-event]").count() == 2
