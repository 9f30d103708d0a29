"""What stands over the results: the sentence, its title, links to copy, and what an empty result offers."""

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

TIMELINE = "/w/acme/timeline"


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


def heading(text: str) -> str:
    found = re.search(r'<h2 class="filter-words">(.*?)</h2>', text)
    return html.unescape(re.sub("<[^>]+>", "", found[1]))


def title(text: str) -> str:
    return html.unescape(re.search("<title>(.*?)</title>", text)[1])


def link(text: str, words: str) -> str:
    return html.unescape(re.search(rf'<a href="([^"]+)" data-copy[^>]*>{words}</a>', text)[1])


def offers(text: str) -> list[tuple[str, str]]:
    found = re.search(r'<ul class="offers">(.*?)</ul>', text, re.DOTALL)
    links = re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', found[1], re.DOTALL) if found else []
    return [(html.unescape(url), re.sub("<[^>]+>", "", words)) for url, words in links]


def test_the_sentence_is_heading_title_and_description(owner, note):
    note(name="Refresh")

    text = owner.get(f"{TIMELINE}?event=deal.updated&origin=!import&since=7d").text

    words = "Deals updated in the last 7 days, except imports"
    assert heading(text) == words
    assert title(text) == f"{words} · Acme · Auditapp"
    assert f'<meta name="description" content="{words}, in the audit log of Acme.">' in text
    assert f'<meta property="og:title" content="{words}">' in text


def test_a_fragment_brings_the_title_along(owner, note):
    note()

    fragment = owner.get(f"{TIMELINE}?entity=deal", headers=FRAGMENT).text

    assert title(fragment) == "Everything that happened to deals · Acme · Auditapp"
    assert heading(fragment) == "Everything that happened to deals"


def test_the_sentence_names_actors_and_records_that_the_rows_know(owner, note):
    note(actor="ada", entity="d/1", name="Data Center Refresh")

    text = owner.get(f"{TIMELINE}?actor=ada&record=deal:d/1").text

    assert heading(text) == "Everything Ada did to deal Data Center Refresh"
    assert heading(owner.get(f"{TIMELINE}?actor=me").text) == "Everything you did"


@pytest.mark.both_databases
def test_the_sentence_names_actors_and_records_that_no_row_shows(owner, note):
    note(actor={"type": "user", "id": "u_1", "name": "Ada Marsh"}, entity="d/1", name="Refresh")
    note("task.created", actor="ben", entity="9")

    assert heading(owner.get(f"{TIMELINE}?actor=u_1&entity=task").text) == "Everything Ada Marsh did to tasks"
    text = owner.get(f"{TIMELINE}?actor=!nobody&record=!deal:d/1").text
    assert heading(text) == "Everything that happened, except deal Refresh and what “nobody” did"
    assert "Remove the filter record not deal Refresh" in text


def test_a_member_is_not_told_the_names_of_what_they_may_not_see(client, login, acme, note):
    note(actor={"type": "user", "id": "u_1", "name": "Ada Marsh"}, entity="1", name="Secret deal")
    login("member")

    text = client.get(f"{TIMELINE}?actor=u_1&record=deal:1").text

    assert heading(text) == "Everything “u_1” did to deal “1”, as far as you did it yourself"
    assert "Ada" not in text and "Secret" not in text


def test_many_alternatives_are_all_in_the_title_of_the_sentence(owner, note):
    kinds = "&".join(f"entity=kind_{number}" for number in range(7))

    text = owner.get(f"{TIMELINE}?{kinds}").text

    told = "Everything that happened to kind 0s, kind 1s, kind 2s, kind 3s, kind 4s or"
    assert f'title="{told[:-3]}, kind 5s or kind 6s">' in text
    assert f"{told} 2 more</h2>" in text


def test_hostile_names_in_the_sentence_are_text(owner, note):
    name = "</title><script>alert(1)</script>\u202egnp"
    note(entity="x", name=name)

    text = owner.get(f"{TIMELINE}?record=deal:x").text

    assert "<script>alert" not in text and "\u202e" not in re.sub(r'value="[^"]*"', "", text)
    assert heading(text).endswith("deal </title><script>alert(1)</script>U+202Egnp")
    assert "<bdi>&lt;/title&gt;" in text


def test_copy_link_is_the_address_with_relative_times_kept(owner, note):
    note()

    text = owner.get(f"{TIMELINE}?entity=deal&since=7d").text

    assert link(text, "Copy link") == f"{TIMELINE}?entity=deal&since=7d"


