"""A record's history: versions and their rail, fields, the state at an instant, comparisons, the export."""

import html
import json
import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from uuid_utils.compat import uuid7

from auditapp.extensions import db
from auditapp.log.record import record_parsed
from auditapp.log.rows import Stamp
from auditapp.log.schema import parse_event
from tests.conftest import an_event
from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

DEAL = "/w/acme/history/deal/1"
BOT = {"type": "workflow", "id": "wf", "name": "Quote sent"}
KEY = {"type": "api_key", "id": "key", "name": "ERP sync"}
NASTY = "<b>'\"& \u202e/x%?#"


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


@pytest.fixture
def at(note):
    """Return a function that records an event of deal 1 on a day of March 2026, at nine in UTC."""

    def record_one(day: int, event: str = "deal.updated", **more) -> str:
        name = more.pop("name", "Refresh")
        return note(event, name=name, occurred_at=f"2026-03-{day:02}T09:00:00Z", **more)

    return record_one


@pytest.fixture
def story(at):
    """Record a deal that is created, changed thrice and looked at, and return the ids, oldest first."""
    return [
        at(1, "deal.created", changes={"stage": {"current": "open"}, "amount": {"current": 100}}),
        at(2, actor="ben", changes={"stage": {"previous": "open", "current": "won"}}),
        at(3, actor=BOT, origin="workflow", changes={"amount": {"previous": 100, "current": 250}}),
        at(4, "deal.viewed", actor="ben"),
        at(5, actor=KEY, origin="api", changes={"amount": {"previous": 250, "current": 80}}),
    ]


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def versions(text: str) -> list[str]:
    return re.findall(r'data-version="([^"]+)"', text)


def link(text: str, label: str) -> str:
    """Return where the first link of these words leads."""
    found = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>{re.escape(label)}', text)
    assert found, label
    return html.unescape(found[1])


def row(text: str, field: str, attribute: str = "data-field") -> str:
    found = re.search(rf'<tr {attribute}="{re.escape(html.escape(field))}".*?</tr>', text, re.DOTALL)
    assert found, field
    return words(found[0])


def sides(text: str, field: str) -> tuple[list[str], list[str]]:
    found = re.search(rf'<div class="change[^"]*" data-field="{field}">(.*?)</dd>', text, re.DOTALL)
    assert found, field
    before, after = (re.findall(rf"<{tag}>(.*?)</{tag}>", found[1], re.DOTALL) for tag in ("del", "ins"))
    return [words(each) for each in before], [words(each) for each in after]


def test_versions_by_a_person_a_key_a_workflow_and_an_import_are_told_apart(owner, at, story):
    at(6, actor="ben", origin="import", changes={"stage": {"previous": "won", "current": "lost"}})

    text = owner.get(DEAL).text

    rail = re.search(r'<section class="rail".*?</section>', text, re.DOTALL)[0]
    assert re.findall(r'<use class="[^"]*" href="#way-(\w+)"', rail) == [
        *["user"] * 3,
        *("api_key", "workflow", "import"),
    ]
    assert "People 3 " in words(rail) and "API keys 1 " in words(rail) and "6 versions" in words(rail)
    said = [words(each) for each in re.split(r'<li class="version', text)[1:]]
    assert "by an import" in said[0] and "ERP sync API key" in said[1] and "Quote sent workflow" in said[3]
    assert set(re.findall(r'<svg class="way"[^>]*><use href="#way-(\w+)"', text)) == {
        *("user", "api_key", "workflow", "import")
    }


def test_versions_without_a_change_are_hidden_behind_their_count(owner, at, story):
    for day in (6, 7):
        at(day)
    same = at(8, changes={"stage": {"previous": "won", "current": "won"}})
    failed = at(9, outcome="failure")
    last = at(10, changes={"stage": {"previous": "won", "current": "lost"}})

    text, open_text = owner.get(DEAL).text, owner.get(f"{DEAL}?unchanged=1").text

    folds = re.findall(r'<li class="idle">.*?<summary>(.*?)</summary>', text, re.DOTALL)
    assert [words(each) for each in folds] == [
        "3 versions without a change : updated 3 times",
        "1 version without a change : viewed",
    ]
    assert versions(text)[:3] == [last, failed, same]
    assert text.index(f'data-version="{failed}"') < text.index('class="idle"') < text.index(same)
    assert versions(open_text) == versions(text) and "idle" not in open_text
    assert versions(owner.get(link(text, "Show versions without a change")).text) == versions(text)


