"""One answer to when two recorded values are the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.values.equality import key_of, same

NOON = "2024-03-31T12:00:00Z"


@pytest.mark.parametrize(
    ("one", "other", "kind", "expected"),
    [
        (1, 1.0, None, True),
        (0, -0.0, None, True),
        (2**53 + 1, float(2**53), None, False),
        (2**53, float(2**53), "money", True),
        (1, True, None, False),
        (0, False, "boolean", False),
        (1, "1", None, False),
        (None, "", None, False),
        (None, False, None, False),
        ([], {}, None, False),
        ("won", "Won", "choice", False),
        ("é", "e\u0301", None, False),
        ({"a": 1, "b": [True]}, {"b": [True], "a": 1.0}, None, True),
        ({"a": [1]}, {"a": [True]}, None, False),
        ([1, 2], [2, 1], None, False),
        ({"a": None}, {}, None, False),
        (NOON, "2024-03-31T12:00:00+00:00", None, True),
        (NOON, "2024-03-31t14:00:00.000+02:00", None, True),
        (NOON, "2024-03-31T12:00:00+00:00", "date", True),
        (NOON, "2024-03-31T12:00:00+00:00", "text", False),
        (NOON, "2024-03-31T12:00:00+00:00", "json", False),
        ([{"at": NOON}], [{"at": "2024-03-31T14:00:00+02:00"}], None, True),
        ([{"at": NOON}], [{"at": "2024-03-31T14:00:00+02:00"}], "json", False),
        (NOON, "2024-03-31T12:00:00", None, False),
        ("2024-03-31T12:00:00", "2024-03-31T12:00:00.0", None, False),
        ("2024-03-31T12:00:00", "2024-03-31T12:00:00.0", "date", False),
        (NOON, "2024-03-31T12:00Z", None, False),
        (NOON, "2024-03-31T12:00Z", "date", True),
        (NOON, "2024-03-31T14:00+0200", "date", True),
        ("2024-03-31", "2024-03-31T00:00:00Z", "date", False),
        ("2024-03-31T12:00:00.0000001Z", "2024-03-31T12:00:00.0000002Z", "date", False),
        ("2024-03-31T12:00:00.0000001Z", "2024-03-31T14:00:00.00000010+02:00", None, True),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00", None, True),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", None, False),
        ("2024-02-31T12:00:00Z", "2024-02-31T12:00:00+00:00", None, False),
        ("0001-01-01T00:00:00+01:00", "0001-01-01T00:30:00+01:30", None, True),
        ("9999-12-31T23:59:59-01:00", "9999-12-31T23:29:59-01:30", None, True),
    ],
)
def test_two_values_are_the_same_or_are_not(one: Any, other: Any, kind: str | None, expected: bool) -> None:
    assert same(one, other, kind) is expected
    assert same(other, one, kind) is expected
    assert (key_of(one, kind) == key_of(other, kind)) is expected


instants = st.builds(
    "{}T{:02}:00:00{}{}".format,
    st.sampled_from(["2024-03-31", "2024-04-01"]),
    st.sampled_from([0, 10, 12, 23]),
    st.sampled_from(["", ".0", ".5", ".50", ".0000001"]),
    st.sampled_from(["Z", "z", "+00:00", "+02:00", "-02:00", ""]),
)
numbers = st.sampled_from([0, 1, 2, 0.0, 1.0, 1.5])
scalars = st.none() | st.booleans() | numbers | instants | st.text(max_size=2)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
kinds = st.sampled_from([None, "date", "text", "json"])


@given(values, values, kinds)
def test_the_key_of_a_value_says_what_is_the_same(one: Any, other: Any, kind: str | None) -> None:
    assert (key_of(one, kind) == key_of(other, kind)) is same(one, other, kind)
    assert same(one, other, kind) is same(other, one, kind)
    if same(one, other, kind):
        assert hash(key_of(one, kind)) == hash(key_of(other, kind))


@given(values, kinds)
def test_every_value_is_the_same_as_itself(value: Any, kind: str | None) -> None:
    assert same(value, value, kind)
