"""For any life of a record: what its versions add up to is what it was, forward, back and at each instant."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditapp.access.viewer import whole_log_viewer
from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.reading.records.changes import Fold, Held, Snapshot, difference, reversed_changes
from auditapp.reading.records.compare import compare
from auditapp.reading.records.record import Record
from auditapp.reading.records.state import state_at
from auditapp.values.equality import same
from auditapp.values.references import by_identity, next_value
from tests.conftest import an_event

START = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ["stage", "value", "note", "services"]
State = dict[str, Any]

plain = st.sampled_from([None, "", "open", "won", 0, 1, 1.5, True, False, [], {}, {"a": [1]}, ["x", 1]])
services = st.lists(
    st.builds(
        lambda key, amount: {"id": key, "amount": amount}, st.sampled_from("abcdef"), st.integers(0, 2)
    ),
    unique_by=lambda item: item["id"],
    max_size=5,
)


class Step(NamedTuple):
    """One version: what happens, and what the fields that it tells are then."""

    verb: str
    outcome: str
    values: State
    as_difference: bool
    pause: int


steps = st.builds(
    Step,
    verb=st.sampled_from(["updated"] * 8 + ["deleted", "restored", "created", "noted"]),
    outcome=st.sampled_from(["success"] * 5 + ["failure", "denied"]),
    values=st.fixed_dictionaries({}, optional={"stage": plain, "value": plain, "note": plain}).flatmap(
        lambda values: st.fixed_dictionaries({}, optional={"services": services}).map(values.__or__)
    ),
    as_difference=st.booleans(),
    pause=st.sampled_from([0, 1, 1, 2]),
)
first = st.fixed_dictionaries(
    {"services": services}, optional={"stage": plain, "value": plain, "note": plain}
)


class Version(NamedTuple):
    """An event's name, outcome, changes and hour, and what the record truly was afterwards."""

    event: str
    outcome: str
    changes: dict[str, dict[str, Any]]
    hour: int
    after: State
    exists: bool


def life(began: State, told: list[Step]) -> list[Version]:
    """Return the versions of a record that is created with some fields."""
    changes = {name: {"current": value} for name, value in began.items()}
    versions = [Version("deal.created", "success", changes, 0, dict(began), True)]
    for step in told:
        versions.append(next_version(versions[-1], step))
    return versions


def next_version(last: Version, step: Step) -> Version:
    state, hour, event = last.after, last.hour + step.pause, f"deal.{step.verb}"
    if step.outcome != "success":
        changes = {name: change_of(state, name, value, False) for name, value in step.values.items()}
        return Version(event, step.outcome, changes, hour, state, last.exists)
    if step.verb == "deleted":
        changes = {name: {"previous": value, "current": None} for name, value in state.items()}
        return Version(event, "success", changes, hour, state, False)
    if step.verb == "created" and not last.exists:
        state = {}
    changes = {name: change_of(state, name, value, step.as_difference) for name, value in step.values.items()}
    return Version(event, "success", changes, hour, {**state, **step.values}, True)


def change_of(state: State, name: str, value: Any, as_difference: bool) -> dict[str, Any]:
    """Tell a change; a list of references whole, or what was removed or altered and added or altered."""
    if name not in state:
        return {"current": value}
    held, given_ = by_identity(state[name]), by_identity(value)
    if not as_difference or held is None or given_ is None:
        return {"previous": state[name], "current": value}
    removed = [item for key, item in held.items() if item != given_.get(key)]
    added = [item for key, item in given_.items() if item != held.get(key)]
    return {"previous": removed, "current": added}


def snapshots(versions: list[Version]) -> list[Snapshot]:
    """Fold versions; return what the record was before the first and after each."""
    fold = Fold()
    found = [fold.snapshot()]
    for number, version in enumerate(versions):
        fold.add(number, version.event, version.outcome, version.changes)
        found.append(fold.snapshot())
    return found


def values_of(fields: dict[str, Held]) -> State:
    return {name: held.value for name, held in fields.items()}


def alike(one: State, other: State) -> bool:
    """Compare states; of references the order does not count."""
    return one.keys() == other.keys() and all(
        same(unordered(one[name]), unordered(other[name])) for name in one
    )


def unordered(value: Any) -> Any:
    return value if not value or (found := by_identity(value)) is None else found


@given(first, st.lists(steps, max_size=12))
def test_folded_forward_the_versions_give_each_state_and_the_last(began, told):
    versions = life(began, told)

    found = snapshots(versions)

    for version, snapshot in zip(versions, found[1:], strict=True):
        assert alike(values_of(snapshot.held), version.after)
        assert snapshot.exists == version.exists
        assert not snapshot.drift
    assert found[-1].versions == len(versions)