def test_a_page_reads_on_past_versions_without_a_change(owner, note):
    first = note("deal.created", changes={"n": {"current": 0}})
    for _ in range(40):
        note("deal.updated")
    last = note(changes={"n": {"previous": 0, "current": 1}})

    text = owner.get(DEAL).text

    assert "40 versions without a change" in words(text) and "Show older versions" not in text
    assert versions(text)[0] == last and versions(text)[-1] == first and len(versions(text)) == 22
    rest = owner.get(link(text, "Show the other 20")).text
    assert len(versions(rest)) == 21 and not set(versions(rest)) & set(versions(text)[:-1])


def test_a_record_that_nothing_changed_shows_its_versions(owner, note):
    ids = [note("deal.viewed"), note("deal.updated")][::-1]

    text = owner.get(DEAL).text

    assert versions(text) == ids and "without a change" not in text


@pytest.mark.both_databases
def test_versions_page_both_ways_with_their_filters(owner, note):
    for number in range(60):
        note(actor="ada" if number % 2 else "ben", changes={"n": {"previous": number, "current": number + 1}})

    first = owner.get(f"{DEAL}?actor=ada&limit=10").text
    second = owner.get(link(first, "Show older versions")).text
    third = owner.get(link(second, "Show older versions")).text
    back = owner.get(link(second, "Show newer versions")).text

    assert len({*versions(first), *versions(second), *versions(third)}) == 30
    assert versions(back) == versions(first) and "Show older versions" not in third
    assert "Ben" not in words(second.partition('<ol class="versions">')[2])


def test_a_dot_of_the_rail_leads_to_the_versions_up_to_it(owner, at, story):
    text = owner.get(f"{DEAL}?actor=ben").text

    marks = re.findall(r'<a href="([^"]*)" tabindex="-1"><title>([^<]*)</title>', text)
    target = next(html.unescape(url) for url, title in marks if title.startswith("2 Mar"))
    assert "actor=ben" in target
    assert versions(owner.get(target).text) == [story[1]]
    assert text.count("left-out") == 3  # the versions that the filter does not leave


def test_many_versions_share_marks(owner, note):
    ids = [
        note(
            actor=KEY if number % 3 else "ada",
            occurred_at=f"2026-{1 + number // 25:02}-{1 + number % 25:02}T09:00:00Z",
            changes={"n": {"previous": number, "current": number + 1}},
        )
        for number in range(160)
    ]

    text = owner.get(DEAL).text

    marks = re.findall(r'<use class="[^"]*" href="#way-(\w+)"', text)
    assert marks.count("user") <= 100 and marks.count("api_key") <= 100
    assert "160 versions" in words(text)
    urls = [html.unescape(url) for url in re.findall(r'<a href="([^"]*)" tabindex="-1"><title>', text)]
    assert versions(owner.get(urls[0]).text)[-1] == ids[0]
    by_month = owner.get(link(text, "March 2026")).text
    assert versions(by_month)[0] == ids[74]


def test_one_fields_versions_show_that_field_and_a_chart_of_its_values(owner, story):
    text = owner.get(f"{DEAL}?field=amount").text

    assert versions(text) == [story[4], story[2], story[0]]
    assert set(re.findall(r'data-field="(\w+)"', text)) == {"amount"}
    assert "3 values: first 100 , now 80 ; the lowest 80 , the highest 250 ." in words(text)
    path = re.search(r'<path class="line" d="([^"]*)"', text)[1]
    assert re.fullmatch(r"M0 [\d.]+H[\d.]+L[\d.]+ 10H960L960 90H1000", path), path
    dots = re.search(r'<div class="plot".*?</div>', text, re.DOTALL)[0]
    assert re.findall(r'<a href="/w/acme/events/([^"]*)"', dots) == [story[0], story[2], story[4]]
    assert "1 other field in this version" in words(text)
    assert "3 values" in words(owner.get(f"{DEAL}?field=amount", headers=FRAGMENT).text)


