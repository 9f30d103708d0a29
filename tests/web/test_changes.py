"""What became of a field, as every page tells it that shows changes."""

import html
import json
import re

import pytest

from tests.reading.diffs.test_text_diff import HOSTILE

pytestmark = pytest.mark.one_database


@pytest.fixture
def shown(client, login, acme, note):
    """Return a function that records a change of ``f`` and returns how its detail shows it."""
    login("owner")

    def show(event="deal.updated", query="", **change) -> str:
        event_id = note(event, changes={"f": change})
        response = client.get(f"/w/acme/events/{event_id}{query}")
        assert response.status_code == 200
        return re.search(r'data-field="f">(.*?)\n  </div>', response.text, re.DOTALL)[1]

    return show


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))).strip()


def marked(text: str, tag: str) -> list[str]:
    found = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", text, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", each)) for each in found]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("previous", "current"),
    [
        ([{"name": "a"}, {"name": "b"}, {"name": "c"}], [{"name": "c"}, {"name": "b"}, {"name": "a"}]),
        ([[1, 2], [3, 4]], [[3, 4], [1, 2]]),
        ([[1, 2], [3, 4]], [[2, 1], [3, 4]]),
        ({"x": [1, 2]}, {"x": [2, 1]}),
        (["a", "b"], ["b", "a"]),
        ([{"id": "1"}, {"id": "2"}], [{"id": "2"}, {"id": "1"}]),
        ([1, True, [None]], [True, [None], 1]),
    ],
)
def test_an_order_alone_is_said_in_words_and_takes_nothing_out(shown, previous, current):
    text = shown(previous=previous, current=current)

    assert "order" in words(text).lower()
    assert "<del" not in text and "<ins" not in text


@pytest.mark.parametrize(
    ("previous", "current", "said"),
    [
        ("2026-03-24", "2026-03-27", "3 days later"),
        (91000, 93500, "+2,500"),
        (7, "7", "was a number, is text"),
        ("paypal", "p\u0430ypal", "U+0061 Latin small letter a became U+0430 Cyrillic small letter a"),
        ("won", "won ", "Looks alike: added U+0020 Space at character 4"),
        ("a\u200bb", "ab", "Looks alike: removed U+200B Zero width space at character 2"),
        (["a", "b"], ["b", "a"], "Order changed, 2 unchanged"),
        (["a", "b", "x"], ["n", "b", "a"], "added n Order changed, 2 unchanged Now in this order: n b a"),
        ([{"id": "1", "n": 1}, {"id": "2", "n": 1}], [{"id": "2", "n": 2}, {"id": "1", "n": 2}],
         "Order changed Now in this order: 2 1"),
        (["Apple"], ["\u0410pple"],
         "added \u0410pple Looks alike: U+0041 Latin capital letter a became U+0410 Cyrillic capital"),
        (["7"], [7], "added 7 was text, is a number"),
        ({"Apple": 1, "b": 1}, {"\u0410pple": 1, "b": 1},
         "f.\u0410pple added 1 Looks alike: U+0041 Latin capital letter a became U+0410 Cyrillic capital"),
        ([{"id": "A1", "name": "Ada"}], [{"id": "\u04101", "name": "Ada"}],
         "added Ada \u04101 Looks alike: U+0041 Latin capital letter a became U+0410 Cyrillic"),
        ([{"id": "1", "name": "Ada"}], [{"id": "2", "name": "Ada"}], "removed Ada 1 added Ada 2"),
        ({"city": "Bonn", "zip": 1}, {"city": "Köln", "zip": 1}, "f.city Bonn → Köln"),
        ({"a": 1}, {"a": 1, "b": 2}, "f.b added 2"),
        ({"a": 1}, {"a": 1, "b": 2}, "1 unchanged; the whole before and after"),
        (["x"], None, "removed x no value"),
        ([], ["x"], "empty list added x"),
        (5, 5, "recorded without a difference"),
    ],
)  # fmt: skip
def test_what_the_values_do_not_say_by_themselves_is_said(shown, previous, current, said):
    assert said in words(shown(previous=previous, current=current))


def test_a_field_that_was_not_there_is_said_to_be_new_but_not_of_a_new_record(shown):
    assert words(shown(current="x")).startswith("F x was not there before")
    assert "was not there" not in words(shown("deal.created", current="x"))


def test_a_change_of_space_alone_is_drawn_without_changing_the_text(shown):
    text = "It is a long line of text that goes on and on, until it is more than eighty characters long."

    field = shown(previous=text, current=text.replace("text that", "text  that"))

    assert re.search(r'<ins class="blank"> </ins>', field)


def test_hostile_names_paths_and_values_are_text_wherever_they_stand(shown):
    evil = "<script>alert(1)</script>\u202e"
    for previous, current in [
        ({evil: 1, "a": evil}, {evil: 2, "a": evil + "!"}),
        ([evil], [evil + "!"]),
        ([{"id": evil, "name": evil, evil: 1}], [{"id": evil, "name": evil, evil: 2}]),
        (f"{evil} {'word ' * 40}", f"{evil} {'word ' * 40} {evil}"),
        ("ü" + json.dumps({evil: "ü"}), {evil: 'قيمة\\"'}),
    ]:
        field = shown(previous=previous, current=current)

        assert "<script>" not in field and "\u202e" not in field
        assert "&lt;script&gt;" in field and "U+202E" in field


def test_strings_from_right_to_left_are_isolated_where_they_stand(shown):
    arabic = "العقد قديم"

    assert f"<bdi>&#34;{arabic}&#34;</bdi>" in shown(current={"a": [arabic]})
    assert re.search(f"<bdi[^>]*>{arabic}</bdi>", shown(previous=arabic, current="x"))
    assert '<div class="words" dir="auto">' in shown(previous=arabic * 10, current=arabic * 10 + " جديد")


@pytest.mark.parametrize("name", ["one line", "few letters", "two words in turn"])
def test_a_hostile_text_is_shown_in_part_and_whole_when_asked(shown, name):
    previous, current = (text[:80_000] for text in HOSTILE[name])

    cut, whole = (
        shown(previous=previous, current=current),
        shown(previous=previous, current=current, query="?show=all"),
    )

    assert len(cut) < 20_000 and "more characters" in cut and "show=all" in cut
    assert "more characters" not in whole
    assert "".join(marked(whole, "del")).strip() == previous.strip()


def test_many_parts_are_folded_behind_a_count(shown):
    before = {f"k{number}": number for number in range(40)}

    field = shown(previous=before, current={key: value + 1 for key, value in before.items()})

    assert field.count('class="ref-changed"') == 40
    assert "30 more" in words(field).split("f.k9")[1][:60]
