"""Differences of texts: that they are true, read well, and cost no more than their share."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.reading.diffs.matching import MOST_STEPS, Effort, matches
from auditapp.reading.diffs.text_diff import cut, word_diff

prose = st.lists(
    st.sampled_from(
        ["a", "b", "the", " ", "  ", "\n", "\r\n", ". ", "ü", "u\u0308", "日本", "👩\u200d🚀", "long-word"]
    ),
    max_size=120,
).map("".join)
any_text = st.text() | prose
efforts = st.integers(0, 2000).map(Effort) | st.builds(Effort)
few = st.lists(st.sampled_from("abcd"), max_size=9)


def sides(pieces) -> tuple[str, str]:
    """Return the text without what was added, and the text without what was removed."""
    return (
        "".join(piece.text for piece in pieces if piece.kind != "ins"),
        "".join(piece.text for piece in pieces if piece.kind != "del"),
    )


def changed(pieces) -> list[tuple[str, str]]:
    return [tuple(piece) for piece in pieces if piece.kind in ("del", "ins")]


@given(any_text, any_text, efforts)
def test_a_word_diff_leads_from_one_text_to_the_other_whatever_the_effort(previous, current, effort):
    pieces = word_diff(previous, current, effort)

    assert sides(pieces) == (previous, current)
    assert all(piece.text for piece in pieces)


@given(prose, prose, prose)
def test_what_is_added_in_the_middle_of_a_text_is_all_that_is_marked(before, inside, after):
    pieces = word_diff(before + after, before + " " + inside + " " + after)

    assert sides(pieces) == (before + after, before + " " + inside + " " + after)
    assert sum(len(text) for kind, text in changed(pieces) if kind == "del") <= len(before + after)


@given(few, few)
def test_matches_are_equal_in_order_and_as_many_as_there_can_be(old, new):
    found = matches(old, new, Effort())

    assert all(old[i] == new[j] for i, j in found)
    assert all(i < next_i and j < next_j for (i, j), (next_i, next_j) in pairwise(found))
    assert len(found) == longest_common(old, new)


def longest_common(old, new) -> int:
    """Return how many elements of two lists are common in order, by the textbook's table."""
    row = [0] * (len(new) + 1)
    for each in old:
        above, row = row, [0]
        for j, other in enumerate(new):
            row.append(above[j] + 1 if each == other else max(above[j + 1], row[j]))
    return row[-1]


SENTENCE = "The quick brown fox jumps over the lazy dog, then sleeps under the old oak tree until Monday."


@pytest.mark.parametrize(
    ("previous", "current", "marked"),
    [
        (
            SENTENCE,
            SENTENCE.replace("lazy", "sleepy").replace("Monday", "Tuesday"),
            [("del", "lazy"), ("ins", "sleepy"), ("del", "Monday"), ("ins", "Tuesday")],
        ),
        ("one two three", "one 2 3", [("del", "two three"), ("ins", "2 3")]),  # a space is no stop
        ("a\nb\nc\n", "a\nB\nc\n", [("del", "b"), ("ins", "B")]),
        ("one\ntwo\n", "one\r\ntwo\r\n", [("ins", "\r"), ("ins", "\r")]),
        ("株式会社更新計画", "株式会社改新計画", [("del", "更"), ("ins", "改")]),
        ("pay 10 €", "pay 12 €", [("del", "10"), ("ins", "12")]),
        ("cafe\u0301 x", "cafe x", [("del", "cafe\u0301"), ("ins", "cafe")]),
        ("go 👩\u200d🚀 go", "go 👨\u200d🚀 go", [("del", "👩\u200d🚀"), ("ins", "👨\u200d🚀")]),
        ("same", "same", []),
        ("", "new", [("ins", "new")]),
    ],
)
def test_words_are_marked_whole(previous, current, marked):
    assert changed(word_diff(previous, current)) == marked


def test_texts_with_nothing_but_little_words_in_common_are_a_block_each():
    other = "A slow green turtle crawls below a lively cat, but never it wakes beside the new pine bush."

    assert changed(word_diff(SENTENCE, other)) == [("del", SENTENCE), ("ins", other)]


