"""One event, as a page of its own and as the inside of an expanded row; and a record's history."""

import html
import json
import re
from urllib.parse import quote

import pytest

from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def field(text: str, name: str) -> str:
    found = re.search(rf'<div class="change[^"]*" data-field="{re.escape(name)}">(.*?)</dd>', text, re.DOTALL)
    assert found, f"no field {name}"
    return found[1]


def sides(text: str, name: str) -> tuple[list[str], list[str]]:
    inside = field(text, name)
    return tuple(
        [words(part).strip() for part in re.findall(rf"<{tag}>(.*?)</{tag}>", inside, re.DOTALL)]
        for tag in ("del", "ins")
    )


LONG = (
    "The quick brown fox jumps over the lazy dog, and then it sleeps"
    " under the old oak tree until Monday morning."
)
CHANGES = {
    "short": ({"previous": "open", "current": "won"}, (["open"], ["won"])),
    "number": ({"previous": 91000, "current": 93500}, (["91000"], ["93500"])),
    "money": ({"previous": 0.1, "current": 0.3, "kind": "money"}, (["0.1"], ["0.3"])),
    "flag": ({"previous": True, "current": False}, (["Yes"], ["No"])),
    "day": ({"previous": "2026-01-01", "current": "2027-01-01T00:00:00Z"}, (["2026-01-01"], ["2027-01-01"])),
    "choice": ({"previous": "Low", "current": "High", "kind": "choice"}, (["Low"], ["High"])),
    "new": ({"current": "first"}, ([], ["first"])),
    "nothing": ({"previous": None, "current": ""}, (["no value"], ["empty text"])),
    "lists": ({"previous": [], "current": {}}, (["empty list"], ["empty object"])),
    "zero": ({"previous": 0, "current": None}, (["0"], ["no value"])),
    "big": (
        {"previous": 2**64 - 1, "current": -(2**63)},
        (["18446744073709551615"], ["-9223372036854775808"]),
    ),
    "long": (
        {"previous": LONG, "current": LONG.replace("Monday", "Tuesday").replace("lazy", "sleepy")},
        (["lazy", "Monday"], ["sleepy", "Tuesday"]),
    ),
    "refs": (
        {
            "previous": [{"id": "1", "name": "Dock", "quantity": 150}, {"id": "2", "name": "Laptop"}],
            "current": [{"id": "1", "name": "Dock", "quantity": 300}, {"id": "3", "name": "Monitor"}],
        },
        (["Laptop", "150"], ["300", "Monitor"]),
    ),
    "nested": ({"previous": {"a": 1}, "current": {"a": [1, {"b": "<b>"}]}}, None),
    "mixed": ({"previous": "text", "current": 7}, (["text"], ["7"])),
    "1 & <b>": ({"previous": "a", "current": "<i>"}, (["a"], ["<i>"])),
}


def test_a_changed_field_shows_both_values_by_kind_in_detail_and_history(owner, note):
    shown = {name: both for name, (_, both) in CHANGES.items() if both and "<" not in name}
    event_id = note(changes={name: CHANGES[name][0] for name in shown})

    for text in (
        owner.get(f"/w/acme/events/{event_id}").text,
        owner.get(f"/w/acme/events/{event_id}", headers=FRAGMENT).text,
        owner.get("/w/acme/history/deal/1").text,
    ):
        for name, (removed, added) in shown.items():
            seen = sides(text, name)
            assert sorted(seen[0]) == sorted(removed) and sorted(seen[1]) == sorted(added), name


def test_nested_json_is_shown_by_path_and_whole_and_formatted(owner, note):
    event_id = note(changes={"nested": CHANGES["nested"][0]})

    removed, added = sides(owner.get(f"/w/acme/events/{event_id}").text, "nested")

    assert (removed[0], json.loads(added[0])) == ("1", [1, {"b": "<b>"}])  # nested.a
    assert json.loads(removed[1]) == {"a": 1}
    assert json.loads(added[1]) == {"a": [1, {"b": "<b>"}]}


def test_numbers_show_the_difference(owner, note):
    event_id = note(changes={"number": CHANGES["number"][0], "money": CHANGES["money"][0]})

    text = owner.get(f"/w/acme/events/{event_id}").text

    assert "+2,500" in field(text, "number") and "+0.2" in field(text, "money")


SAID = (
    *("a/b c", "deal.updated", "Quote flow", "workflow", "wf-1", "Zoë", "zoe@x.example", "failed"),
    *("2026-03-24 10:55:43.898000 CET", "2001:db8::1", "Agent/1", "r-9", "c-1", "Network Card"),
)
LINKS = (
    "/w/acme/history/deal/a%2Fb%20c",
    "/w/acme/timeline?actor=wf-1",
    "/w/acme/history/service/s%2F9",
)


