"""The query string: what it means, what is refused and how that is said, and its canonical form."""

import base64
import struct
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from auditapp.access.opaque import Sealer
from auditapp.filters import FilterError, TimelineFilters, Values
from auditapp.filters.cursor import Cursor, Places
from auditapp.filters.event import matches

NOW = datetime(2026, 3, 24, 12, 0, tzinfo=UTC)
PLACES = Places(Sealer("a secret", b"a workspace"))
BERLIN = ZoneInfo("Europe/Berlin")


def read(*pairs: tuple[str, str], knows_me: bool = True) -> TimelineFilters:
    return TimelineFilters.from_args(pairs, zone=BERLIN, now=NOW, knows_me=knows_me, places=PLACES)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026-03-24", utc(2026, 3, 23, 23), utc(2026, 3, 24, 23)),
        ("2026-03-29", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),  # the day of the clock change
        ("2026-03-24T09:55:43Z", utc(2026, 3, 24, 9, 55, 43), None),
        ("2026-03-24T09:55:43.898z", utc(2026, 3, 24, 9, 55, 43, 898000), None),
        ("2026-03-24T09:55:43", utc(2026, 3, 24, 8, 55, 43), None),
        ("2026-03-24T09:55", utc(2026, 3, 24, 8, 55), None),
        ("2026-03-24T09:55:43+02:00", utc(2026, 3, 24, 7, 55, 43), None),
        ("2026-03-24T09:55:43 02:00", utc(2026, 3, 24, 7, 55, 43), None),
        # In Berlin that begins before the year 1 of UTC.
        ("0001-01-01", utc(1, 1, 1), utc(1, 1, 1, 23, 6, 32)),
        ("9999-12-31T23:30-02:00", datetime.max.replace(tzinfo=UTC), None),
        ("9999-12-31", utc(9999, 12, 30, 23), datetime.max.replace(tzinfo=UTC)),
        ("15m", NOW - timedelta(minutes=15), None),
        ("24h", NOW - timedelta(hours=24), None),
        ("7d", NOW - timedelta(days=7), None),
        ("4w", NOW - timedelta(weeks=4), None),
    ],
)
def test_a_moment_means_the_same_to_everybody_in_the_workspace(text, since, until):
    assert read(("since", text)).since == since
    assert read(("until", text)).until == (until or since)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("entity", "Deal", "is no entity type"),
        ("entity", "!", "is no entity type"),
        ("event", "deal", "is no event"),
        ("event", "*", "is no event"),
        ("event", "*.*", "is no event"),
        ("event", "deal.*.x", "is no event"),
        ("record", "deal", "is no record"),
        ("record", "deal:", "is no record"),
        ("record", ":1", "is no record"),
        ("actor", "x" * 513, "1 to 512 characters"),
        ("actor", "a\x00", "cannot be searched"),
        ("actor_type", "robot", "is none of user, api_key"),
        ("origin", "moon", "is none of ui, api"),
        ("outcome", "!maybe", "is none of success"),
        ("since", "yesterday", "is no time"),
        ("since", "2026-02-30", "is no time"),
        ("since", "0000-01-01", "is no time"),
        ("since", "999999w", "is no time"),
        ("since", "٧d", "is no time"),
        ("since", "-7d", "is no time"),
        ("since", "!7d", "is no time"),
        ("until", "10000-01-01", "is no time"),
        ("until", "2026-W12-1", "is no time"),
        ("before", "x", "is no place"),
        ("before", "ü", "is no place"),
        ("after", "AAAA", "is no place"),
        ("q", "---", "holds no word"),
        ("q", "a*", "two letters at least"),
        ("from", "open", "name the field"),
        ("group", "day", "is no way to group"),
        ("limit", "0", "is no number from 1 to 200"),
        ("limit", "201", "is no number"),
        ("limit", "ten", "is no number"),
        ("limit", "١", "is no number"),
        ("colour", "red", "there is no such filter"),
        ("query", "word", "there is no such filter"),
        ("typed", "x", "there is no such filter"),
    ],
)
def test_a_malformed_value_is_named_with_what_to_do(name, value, says):
    with pytest.raises(FilterError) as refused:
        read((name, value), ("outcome", "denied"))

    assert set(refused.value.problems) == {name}
    assert refused.value.problems[name].startswith(f"{name}: ")
    assert says in refused.value.problems[name]


def test_all_wrong_parameters_are_named_at_once():
    with pytest.raises(FilterError) as refused:
        read(("origin", "moon"), ("since", "x"), ("nope", "1"), ("entity", "deal"))

    assert sorted(refused.value.problems) == ["nope", "origin", "since"]