@pytest.mark.parametrize(
    ("values", "kind", "caption", "path"),
    [
        (["1", "2", "10"], "number", "lowest 1 , the highest 10 .", "M0 90H480L480 81.11H960L960 10H1000"),
        (["5", 7, None], "money", "the lowest 5 , the highest 7 .", "M0 90H480L480 10H960"),
        ([1e308, -1e308, 0], None, "lowest -1e+308 , the highest 1e", "M0 10H480L480 90H960L960 50H1000"),
        ([0, 5e-324], None, "the lowest 0 , the highest 5e-324", "M0 90H960L960 10H1000"),
        (["1", "2", "ten"], "number", "3 values: first 1 , now ten .", "M0 90H480L480 50H960L960 10H1000"),
    ],
)  # fmt: skip
def test_numbers_are_drawn_by_size_however_they_are_written(owner, at, values, kind, caption, path):
    for day, value in enumerate(values, 1):
        at(day, changes={"n": {"current": value, **({"kind": kind} if kind else {})}})

    text = owner.get(f"{DEAL}?field=n").text

    assert caption in words(text)
    assert re.search(r'<path class="line" d="([^"]*)"', text)[1] == path


def test_a_choice_and_a_date_have_charts_and_a_field_of_many_texts_has_none(owner, at):
    at(1, "deal.created", changes={"stage": {"current": "open"}, "due": {"current": "2026-01-01"}})
    at(
        2,
        changes={
            "stage": {"previous": "open", "current": None},
            "due": {"previous": "2026-01-01", "current": "2026-02-01"},
        },
    )
    at(
        3,
        changes={
            "stage": {"previous": None, "current": "won"},
            "due": {"previous": "2026-02-01", "current": "2026-01-11"},
        },
    )
    for day in range(4, 15):
        at(day, changes={"note": {"previous": f"text {day - 1}", "current": f"text {day}"}})

    stage, due, note = (owner.get(f"{DEAL}?field={name}").text for name in ("stage", "due", "note"))

    path = re.search(r'<path class="line" d="([^"]*)"', stage)[1]
    assert path.count("M") == 2  # a gap where there was none
    assert "2 values: first open , now won" in words(stage)
    assert "the lowest 2026-01-01 , the highest 2026-02-01" in words(due)
    assert 'class="chart"' not in note and len(versions(note)) == 11


def test_fields_say_who_set_them_when_and_how_often(owner, story):
    text = owner.get(f"{DEAL}?view=fields").text

    assert row(text, "stage") == "Stage won 2 Mar 2026, 10:00 Ben once"
    assert row(text, "amount") == "Amount 80 5 Mar 2026, 10:00 ERP sync API key 2 times"
    assert f'href="/w/acme/events/{story[1]}"' in text
    assert versions(owner.get(link(text, "<bdi>Stage</bdi>")).text) == [story[1], story[0]]
    assert "may not be all" not in text and "never reached the log" not in text


@pytest.mark.both_databases
def test_the_state_at_an_instant_is_whole_and_says_what_differs_from_now(owner, story):
    text = owner.get(f"{DEAL}?at=2026-03-02T09:00:00Z").text

    assert row(text, "stage", "data-state") == "Stage won 2 Mar 2026, 10:00 Ben the same"
    assert row(text, "amount", "data-state") == "Amount 100 1 Mar 2026, 10:00 Ada different"
    assert sides(text, "amount") == (["100"], ["80"])
    assert "after Deal Refresh updated by Ben" in words(text)
    assert 'value="2026-03-02T10:00:00"' in text  # in the workspace's zone
    assert row(owner.get(link(text, "← Version before")).text, "stage", "data-state").startswith("Stage open")
    after = owner.get(link(text, "Next version →")).text
    assert row(after, "amount", "data-state").startswith("Amount 250")
    newest = owner.get(link(text, "At an instant")).text
    assert "Nothing is different now." in newest and "No version after" in newest


def test_a_date_is_its_last_instant_and_what_happens_at_midnight_is_of_the_next_day(owner, note):
    at_day = {"2026-03-02T22:59:59.999999Z": "last", "2026-03-02T23:00:00Z": "next"}  # in Berlin
    note("deal.created", occurred_at="2026-03-01T09:00:00Z", changes={"n": {"current": "first"}})
    for moment, value in at_day.items():
        note(occurred_at=moment, changes={"n": {"current": value}})

    text = owner.get(f"{DEAL}?at=2026-03-02").text
    typed = re.search(r'name="at" step="0.001" value="([^"]*)"', text)[1]

    assert row(text, "n", "data-state").startswith("N last")
    assert "As it was at 2026-03-02 23:59:59.999999 CET" in words(text)
    assert typed == "2026-03-02T23:59:59.999"
    assert row(owner.get(f"{DEAL}?at=2026-03-02T23:00:00Z").text, "n", "data-state").startswith("N next")


