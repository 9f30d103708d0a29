"""The timeline page and its fragments: rows in words, filters in the URL, errors in their place."""

import re

import pytest

from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

TIMELINE = "/w/acme/timeline"


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


def row_of(text: str, event_id: str) -> str:
    found = re.search(rf'<li id="event-{event_id}".*?</summary>', text, re.DOTALL)
    assert found, "no such row"
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])).strip()


def rows(text: str) -> list[str]:
    return re.findall(r'<li id="event-([0-9a-f-]{36})"', text)


def test_a_row_says_in_plain_words_what_happened_who_did_it_and_when(owner, note):
    event_id = note(
        name="Data Center Refresh",
        origin="api",
        occurred_at="2026-03-24T09:55:43.898Z",
        actor={"type": "api_key", "id": "k", "name": "ERP sync"},
        on_behalf_of={"type": "user", "id": "u", "name": "Zoë"},
        changes={"stage": {"previous": "a", "current": "b"}, "totalValue": {"previous": 1, "current": 2}},
    )

    text = owner.get(TIMELINE).text

    row = row_of(text, event_id)
    assert "Deal Data Center Refresh updated" in row
    assert "Stage, Total value" in row
    assert "through the API" in row
    assert "ERP sync API key" in row
    assert "on behalf of Zoë" in row
    assert re.search(r"10:55 \d+ \w+ ago", row)  # Berlin, the workspace's zone
    assert 'title="2026-03-24 10:55:43.898000 CET (UTC+01:00) · 2026-03-24 09:55:43.898000 UTC"' in text
    assert f'id="event-{event_id}" class="row" data-event="deal.updated"' in text


def test_times_are_in_the_browsers_zone_once_it_has_told(owner, note):
    note(occurred_at="2026-03-24T09:55:43Z")
    owner.set_cookie("tz", "Asia/Tokyo")

    assert 'title="2026-03-24 18:55:43 JST (UTC+09:00) · 2026-03-24 09:55:43 UTC"' in owner.get(TIMELINE).text


@pytest.mark.parametrize("zone", ["Moon/Base", "../../etc/passwd", "\x01", "a" * 3000])
def test_a_zone_that_is_none_is_not_believed(owner, note, zone):
    owner.set_cookie("tz", zone)

    assert owner.get(TIMELINE).status_code == 200


def test_a_fragment_is_the_inside_of_results_with_the_canonical_url(owner, note):
    note(name="Deal one")

    page = owner.get(f"{TIMELINE}?entity=deal")
    fragment = owner.get(
        f"{TIMELINE}?since=&outcome=&entity=deal&actor=", headers={**FRAGMENT, "HX-Source": "form#filters"}
    )

    assert fragment.headers["HX-Push-Url"] == f"{TIMELINE}?entity=deal"
    assert "HX-Push-Url" not in page.headers
    assert (
        "<html" not in fragment.text
        and 'id="results"' not in fragment.text
        and 'id="filters"' not in fragment.text
    )
    assert rows(fragment.text) == rows(page.text)


def test_a_chip_outside_the_form_brings_the_form_with_it(owner, note):
    note()

    fragment = owner.get(f"{TIMELINE}?entity=deal", headers={**FRAGMENT, "HX-Source": "a"})

    assert '<hx-partial hx-target="#filters"' in fragment.text


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("since=&entity=deal&q=", "?entity=deal"),
        ("until=&since=7d&entity=deal", "?entity=deal&since=7d"),
        ("entity=task&entity=deal&entity=task", "?entity=deal&entity=task"),
        ("entity=", ""),
        ("since=+7d+&until=+", "?since=7d"),
        ("until=%092026-03-24T09:55:43Z%0A", "?until=2026-03-24T09:55:43Z"),
    ],
)
def test_a_form_sent_without_javascript_is_redirected_to_the_canonical_url(owner, typed, canonical):
    response = owner.get(f"{TIMELINE}?{typed}")

    assert response.status_code == 302
    assert response.location == TIMELINE + canonical


@pytest.mark.parametrize(
    "query", ["entity=deal&since=7d", "event=deal.%2A", "event=deal.*", "record=deal:a%2Fb+c"]
)
def test_a_canonical_url_is_not_redirected_however_it_is_encoded(owner, query):
    assert owner.get(f"{TIMELINE}?{query}").status_code == 200


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_bad_value_is_422_with_a_sentence_and_the_form_keeps_what_was_typed(owner, note, headers):
    note(name="Deal one")

    response = owner.get(f"{TIMELINE}?origin=moon&since=yesterday&entity=deal", headers=headers)

    assert response.status_code == 422
    assert "origin: moon is none of ui, api" in response.text
    assert "since: yesterday is no time; use a date" in response.text
    assert 'name="since" value="yesterday"' in response.text
    assert 'value="moon"' in response.text
    assert re.search(r'name="entity" value="deal" checked', response.text)
    assert "Deal one" not in response.text
    assert "HX-Push-Url" not in response.headers