@pytest.mark.parametrize("name", ["since", "until", "limit"])
def test_what_can_be_only_one_value_may_not_be_two(name):
    with pytest.raises(FilterError, match="may be given once"):
        read((name, "7"), (name, "8"))


def test_me_is_nobody_for_an_api_key():
    assert read(("actor", "me")).actor == Values(("me",))
    with pytest.raises(FilterError, match="me is nobody here"):
        read(("actor", "!me"), knows_me=False)


def test_the_canonical_form_is_sorted_without_empty_fields_or_repetitions():
    filters = read(
        ("since", "7d"),
        ("entity", "!task"),
        ("q", ""),
        ("entity", "deal"),
        ("entity", "deal"),
        ("colour", ""),
    )

    assert filters.to_query() == [("entity", "!task"), ("entity", "deal"), ("since", "7d")]
    assert filters.to_query(entity="deal") == [("entity", "!task"), ("since", "7d")]
    assert filters.to_query(entity=None) == [("since", "7d")]
    assert filters.entity == Values(("deal",), ("task",))


@given(
    st.lists(
        st.sampled_from(
            [("entity", "deal"), ("entity", "!task"), ("since", "7d"), ("origin", "api"), ("q", "")]
        )
    )
)
def test_the_canonical_form_of_the_canonical_form_is_itself(pairs):
    canonical = read(*pairs).to_query()

    assert read(*canonical).to_query() == canonical


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 2**63 - 1))
def test_a_place_survives_its_text_and_every_text_is_of_one_length(moment, event_id):
    place = Cursor(moment, event_id)

    assert PLACES.read(PLACES.write(place)) == place
    assert PLACES.write(place) == PLACES.write(place)
    assert len(PLACES.write(place)) == 43


@given(st.integers(0, 2**63 - 1))
def test_a_seen_mark_survives_its_text_which_is_another_one_each_time(number):
    one, other = PLACES.write_seen(number), PLACES.write_seen(number)

    assert PLACES.read_seen(one) == PLACES.read_seen(other) == number
    assert one != other and len(one) == len(other) == 43


@given(st.integers(0, 2**40), st.integers(1, 1000))
def test_two_places_side_by_side_have_no_more_in_common_than_any_two(number, further):
    one, other = (PLACES.write(Cursor(NOW, each)) for each in (number, number + further))

    same = sum(a == b for a, b in zip(one, other, strict=True))
    assert same < 12  # of 43 letters out of 64: by chance one or none


FOREIGN = {
    "another workspace": Places(Sealer("a secret", b"another workspace")),
    "another server": Places(Sealer("another secret", b"a workspace")),
}


@pytest.mark.parametrize("whose", FOREIGN)
def test_a_place_of_somewhere_else_is_none_here(whose):
    text = FOREIGN[whose].write(Cursor(NOW, 1))

    with pytest.raises(FilterError, match="start again from the newest"):
        read(("before", text))
    with pytest.raises(ValueError, match="not written by this server"):
        PLACES.read_seen(FOREIGN[whose].write_seen(1))


@given(st.integers(0, 42), st.characters(codec="utf-8"))
def test_a_place_that_was_altered_is_none(at, letter):
    text = PLACES.write(Cursor(NOW, 4711))
    altered = text[:at] + letter + text[at + 1 :]
    assume(altered != text)

    for wrong in (altered, text + letter, text[:at]):
        with pytest.raises(ValueError, match="start again from the newest"):
            PLACES.read(wrong)


def test_a_place_of_an_older_version_is_told_to_start_again():
    packed = struct.pack(">qq", 1_711_000_000_000_000, 4711)
    old = base64.urlsafe_b64encode(packed).decode().rstrip("=")

    with pytest.raises(FilterError, match="one of an older version of Auditapp; start again from the newest"):
        read(("before", old))


@given(st.text(max_size=40))
def test_no_text_breaks_the_cursor_or_the_filters(text):
    for name in ("before", "since", "record", "actor", "event", "limit"):
        try:
            read((name, text))
        except FilterError as error:
            assert set(error.problems) == {name}


@pytest.mark.parametrize(
    ("pattern", "event", "fits"),
    [
        ("deal.updated", "deal.updated", True),
        ("deal.updated", "deal.updated_again", False),
        ("deal.*", "deal.updated", True),
        ("deal.*", "deal.stage.changed", True),
        ("deal.*", "deals.updated", False),
        ("*.deleted", "deal.deleted", True),
        ("*.deleted", "deal.undeleted", False),
    ],
)
def test_patterns_fit_whole_words(pattern, event, fits):
    assert matches(pattern, event) is fits