def test_the_time_is_typed_in_the_zone_that_the_page_shows(owner, story):
    owner.set_cookie("tz", "America/New_York")
    text = owner.get(f"{DEAL}?at=2026-03-02T09:00:00Z").text
    typed = dict(re.findall(r'name="(at|zone)"[^>]* value="([^"]*)"', text))

    sent = owner.get(DEAL, query_string=typed)

    assert typed == {"zone": "America/New_York", "at": "2026-03-02T04:00:00"}
    assert "Date and time (America/New_York)" in words(text)
    assert "2 Mar 2026, 04:00" in row(text, "stage", "data-state")
    assert sent.location == f"{DEAL}?at=2026-03-02T09:00:00Z"  # the same to whoever gets the address


def test_days_of_the_rail_are_those_of_the_page(owner, note):
    for day in (1, 2):
        note(occurred_at=f"2026-03-0{day}T03:00:00Z", changes={"n": {"current": day}})
    owner.set_cookie("tz", "America/New_York")

    text = owner.get(DEAL).text

    assert "1 Mar 2026, 22:00" in words(text)
    assert versions(owner.get(link(text, "28 Feb 2026")).text) == versions(text)[1:]


def test_what_has_become_of_a_field_is_told_as_its_events_tell_it(owner, note):
    """One instant written in two ways inside of an object, and an order, are no more than that."""
    then = [{"at": "2024-03-31T10:00:00Z"}, {"at": "never"}]
    now = [{"at": "never"}, {"at": "2024-03-31T12:00:00+02:00"}]
    note(occurred_at="2026-03-01T09:00:00Z", changes={"f": {"current": then}})
    note(occurred_at="2026-03-02T09:00:00Z", changes={"f": {"previous": then, "current": now}})

    text = owner.get(f"{DEAL}?at=2026-03-01T12:00:00Z").text

    assert "order changed" in words(text)
    assert "<del" not in text and "<ins" not in text


def test_before_its_first_event_a_record_was_not_there(owner, story):
    text = owner.get(f"{DEAL}?at=2026-02-01").text

    assert "before the first event of this record in the log: it was not there yet" in words(text)
    assert "<tr data-state" not in text and "No version before" in text


def test_a_deleted_record_is_told_with_what_it_had(owner, at, story):
    at(9, "deal.deleted", changes={"stage": {"previous": "won", "current": None}})

    assert "deleted 9 Mar 2026" in words(owner.get(DEAL).text)
    for query in ("view=fields", "at=2026-03-09T12:00:00Z"):
        text = words(owner.get(f"{DEAL}?{query}").text)
        assert "was deleted" in text and "Stage won" in text


def test_what_the_log_does_not_know_is_said(owner, at):
    at(2, changes={"stage": {"previous": "open", "current": "won"}})
    at(3, changes={"stage": {"previous": "lost", "current": "open"}})

    for query in ("view=fields", "at=2026-03-04"):
        text = owner.get(f"{DEAL}?{query}").text
        assert "The log does not reach back to this record’s creation" in text
        told = words(re.search(r'<li data-drift="stage">.*?</li>', text, re.DOTALL)[0])
        assert "before the version of 3 Mar 2026, 10:00 it was lost where the versions say won" in told


def test_a_snapshot_that_disagrees_is_drift(owner, at):
    at(1, "deal.created", changes={"stage": {"current": "open"}})
    at(2, changes={"name": {"current": "x"}}, payload={"deal": {"id": "1", "stage": "won", "name": "x"}})

    told = words(re.search(r"<li data-drift.*?</li>", owner.get(f"{DEAL}?view=fields").text, re.DOTALL)[0])

    assert told.startswith("Stage : the record as a whole, recorded with the version of 2 Mar")
    assert told.endswith("has won where the versions say open")