def test_a_long_unchanged_stretch_is_folded():
    text = "word " * 500

    kinds = [piece.kind for piece in word_diff(text + "old", text + "new")]

    assert kinds == ["fold", "same", "del", "ins"]


def test_a_few_changes_in_a_megabyte_are_found_word_by_word():
    lines = [f"line {number} of a long text\n" for number in range(40_000)]
    edited = list(lines)
    for number in (7, 20_000, 39_990):
        edited[number] = edited[number].replace("long", "short")

    assert changed(word_diff("".join(lines), "".join(edited))) == [("del", "long"), ("ins", "short")] * 3


WORDS = [f"w{number}" for number in range(3000)]


def shuffled(seed: int, letters: list[str], count: int, between: str) -> str:
    return between.join(random.Random(seed).choices(letters, k=count))  # noqa: S311 - the same each time


HOSTILE = {
    "other words": ("same " * 200_000, "other " * 200_000),
    "two words in turn": ("a b " * 250_000, "b a " * 250_000),
    "equal lines but in the middle": ("x\n" * 500_000, "y\n" + "x\n" * 250_000 + "q\n" + "x\n" * 250_000),
    "equal lines in turn": ("x\ny\n" * 250_000, "y\nx\n" * 250_000),
    "a line without spaces": ("abcdef" * 160_000, "bcdefa" * 160_000),
    "one line": (shuffled(1, WORDS, 160_000, " "), shuffled(2, WORDS, 160_000, " ")),
    "points": ("." * 500_000, "," * 500_000),
    "few letters": (shuffled(1, list("ab "), 10**6, ""), shuffled(2, list("ab "), 10**6, "")),
    "short lines": (shuffled(1, list("ab\n"), 10**6, ""), shuffled(2, list("ab\n"), 10**6, "")),
    "composed and not": ("é " * 250_000, "e\u0301 " * 250_000),
}


class Counted(Effort):
    """An effort that counts what is asked of it, also when there is none left."""

    asked = 0

    def spend(self, steps: int) -> bool:
        self.asked += steps
        return super().spend(steps)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_costs_a_bounded_number_of_steps(name):
    previous, current = HOSTILE[name]
    effort = Counted()

    pieces = word_diff(previous, current, effort)

    assert sides(pieces) == (previous, current)
    # What there was, and one last look at all of it, which found that there is no more.
    assert effort.asked < MOST_STEPS + 1_500_000


def test_what_a_page_compares_shares_one_effort():
    effort = Effort()
    for name in ("one line", "few letters", "short lines"):
        word_diff(*HOSTILE[name], effort)
    assert effort.left < 0

    edited = SENTENCE.replace("lazy", "sleepy").replace("oak", "elm")

    assert len(changed(word_diff(SENTENCE, edited))) == 4
    assert changed(word_diff(SENTENCE, edited, effort)) == [
        ("del", "lazy dog, then sleeps under the old oak"),
        ("ins", "sleepy dog, then sleeps under the old elm"),
    ]


def test_a_cut_keeps_what_came_in_the_place_of_what_went():
    pieces = word_diff("x" * 5000 + " end", "y" * 7000 + " end")

    kept = cut(pieces, 2000)

    assert [(piece.kind, len(piece.text)) for piece in kept[:2]] == [("del", 2000), ("ins", 2000)]
    assert [piece.text for piece in kept[2:]] == [f"{3000 + 5000 + len(' end'):,}"]


@given(any_text, any_text, st.integers(0, 40))
def test_a_cut_leaves_no_character_uncounted(previous, current, limit):
    pieces = word_diff(previous, current)

    kept = cut(pieces, limit)

    left_out = sum(int(piece.text.replace(",", "")) for piece in kept if piece.kind in ("cut", "skip"))
    shown = sum(len(piece.text) for piece in kept if piece.kind not in ("cut", "skip"))
    assert shown + left_out == sum(len(piece.text) for piece in pieces)
    assert shown <= 4 * limit