def test_copy_exact_link_shows_the_same_events_forever(owner, note):
    note(name="Before")
    text = owner.get(f"{TIMELINE}?entity=deal&since=7d&until=1m").text
    exact = link(owner.get(f"{TIMELINE}?entity=deal&since=7d").text, "Copy exact link")
    note(name="After")

    later = owner.get(exact).text

    assert "Before" in later and "After" not in later
    query = dict(parse_qsl(urlsplit(exact).query))
    assert all(re.fullmatch(r"2\d{3}-\d\d-\d\dT[\d:.]+Z", query[name]) for name in ("since", "until"))
    # An end that was given stays the end.
    assert dict(parse_qsl(urlsplit(link(text, "Copy exact link")).query))["until"] < query["until"]
    assert link(later, "Copy exact link") == exact


@pytest.mark.parametrize(("query", "says"), [("actor=me", True), ("actor=!me", True), ("actor=ada", False)])
def test_an_exact_link_says_that_me_stays_whoever_opens_it(owner, note, query, says):
    note()

    text = owner.get(f"{TIMELINE}?{query}").text

    assert ("“me” stays whoever opens it" in text) == says


@pytest.mark.both_databases
def test_an_exact_link_holds_an_event_of_a_clock_that_is_ahead(owner, note):
    from datetime import UTC, datetime, timedelta

    note(name="Ahead", occurred_at=(datetime.now(UTC) + timedelta(minutes=3)).isoformat())

    exact = link(owner.get(f"{TIMELINE}?entity=deal").text, "Copy exact link")

    assert "Ahead" in owner.get(exact).text


def test_an_empty_result_offers_the_filter_that_stands_in_the_way(owner, note):
    note(origin="api", actor="ada", name="Refresh", occurred_at="2026-03-24T09:55:43Z")

    text = owner.get(f"{TIMELINE}?actor=ada&entity=deal&origin=webhook").text

    assert "No events match these filters." in text
    assert offers(text) == [(f"{TIMELINE}?actor=ada&entity=deal", "Drop origin through a webhook")]
    assert "24 Mar 2026, 10:55" in text
    assert f'<a href="{TIMELINE}" hx-get="{TIMELINE}"' in text and "Remove all filters" in text


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("entity=deal&since=24h", ["Look at any time, not only since 24h", "Drop entity Deal"]),
        ("entity=deal&since=24h&until=1h", ["Look at any time, not only since 24h, until 1h"]),
        ("entity=contact&entity=task&origin=api", ["Drop entity contact, entity task"]),
        ("entity=!deal&origin=api", ["Drop origin through the API", "Drop entity not Deal"]),
        ("entity=!deal&entity=deal", ["Drop entity Deal", "Drop entity not Deal"]),
        (
            "entity=a&entity=b&entity=c&entity=d&entity=e&origin=api",
            ["Drop entity a, entity b, entity c and 2 more"],
        ),
        ("actor=bob&outcome=denied", []),
        ("record=deal:9", ["Drop record deal:9"]),
    ],
)
def test_what_is_offered_would_find_something(owner, note, query, found):
    note(origin="api", actor="ada", entity="1", occurred_at="2026-03-24T09:55:43Z")

    text = owner.get(f"{TIMELINE}?{query}").text
    some = offers(text)

    assert [words for _, words in some] == found
    for url, _ in some:
        assert "No events match" not in owner.get(url).text
    assert ("No single one of them stands in the way" in text) == (not some)


def test_of_filters_in_conflict_each_is_offered_by_itself(owner, note):
    note(actor="ada", entity="1", origin="api", changes={"stage": {"previous": "a", "current": "b"}})
    note("task.created", actor="ben", entity="2", origin="import")
    query = "actor=ada&entity=contact&field=stage&limit=5&origin=import&to=z"

    text = owner.get(f"{TIMELINE}?{query}").text
    some = offers(text)

    assert "Each of these finds something by itself:" in text
    assert [words for _, words in some] == ["Only origin by an import", "Only actor Ada"]
    assert [url for url, _ in some] == [f"{TIMELINE}?limit=5&origin=import", f"{TIMELINE}?actor=ada&limit=5"]
    for url, _ in some:
        assert "No events match" not in owner.get(url).text


def test_an_empty_page_past_the_end_offers_the_way_back_only(owner, note):
    note()
    place = re.search('before=([^&"]+)', owner.get(f"{TIMELINE}?limit=1").text)[1]

    text = owner.get(f"{TIMELINE}?before={place}&entity=task").text

    assert "There are no further events here." in text and offers(text) == []


def test_a_member_is_offered_nothing_that_others_did(client, login, acme, note):
    note(actor="ada", entity="1", name="Secret deal")
    login("member")

    text = client.get(f"{TIMELINE}?actor=ada&entity=deal").text

    assert offers(text) == []
    assert "Secret" not in text
