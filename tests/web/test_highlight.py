"""What was searched for is marked where it stands: in rows, in the expansion, in the payload."""

import html
import re

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from auditapp.web.formats import plain
from auditapp.web.highlight import mark, mark_in_html
from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

UUID = "019aa0c4-1111-7000-8000-00000000000a"
bare = Flask("bare", static_folder=None)


def marked(q, text, by=mark) -> str:
    with bare.test_request_context("/", query_string={"q": q}):
        return str(by(text))


@pytest.mark.parametrize(
    ("q", "text", "shown"),
    [
        ("center", "Data Center Refresh", "Data <mark>Center</mark> Refresh"),
        ("cent*", "Data Center Refresh", "Data <mark>Center</mark> Refresh"),
        ("cent", "Data Center Refresh", "Data Center Refresh"),
        ("da* dat* data*", "Data Center Dart", "<mark>Data</mark> Center <mark>Dart</mark>"),
        ('"data cent*" "data x" center', "Data Center", "<mark>Data Center</mark>"),
        ([f"w{number}" for number in range(600)], "w7 w599", "<mark>w7</mark> w599"),
        ('"data center"', "Data Center Refresh", "<mark>Data Center</mark> Refresh"),
        ('"center data"', "Data Center Refresh", "Data Center Refresh"),
        ('"data cent*"', "Data Center Refresh", "<mark>Data Center</mark> Refresh"),
        ("data refresh", "Data Center Refresh", "<mark>Data</mark> Center <mark>Refresh</mark>"),
        (["data", "!center"], "Data Center", "<mark>Data</mark> Center"),
        ("MULLER", "Müller & Söhne", "<mark>Müller</mark> &amp; Söhne"),
        ("café", "Cafe\u0301 Zoë", "<mark>Cafe\u0301</mark> Zoë"),
        ("strasse", "Lange Straße 1", "Lange <mark>Straße</mark> 1"),
        ("日本", "日本語テスト", "<mark>日本</mark>語テスト"),
        ("本語", "日本語テスト", "日<mark>本語</mark>テスト"),
        ("日本語", "日本語テスト", "<mark>日本語</mark>テスト"),
        ("語", "日本語テスト", "日本<mark>語</mark>テスト"),
        ("ト", "日本語テスト", "日本語テス<mark>ト</mark>"),
        ("語日", "日本語", "日本語"),
        ("first", "first_name", "<mark>first</mark>_name"),
        ("a@b.example", "to a@b.example now", "to <mark>a@b.example</mark> now"),
        (UUID, f"see {UUID.upper()}!", f"see <mark>{UUID.upper()}</mark>!"),
        (UUID, UUID, f"<mark>{UUID}</mark>"),
        ("b", "<b>b</b>", "&lt;<mark>b</mark>&gt;<mark>b</mark>&lt;/<mark>b</mark>&gt;"),
        ("amp", "a & b", "a &amp; b"),
        ("won", 'x" onclick="won', "x&#34; onclick=&#34;<mark>won</mark>"),
        ([], "Data", "Data"),
    ],
)
def test_what_is_searched_for_is_marked_in_a_text(q, text, shown):
    assert marked(q, text) == shown


@pytest.mark.parametrize(
    ("q", "shown"),
    [
        ("open", '<span class="s2">&#34;<mark>open</mark> &lt;b&gt;&#34;</span>'),
        ("b", '<span class="s2">&#34;open &lt;<mark>b</mark>&gt;&#34;</span>'),
        ("span class s2 lt", '<span class="s2">"open &lt;b&gt;"</span>'),
    ],
)
def test_tags_of_coloured_json_are_left_as_they_are(q, shown):
    coloured = Markup('<span class="s2">"open &lt;b&gt;"</span>')

    assert html.unescape(marked(q, coloured, mark_in_html)) == html.unescape(shown)
    assert "<b>" not in marked(q, coloured, mark_in_html)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.lists(
    st.sampled_from(["<", ">", "b", "&", '"', "'", "é", "e\u0301", "日", "本", "½", "\u202e", " "]),
    max_size=20,
).map("".join)


@given(TEXT, TEXT)
@example("1", "½ cup")
@example("b", "<b>b</b>")
def test_marks_add_nothing_but_themselves(q, text):
    shown = marked([q, text], text)

    assert re.sub("</?mark>", "", shown) == str(plain(text))
    assert "<mark></mark>" not in shown


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


HOSTILE = "<img src=x onerror=alert(1)> Refresh"


@pytest.fixture
def recorded(note) -> str:
    return note(
        name=f"Data Center {HOSTILE}",
        actor={"type": "user", "id": "zoe", "name": "Zoë Müller", "email": "zoe@acme.example"},
        changes={
            "stage": {"previous": "open", "current": f"refresh {HOSTILE}"},
            "title": {"previous": "日本語", "current": "日本語テスト"},
        },
        payload={"note": f"a refresh of {HOSTILE}", "key": "café"},
        context={"request_id": "req-refresh-1"},
    )