def test_a_version_is_compared_with_the_one_before_and_any_two_with_each_other(owner, story):
    default = owner.get(f"{DEAL}?to={story[2]}").text
    far = owner.get(f"{DEAL}?from={story[0]}&to={story[4]}").text
    swapped = owner.get(link(far, "Swap them")).text

    assert sides(default, "amount") == (["100"], ["250"]) and "1 field differs" in words(default)
    assert sides(far, "stage") == (["open"], ["won"]) and sides(far, "amount") == (["100"], ["80"])
    assert "2 fields differ · 3 versions between" in words(far)
    # As a browser has it, where no tag is a space.
    assert "2 fields differ · 3 versions" in re.sub(r"<[^>]+>", "", re.search(r"2 field.*?</h2>", far)[0])
    assert sides(swapped, "stage") == (["won"], ["open"])
    assert re.findall(r'<option value="([^"]*)" selected>', far) == [story[0], story[4]]
    assert "nothing: this is the first version" in owner.get(f"{DEAL}?to={story[0]}").text
    seen = owner.get(f"{DEAL}?from={story[2]}&to={story[3]}").text
    assert "No field differs" in seen


def test_versions_lead_to_the_state_then_and_to_comparisons(owner, story):
    text = re.split(r'<li class="version', owner.get(DEAL).text)[4]  # the version of 2 March

    assert row(owner.get(link(text, "State then")).text, "stage", "data-state").startswith("Stage won")
    assert sides(owner.get(link(text, "Compare with the one before")).text, "stage") == (["open"], ["won"])
    assert sides(owner.get(link(text, "Compare with now")).text, "amount") == (["100"], ["80"])
    assert link(text, "Prepare to undo this") == f"/w/acme/undo?event={story[1]}"


def test_a_version_says_what_set_it_off(owner, client, login, note):
    cause = note("quote.sent", entity="q1", name="Quote 7", actor="ben", correlation_id="act")
    note(
        actor=BOT, origin="workflow", correlation_id="act", causation_id=cause, changes={"n": {"current": 1}}
    )
    note(
        actor=BOT,
        origin="workflow",
        correlation_id="act",
        causation_id="job 9",
        changes={"n": {"current": 2}},
    )

    text = owner.get(DEAL).text
    newest, oldest = re.split(r'<li class="version', text)[1:]

    assert "Set off by something that is not in this log" in words(newest)
    assert "Set off by Ben ’s change: Quote Quote 7 sent" in words(oldest)
    assert f'href="/w/acme/events/{cause}"' in oldest
    assert link(oldest, "The whole story") == "/w/acme/stories/act"


def test_a_version_that_names_itself_as_its_cause_is_said_to(owner, acme):
    """The server gives ids itself, so this can come out of a restored log only."""
    uid, now = uuid7(), datetime.now(UTC)
    parsed = parse_event(an_event(causation_id=str(uid), changes={"n": {"current": 1}}), now=now)
    record_parsed(acme, [parsed], stamps=[Stamp(uid, now, None)])
    db.session.commit()

    text = words(owner.get(DEAL).text)

    assert "odd Names itself as its cause" in text and "not in this log" not in text


def test_a_cause_that_a_member_may_not_see_stays_unseen(client, login, note):
    cause = note("quote.sent", entity="q1", name="Secret quote", actor="ben")
    note(actor="member", causation_id=cause, changes={"n": {"current": 1}})
    login("member")

    for url in (DEAL, f"{DEAL}?view=fields", f"{DEAL}?related=1"):
        assert "Secret" not in client.get(url).text
    assert "that you may not see" in words(client.get(DEAL).text)
    assert client.get(f"{DEAL}?to={cause}").status_code == 404


@pytest.mark.both_databases
def test_a_member_is_told_that_there_may_be_more(client, login, note, story):
    note(actor="member", changes={"stage": {"previous": "won", "current": "lost"}})
    login("member")

    text = client.get(f"{DEAL}?view=fields").text

    assert "Your role sees only some" in text and "Amount" not in words(text)
    assert client.get(f"{DEAL}?to={story[1]}").status_code == 404
    assert "Export JSONL" not in client.get(DEAL).text
    assert client.get("/w/acme/history.jsonl/deal/1").status_code == 403


@pytest.mark.both_databases
def test_events_of_related_records_come_when_they_are_asked_for(owner, at, story, note):
    task = note(
        "task.created",
        entity="t1",
        name="Call back",
        related=[{"type": "deal", "id": "1", "name": "Refresh"}],
    )
    text = owner.get(DEAL).text

    wide = owner.get(link(text, "Include events of related records")).text

    assert task not in versions(text)
    assert versions(wide)[0] == task and set(versions(text)) < set(versions(wide))
    assert link(wide, "History of this task") == "/w/acme/history/task/t1"
    assert versions(owner.get(link(wide, "Leave out events of related records")).text) == versions(text)


