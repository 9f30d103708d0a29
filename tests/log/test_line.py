"""What the row of an event tells beyond its columns."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.log.line import MAX_BYTES, fields_line, fields_of_row, line_of

BILLING = {"type": "source", "id": "s1", "name": "Billing"}
STAGE = {"previous": "Open", "current": "Won"}


@pytest.mark.parametrize(
    ("changes", "context", "line"),
    [
        ({}, {}, None),
        ({}, {"user_agent": "x", "ip": None, "reason": ""}, None),
        ({}, {"ip": "198.51.100.7"}, {"ip": "198.51.100.7"}),
        ({}, {"reason": "asked for"}, {"reason": "asked for"}),
        ({}, {"claimed_by": BILLING}, {"claimed_by": "Billing"}),
        ({"stage": STAGE}, {}, {"fields": "Stage", "changes": {"stage": STAGE}}),
        (
            {"dealStage": {**STAGE, "label": "Stage", "kind": "choice"}},
            {},
            {"fields": "Stage", "changes": {"dealStage": {"label": "Stage", "kind": "choice", **STAGE}}},
        ),
        ({"paid": {"current": False}}, {}, {"fields": "Paid", "changes": {"paid": {"current": False}}}),
        (
            {"owner": {"previous": None, "current": {"id": "u1", "name": "Ann"}}},
            {},
            {"fields": "Owner", "changes": {"owner": {"previous": None, "current": "Ann"}}},
        ),
        ({"tags": {"previous": [], "current": ["a"]}}, {}, {"fields": "Tags"}),
        ({"at": {"previous": {"x": 1}, "current": 1}}, {}, {"fields": "At"}),
        (
            {"notes": {"current": "x" * 100}},
            {},
            {"fields": "Notes", "changes": {"notes": {"current": "x" * 59 + "…"}}},
        ),
        (
            {name: {"current": 1} for name in "abcde"},
            {},
            {"fields": "A, B, C, D, E", "changes": {name: {"current": 1} for name in "abc"}},
        ),
    ],
)
def test_a_line_tells_what_there_is_in_short(changes, context, line):
    text = line_of(changes, context)

    assert (text and orjson.loads(text)) == (line and {"v": 1, **line})
    assert fields_of_row(text, None) == (line or {}).get("fields")


def test_labels_that_do_not_fit_are_counted():
    changes = {f"field_{number:02}": {"current": 1} for number in range(40)}

    assert fields_line(changes).endswith(" and 28 more")
    assert fields_line({"long" * 50: {"current": 1}}) == "Long" + "long" * 13 + "lon" + "…"


@pytest.mark.parametrize("fields", ["Stage", '{"v":1,"fields":"Stage"}', "", None])
def test_an_event_without_a_line_tells_the_fields_it_was_recorded_with(fields):
    """Whatever they look like."""
    assert fields_of_row(None, fields) == fields


TEXTS = st.text(max_size=300)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | TEXTS
CHANGES = st.dictionaries(
    TEXTS, st.fixed_dictionaries({"current": SCALARS}, optional={"previous": SCALARS, "label": TEXTS})
)


@given(CHANGES, st.dictionaries(st.sampled_from(["ip", "reason"]), TEXTS), TEXTS)
def test_a_line_is_never_long_and_always_tells_of_changes(changes, context, name):
    text = line_of(changes, {**context, "claimed_by": {"id": "k", "name": name}})

    if text is None:
        assert not changes
    else:
        assert len(text.encode()) <= MAX_BYTES
        assert orjson.loads(text)["v"] == 1
        assert fields_of_row(text, None) == fields_line(changes)
