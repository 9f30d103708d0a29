"""Bars: heights are counts, exactly."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.finding.effects import EFFECTS
from auditapp.web.bars import FOOT, parts_of
from auditapp.web.history.rail import SCALES, scale_of, size_words

COUNTS = st.dictionaries(st.sampled_from(EFFECTS), st.integers(0, 10_000))


def height(effects: dict[str, int], highest: int) -> float:
    return sum(part.height for part in parts_of(effects, highest))


@pytest.mark.parametrize(
    ("effects", "highest", "expected"),
    [
        ({"changed": 1}, 1, FOOT),
        ({"changed": 1}, 2, FOOT / 2),
        ({"changed": 1}, 1000, FOOT / 1000),
        ({"deleted": 1}, 1000, FOOT / 1000),
        ({"deleted": 2, "failed": 1}, 1000, FOOT * 3 / 1000),
        ({"created": 5, "changed": 5, "deleted": 1, "failed": 1, "other": 3}, 33, FOOT * 15 / 33),
        ({"changed": 33}, 33, FOOT),
        ({"created": 0, "changed": 0}, 1000, 0),
        ({}, 1, 0),
    ],
)
def test_a_bar_is_as_high_as_its_events_are_many(effects, highest, expected):
    assert height(effects, highest) == pytest.approx(expected, abs=1e-4)


def test_nothing_at_all_needs_no_scale():
    assert parts_of({}, 0) == parts_of(dict.fromkeys(EFFECTS, 0), 0) == []


@given(COUNTS, st.integers(0, 100_000))
def test_parts_stand_on_each_other_without_a_gap_and_each_is_its_count(effects, more):
    total = sum(effects.values())
    highest = max(total + more, 1)

    parts = parts_of(effects, highest)

    assert [part.effect for part in parts] == [effect for effect in EFFECTS if effects.get(effect)]
    foot = float(FOOT)
    for part in parts:
        assert part.top + part.height == pytest.approx(foot, abs=1e-4)
        assert part.height == pytest.approx(FOOT * effects[part.effect] / highest, abs=1e-4)
        foot = part.top
    assert foot == pytest.approx(FOOT - FOOT * total / highest, abs=1e-4)


@pytest.mark.parametrize(("versions", "size"), [(1, 0), (2, 1), (9, 1), (10, 2), (100_000, 2)])
def test_a_dot_of_the_rail_has_one_of_three_sizes(versions, size):
    assert scale_of(versions) == SCALES[size]
    assert sorted(set(SCALES)) == list(SCALES)


@pytest.mark.parametrize(
    ("busiest", "says"),
    [
        (1, ""),
        (2, "larger dots: 2 versions or more"),
        (9, "larger dots: 2 versions or more"),
        (10, "larger dots: 2 and 10 versions or more"),
    ],
)
def test_the_rail_says_what_its_sizes_mean(busiest, says):
    assert size_words(SimpleNamespace(busiest=busiest)) == says
