"""Cells that no spreadsheet takes for a formula and that hide nothing."""

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.hidden import HIDDEN
from auditapp.outbound.csv_cells import json_cell, line, text_cell

SIGNS = "=+-@＝＋－＠"
SPACES_AND_QUOTES = " \u00a0\u3000\"'"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        *((sign + "1", "'" + sign + "1") for sign in SIGNS),
        (' "=1', "' \"=1"),
        ("\u00a0@SUM(A1)", "'\u00a0@SUM(A1)"),
        ("'=1", "''=1"),
        ("\t1", "'U+00091"),
        ("\r1", "'U+000D1"),
        ("\n1", "'U+000A1"),
        ("\u200b=1", "'U+200B=1"),
        *((blank + "=1", f"'{blank}=1") for blank in "\u200c\u200d\u034f\u115f\u2800\u3164\ufe0f\U000e0100"),
        ("a;=1", "a;'=1"),
        ('a;" -1', "a;'\" -1"),
        ("a\nb\tc", "aU+000AbU+0009c"),
        ("abc\u202etxt", "abcU+202Etxt"),
        ("\U000e0041", "U+E0041"),
        ("d-1 = 2; b", "d-1 = 2; b"),
        ("Zoë 東京 👩\u200d💻", "Zoë 東京 👩\u200d💻"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_text_becomes_a_cell_that_starts_no_formula_and_hides_nothing(text, cell):
    assert text_cell(text) == cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('{"a":"=1"}', '{"a":"=1"}'),
        ('{"a":"x;=1"}', '{"a":"x\\u003b=1"}'),
        ('{"a":"x; b"}', '{"a":"x; b"}'),
        ('{"\u202e":"\x7f\\\\\u200b\U000e0041"}', '{"\\u202e":"\\u007f\\\\\\u200b\\udb40\\udc41"}'),
        ("null", "null"),
        (None, ""),
    ],
)
def test_json_becomes_a_cell_with_escapes_and_the_same_value(text, cell):
    assert json_cell(text) == cell
    assert text is None or json.loads(cell) == json.loads(text)


# Half of what is drawn is what matters here, or the rest would hide it.
HOSTILE = st.sampled_from(
    [*SIGNS, *SPACES_AND_QUOTES, *"\t\r\n;,\u202e\u200b\u0085\x7f\u2028\ufeff\U000e0041"]
)
TEXT = st.text(st.one_of(HOSTILE, st.characters(exclude_categories=["Cs"])))
JSON = st.recursive(
    st.none() | st.integers() | TEXT, lambda inner: st.dictionaries(TEXT, inner) | st.lists(inner)
)


def looks_like_a_formula(cell: str) -> bool:
    """Tell it in another way than the code does: trim what can be trimmed, then look at one character."""
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    trimmed = "".join(
        each
        for each in cell
        if not each.isspace() and each not in "\"'" and unicodedata.category(each) != "Cf"
    )
    return trimmed[:1] in tuple(SIGNS)


@given(texts=st.lists(TEXT, min_size=1), value=st.dictionaries(TEXT, JSON))
def test_every_cell_that_is_read_back_is_safe(texts, value):
    cells = [text_cell(text) for text in texts] + [json_cell(json.dumps(value, ensure_ascii=False))]

    written = line(cells)
    [read] = csv.reader(io.StringIO(written, newline=""))

    assert read == cells
    assert written.count("\n") == written.count("\r") == 1, "a row is a line"
    for cell in read:
        assert not HIDDEN.search(cell)
        # As a spreadsheet that splits at commas has it, and as one that splits at semicolons.
        for part in (cell, *cell.split(";")):
            assert not looks_like_a_formula(part) or part.startswith("'")
    assert json.loads(read[-1]) == value


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters=SIGNS + "﹦﹢﹣﹫;")))
def test_a_text_without_anything_hostile_is_kept(text):
    assert text_cell(text) == text