def test_a_detail_has_everything_the_event_says_and_links_on(owner, note):
    cause = note("quote.sent", entity="q")
    event_id = note(
        name="Refresh",
        entity="a/b c",
        actor={"type": "workflow", "id": "wf-1", "name": "Quote flow"},
        on_behalf_of={"type": "user", "id": "u-2", "name": "Zoë", "email": "zoe@x.example"},
        origin="workflow",
        outcome="failure",
        occurred_at="2026-03-24T09:55:43.898Z",
        context={"ip": "2001:db8::1", "user_agent": "Agent/1", "request_id": "r-9"},
        correlation_id="c-1",
        causation_id=cause,
        related=[{"type": "service", "id": "s/9", "name": "Network Card"}],
        payload={"z": 1, "a": {"deep": [True, None, 1.5, "text"]}},
    )

    for headers in ({}, FRAGMENT):
        text = owner.get(f"/w/acme/events/{event_id}", headers=headers).text
        seen = words(text)
        for said in SAID:
            assert said in seen, said
        for link in (*LINKS, f"/w/acme/events/{cause}"):
            assert f'href="{link}"' in text, link
            # The related service has no events of its own.
            assert owner.get(link).status_code == (404 if "service" in link else 200)
        code = re.search(r"<pre[^>]*><code>(.*?)</code>", text, re.DOTALL)[1]
        assert json.loads(words(code)) == {"z": 1, "a": {"deep": [True, None, 1.5, "text"]}}
        assert '<span class="nt">' in code
        assert re.search(r"<div hx-ignore>\s*(\{#.*?#\})?\s*<pre", text)


def test_the_fragment_is_no_page_and_the_page_is_one(owner, note):
    event_id = note()

    assert "<html" in owner.get(f"/w/acme/events/{event_id}").text
    assert "<html" not in owner.get(f"/w/acme/events/{event_id}", headers=FRAGMENT).text


def test_an_unknown_event_is_404_with_a_way_back(owner):
    for event_id in ("1", "nonsense", "019aa0c4-0000-7000-8000-000000000000", "%00", "a/b"):
        response = owner.get(f"/w/acme/events/{event_id}")

        assert response.status_code == 404
        assert 'href="/"' in response.text


@pytest.mark.both_databases
def test_a_hostile_payload_is_shown_as_text_and_cut_with_show_all(owner, note):
    payload = {f"key {number}": "</code><script>alert(1)</script>\u202e" for number in range(2500)}
    event_id = note(payload=payload, changes={"n": {"current": "<script>alert(2)</script>\u2067"}})

    fragment = owner.get(f"/w/acme/events/{event_id}", headers=FRAGMENT)
    whole = owner.get(f"/w/acme/events/{event_id}?show=all")

    for response in (fragment, whole):
        assert "<script>alert" not in response.text
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", response.text)
    assert "more characters" in fragment.text and len(fragment.data) < 60_000
    assert f"/w/acme/events/{event_id}?show=all" in fragment.text
    assert "key 2499" in whole.text and "key 2499" not in fragment.text


def test_ten_thousand_changed_fields_are_cut_with_show_all(owner, note):
    event_id = note(changes={f"f{number}": {"current": number} for number in range(8000)})

    fragment = owner.get(f"/w/acme/events/{event_id}", headers=FRAGMENT)

    assert fragment.text.count("data-field=") == 50
    assert "and 7,950 more fields" in fragment.text
    assert owner.get(f"/w/acme/events/{event_id}?show=all").text.count("data-field=") == 8000
    history = owner.get("/w/acme/history/deal/1")
    assert history.text.count("data-field=") == 30


def test_200_kb_of_text_is_cut_with_show_all(owner, note):
    text = "word " * 25_000
    event_id = note(changes={"notes": {"previous": text[:100_000], "current": text[:99_000] + "END"}})
    new = note("task.created", entity="t", changes={"notes": {"current": text + "END"}})

    page = owner.get(f"/w/acme/events/{event_id}", headers=FRAGMENT)
    assert len(page.data) < 250_000 and "END" in page.text
    cut = owner.get(f"/w/acme/events/{new}", headers=FRAGMENT)
    assert "more characters" in cut.text and "END" not in cut.text and "show=all" in cut.text
    assert "END" in owner.get(f"/w/acme/events/{new}?show=all").text


def test_a_history_has_a_version_an_event_newest_first(owner, note):
    created = note(
        "deal.created",
        name="Old name",
        changes={"name": {"current": "Old name"}, "stage": {"current": "open"}},
    )
    renamed = note(
        "deal.updated", name="New name", changes={"name": {"previous": "Old name", "current": "New name"}}
    )
    viewed = note("deal.viewed", name="New name")
    note("deal.updated", entity="2", name="Another")
    note("task.updated", entity="1", name="Same id, other type")
    deleted = note("deal.deleted", name="New name", changes={"stage": {"previous": "open", "current": None}})

    text = owner.get("/w/acme/history/deal/1").text

    assert re.findall(r'data-version="([^"]+)"', text) == [deleted, viewed, renamed, created]
    assert "<h1>Deal <bdi>New name</bdi></h1>" in text
    versions = re.split(r'data-version="[^"]+"', text)[1:]
    assert sides(versions[0], "stage") == (["open"], [])  # what was lost
    assert "No changed fields were recorded." in versions[1]
    assert sides(versions[2], "name") == (["Old name"], ["New name"])
    assert sides(versions[3], "stage") == ([], ["open"])  # the initial value
    assert "Another" not in text and "Same id" not in text


