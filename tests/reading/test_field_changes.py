"""Kinds of values, and differences of texts: tables and properties."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.log.changes import changes_between, same, words_of
from auditapp.log.terms import asked_texts, change_marks, mark
from auditapp.reading.field_changes import field_changes, kind_of
from auditapp.reading.text_diff import word_diff

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
prose = st.lists(
    st.sampled_from(["a", "b", "the", " ", "  ", "\n", ".", "ü", "日本", "long-word"]), max_size=120
).map("".join)


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

    assert change.asked == asked
    if asked is not None:
        marks = set(change_marks(1, {"stage": {"previous": None, "current": current}}))
        assert marks & {mark(1, "to", "stage", text) for text in asked_texts(asked)}


@given(prose, prose)
def test_a_word_diff_leads_from_one_text_to_the_other(previous, current):
    pieces = word_diff(previous, current)

    assert "".join(text for kind, text in pieces if kind != "ins") == previous
    assert "".join(text for kind, text in pieces if kind != "del") == current
    assert all(text for _, text in pieces)


def test_a_long_unchanged_stretch_is_folded():
    text = "word " * 500

    kinds = [piece.kind for piece in word_diff(text + "old", text + "new")]

    assert kinds == ["fold", "same", "del", "ins"]


@pytest.mark.parametrize(
    ("previous", "current"),
    [
        ("same " * 200_000, "other " * 200_000),
        ("a b " * 3000, "b a " * 3000),
        ("x\n" * 3000, "x\n" * 2999 + "y"),
    ],
)
def test_a_hostile_text_does_not_hang(previous, current):
    start = time.monotonic()
    word_diff(previous, current)

    assert time.monotonic() - start < 5  # a hang is minutes; this is no benchmark


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
    assert words_of(name) == words
