"""How names, labels and values of changed fields are compared with what is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.index import words
from auditapp.index.field_terms import field_key, field_keys, forms_of, typed_forms
from auditapp.index.terms import change_terms
from auditapp.index.words import fold, folded
from auditapp.reading.diffs.values import kind_of, value_of
from auditapp.values.changes import label_of

LETTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
    "aeÄéßİıΣςＡｶﾞ\u0301\u0345\u3099가\u1161_- "
)


@pytest.mark.parametrize(
    ("name", "label", "asked"),
    [
        ("stage", None, "Stage"),
        ("stage", "Stage", "STAGE"),
        ("totalValue", None, "Total value"),
        ("total_value", None, "total VALUE"),
        ("totalValue", None, "totalvalue"),
        ("email", "E-mail", "e-mail"),
        ("lost_reason", "Reason lost", "reason lost"),
        ("lost_reason", "Reason lost", "Lost reason"),
        ("value", "Wert (€)", "wert (€)"),
        ("groesse", "Größe", "GROSSE"),
        ("customFieldValues.4c6a-b6", "Straße", "STRASSE"),
        ("customFieldValues.4c6a-b6", "Straße", "customfieldvalues.4C6A-B6"),
        ("status", "ステータス", "ｽﾃｰﾀｽ"),
        ("_", None, "_"),
        ("\u0301", None, "\u0301"),
    ],
)
def test_a_field_is_called_by_its_name_and_by_its_labels(name, label, asked):
    assert field_key(asked) in field_keys(name, label)


@pytest.mark.parametrize(
    ("name", "label", "asked"),
    [
        ("stage", "Stage", "stages"),
        ("value", "Value (EUR)", "Value (USD)"),
        ("a.b", None, "ab"),
        ("_", None, "-"),
    ],
)
def test_other_letters_are_another_field(name, label, asked):
    assert field_key(asked) not in field_keys(name, label)


@pytest.mark.parametrize(
    ("value", "kind", "asked"),
    [
        ("Won", "choice", "won"),
        ("Gewönnen", None, "GEWONNEN"),
        ("in  progress\n", None, "In progress"),
        ("ＷＯＮ", None, "won"),
        ({"id": "s_2", "label": "Gewönnen"}, "choice", "gewonnen"),
        ({"id": "s_2", "label": "Gewönnen"}, "choice", "S_2"),
        ({"value": "won", "label": "Won!"}, None, "won!"),
        ({"columnId": 7, "title": "Größe"}, None, "7"),
        ({"id": "u_1", "email": "Ada@Lab.example"}, "refs", "ada@lab.example"),
        ([{"id": "u_1", "name": "Ada"}, "x"], None, "ADA"),
        ([{"id": "u_1", "name": "Ada"}], None, '[{"id": "u_1", "name": "ada"}]'),
        (48000, "money", "48000"),
        (48000.0, "money", "48,000"),
        (48000, None, "48000.0"),
        (48000.5, None, "48,000.50"),
        (2**53, None, "9007199254740992.0"),
        (1e22, None, "10000000000000000000000"),
        (-0.0, None, "0"),
        ("48000", None, "48000"),
        (True, None, "true"),
        (True, None, "Yes"),
        (False, None, "no"),
        (None, None, "null"),
        (None, None, "No value"),
        ("", None, "empty text"),
        ([], None, "empty list"),
        ([], None, "[]"),
        ({}, None, "Empty object"),
        ("2026-03-24", "date", "2026-03-24"),
        ("2026-03-24T00:00:00.000Z", "date", "2026-03-24"),
        ("2026-03-24T09:55:43Z", None, "2026-03-24T10:55:43+01:00"),
        ("2026-03-24T09:55:43+00:00", None, "2026-03-24 09:55:43 UTC"),
        ("2026-03-24T09:55:43Z", "text", "2026-03-24T09:55:43Z"),
        (" ", None, " "),
    ],
)  # fmt: skip
def test_a_value_is_asked_for_as_recorded_by_its_label_and_as_pages_show_it(value, kind, asked):
    assert {*typed_forms(asked)} & {*forms_of(value, kind).values()}


@pytest.mark.parametrize(
    ("value", "kind", "asked"),
    [
        ("Won", None, "wo"),
        ("Won deals", None, "won"),
        ("Yes", None, "true"),
        ("1", None, "true"),
        (1, None, "yes"),
        (True, None, "1"),
        (7, None, "07"),
        ("7.0", None, "7"),
        ("", None, "null"),
        (None, None, "empty text"),
        ([], None, "empty object"),
        ("no value", None, "null"),
        (2**53 + 1, None, "9007199254740992"),
        ("2026-03-24T09:55:43Z", "text", "2026-03-24T10:55:43+01:00"),
        ("2026-03-24T09:55:43.1Z", None, "2026-03-24T09:55:43Z"),
        ({"id": "1", "name": "Ada", "role": "Bo"}, None, "Bo"),
    ],
)
def test_what_is_no_such_value_is_not_found(value, kind, asked):
    assert not {*typed_forms(asked)} & {*forms_of(value, kind).values()}


@pytest.mark.parametrize(
    "value", [None, "", [], {}, True, False, 0, 48000.0, -1.5, 2**64 - 1, "Won", "2026-03-24"]
)
def test_what_a_page_shows_of_a_value_finds_it(value):
    shown = value_of(value, kind_of(None, [value])).text

    assert {*typed_forms(shown)} & {*forms_of(value, None).values()}


@given(st.text(LETTERS, max_size=60))
def test_a_text_is_folded_as_its_letters_are_and_a_name_as_its_words(text):
    assert folded(text) == "".join(map(fold, words._clusters(text)))
    assert field_key(text) in field_keys(text, None) and field_key(label_of(text)) in field_keys(text, None)


NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(LETTERS),
    lambda each: st.lists(each) | st.dictionaries(st.text(LETTERS), each),
    max_leaves=8,
)


@given(JSON, st.sampled_from([None, "date", "text"]))
def test_any_value_has_forms_and_no_form_is_empty(value, kind):
    assert all(forms_of(value, kind).values())


@given(st.text())
def test_any_text_asks_for_something(text):
    assert all(typed_forms(text)) if text else True


@pytest.mark.parametrize(
    "text", ["[" * 300 + "]" * 300, '{"a":' * 400 + "1" + "}" * 400, "1e999", "NaN", "-"]
)
def test_what_cannot_be_recorded_is_asked_for_as_text(text):
    assert typed_forms(text) == [text.lower()]


def test_a_field_whose_label_says_its_name_has_no_more_marks_than_one_without():
    change = {"previous": "Open", "current": "Won"}

    terms = [
        list(change_terms(1, {"totalValue": {**change, "label": label, "kind": "choice"}}))
        for label in (None, "Total value", "TOTAL_VALUE")
    ]

    assert [len(each) for each in terms] == [4, 4, 4] and terms[0] == terms[1] == terms[2]
    assert len(list(change_terms(1, {"value": {**change, "label": "Wert"}}))) == 8


def test_long_values_are_not_kept_by_the_caches_of_short_ones():
    """A value has up to 256 KiB."""
    from auditapp.index import field_terms, terms

    before = terms._single_kept.cache_info().currsize, field_terms._kept_form.cache_info().currsize
    for number in range(5):
        list(change_terms(1, {"notes": {"previous": None, "current": f"{number} " + "x" * 1000}}))

    assert (terms._single_kept.cache_info().currsize, field_terms._kept_form.cache_info().currsize) == before