def test_a_record_with_events_but_no_changes_has_a_history_and_an_unknown_one_is_404(owner, note):
    note("deal.viewed", entity="7")

    assert owner.get("/w/acme/history/deal/7").status_code == 200
    for unknown in (
        "/w/acme/history/deal/8",
        "/w/acme/history/task/7",
        "/w/acme/history/deal/%00",
        "/w/acme/history/deal/",
    ):
        assert owner.get(unknown).status_code == 404


@pytest.mark.both_databases
def test_an_id_may_hold_any_printable_character(owner, note):
    for entity_id in (
        "a/b/c",
        "ümlaut 100%",
        "?q=1&x#y",
        "日本",
        "a+b",
        "..a",
        "x\\y",
        "<b>",
        "a//b",
        *("/a", "a/../b", "/", "//"),
        "a/",
    ):
        event_id = note(entity=entity_id)

        page = owner.get(f"/w/acme/history/deal/{quote(entity_id, safe='')}", follow_redirects=True)
        detail = owner.get(f"/w/acme/events/{event_id}").text
        link = html.unescape(re.search(r'href="(/w/acme/history/deal/[^"]*)"', detail)[1])

        assert page.status_code == 200 and event_id in page.text, entity_id
        assert event_id in owner.get(link, follow_redirects=True).text, entity_id


@pytest.mark.both_databases
def test_versions_page_by_cursor(owner, note):
    ids = [note(changes={"n": {"previous": number, "current": number + 1}}) for number in range(60)][::-1]

    seen, url = [], "/w/acme/history/deal/1"
    while url:
        text = owner.get(url).text
        seen += re.findall(r'data-version="([^"]+)"', text)
        found = re.search(r'href="([^"]+)">Show older versions', text)
        url = html.unescape(found[1]) if found else None

    assert seen == ids
    assert owner.get("/w/acme/history/deal/1?before=nonsense").status_code == 422


def asks(text: str, name: str) -> list[str]:
    """Return where a field's links lead: when else it changed, and who else set it to this."""
    whole = re.search(
        rf'data-field="{re.escape(html.escape(name, quote=True))}">(.*?)\n  </div>', text, re.DOTALL
    )[1]
    inside = re.search(r'<dd class="asks">(.*?)</dd>', whole, re.DOTALL)
    return [html.unescape(url) for url in re.findall(r'href="([^"]*)"', inside[1])] if inside else []


@pytest.mark.parametrize(
    "current",
    ["won", 48000.0, True, "2026-03-24", {"id": "u 2&", "name": "Bo"}, "<b>'\"&\u202e", "日本 100%", None],
)
def test_a_changed_field_leads_to_when_else_it_changed_and_who_else_set_it_to_this(owner, note, current):
    before = None if current is not None else 2
    first = note("deal.updated", changes={"a & <b>": {"previous": before, "current": current}})
    same = note("deal.updated", entity="2", changes={"a & <b>": {"previous": 1, "current": current}})
    other = note("deal.updated", entity="3", changes={"a & <b>": {"previous": 1, "current": "else"}})
    elsewhere = note("contact.updated", changes={"a & <b>": {"previous": 1, "current": current}})

    for url in (f"/w/acme/events/{first}", "/w/acme/history/deal/1"):
        when_else, who_else = asks(owner.get(url).text, "a & <b>")
        changed, set_to = (owner.get(link).text for link in (when_else, who_else))

        for event_id, is_changed, is_set in [
            (first, True, True),
            (same, True, True),
            (other, True, False),
            (elsewhere, False, False),
        ]:
            assert (f'id="event-{event_id}"' in changed) == is_changed
            assert (f'id="event-{event_id}"' in set_to) == is_set


def test_only_what_a_filter_can_ask_is_offered(owner, note):
    changes = {
        "long": {"previous": "", "current": "x" * 101},
        "several": {"previous": [], "current": [{"id": "1", "name": "A"}]},
        "empty": {"previous": 1, "current": ""},
        "not": {"previous": 1, "current": "!x"},
        "!odd": {"previous": 1, "current": 2},
    }
    text = owner.get(f"/w/acme/events/{note(changes=changes)}").text

    for name in ("long", "several", "empty", "not"):
        assert asks(text, name) == [f"/w/acme/timeline?entity=deal&field={name}"]
    assert asks(text, "!odd") == []
