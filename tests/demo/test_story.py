"""The demo company's story, before it is recorded: believable, consistent, the same every time."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from auditapp.log.schema import ACTOR_TYPES, ORIGINS, OUTCOMES, parse_event
from auditapp.values.equality import same
from demo.cast import PEOPLE
from demo.story import tell
from demo.synthetic import synthetic_events
from demo.world import Planned

NOWS = [
    datetime(2026, 11, 23, 16, 47, tzinfo=UTC),  # a Monday afternoon
    datetime(2026, 11, 22, 3, 10, tzinfo=UTC),  # in the night to Sunday
    datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC),  # New Year
    datetime(2028, 2, 29, 7, 0, tzinfo=UTC),
    datetime(2027, 7, 15, 11, 30, tzinfo=UTC),  # with both changes of the clocks behind it
]
every_now = pytest.mark.parametrize("now", NOWS, ids=[f"{now:%a %d %b %H:%M}" for now in NOWS])


@cache
def story(now: datetime = NOWS[0]) -> list[Planned]:
    return tell(now, "workspace-1")


def events(now: datetime = NOWS[0]) -> list[dict[str, Any]]:
    return [plan.event for plan in story(now)]


@every_now
def test_about_two_thousand_events_lead_from_four_months_ago_to_just_now(now):
    moments = [event["occurred_at"] for event in events(now)]

    assert 1_900 <= len(moments) <= 2_200
    assert moments == sorted(moments)
    assert timedelta(days=115) < now - moments[0] < timedelta(days=125)
    assert now - timedelta(minutes=10) < moments[-1] <= now
    assert sum(now - moment < timedelta(hours=1) for moment in moments) >= 12
    assert sum(now - moment < timedelta(days=7) for moment in moments) >= 100


@every_now
def test_every_event_is_one_that_the_log_accepts(now):
    for event in events(now):
        parse_event(event, now=now, own=event["event"].startswith("auditapp."))


def test_the_same_moment_has_the_same_story():
    assert tell(NOWS[0], "workspace-1") == story(NOWS[0])


@every_now
def test_previous_is_what_an_earlier_event_left(now):
    check_chains(events(now))


def check_chains(happened: Iterable[dict[str, Any]]) -> None:
    """Follow each record through its events; what came before the log is believed."""
    states: dict[tuple[str, str], dict[str, Any]] = {}
    from_the_start = set()
    for event in happened:
        key = (event["entity"]["type"], event["entity"]["id"])
        state, changes = states.setdefault(key, {}), event.get("changes", {})
        if not state and changes and all("previous" not in change for change in changes.values()):
            from_the_start.add(key)
        for name, change in changes.items():
            if "previous" not in change:
                assert name not in state, (event["event"], name)
            elif name in state or key in from_the_start:
                assert same(state[name], change["previous"]), (event["event"], name)
            state[name] = change["current"]
        if event["event"].endswith(".deleted"):
            assert all(change["current"] is None for change in changes.values())
            state.clear()


def test_a_created_record_has_no_previous_values_and_a_deleted_one_says_what_was_lost():
    for event in events():
        verb, changes = event["event"].rpartition(".")[2], event.get("changes", {})
        if verb == "created":
            assert all("previous" not in change for change in changes.values())
        if verb == "deleted":
            assert changes and all("previous" in change for change in changes.values())


@every_now
def test_follow_ons_come_after_their_cause_and_share_its_correlation(now):
    followed = 0
    for place, plan in enumerate(story(now)):
        if plan.cause is None:
            assert plan.event["actor"]["type"] != "workflow"
            continue
        followed += 1
        assert plan.cause < place
        assert plan.event["correlation_id"] == story(now)[plan.cause].event["correlation_id"]
    assert followed > 400


def test_some_follow_ons_are_the_cause_of_others():
    causes = {place: plan.cause for place, plan in enumerate(story())}

    assert any(cause is not None and causes[cause] is not None for cause in causes.values())


@every_now
def test_all_ingredients_are_there(now):
    happened = events(now)

    assert {event["actor"]["type"] for event in happened} == set(ACTOR_TYPES)
    assert {event["origin"] for event in happened} == set(ORIGINS) - {"unknown"}
    assert {event.get("outcome", "success") for event in happened} == set(OUTCOMES)
    kinds = Counter(event["entity"]["type"] for event in happened)
    for kind in ("contact", "organization", "deal", "service", "task", "user", "role", "quote", "invoice"):
        assert kinds[kind] >= 5, kind
    verbs = Counter(event["event"] for event in happened)
    assert (
        verbs["auditapp.session.failed"] >= 5
        and verbs["auditapp.access.denied"] >= 5
        and verbs["auditapp.session.created"] >= 50
    )
    assert sum(count for verb, count in verbs.items() if verb.endswith(".deleted")) >= 8
    behalf = {event["on_behalf_of"]["name"] for event in happened if "on_behalf_of" in event}
    assert behalf == {"Mateo Hernández"}
    failed = [
        plan for plan in story(now) if plan.cause is not None and plan.event.get("outcome") == "failure"
    ]
    assert any(plan.event["actor"]["type"] == "workflow" for plan in failed)


def test_every_kind_of_change_occurs():
    found = {
        change.get("kind")
        for event in events()
        for change in event.get("changes", {}).values()
        if "previous" in change
    }

    assert {"text", "number", "money", "boolean", "date", "choice", "refs", "json"} <= found


def test_relations_gain_lose_and_change_their_items():
    found = set()
    for event in events():
        change = event.get("changes", {}).get("services")
        if event["event"] == "deal.updated" and change:
            before = {item["id"]: item["quantity"] for item in change["previous"]}
            after = {item["id"]: item["quantity"] for item in change["current"]}
            found |= {"added"} if after.keys() - before.keys() else set()
            found |= {"removed"} if before.keys() - after.keys() else set()
            found |= {"quantity"} if any(after.get(key, n) != n for key, n in before.items()) else set()

    assert found == {"added", "removed", "quantity"}


def test_null_and_empty_text_both_occur_as_values():
    values = [change["current"] for event in events() for change in event.get("changes", {}).values()]

    assert any(value is None for value in values)
    assert any(value == "" for value in values)


def test_names_come_in_many_scripts():
    letters = {
        unicodedata.name(letter).split()[0]
        for event in events()
        for letter in event["entity"]["name"] + event["actor"]["name"]
        if letter.isalpha()
    }

    assert {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "DEVANAGARI"} <= letters


def test_one_import_brings_a_few_hundred_records_within_minutes():
    imported = [event for event in events() if event["origin"] == "import"]

    assert len({event["correlation_id"] for event in imported}) == 1
    assert sum(event["event"] == "contact.created" for event in imported) >= 200
    assert imported[-1]["occurred_at"] - imported[0]["occurred_at"] < timedelta(minutes=10)
    assert any(event.get("outcome") == "failure" for event in imported)


def test_long_notes_are_rewritten_several_times():
    rewritten = Counter(
        event["entity"]["name"]
        for event in events()
        if len(str(event.get("changes", {}).get("notes", {}).get("previous") or "")) > 80
    )

    assert rewritten["Data Center Refresh"] >= 6
    assert sum(times >= 2 for times in rewritten.values()) >= 10


@every_now
def test_each_sign_in_has_done_something_under_its_address(now):
    own = Counter(event["actor"].get("email") for event in events(now))
    of_member = [event for event in events(now) if event["actor"].get("email") == "member@demo.example"]

    assert own["owner@demo.example"] >= 20
    assert own["auditor@demo.example"] >= 15
    assert len(of_member) >= 60
    assert sum(event["entity"]["type"] == "deal" for event in of_member) >= 20


@pytest.mark.parametrize("key", [key for key in PEOPLE if key != "yael"])
def test_people_work_on_their_own_weekdays(key):
    person = PEOPLE[key]
    moments = [
        event["occurred_at"].astimezone(ZoneInfo(person.zone))
        for event in events()
        if event["actor"]["id"] == person.id
        and event["event"] != "auditapp.session.failed"
        and NOWS[0] - event["occurred_at"] > timedelta(hours=1)
    ]

    assert len(moments) >= 15
    assert all(moment.weekday() in person.days for moment in moments)
    at_work = [moment for moment in moments if 6 <= moment.hour <= 20]
    assert len(at_work) >= 0.97 * len(moments)


@every_now
def test_a_deal_goes_through_its_stages_in_order(now):
    order = ["New", "Discovery", "Proposal", "Negotiation", "Won"]
    for event in events(now):
        change = event.get("changes", {}).get("stage")
        if event["event"] == "deal.updated" and change and change["current"] != "Lost":
            assert order.index(change["current"]) == order.index(change["previous"]) + 1, event["entity"]


def test_addresses_are_those_reserved_for_documentation():
    reserved = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")

    assert all(event["context"].get("ip", "192.0.2.1").startswith(reserved) for event in events())


@pytest.mark.parametrize("count", [0, 1, 999, 5_000])
def test_synthetic_events_are_as_many_as_asked_for(count):
    assert len(list(synthetic_events(count, NOWS[0]))) == count


def test_synthetic_events_are_spread_over_two_years_in_order():
    moments = [event["occurred_at"] for event in synthetic_events(5_000, NOWS[1])]

    assert moments == sorted(moments)
    assert timedelta(days=725) < NOWS[1] - moments[0] < timedelta(days=732)
    assert moments[-1] <= NOWS[1]
    assert sum(7 <= moment.hour < 19 for moment in moments) > 0.75 * len(moments)


def test_synthetic_events_are_accepted_consistent_and_skewed():
    happened = list(synthetic_events(5_000, NOWS[0]))

    for event in happened:
        parse_event(event, now=NOWS[0])
    check_chains(happened)
    by_actor = Counter(event["actor"]["id"] for event in happened).most_common()
    assert by_actor[0][1] > 20 * by_actor[len(by_actor) // 2][1]


def test_a_second_run_of_synthetic_events_has_records_of_its_own():
    first = {event["entity"]["id"] for event in synthetic_events(500, NOWS[0])}
    second = {event["entity"]["id"] for event in synthetic_events(500, NOWS[0] + timedelta(seconds=1))}

    assert not first & second
