"""Differences inside of values: applied to what was before they give what is after, whatever the values."""

from collections import Counter
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.reading.diffs.matching import Effort
from auditapp.reading.diffs.sides import ABSENT, Care
from auditapp.reading.diffs.value_diff import list_change, parts
from auditapp.values.equality import key_of, same

scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0, "", "a", "b"])
objects = st.recursive(
    scalars, lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4), max_leaves=12
)
lists = st.lists(scalars, max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "id", "name", "a.b", ""]), inner, max_size=4)
    ),
    max_leaves=15,
)


def care(steps: int = 10_000) -> Care:
    return Care(None, Effort(steps))


@given(
    st.dictionaries(st.sampled_from("abcd"), objects, max_size=4),
    st.dictionaries(st.sampled_from("abcd"), objects, max_size=4),
)
def test_the_parts_of_an_object_lead_from_what_it_was_to_what_it_is(before, after):
    state = deepcopy({"f": before})

    for part in parts(before, after, "f", care()):
        *way, last = part.path.split(".")
        inside = state
        for key in way:
            inside = inside[key]
        assert part.previous is ABSENT or same(inside[last], part.previous)
        if part.current is ABSENT:
            del inside[last]
        else:
            inside[last] = part.current

    assert same(state["f"], after)


@given(lists, lists)
def test_the_elements_of_a_list_lead_from_what_it_was_to_what_it_is(before, after):
    found = list_change(before, after, care())

    ops = Counter(one.op for one in found.items)
    assert len(before) - ops["removed"] == len(after) - ops["added"] == len(found.kept)
    assert Counter(map(key_of, after)) - Counter(map(key_of, before)) == Counter(
        key_of(_value(one)) for one in found.items if one.op == "added"
    )
    if found.reordered:
        assert found.kept


def _value(one):
    """Return an element as JSON has it, out of how it is shown."""
    known = {"null": None, "empty": "", "text": one.text, "boolean": one.text == "Yes"}
    return known[one.value.form] if one.value.form in known else float(one.text)


@given(anything, anything, st.integers(0, 10_000))
def test_values_have_changed_parts_only_where_they_differ(before, after, steps):
    changed = [part for part in parts(before, after, "f", care(steps)) if part.op != "kept"]

    assert bool(changed) != same(before, after)
    assert all(part.path.startswith("f") for part in changed)
    assert not any(same(part.previous, part.current) for part in changed)


@given(
    st.lists(anything, max_size=6).flatmap(lambda items: st.tuples(st.just(items), st.permutations(items)))
)
def test_another_order_alone_takes_nothing_out_and_puts_nothing_in(lists):
    before, after = lists

    ops = {part.op for part in parts(before, after, "f", care())}

    assert ops <= {"kept", "moved"}
    assert ("moved" in ops) == (not same(before, after))


@given(anything, anything)
def test_what_went_and_what_came_is_all_that_is_on_one_side_alone(before, after):
    for part in parts(before, after, "f", care()):
        assert (part.current is ABSENT) == (part.op == "removed")
        assert (part.previous is ABSENT) == (part.op == "added")


def told(before, after, kind=None) -> list[tuple[str, str]]:
    return [
        (part.op, part.path)
        for part in parts(before, after, "f", Care(None, Effort(), kind))
        if part.op != "kept"
    ]


A, B, C = {"name": "a", "n": 1}, {"name": "b", "n": 2}, {"name": "c", "n": 3}
NOON = "2024-03-31T12:00:00Z"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([A, B, C], [C, B, A], [("moved", "f")]),
        ([[1, 2], [3, 4]], [[3, 4], [1, 2]], [("moved", "f")]),
        ([[1, 2], [3, 4]], [[2, 1], [3, 4]], [("moved", "f[0]")]),
        ([{"x": [1, 2]}], [{"x": [2, 1]}], [("moved", "f[0].x")]),
        ({"x": [A, B]}, {"x": [B, A]}, [("moved", "f.x")]),
        ([1, True], [True, 1], [("moved", "f")]),
        ([A, B], [{"name": "b", "n": 5}, A], [("changed", "f[0].n"), ("moved", "f")]),
        ([A, B], [C, A, B], [("added", "f[0]")]),
        ([A, B, C], [A, C], [("removed", "f[1]")]),
        ([A, A, B], [A, B, A], [("moved", "f")]),
        ([[1, 2, 3], [7]], [[7], [1, 2, 4]], [("removed", "f[1][]"), ("added", "f[1][]"), ("moved", "f")]),
        ([{"id": 1, "v": 1}, {"id": 1, "v": 2}], [{"id": 1, "v": 2}, {"id": 1, "v": 1}], [("moved", "f")]),
        ([{"name": "x"}], [{"name": "y"}], [("changed", "f[0].name")]),
        ([{"at": NOON}, 1], [1, {"at": "2024-03-31T14:00:00+02:00"}], [("moved", "f")]),
    ],
)
def test_elements_are_known_by_what_they_are_not_by_where_they_stand(before, after, expected):
    assert told(before, after) == expected


def test_what_is_inside_is_the_same_by_the_kind_of_the_field():
    other = "2024-03-31T14:00:00+02:00"

    assert told([{"at": NOON, "n": 1}], [{"at": other, "n": 1}], "json") == [("changed", "f[0].at")]
    assert told([{"at": NOON, "n": 1}], [{"at": other, "n": 1}]) == []


def test_long_lists_of_what_is_alike_are_compared_coarsely_not_late():
    before = [{"kind": "x", "n": number} for number in range(3000)]
    after = [{"kind": "x", "n": -number} for number in range(1, 3001)]
    effort = Effort()

    found = list(parts(before, after, "f", Care(None, effort)))

    assert len(found) >= 3000 and effort.left < 0
