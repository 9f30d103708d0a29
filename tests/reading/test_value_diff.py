"""Differences inside of values: applied to what was before they give what is after, whatever the values."""

from collections import Counter
from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from auditapp.log.equality import same
from auditapp.reading.diffs.matching import Effort
from auditapp.reading.diffs.sides import ABSENT, Care
from auditapp.reading.diffs.value_diff import canonical, list_change, parts

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
    assert Counter(map(canonical, after)) - Counter(map(canonical, before)) == Counter(
        _canonical_text(one) for one in found.items if one.op == "added"
    )
    if found.reordered:
        assert found.kept


def _canonical_text(one) -> str:
    """Return an element as JSON has it, out of how it is shown."""
    told = {"null": "null", "empty": '""', "text": f'"{one.text}"'}
    yes_or_no = "true" if one.text == "Yes" else "false"
    return told.get(one.value.form) or (
        yes_or_no if one.value.form == "boolean" else canonical(float(one.text))
    )


@given(anything, anything, st.integers(0, 10_000))
def test_values_have_changed_parts_only_where_they_differ(before, after, steps):
    changed = [part for part in parts(before, after, "f", care(steps)) if part.op != "kept"]

    assert bool(changed) != same(before, after)
    assert all(part.path.startswith("f") for part in changed)
    assert not any(same(part.previous, part.current) for part in changed)