WRONG = [
    ("colour=red", "colour: there is no such filter of a history."),
    ("view=graph", "view: graph is no view of a history"),
    ("at=yesterday", "at: yesterday is no time"),
    ("at=2026-03-01&field=stage", "field: does not go together with at."),
    ("view=fields&actor=ben", "actor: does not go together with view."),
    ("from=1&to=2", "from: 1 is no event’s id."),
    (f"from={'0' * 32}", "from: say with to which version it is compared."),
    ("field=a&field=b", "field: may be given once."),
    ("field=a&related=1", "related: one field is of this record alone"),
    ("at=1h&zone=Mars", "zone: Mars is no time zone."),
    ("zone=UTC", "zone: say at which time."),
    ("related=yes", "related: is 1, or left out."),
    ("limit=1000", "limit: 1000 is no number from 1 to 200."),
    ("before=nonsense", "before: is no place"),
]


@pytest.mark.parametrize(("query", "says"), WRONG, ids=[query for query, _ in WRONG])
def test_what_means_nothing_is_refused_in_a_sentence(owner, story, query, says):
    response, fragment = owner.get(f"{DEAL}?{query}"), owner.get(f"{DEAL}?{query}", headers=FRAGMENT)

    assert response.status_code == fragment.status_code == 422
    assert says in words(response.text) and says in words(fragment.text)


def test_what_was_typed_stays_to_be_mended_and_the_record_is_a_click_away(owner, story):
    text = owner.get(f"{DEAL}?at=tomorrow&colour=<red>&field=").text

    typed = re.findall(r'<input type="text" name="(\w+)" value="([^"]*)"', text)
    assert typed == [("at", "tomorrow"), ("colour", "&lt;red&gt;")]
    assert versions(owner.get(link(text, "History of ")).text)[0] == story[-1]


def test_empty_fields_of_a_form_are_left_out_of_the_address(owner, story):
    response = owner.get(f"{DEAL}?field=&actor=ben&actor=&limit=")

    assert response.status_code == 302
    assert response.location == f"{DEAL}?actor=ben"


def test_an_address_in_another_order_leads_to_the_one_there_is(owner, story):
    response = owner.get(f"{DEAL}?unchanged=1&actor=wf&actor=ben&actor=wf")

    assert response.location == f"{DEAL}?actor=ben&actor=wf&unchanged=1"
    text = owner.get(response.location).text
    for url in re.findall(rf'<a href="({re.escape(DEAL)}[^"]*)"', text):
        assert owner.get(html.unescape(url)).status_code == 200, url


def test_filters_are_named_and_taken_back_one_by_one(owner, story):
    text = owner.get(f"{DEAL}?actor=ben&actor=wf&unchanged=1").text

    assert len(versions(text)) == 3
    without_ben = html.unescape(re.search(r'<a class="chip" href="([^"]*)">by <bdi>Ben', text)[1])
    assert without_ben == f"{DEAL}?actor=wf&unchanged=1"
    assert "No version is left by these filters." in owner.get(f"{DEAL}?actor=nobody").text


def test_another_workspaces_events_and_unheard_of_ones_are_404_in_every_view(owner, other, note, story):
    theirs = note(workspace=other, entity="9", changes={"n": {"current": 1}})

    for query in ("", "?view=fields", "?at=2026-03-01", f"?to={theirs}", "?field=n", "?related=1"):
        assert owner.get(f"/w/acme/history/deal/9{query}").status_code == 404
        assert owner.get(f"/w/other/history/deal/9{query}").status_code == 404
    for query in (f"to={theirs}", f"from={theirs}&to={story[0]}", f"to={'0' * 32}"):
        assert owner.get(f"{DEAL}?{query}").status_code == 404
    response = owner.get("/w/acme/history.jsonl/deal/9")
    response.close()
    assert response.status_code == 404
    assert "auditapp.export" not in owner.get("/w/acme/timeline.jsonl").text  # nothing was taken