@pytest.mark.both_databases
def test_changes_that_multiply_past_reason_are_refused(owner):
    query = "&".join(f"field=f{n}&from={n}&to={n}" for n in range(30))

    response = owner.get(f"{TIMELINE}?{query}")

    assert response.status_code == 422
    assert "30 fields, 30 values before and 30 after are too many together" in response.text


def test_an_unknown_parameter_is_named(owner):
    response = owner.get(f"{TIMELINE}?colour=red&%3Cb%3E=1")

    assert response.status_code == 422
    assert "colour: there is no such filter." in response.text
    assert "&lt;b&gt;: there is no such filter." in response.text


def test_each_active_filter_has_a_chip_that_removes_it(owner, note):
    note()

    text = owner.get(f"{TIMELINE}?entity=!task&entity=deal&since=7d").text

    links = re.findall(r'<a class="chip" href="([^"]+)"', text)
    assert [link.replace("&amp;", "&") for link in links] == [
        f"{TIMELINE}?entity=deal&since=7d",
        f"{TIMELINE}?entity=!task&since=7d",
        f"{TIMELINE}?entity=!task&entity=deal",
    ]


@pytest.mark.both_databases
def test_an_empty_result_offers_to_loosen_each_filter(owner, note):
    note()

    text = owner.get(f"{TIMELINE}?entity=task&origin=webhook").text

    assert "No events match these filters." in text
    assert f'href="{TIMELINE}?entity=task"' in text and f'href="{TIMELINE}?origin=webhook"' in text
    assert rows(text) == []


@pytest.mark.both_databases
def test_older_events_come_by_cursor_as_a_page_and_as_rows(owner, note):
    ids = [note(entity=str(number)) for number in range(7)][::-1]

    first = owner.get(f"{TIMELINE}?entity=deal&limit=3")
    older = re.search(r'<li class="older"><a [^>]*href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    page = owner.get(older)
    fragment = owner.get(older, headers=FRAGMENT)

    assert rows(first.text) == ids[:3]
    assert rows(page.text) == rows(fragment.text) == ids[3:6]
    assert "HX-Push-Url" not in fragment.headers
    assert "results-head" not in fragment.text
    newer = re.search(r'<a href="([^"]+)">Show newer', page.text)[1].replace("&amp;", "&")
    assert rows(owner.get(newer).text) == ids[:3]


def test_a_day_has_one_heading_even_across_loaded_pages(owner, note):
    for hour in range(4):
        note(entity=str(hour), occurred_at=f"2026-03-24T0{hour}:00:00Z")

    first = owner.get(f"{TIMELINE}?entity=deal&limit=2").text
    older = re.search(r'<li class="older"><a [^>]*href="([^"]+)"', first)[1].replace("&amp;", "&")

    assert first.count("Tuesday, 24 March 2026") == 1
    assert "24 March" not in owner.get(older, headers=FRAGMENT).text
    assert owner.get(older).text.count("Tuesday, 24 March 2026") == 1


@pytest.mark.both_databases
def test_hostile_names_are_text_and_hidden_characters_are_shown(owner, note):
    note(
        name='<script>alert(1)</script> <img src=x hx-get="/x" onerror=alert(1)> \u202egnp.exe \x07',
        actor={"type": "user", "id": "<b>", "name": "</summary><h1>\u2066x"},
    )

    text = owner.get(f"{TIMELINE}?entity=deal").text

    assert "<script>alert" not in text and "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    for code in ("U+202E", "U+0007", "U+2066"):
        assert f">{code}</span>" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x07]", re.sub(r'value="[^"]*"', "", text))


def test_a_workspace_without_events_of_ones_own_says_why(client, login, acme):
    login("member")

    text = client.get(f"{TIMELINE}?entity=deal").text
    assert "No events match" in text


def test_the_switch_offers_every_workspace_one_has_joined(owner, acme, other, cli):
    assert "Workspace: " not in owner.get(TIMELINE).text

    result = cli(
        "user", "create", "owner@acme.example", "--name", "O", "--workspace", "other", "--role", "auditor"
    )
    link = result.out.strip().partition("5000")[2]
    assert owner.post(link).status_code == 303

    text = owner.get("/w/other/timeline").text
    assert '<a href="/w/acme/timeline"' in text and '<a href="/w/other/timeline"' in text
    assert "Auditor" in text