def row(text: str, event_id: str) -> str:
    return re.search(rf'<li id="event-{event_id}".*?</summary>', text, re.DOTALL)[0]


def detail_of(text: str, event_id: str) -> str:
    return html.unescape(re.search(rf'hx-get="(/w/acme/events/{event_id}[^"]*)"', text)[1])


@pytest.mark.both_databases
def test_matches_are_marked_in_the_row_and_in_what_it_opens(owner, recorded):
    for headers in ({}, FRAGMENT):
        text = owner.get("/w/acme/timeline?q=refresh", headers=headers).text
        assert "<mark>Refresh</mark>" in row(text, recorded)
    detail = owner.get(detail_of(text, recorded), headers=FRAGMENT).text

    changes, payload = detail.split("Recorded payload", 1)
    assert "<mark>refresh</mark>" in changes and "<ins>" in changes
    assert "req-<mark>refresh</mark>-1" in changes
    assert "<mark>refresh</mark>" in payload and "<mark>Refresh</mark>" in payload


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("q", "in_row", "in_detail"),
    [
        ("muller", "<mark>Müller</mark>", "<mark>Müller</mark>"),
        ("zo*", "<mark>Zoë</mark>", "<mark>Zoë</mark>"),
        ('"data center"', "<mark>Data Center</mark>", "<mark>Data Center</mark>"),
        ("本語", None, "日<mark>本語</mark>テスト"),
        ("CAFE", None, "<mark>café</mark>"),
    ],
)
def test_phrases_beginnings_accents_and_cjk_are_marked(owner, recorded, q, in_row, in_detail):
    text = owner.get("/w/acme/timeline", query_string={"q": q}).text
    detail = owner.get(detail_of(text, recorded), headers=FRAGMENT).text

    assert in_row is None or in_row in row(text, recorded)
    assert in_detail in detail


@pytest.mark.parametrize("q", ["img", "src", "onerror", "alert", '"onerror alert"', "refresh", "on*"])
def test_a_hostile_text_stays_a_text_with_marks_in_it(owner, recorded, q):
    text = owner.get("/w/acme/timeline", query_string={"q": q}).text
    detail = owner.get(f"/w/acme/events/{recorded}", query_string={"q": q, "show": "all"}).text

    for page in (text, detail):
        assert "<mark>" in page
        assert not re.search("<(<mark>)?img", page)
        assert not re.search(r"<[^>]*<mark>", page)  # no mark inside of a tag


def test_what_is_excluded_is_not_marked(owner, recorded):
    text = owner.get("/w/acme/timeline?q=!nothing&q=center").text

    assert "<mark>Center</mark>" in row(text, recorded)
    assert "<mark>" not in owner.get("/w/acme/timeline?q=!nothing").text
    assert "<mark>" not in owner.get("/w/acme/timeline").text


LONG = " ".join(f"word{number}" for number in range(2000))


def opened(owner, q: str, event_id: str) -> str:
    """Search, and return what the row of an event opens."""
    text = owner.get("/w/acme/timeline", query_string={"q": q}).text
    return owner.get(detail_of(text, event_id), headers=FRAGMENT).text


def payload_of(detail: str) -> str:
    return re.search(r'<details class="payload"[^>]*>', detail)[0]


def test_what_is_found_only_in_what_is_left_out_is_said_and_marked_where_all_is_shown(owner, note):
    notes = {"previous": f"{LONG} old", "current": f"{LONG} new", "kind": "text"}
    folded = note(changes={"notes": notes})
    cut = note(payload={"text": f"{LONG} needle"})

    for q, event_id in (("word1000", folded), ("needle", cut)):
        detail = opened(owner, q, event_id)
        assert "<mark>" not in detail and "What was found may stand in what is left out here." in detail
        whole = re.findall(r'href="([^"]*show=all[^"]*)">Show all', detail)[-1]
        page = owner.get(html.unescape(whole)).text
        assert f"<mark>{q}</mark>" in page and "may stand in" not in page


def test_every_way_on_from_an_opened_row_keeps_what_is_searched_for(owner, note):
    event_id = note(
        changes={"notes": {"previous": f"{LONG} old", "current": f"{LONG} needle", "kind": "text"}},
        payload={"text": LONG},
    )

    detail = opened(owner, "needle", event_id)

    links = re.findall(rf'href="(/w/acme/events/{event_id}[^"]*)"', detail)
    assert len(links) >= 3
    for link in links:
        assert "<mark>needle</mark>" in owner.get(html.unescape(link)).text


def test_what_is_folded_opens_where_it_holds_what_is_found(owner, note):
    text = " ".join(f"word{number}" for number in range(100))
    event_id = note(
        changes={"notes": {"previous": f"{text} old", "current": f"{text} new", "kind": "text"}},
        payload={"key": "needle"},
    )

    assert '<details class="fold" open>' in opened(owner, "word50", event_id)
    assert '<details class="fold">' in opened(owner, "needle", event_id)
    assert payload_of(opened(owner, "needle", event_id)).endswith(" open>")
    assert payload_of(opened(owner, "word50 needle", event_id)).endswith('"payload">')
