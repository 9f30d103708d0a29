"""Taking versions back: for any life of a record, it leads to what was there before."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from auditapp.reading.undo.reverse import CREATE, DELETE, Reverse, reverse
from auditapp.reading.undo.trace import Traced
from auditapp.values.equality import same

NAMES = ["a", "b", "c"]
State = dict[str, Any] | None  # None: the record does not exist
refs = st.lists(st.sampled_from("wxyz"), unique=True).map(lambda ids: [{"id": each} for each in ids])
values = st.none() | st.integers(0, 2) | st.sampled_from(["", "x", True, 1.0]) | refs
steps = st.lists(
    st.dictionaries(st.sampled_from(NAMES), values, max_size=3) | st.just("deleted"), min_size=1, max_size=8
)


def trace(versions, undone) -> Traced:
    """Go through a record's versions, oldest first."""
    traced = Traced(undone)
    for version in versions:
        traced.add(version)
    return traced.done()


def life(told: list) -> tuple[list, list[State]]:
    """Return a record's versions, and its states: the first before all of them, one after each."""
    state: State = None
    versions, states = [], [state]
    for number, step in enumerate(told, 1):
        if step == "deleted":
            verb, after = ("deleted", None) if state is not None else ("noted", None)
            changes = {name: {"previous": value, "current": None} for name, value in (state or {}).items()}
        else:
            verb = "updated" if state is not None else "created"
            changes = {
                name: {**({"previous": state[name]} if state and name in state else {}), "current": value}
                for name, value in step.items()
            }
            after = {**(state or {}), **step}
        if verb != "noted":
            versions.append((number, f"deal.{verb}", "success", changes))
            states.append(after)
            state = after
    return versions, states


def applied(state: State, turned: Reverse | None) -> State:
    """Return what a state becomes by what is to be done."""
    if turned is None:
        return state
    if turned.action == DELETE:
        return None
    new = {name: change["current"] for name, change in turned.changes.items()}
    return new if turned.action == CREATE else {**(state or {}), **new}


def alike(one: State, other: State) -> bool:
    """Compare states; a field that is null is as good as none."""
    if one is None or other is None:
        return one is other
    return all(same(one.get(name), other.get(name)) for name in NAMES)


@given(steps, st.integers(0, 7))
def test_taking_the_newest_versions_back_leads_to_the_state_before_them(told, kept):
    versions, states = life(told)
    kept = min(kept, len(versions))
    newest = {version[0] for version in versions[kept:]}

    traced = trace(versions, newest)

    turned = reverse(traced) if newest else None
    assert alike(applied(states[-1], turned), states[kept])
    assert not traced.others and traced.reborn is None


@given(
    st.lists(st.dictionaries(st.sampled_from(NAMES), values, max_size=3), min_size=2, max_size=8), st.data()
)
def test_a_field_is_in_conflict_if_and_only_if_another_version_changed_it_since(told, data):
    versions, states = life([dict.fromkeys(NAMES, 0), *told])
    undone = data.draw(st.sets(st.sampled_from([version[0] for version in versions[1:]]), min_size=1))

    traced = trace(versions, undone)

    first: dict[str, int] = {}
    last_other: dict[str, int] = {}
    for number, _, _, changes in versions[1:]:
        for name, change in changes.items():
            if same(change["previous"], change["current"]):
                continue
            if number in undone:
                first.setdefault(name, number)
            elif name in first:
                last_other[name] = number
    assert {name: each.since for name, each in traced.touched.items() if each.since} == last_other
    turned = reverse(traced)
    assert turned is not None
    for name, number in first.items():
        if name not in last_other:
            after = applied(states[-1], turned)
            assert after is not None and same(after[name], states[number - 1][name])


@given(refs, refs, refs)
def test_of_a_list_that_others_changed_since_what_they_did_stays(before, after, now):
    versions = [
        (1, "deal.created", "success", {"a": {"current": before}}),
        (2, "deal.updated", "success", {"a": {"previous": before, "current": after}}),
        (3, "deal.updated", "success", {"a": {"previous": after, "current": now}}),
    ]

    turned = reverse(trace(versions, {2}))

    assert turned is not None
    result = {each["id"] for each in applied({"a": now}, turned)["a"]}
    ids = [{each["id"] for each in side} for side in (before, after, now)]
    assert result >= (ids[2] - ids[1]) and result >= (ids[0] - ids[1])
    assert not result & ((ids[1] & ids[2]) - ids[0])
    assert len(result) == len(applied({"a": now}, turned)["a"])