@given(first, st.lists(steps, max_size=12))
def test_folded_back_the_versions_give_the_first_state(began, told):
    # One existence only: what was before a second creation no change of it tells.
    told = [step for step in told if step.verb not in ("deleted", "created", "restored")]
    versions = life(began, told)
    turned = [version for version in reversed(versions[1:]) if version.outcome == "success"]

    state = dict(versions[-1].after)
    for version in turned:
        for name, change in reversed_changes(version.changes).items():
            if "current" in change:
                state[name] = next_value(state[name], change.get("previous"), change["current"])
            else:
                del state[name]

    assert alike(state, began)


@given(first, st.lists(steps, max_size=12), st.integers(0, 12))
def test_of_what_a_shorter_log_tells_each_state_is_right_and_holds_all_that_ever_changes(
    began, told, skipped
):
    told = [step for step in told if step.verb not in ("deleted", "created", "restored")]
    # Told whole: nobody can know what else is in a list of which a shorter log has only differences.
    versions = life(began, [step._replace(as_difference=False) for step in told])[skipped:]
    if not versions:
        return

    found = snapshots(versions)

    change = {name for version in versions if version.outcome == "success" for name in version.changes}
    for version, snapshot in zip(versions, found[1:], strict=True):
        known = values_of(snapshot.fields)
        assert alike(known, {name: version.after[name] for name in known})
        assert known.keys() >= change & version.after.keys()


@given(first, st.lists(steps, max_size=12), st.data())
def test_a_comparison_is_the_reverse_of_the_other_way_round_and_leads_from_one_state_to_the_other(
    began, told, data
):
    found = snapshots(life(began, told))
    one = data.draw(st.sampled_from(found)).fields
    other = data.draw(st.sampled_from(found)).fields

    there, back = difference(one, other), difference(other, one)

    assert {name: sides(change) for name, change in back.items()} == {
        name: sides(change) for name, change in reversed_changes(there).items()
    }
    state = values_of(one)
    for name, change in there.items():
        assert ("previous" in change) == (name in state)
        assert not state or same(state.get(name), change.get("previous"))
        state.pop(name, None)
        state |= {name: change["current"]} if "current" in change else {}
    assert alike(state, values_of(other))
    assert difference(one, one) == {}


def sides(change: dict[str, Any]) -> dict[str, Any]:
    return {side: repr(change[side]) for side in ("previous", "current") if side in change}


@given(first, st.lists(steps, min_size=1, max_size=12), st.data())
def test_a_change_that_is_missing_from_the_log_is_found_where_the_field_is_told_next(began, told, data):
    # Without the list: what is missing from one may be told as a difference that leaves out the rest.
    began = {name: value for name, value in began.items() if name != "services"}
    told = [
        Step(
            "updated",
            "success",
            {name: value for name, value in step.values.items() if name in began},
            False,
            1,
        )
        for step in told
    ]
    versions = life(began, told)
    missing = data.draw(st.integers(1, len(versions) - 1))
    before, after = versions[missing - 1].after, versions[missing].after
    left = [*versions[:missing], *versions[missing + 1 :]]

    drift = snapshots(left)[-1].drift

    lost = {name for name in after if contradict(before[name], after[name])}
    told_later = {name for version in left[missing:] for name in version.changes}
    assert {each.field for each in drift} == lost & told_later
    for each in drift:
        assert same(each.expected, before[each.field]) and same(each.found, after[each.field])


def contradict(before: Any, after: Any) -> bool:
    """Tell whether two values contradict each other: null and empty do not."""
    empty = [None, "", [], {}]
    both_empty = any(same(before, each) for each in empty) and any(same(after, each) for each in empty)
    return not same(before, after) and not both_empty


NUMBERS = count()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(first, st.lists(steps, min_size=2, max_size=8), st.data())
def test_the_state_at_each_instant_is_the_state_recorded_then(acme, began, told, data):
    versions, viewer = life(began, told), whole_log_viewer(acme)
    record = Record("deal", f"d_{next(NUMBERS)}")
    recorded = record_batch(
        acme,
        [
            an_event(
                version.event,
                entity=record.id,
                outcome=version.outcome,
                changes=version.changes,
                occurred_at=START + timedelta(hours=version.hour),
            )
            for version in versions
        ],
    )

    for hour in {version.hour for version in versions}:
        newest = [version for version in versions if version.hour <= hour][-1]
        state = state_at(record, viewer, START + timedelta(hours=hour))
        values = {name: field.value for name, field in state.fields.items() if field.event is not None}
        assert alike(values, {name: newest.after[name] for name in values})
        assert newest.after.keys() <= state.fields.keys()
        assert (state.exists, state.complete, state.drift) == (newest.exists, True, [])
    places = data.draw(st.tuples(*[st.integers(0, len(versions) - 1)] * 2))
    one, other = (recorded[place].id for place in places)
    there, back = compare(record, viewer, one, other), compare(record, viewer, other, one)
    assert {name: sides(change) for name, change in back.changes.items()} == {
        name: sides(change) for name, change in reversed_changes(there.changes).items()
    }
    assert there.versions_between == max(0, abs(places[0] - places[1]) - 1)
    db.session.rollback()
