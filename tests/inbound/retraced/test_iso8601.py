"""ISO 8601 in all the forms that Retraced's server takes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.inbound.retraced.iso8601 import parse_iso_8601

QUARTER_PAST_TEN = datetime(2024, 3, 31, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-31T10:15:00Z",
        "2024-03-31T10:15Z",
        "2024-03-31t10:15z",
        "2024-03-31 10:15:00.000 Z",
        "2024-03-31T12:15:00+0200",
        "2024-03-31T12:15+02",
        "2024-03-31T04:45:00-05:30",
        "20240331T101500Z",
        "20240331T1015Z",
        "2024-03-31T10:15:00,0Z",
        "2024-03-31T10:15:00.0000009Z",
        "2024-W13-7T10:15Z",
        "2024W137T1015Z",
        "2024-091T10:15Z",
        "2024091T1015Z",
        "+002024-03-31T10:15Z",
        "2024-03-31T10:15",
    ],
)
def test_an_instant_is_one_in_any_form(text):
    assert parse_iso_8601(text) == QUARTER_PAST_TEN


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-31T10Z", datetime(2024, 3, 31, 10, tzinfo=UTC)),
        ("2024-03-31T10:15:00,5Z", datetime(2024, 3, 31, 10, 15, 0, 500000, tzinfo=UTC)),
        ("2024-03-31", datetime(2024, 3, 31, tzinfo=UTC)),
        ("20240331", datetime(2024, 3, 31, tzinfo=UTC)),
        ("2024-03", datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-W13", datetime(2024, 3, 25, tzinfo=UTC)),
        ("2024-366", datetime(2024, 12, 31, tzinfo=UTC)),
        ("2024-03-31T24:00Z", datetime(2024, 4, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("20170101T005960,7+0100", datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_what_is_not_told_is_the_first_there_is(text, moment):
    assert parse_iso_8601(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "today", "2024-3-31", "2024-03-31Z", "2024-03-31T", "2024-03-31T10:15:00+2", "10:15", "2024-W13-8"],
)
def test_what_is_no_form_of_it_is_refused(text):
    with pytest.raises(ValueError, match="must be an ISO 8601 instant"):
        parse_iso_8601(text)


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30",
        "2024-13",
        "2023-366",
        "2024-000",
        "2024-W54",
        "0000-01-01",
        "2024-03-31T24:01",
        "2024-03-31T25",
        "2024-03-31T10:60",
        "2024-03-31T10:15:61",
        "2024-03-31T10:15+24",
        "2024-03-31T10:15+00:60",
        "9999-12-31T24:00",
        "0001-01-01T00:00+01",
    ],
)
def test_a_time_that_does_not_exist_is_refused(text):
    with pytest.raises(ValueError, match="is no time that exists"):
        parse_iso_8601(text)


@given(st.datetimes(timezones=st.timezones() | st.none()), st.sampled_from(["T", " "]))
def test_pythons_own_form_is_read_as_python_reads_it(moment, separator):
    try:
        expected = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return
    if expected.utcoffset() is None or (moment.utcoffset() and moment.utcoffset().total_seconds() % 60):
        return  # offsets with seconds are Python's alone

    assert parse_iso_8601(moment.isoformat(separator)) == expected
