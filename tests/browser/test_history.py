"""A record's history in a browser: by keyboard, without JavaScript, on a phone, on paper, and to axe."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.models import Workspace
from tests.browser import hostile
from tests.browser.conftest import Visit
from tests.browser.house import Server
from tests.browser.steps import BOTH_WIDTHS, ON_SQLITE, sideways, sign_in
from tests.browser.test_accessibility import FOUR_LOOKS, expect_accessible
from tests.conftest import an_event

pytestmark = pytest.mark.browser

DEAL = "/w/acme/history/deal/1"
BOT = {"type": "workflow", "id": "wf", "name": "Quote sent"}
KEY = {"type": "api_key", "id": "key", "name": "ERP sync"}


@pytest.fixture
def deal(acme: Workspace) -> list[str]:
    """Record a deal with versions of every kind, and return their ids, oldest first."""
    told: list[dict[str, Any]] = [
        {"event": "deal.created", "changes": {"stage": {"current": "open"}, "amount": {"current": 100}}},
        {"actor": "ben", "changes": {"stage": {"previous": "open", "current": "won"}}},
        {"actor": KEY, "origin": "api", "changes": {}},
        {"actor": "ben", "outcome": "denied"},
        {"actor": "ada", "origin": "import", "changes": {"amount": {"previous": 90, "current": 250}}},
        {"actor": BOT, "origin": "workflow", "changes": {"note": {"current": "word " * 100}}},
    ]
    events = [
        an_event(
            each.pop("event", "deal.updated"),
            name="Refresh",
            occurred_at=f"2026-03-{day:02}T09:00:00Z",
            **each,
        )
        for day, each in enumerate(told, 1)
    ]
    cause = str(
        record_batch(acme, [an_event("quote.sent", entity="q", occurred_at="2026-03-06T08:00:00Z")])[0].id
    )
    events[-1]["causation_id"] = cause
    recorded = record_batch(acme, events)
    db.session.commit()
    return [str(event.id) for event in recorded]


@ON_SQLITE
@pytest.mark.parametrize(
    "query", ["", "?field=amount&actor=ada", "?view=fields", "?at=2026-03-02T09:00:00Z", "?compare"]
)
def test_axe_finds_nothing_in_any_view(page: Page, deal: list[str], query: str):
    query = f"?from={deal[0]}&to={deal[4]}" if query == "?compare" else query
    sign_in(page, at=f"{DEAL}{query}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Deal Refresh")
    for folded in page.locator(".periods summary, .idle summary").all():
        folded.click()

    expect_accessible(page, FOUR_LOOKS)


@ON_SQLITE
def test_a_dot_of_the_rail_moves_through_time(page: Page, deal: list[str]):
    sign_in(page, at=f"{DEAL}?view=fields")
    page.get_by_role("link", name="At an instant").click()
    expect(page.locator("tr[data-state=stage]")).to_contain_text("won")

    page.locator(".lane a").first.click()

    expect(page.locator("tr[data-state=stage]")).to_contain_text("open")
    page.get_by_role("link", name="Next version").click()
    expect(page.locator("tr[data-state=stage]")).to_contain_text("won")


@ON_SQLITE
def test_the_rail_of_thousands_of_versions_has_room_on_a_phone(page: Page, acme: Workspace):
    for start in (0, 1000):
        record_batch(acme, [an_event(actor=BOT, changes={"n": {"current": start + n}}) for n in range(1000)])
    db.session.commit()
    page.set_viewport_size({"width": 390, "height": 800})
    sign_in(page, at=DEAL)

    def edges(selector: str) -> tuple[float, float]:
        box = page.locator(selector).first.bounding_box()
        assert box is not None
        return box["x"], box["x"] + box["width"]

    expect(page.locator(".lane .name")).to_have_text("Workflows 2,000")
    name = page.locator(".lane .name .quiet").evaluate("each => each.getBoundingClientRect().right")
    assert name <= edges(".lane a use")[0]
    oldest, newest, rail = edges(".axis span:first-child"), edges(".axis span:last-child"), edges(".rail")
    assert oldest[0] - rail[0] < 2 and oldest[1] < newest[0] and rail[1] - newest[1] < 10
    assert sideways(page) <= 0


@ON_SQLITE
def test_all_of_it_is_reached_by_keyboard(page: Page, deal: list[str]):
    sign_in(page, at=DEAL)
    page.get_by_role("link", name="Compare", exact=True).focus()
    switches = ("Show versions without a change", "Include events of related records", "Export JSONL")
    for name in ("By day", "Field", "By", "Show", *switches):
        page.keyboard.press("Tab")
        focused = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText")
        assert focused.strip().startswith(name)


@ON_SQLITE
def test_two_versions_are_chosen_and_compared_without_javascript(
    open_page: Visit, server: Server, deal: list[str]
):
    page = open_page(server, java_script_enabled=False)
    sign_in(page, at=f"{DEAL}?to={deal[1]}")

    page.get_by_label("From").select_option(deal[0])
    page.get_by_label("To").select_option(deal[4])
    page.get_by_role("button", name="Compare").click()

    expect(page).to_have_url(re.compile(rf"\?from={deal[0]}&to={deal[4]}$"))
    expect(page.locator("[data-field=amount] del")).to_have_text("100")
    expect(page.locator("[data-field=amount] ins")).to_have_text("250")
    page.get_by_role("link", name="At an instant").click()
    page.get_by_label("Date and time").fill("2026-03-01T12:00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tr[data-state=stage]")).to_contain_text("open")


@BOTH_WIDTHS
@pytest.mark.parametrize(
    "name", [hostile.LONG_WORD, hostile.ARABIC, hostile.BREAKOUT], ids=["long", "arabic", "html"]
)
def test_long_and_hostile_names_stay_inside_of_the_page(visit: Visit, width: int, name: str):
    path = f"/w/hostile/history/deal/{quote(name, safe='')}"
    page = visit(path, "both@acme.example", width=width)
    compared = page.get_by_role("link", name="Compare", exact=True).get_attribute("href")

    for url in (
        "",
        f"?field={quote(name[:200])}",
        "?view=fields",
        "?at=0m",
        f"?{str(compared).split('?')[1]}",
    ):
        page.goto(path + url)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert sideways(page) <= 0, url


@ON_SQLITE
def test_paper_says_whose_record_it_is_and_who_read_it(page: Page, deal: list[str]):
    sign_in(page, at=f"{DEAL}?actor=ben")
    page.emulate_media(media="print")

    paper = page.locator("dl.paper")
    expect(paper).to_be_visible()
    expect(paper).to_contain_text("owner@acme.example")
    expect(paper).to_contain_text("actor ben")
    expect(page.locator(".version").last).to_contain_text(deal[1])
    expect(page.get_by_text(f"Event {deal[1]}")).to_be_visible()
    for gone in (page.locator(".toolbar"), page.locator(".tabs"), page.locator(".version > .links").first):
        expect(gone).to_be_hidden()
