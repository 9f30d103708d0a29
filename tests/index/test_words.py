"""Words are the same with and without their places, and nothing typed gets past them."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditapp.index.words import MAX_MARKS, _clusters, fold, is_unspaced, words, words_in_place

SURROGATES = ["Cs"]
ACCENTED = st.lists(
    st.sampled_from(
        [
            "e",
            "E\u0301",
            "é",
            "ü",
            "Å",
            "ß",
            "İ",
            "ﬁ",
            "日",
            "本",
            "가",
            "が",
            "か\u3099",
            "ｶﾞ",
            " ",
            "_",
            "\u0301",
        ]
    )
).map("".join)
ANYTHING = st.text(st.characters(exclude_categories=SURROGATES)) | ACCENTED
LETTERS = "aàâåäbcçdeéêëîïñoôöuùûüyÿżźśőčřžÀÉÖŻ αάβγώϊйиёжЙЁộệ"
UUID = "019AA0C4-1111-7000-8000-00000000000a"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Data-Center: 2nd_floor",
            [("data", "Data"), ("center", "Center"), ("2nd", "2nd"), ("floor", "floor")],
        ),
        ("Zoë Müller", [("zoe", "Zoë"), ("muller", "Müller")]),
        ("Cafe\u0301s", [("cafes", "Cafe\u0301s")]),
        ("Straße", [("strasse", "Straße")]),
        ("ﾊﾞｲｸ", [("バイ", "ﾊﾞｲ"), ("イク", "ｲｸ"), ("ク", "ｸ")]),
        ("日本語 x", [("日本", "日本"), ("本語", "本語"), ("語", "語"), ("x", "x")]),
        (UUID, [(UUID.replace("-", "").lower(), UUID)]),
        (f"({UUID[:8]})", [(UUID[:8].lower(), UUID[:8])]),
        ("", []),
    ],
)
def test_words_stand_where_they_were_written(text, told):
    assert [(word.text, text[word.start : word.end]) for word in words_in_place(text)] == told


def test_marks_beyond_any_script_are_taken_some_at_a_time():
    """Unicode's normal forms take time by the square of the marks on a letter."""
    text = "a" + "\u0300" * 1000 + "\u0316" * 1000 + " b"

    assert max(map(len, _clusters(text))) <= MAX_MARKS + 1
    assert "".join(_clusters(text)) == text
    assert words(text) == ("a", "b")


@given(ANYTHING)
@example("½ x")
@example("é" * 120)
@example("e\u0301" * 120)
@example("a" * 101)
@example(UUID)
@example(f"{UUID} ")
@example("\u0301abc")
def test_any_text_has_the_same_words_with_and_without_their_places(text):
    assert words(text) == tuple(word.text for word in words_in_place(text))


@given(ANYTHING)
@example("½ x")
@example("日\u0301本")
def test_places_are_inside_the_text_and_in_its_order(text):
    places = [(word.start, word.end) for word in words_in_place(text)]

    assert all(0 <= start <= end <= len(text) for start, end in places)
    assert places == sorted(places)


@given(ANYTHING)
@example("İ")
@example("ﬀ")
@example("Ǆ")
@example("ᾳ")
def test_folding_what_is_folded_changes_nothing(text):
    folded = "".join(map(fold, text))

    assert "".join(map(fold, folded)) == folded


@given(st.text(LETTERS))
def test_case_and_composition_make_no_other_words(text):
    composed, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))

    assert words(composed) == words(apart) == words(composed.upper()) == words(apart.lower())


@given(ANYTHING)
def test_words_hold_letters_and_digits_alone(text):
    for word in words(text):
        assert word and all(char.isalnum() or is_unspaced(char) for char in word), word
        assert "_" not in word and "'" not in word and '"' not in word
