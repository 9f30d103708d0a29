"""Whatever a page cuts can be read whole: folded in the page, or behind a link that says so."""

import html
import re

import pytest

from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

HISTORY = "/w/acme/history/deal/1"
THEN, LATER = "2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z"
AT = f"{HISTORY}?at=2026-03-01T10:00:00Z"
VIEWS = {"fields": f"{HISTORY}?view=fields", "at": AT}


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


def text_of(answer) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", answer.text)))


def whole_url(answer) -> str:
    return html.unescape(re.search('<a href="([^"]+)">Show all</a>', answer.text)[1])


def long_text(length: int) -> str:
    return ("word " * length)[: length - 7] + "THE-END"


LAST = {"id": "last", "name": "THE-END"}
VALUES = {
    "a text of a line": long_text(401),
    "a text that is folded": long_text(4_000),
    "a text that is too long for that": long_text(4_001),
    "a very long text": long_text(200_000),
    "a long word": "x" * 900 + "THE-END",
    "an object": {f"key{number}": number for number in range(300)} | {"z": "THE-END"},
    "a list of objects": [{"a": number} for number in range(300)] + [{"a": "THE-END"}],
    "related records": [{"id": str(number), "name": f"Ben {number}"} for number in range(25)] + [LAST],
    "very many of them": [{"id": str(number), "name": f"Ben {number}"} for number in range(900)] + [LAST],
    "one with a long attribute": [{"id": "1", "name": "Ben", "note": long_text(5_000)}],
    "one with an object inside": [{"id": "1", "name": "Ben", "terms": {"deep": ["THE-END"]}}],
    "one related record": {"id": "1", "name": "Ben", "note": "THE-END"},
    "an emoji at the cut": "😀" * 700 + "THE-END",
}


@pytest.mark.both_databases
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_long_value_of_a_state_can_be_read_whole(owner, note, view, value, headers):
    note("deal.created", occurred_at=THEN, changes={"body": {"current": value}})

    answer = owner.get(VIEWS[view], headers=headers)

    if "THE-END" not in text_of(answer):
        link = re.search('<a href="([^"]+)">(?:Show all|Every value whole, as recorded)</a>', answer.text)
        answer = owner.get(html.unescape(link[1]), headers=headers)
        assert "Show all" not in answer.text
    shown = text_of(answer)
    assert "THE-END" in shown
    if isinstance(value, str):
        assert "".join(value.split()) in "".join(re.sub("[0-9,]+ more characters", "", shown).split())


def test_a_short_value_is_neither_folded_nor_cut(owner, note):
    note("deal.created", occurred_at=THEN, changes={"body": {"current": "x" * 400}})

    text = owner.get(VIEWS["fields"]).text

    assert "x" * 400 in text and "more characters" not in text and "Show all" not in text


def test_a_page_of_many_long_values_stays_light_and_leads_to_all_of_them(owner, note):
    changes = {f"field_{number}": {"current": long_text(3_900)} for number in range(60)}
    for part in range(10):
        some = {f"{name}_{part}": value for name, value in changes.items()}
        note("deal.updated", occurred_at=THEN, changes=some)

    answer = owner.get(VIEWS["fields"])

    assert len(answer.data) < 1_000_000
    assert "100 more fields" in text_of(answer)
    whole = owner.get(whole_url(answer))
    assert len(re.findall(r"THE-END</bdi>", whole.text)) == 600


def test_a_comparison_leads_to_all_of_it(owner, note):
    old = {f"f{number}": {"current": "a"} for number in range(600)} | {"body": {"current": "x" * 9_000}}
    new = {f"f{number}": {"previous": "a", "current": "b"} for number in range(600)}
    new["body"] = {"previous": "x" * 9_000, "current": "y" * 9_000 + "THE-END"}
    note("deal.created", occurred_at=THEN, changes=old)
    later = note("deal.updated", occurred_at=LATER, changes=new)
    for url in (f"{HISTORY}?to={later}", AT):
        answer = owner.get(url)
        assert "THE-END" not in answer.text and "data-field" in answer.text

        whole = owner.get(whole_url(answer))

        assert "THE-END" in whole.text and "Show all" not in whole.text
        assert len(re.findall("data-field=", whole.text)) >= 601


def test_where_the_log_contradicts_itself_all_of_it_can_be_read(owner, note):
    first = {f"f{number}": {"current": "a" * 5_000 if number < 2 else "a"} for number in range(30)}
    gap = {f"f{number}": {"previous": "b" * 500 + "THE-END", "current": "c"} for number in range(30)}
    note("deal.created", occurred_at=THEN, changes=first)
    note("deal.updated", occurred_at=LATER, changes=gap)

    answer = owner.get(VIEWS["fields"])
    assert len(re.findall("data-drift=", answer.text)) == 20
    whole = owner.get(whole_url(answer))

    assert len(re.findall("data-drift=", whole.text)) == 30
    assert "a" * 5_000 in whole.text and whole.text.count("b" * 500 + "THE-END") == 30


def test_an_event_with_a_long_browser_and_many_related_records_leads_to_all(owner, note):
    related = [{"type": "task", "id": str(number), "name": f"Task {number}"} for number in range(60)]
    event = note(related=related, context={"user_agent": "Mozilla " * 80 + "THE-END"})
    answer = owner.get(f"/w/acme/events/{event}")
    assert "THE-END" not in answer.text and "Task 59" not in answer.text

    whole = owner.get(whole_url(answer))

    assert "THE-END" in whole.text and "Task 59" in whole.text and "Show all" not in whole.text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("show=all", "show: goes with at, to or view"),
        ("view=fields&show=some", "show: is all, or left out."),
        ("view=fields&show=all&show=all2", "show: may be given once."),
    ],
)
def test_show_is_all_and_goes_with_a_state_or_a_comparison(owner, note, query, says):
    note("deal.created", occurred_at=THEN)

    answer = owner.get(f"{HISTORY}?{query}")

    assert answer.status_code == 422
    assert says in answer.text


def test_a_time_of_a_form_keeps_what_is_to_be_shown(owner, note):
    note("deal.created", occurred_at=THEN)

    answer = owner.get(f"{HISTORY}?at=2026-03-01T10:00:00&zone=UTC&show=all")

    assert answer.status_code == 302
    assert answer.location.endswith("?at=2026-03-01T10:00:00Z&show=all")