@pytest.mark.both_databases
def test_hostile_names_are_text_in_every_view(owner, note):
    change = {"previous": NASTY, "current": f"{NASTY}!", "label": NASTY}
    first = note(
        "deal.created", entity=NASTY, name=NASTY, changes={NASTY: {"current": NASTY, "label": NASTY}}
    )
    actor = {"type": "user", "id": NASTY, "name": NASTY}
    second = note(entity=NASTY, name=NASTY, actor=actor, changes={NASTY: change})
    base = f"/w/acme/history/deal/{quote(NASTY, safe='')}"

    for query in ("", f"?field={quote(NASTY)}", f"?actor={quote(NASTY)}", "?view=fields", "?at=2100-01-01"):
        text = owner.get(f"{base}{query}").text
        assert "<b>" not in text and "U+202E" in text
        assert "\u202e" not in words(text)  # but in the values of a form, which are sent back
    assert "U+202E" in owner.get(f"{base}?from={first}&to={second}").text
    assert [
        json.loads(line)["id"]
        for line in owner.get(base.replace("history", "history.jsonl")).data.splitlines()[1:-1]
    ] == [first, second]


def test_a_page_says_on_paper_who_took_it_when_and_of_what(owner, story):
    paper = words(re.search(r'<dl class="paper">.*?</dl>', owner.get(f"{DEAL}?actor=ben").text, re.DOTALL)[0])

    assert "Record deal:1" in paper and "Filters actor ben" in paper and "Versions: 2, from" in paper
    assert "by Owner , owner@acme.example , Owner" in paper


@pytest.mark.both_databases
def test_an_export_is_every_version_behind_a_line_that_says_what_it_is(owner, story, note):
    note(entity="2")
    text = owner.get(f"{DEAL}?actor=ben&limit=1").text

    response = owner.get(link(text, "Export JSONL"))

    head, *events, end = map(json.loads, response.data.splitlines())
    assert head["format"] == "auditapp-history/1" and head["record"] == {"type": "deal", "id": "1"}
    assert head["taken_by"]["email"] == "owner@acme.example" and head["taken_at"].endswith("Z")
    assert head["filters"] == [["actor", "ben"]] and head["sees_everything"]
    assert [event["id"] for event in events] == [story[1], story[3]]
    assert events[0]["changes"] == {"stage": {"previous": "open", "current": "won"}}
    assert end == {"format": "auditapp-history/1", "end": True, "events": 2}
    assert "acme-history-" in response.headers["Content-Disposition"]
    response.close()
    log = json.loads(owner.get("/w/acme/timeline.jsonl?event=auditapp.export.finished").data.splitlines()[0])
    assert log["payload"].pop("duration_ms") >= 0
    assert log["payload"] == {
        "format": "jsonl",
        "query": "actor=ben&record=deal:1",
        "events": 2,
        "skipped": 0,
        "complete": True,
    }


def test_an_export_holds_the_events_of_related_records_that_the_page_shows(owner, story, note):
    related = [{"type": "deal", "id": "1", "name": "Refresh"}]
    task = note("task.created", entity="t1", name="Call back", related=related)
    note("task.created", entity="t2")
    text = owner.get(f"{DEAL}?related=1&unchanged=1").text

    response = owner.get(link(text, "Export JSONL"))

    head, *events, end = map(json.loads, response.data.splitlines())
    response.close()
    assert head["filters"] == [["related", "1"]] and end["events"] == 6
    assert [event["id"] for event in events] == versions(text)[::-1] == [*story, task]
    log = json.loads(owner.get("/w/acme/timeline.jsonl?event=auditapp.export.finished").data.splitlines()[0])
    assert log["payload"]["query"] == "record=deal:1&related=1"


def test_an_export_takes_no_view_of_its_own(owner, story):
    for query in ("at=2026-03-01", f"to={story[0]}", "view=fields", "colour=red"):
        assert owner.get(f"/w/acme/history.jsonl/deal/1?{query}").status_code == 422


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0m", "2026-03-02"]
)
def test_an_instant_may_be_anywhere_in_the_calendar(owner, story, moment):
    response = owner.get(f"{DEAL}?at={moment}")

    assert response.status_code == 200
    assert "As it was at" in response.text


def test_a_record_of_thousands_of_fields_shows_the_first(owner, note):
    note("deal.created", changes={f"field_{number}": {"current": number} for number in range(600)})

    for query, name in (("view=fields", "data-field"), ("at=2100-01-01", "data-state")):
        text = owner.get(f"{DEAL}?{query}").text
        assert text.count(f"<tr {name}=") == 500 and "and 100 more fields" in text
