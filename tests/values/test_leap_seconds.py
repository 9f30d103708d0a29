"""A leap second is the last microsecond of its minute: of events, in filters and of a record's state."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from auditapp.filters.moments import parse_last_moment, parse_moment
from auditapp.log.schema import parse_instant

LAST = datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
SPELLINGS = [
    "2016-12-31T23:59:60Z",
    "2016-12-31t23:59:60z",
    "2016-12-31 23:59:60.5Z",
    "2016-12-31T23:59:60.000000Z",
    "2017-01-01T00:59:60+01:00",
    "2016-12-31T18:29:60.999-05:30",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_leap_second_is_the_last_microsecond_of_its_minute(text):
    assert parse_instant(text) == LAST
    assert parse_moment(text, zone=ZoneInfo("UTC"), now=LAST) == LAST
    assert parse_last_moment(text, zone=ZoneInfo("UTC"), now=LAST) == LAST


def test_a_leap_second_without_a_zone_is_in_the_workspaces():
    assert parse_moment("2017-01-01T00:59:60", zone=ZoneInfo("Europe/Berlin"), now=LAST) == LAST


@pytest.mark.parametrize(
    "text",
    [
        "2016-12-31T23:59:61Z",
        "2016-12-31T23:59:60.Z",
        "2016-12-31T23:59:600Z",
        "2016-12-31T23:60:00Z",
        "2016-12-31T23:60:60Z",
        "2016-12-31T60:59:60Z",
    ],
)
def test_other_seconds_past_the_minute_are_none(text):
    with pytest.raises(ValueError):
        parse_instant(text)
    with pytest.raises(ValueError):
        parse_moment(text, zone=ZoneInfo("UTC"), now=LAST)
