"""Kinds of values and what became of them: tables and properties."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.index.field_terms import typed_forms
from auditapp.index.terms import change_terms, value_term
from auditapp.reading.diffs.field_changes import field_changes, kind_of
from auditapp.reading.diffs.matching import Effort
from auditapp.values.changes import changes_between, label_of
from auditapp.values.equality import same

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("hint", "sides", "kind"),
    [
        (None, ["a", "b"], "text"),
        (None, [1, 2.5], "number"),
        ("money", [1, 2.5], "money"),
        ("money", ["1 €", "2 €"], "text"),
        (None, [True, False], "boolean"),
        ("number", [True, False], "boolean"),
        (None, ["2026-01-01", "2026-01-01T10:00:00Z"], "date"),
        (None, ["2026-01-01", "soon"], "text"),
        ("text", ["2026-01-01", "2026-01-02"], "text"),
        ("choice", ["a", None], "choice"),
        (None, [None, None], "text"),
        (None, [[{"id": "1"}], []], "refs"),
        (None, [[], []], "json"),
        ("refs", [[], None], "refs"),
        ("refs", [["a"], ["b"]], "json"),
        (None, [{"a": 1}, None], "json"),
        (None, [{"id": "1", "name": "x"}, None], "refs"),
        (None, [1, "one"], "text"),
    ],
)
def test_a_kind_is_the_hint_where_it_fits_else_what_the_values_look_like(hint, sides, kind):
    assert kind_of(hint, sides) == kind


@pytest.mark.parametrize(
    ("current", "asked"),
    [
        ("won", "won"),
        (48000, "48000"),
        (48000.0, "48000"),
        (0.5, "0.5"),
        (0, "0"),
        (True, "true"),
        (False, "false"),
        ("2026-03-24", "2026-03-24"),
        ("a" * 100, "a" * 100),
        ("a" * 101, None),
        ({"id": "u_2", "name": "Bo"}, "u_2"),
        ({"id": 7, "name": "Bo"}, "7"),
        ({"id": 7, "name": "Bo", "rest": ["x"]}, "7"),
        ({"key": "k", "name": "Bo"}, None),
        ({"a": 1}, None),
        ([{"id": "u_2", "name": "Bo"}], None),
        (["x"], None),
        ([], None),
        ("", None),
        (None, None),
        ("!won", None),
        (" won ", " won "),
    ],
)
def test_a_single_short_value_can_be_asked_for_as_the_log_keeps_it(current, asked):
    [change], _ = field_changes({"stage": {"previous": None, "current": current}})

    assert change.filter_value == asked
    if asked is not None:
        marks = set(change_terms(1, {"stage": {"previous": None, "current": current}}))
        assert marks & {value_term(1, "to", "stage", form) for form in typed_forms(asked)}


@given(
    st.dictionaries(st.text(min_size=1, max_size=4), json_values, max_size=5),
    st.dictionaries(st.text(min_size=1, max_size=4), json_values, max_size=5),
)
def test_changes_between_two_states_lead_from_one_to_the_other(before, after):
    changes = changes_between(before, after)

    state = dict(before)
    for name, change in changes.items():
        assert ("previous" in change) == (name in before)
        if name in after:
            state[name] = change["current"]
        else:
            assert change["current"] is None
            del state[name]
    assert same(state, after)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.fixed_dictionaries({"current": json_values}, optional={"previous": json_values}),
        max_size=4,
    ),
    st.booleans(),
)
def test_no_recorded_change_breaks_the_reading_of_it(changes, deleted):
    shown, more = field_changes(changes, deleted=deleted)

    assert [change.name for change in shown] == list(changes) and more == 0


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [(1, 1.0, True), (True, 1, False), (0, False, False), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
     ([1], [1.0], True),
     ([True], [1], False), ("1", 1, False), (None, False, False)],
)  # fmt: skip
def test_values_are_the_same_as_json_has_it(one, other, equal):
    assert same(one, other) is equal


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("totalValue", "Total value"),
        ("total_value", "Total value"),
        ("URL", "URL"),
        ("__", "__"),
        ("customFieldValues.x", "Custom field values.x"),
    ],
)
def test_a_field_name_is_shown_as_words(name, words):
    assert label_of(name) == words


def change_of(previous, current, **more):
    [change], _ = field_changes({"f": {"previous": previous, "current": current, **more}})
    return change


@pytest.mark.parametrize(
    ("previous", "current", "hint", "difference"),
    [
        (91000, 93500, None, "+2,500"),
        (0.1, 0.3, "money", "+0.2"),
        (3, 1, None, "−2"),
        (2**63 - 1, -(2**63), None, "−18,446,744,073,709,551,615"),
        (1e300, 1, None, ""),
        ("1200.50", "99.95", "money", "−1,100.55"),
        ("1200.50", "99.95", None, ""),  # a house number, for all we know
        ("1 €", "2 €", "money", ""),
        (True, False, None, ""),
        (None, 5, None, ""),
        ("2026-03-24", "2026-03-27", None, "3 days later"),
        ("2026-03-24", "2026-03-23", None, "1 day earlier"),
        ("2026-03-24", "2027-03-24T00:00:00Z", None, "1 year later"),
        ("2025-01-31", "2026-03-31", None, "1 year 2 months later"),
        ("2026-01-31", "2026-02-28", None, "28 days later"),
        ("2026-03-24T10:00:00Z", "2026-03-26T13:30:00Z", None, "2 days 3 hours later"),
        ("2026-03-24T10:00:00Z", "2026-03-24T10:00:05+00:00", None, "5 seconds later"),
        ("2016-12-31T23:00:00Z", "2016-12-31T23:59:60Z", None, "59 minutes 59 seconds later"),
        ("2016-12-31T23:59:59.999999Z", "2016-12-31T23:59:60Z", None, "less than a microsecond apart"),
        ("2026-03-24T10:00:00.100Z", "2026-03-24T10:00:00.2Z", None, "100 milliseconds later"),
        (
            "2026-03-24T10:00:00Z",
            "2026-03-24T11:00:00+01:00",
            None,
            "the same instant, written in another way",
        ),
        ("2026-03-24T10:00:00", "2026-03-24T11:00:00", None, "1 hour later"),
        ("2026-03-24T10:00:00", "2026-03-24T11:00:00Z", None, ""),  # in which zone?
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00", None, ""),  # off the calendar
        ("2026-02-30", "2026-03-01", None, ""),
        (7, "7", None, "was a number, is text"),
        (True, "Yes", None, "was a yes or no, is text"),
        ("no value", None, None, "was text, is no value"),
        ("x" * 3000, ["x" * 3000], None, ""),
    ],
)
def test_how_far_apart_two_values_are_is_said_where_it_can_be(previous, current, hint, difference):
    assert change_of(previous, current, kind=hint).sides.difference == difference


@pytest.mark.parametrize(
    ("change", "said", "forms"),
    [
        ({"current": "x"}, "was not there before", (None, "text")),
        ({"previous": None, "current": "x"}, "", ("null", "text")),
        ({"previous": "", "current": None}, "", ("empty", "null")),
        ({"previous": [], "current": {}}, "", ("empty", "empty")),
        ({"previous": "x"}, "no longer there", ("text", None)),
        ({"previous": "x", "current": None}, "", ("text", "null")),
    ],
)
def test_no_value_an_empty_one_and_none_at_all_are_told_apart(change, said, forms):
    [shown], _ = field_changes({"f": change}, created=False)

    assert shown.note == said
    assert tuple(side and side.form for side in (shown.sides.previous, shown.sides.current)) == forms


def test_what_goes_without_saying_is_not_said():
    [created], _ = field_changes({"f": {"current": "x"}}, created=True)
    [deleted], _ = field_changes({"f": {"previous": "x", "current": None}}, deleted=True)

    assert (created.note, deleted.note) == ("", "")


def elements(previous, current, **more):
    change = change_of(previous, current, **more)
    assert change.view == "refs"
    return change.elements


ADA, BEN, CAM = ({"id": id_, "name": name} for id_, name in (("1", "Ada"), ("2", "Ben"), ("3", "Cam")))


@pytest.mark.parametrize(
    ("previous", "current", "ops", "kept", "reordered"),
    [
        ([ADA, BEN], [BEN, CAM], [("removed", "Ada"), ("added", "Cam")], ["Ben"], False),
        ([ADA, BEN], [BEN, ADA], [], ["Ben", "Ada"], True),
        ([ADA], [{**ADA, "name": "Ada Marsh"}], [("changed", "Ada Marsh")], [], False),
        ([ADA, ADA], [ADA], [("removed", "Ada")], ["Ada"], False),
        ([{"columnId": "c", "value": 1}], [{"columnId": "c", "value": 2}], [("changed", "c")], [], False),
        ([{"key": 1, "n": 1}], [{"key": "1", "n": 1}], [("changed", "1")], [], False),
        (
            [{"type": "deal", "id": "1", "name": "A"}],
            [{"type": "task", "id": "1", "name": "B"}],
            [("removed", "A"), ("added", "B")],
            [],
            False,
        ),
        (["a", "b", "b"], ["b", "a", "c"], [("removed", "b"), ("added", "c")], ["b", "a"], True),
        ([1, True, None, ""], [1.0, "1"], [("removed", t) for t in ("Yes", "no value", "empty text")]
         + [("added", "1")], ["1.0"], False),
        (None, ["a"], [("added", "a")], [], False),
        ([ADA], None, [("removed", "Ada")], [], False),
    ],
)  # fmt: skip
def test_lists_are_compared_by_what_their_elements_are_not_where(previous, current, ops, kept, reordered):
    found = elements(previous, current)

    assert [(one.op, one.text) for one in found.items] == ops
    assert (found.kept, found.reordered) == (kept, reordered)


def test_elements_of_one_name_are_told_apart_by_their_ids():
    removed, added = elements([ADA], [{"id": "9", "name": "Аda"}]).items  # a Cyrillic А

    assert (removed.id, added.id) == ("1", "9")
    assert [one.id for one in elements([ADA], [BEN]).items] == ["", ""]
    change = change_of({"id": "1", "name": "Ada"}, {"id": "9", "name": "Ada"})
    assert (change.sides.previous.text, change.sides.current.text) == ("Ada (1)", "Ada (9)")


def test_one_record_that_changed_says_what_of_it():
    [one] = elements({**ADA, "tier": "gold"}, {**ADA, "tier": "silver"}).items

    [tier] = one.attributes
    assert (tier.label, tier.sides.previous.text, tier.sides.current.text) == ("Tier", "gold", "silver")


@pytest.mark.parametrize(
    ("previous", "current", "parts"),
    [
        ({"city": "Bonn", "zip": 1}, {"city": "Köln", "zip": 1}, [("f.city", "changed")]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, [("f.a.b.c", "changed")]),
        ({"a": 1, "b": 2}, {"b": 2, "c": None}, [("f.a", "removed"), ("f.c", "added")]),
        ({"a": None}, {"a": ""}, [("f.a", "changed")]),
        ({"a": [ADA, BEN]}, {"a": [BEN, {**ADA, "n": 1}]}, [("f.a[Ada].n", "added"), ("f.a", "moved")]),
        ({"a": ["x"]}, {"a": ["x", "y"]}, [("f.a[]", "added")]),
        ({"a.b": 1, "": 1}, {"a.b": 2, "": 2}, [('f["a.b"]', "changed"), ('f[""]', "changed")]),
        ([{"n": 1}, {"n": 2}], [{"n": 1}, {"n": 3}], [("f[1].n", "changed")]),
        ([{"n": 1}, {"n": 2}, [3]], [{"n": 2}, [3]], [("f[0]", "removed")]),
    ],
)  # fmt: skip
def test_objects_are_compared_by_path(previous, current, parts):
    change = change_of(previous, current)

    assert change.view == "parts"
    assert [(part.label, part.op) for part in change.parts] == parts
    assert [side.form for side in (change.sides.previous, change.sides.current)] == ["json", "json"]


def test_the_parts_that_are_the_same_are_counted():
    change = change_of({"a": {"b": 1, "c": [2]}, "d": 1, "e": 1}, {"a": {"b": 2, "c": [2]}, "d": 1.0, "e": 2})

    assert (len(change.parts), change.kept_parts) == (2, 2)


def test_many_elements_and_parts_are_counted_rather_than_shown():
    before = {str(number): number for number in range(3000)}
    parts = change_of(before, {key: value + 1 for key, value in before.items()})
    items = elements([], list(range(3000)))

    assert (len(parts.parts), parts.more_parts) == (50, 2950)
    assert (len(items.items), items.more_items) == (50, 2950)
    [whole], _ = field_changes({"f": {"previous": [], "current": list(range(3000))}}, max_chars=None)
    assert (len(whole.elements.items), whole.elements.more_items) == (3000, 0)


@pytest.mark.parametrize(
    ("previous", "current", "alike"),
    [
        ("paypal", "p\u0430ypal", [("U+0061", "U+0430", 2)]),
        ("Caf\u00e9", "Cafe\u0301", [("U+00E9", "U+0065 U+0301", 4)]),
        ("a b", "a\u00a0b", [("U+0020", "U+00A0", 2)]),
        ("won", "won ", [("", "U+0020", 4)]),
        ("", " ", [("", "U+0020", 1)]),
        ("a\nb", "a\r\nb", [("", "U+000D", 2)]),
        ("ab", "a\u200bb", [("", "U+200B", 2)]),
        ("ab", "a\u202eb", [("", "U+202E", 2)]),
        ("ab", "a\u3164b", [("", "U+3164", 2)]),
        ("ﬁx", "fix", [("U+FB01", "U+0066 U+0069", 1)]),
        ("A-1", "\uff21-1", [("U+0041", "U+FF21", 1)]),
        ("Il", "lI", [("U+0049 U+006C", "U+006C U+0049", 1)]),
        ("x²", "x2", []),
        ("won", "Won", []),
        ("a b", "a\nb", []),
        ("resume", "résumé", []),
        ("won", "won", []),
    ],
)
def test_what_looks_the_same_is_told_by_code_point(previous, current, alike):
    found = change_of(previous, current).sides.alike

    assert [
        (*(" ".join(point.code for point in side) for side in (one.before, one.after)), one.place)
        for one in found
    ] == alike


def test_a_look_alike_word_in_a_long_text_is_told_with_its_place_and_how_often():
    text = "Pay it to the account of paypal, which is the one that they always used for these things. " * 2
    [one] = change_of(text, text.replace("paypal", "p\u0430ypal")).sides.alike

    assert (one.times, one.place, one.after[0].name) == (
        2,
        text.index("paypal") + 2,
        "Cyrillic small letter a",
    )


def test_a_long_text_that_is_composed_in_another_way_is_told_as_such():
    text = "\ud55c\uad6d\uc5b4 \ubb38\uc7a5 " * 500
    sides = change_of(text, unicodedata.normalize("NFD", text)).sides

    assert (sides.alike[0].before[0].code, sides.alike[0].after[0].code) == ("U+D55C", "U+1112")
    assert [each.times for each in sides.alike] == [500, 500]


def test_line_ends_of_another_system_are_told_once():
    text = "A line that is one of many in a text.\n" * 50

    change = change_of(text, text.replace("\n", "\r\n"))

    assert change.view == "words"
    assert [(one.after[0].code, one.times) for one in change.sides.alike] == [("U+000D", 50)]


def test_all_fields_of_a_page_share_one_effort():
    words = " ".join(f"w{number * 7919 % 3001}" for number in range(12_000))
    change = {"previous": words, "current": " ".join(reversed(words.split(" ")))}
    effort = Effort()

    changes, _ = field_changes(dict.fromkeys(map(str, range(40)), change), effort=effort)

    assert len(changes) == 40 and effort.left < 0
    assert changes[-1].sides.previous.text == words[:2000]
