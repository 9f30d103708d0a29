"""The timeline by story, the switch to it, and a story's page, as HTML and over the API."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from uuid_utils.compat import uuid7

from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.log.record import record_parsed
from auditapp.log.rows import Stamp
from auditapp.log.schema import parse_event
from auditapp.reading import story
from auditapp.web.times import distance
from tests.conftest import an_event
from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

FLOW = {"type": "workflow", "id": "flow", "name": "Deal won"}
AT = datetime(2026, 3, 24, 9, tzinfo=UTC)


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


@pytest.fixture
def action(note):
    """Record an action that set off a task, which set off an e-mail, and an invoice; return their ids."""

    def at(seconds: float) -> str:
        return (AT + timedelta(seconds=seconds)).isoformat()

    common = {"correlation_id": "act/1"}
    deal = note(name="Refresh", actor="member", occurred_at=at(0), **common)
    task = note("task.created", actor=FLOW, name="Onboard", occurred_at=at(2), causation_id=deal, **common)
    mail = note("email.sent", actor=FLOW, name="Thanks", occurred_at=at(300), causation_id=task, **common)
    bill = note("invoice.created", actor=FLOW, name="INV-1", occurred_at=at(4), causation_id=deal, **common)
    return {"deal": deal, "task": task, "mail": mail, "bill": bill}


def ids(text: str) -> list[str]:
    return re.findall(r'<li id="event-([0-9a-f-]{36})"', text)


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))).strip()


def row(text: str, event_id: str) -> str:
    """Return a row: up to the next one, or to the form, which names everybody."""
    shown = text.partition("<hx-partial")[0].partition(f'<li id="event-{event_id}"')[2]
    return shown.partition('<li id="event-')[0]


def tree(text: str) -> list:
    """Return the nested lists of a story as nested lists of ids."""
    stack: list[list] = [[]]
    for tag, event_id in re.findall(r'<(ol class="steps"|/ol|li id="event-([0-9a-f-]{36})")', text):
        if tag.startswith("ol"):
            stack.append([])
        elif tag == "/ol":
            inside = stack.pop()
            stack[-1].append(inside)
        else:
            stack[-1].append(event_id)
    return stack[0][0]


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_persons_action_is_one_row_that_says_what_it_set_off(owner, action, headers):
    text = owner.get("/w/acme/timeline?correlation=act/1&group=story", headers=headers).text

    assert ids(text) == [action["deal"]]
    shown = row(text, action["deal"])
    assert "and 3 more it set off" in words(shown)
    assert "Deal Refresh updated" in words(shown) and "Member" in words(shown)
    assert "Deal won" not in shown
    assert f'hx-get="/w/acme/stories/act%2F1?under={action["deal"]}"' in shown
    assert '<a href="/w/acme/stories/act%2F1">' in shown


def test_a_row_that_began_nothing_is_a_part_of_its_story_and_names_its_own_actor(owner, action):
    text = owner.get("/w/acme/timeline?entity=invoice&group=story").text

    assert ids(text) == [action["bill"]]
    shown = words(row(text, action["bill"]))
    assert "Part of a larger action" in shown and "set off" not in shown
    assert "Deal won workflow" in shown and "Member" not in shown


@pytest.mark.both_databases
@pytest.mark.parametrize("caused", [False, True])
def test_whoever_may_not_see_the_beginning_is_not_told_that_there_is_one(client, login, acme, note, caused):
    """Two stories that look the same to the member; the second has a beginning that is hidden."""
    at_all = {"occurred_at": AT.isoformat()}
    hidden = note(actor="ben", correlation_id="hidden", name="Secret", occurred_at="2026-03-01T10:00:00Z")
    for name in ("plain", "hidden"):
        cause = {"causation_id": hidden} if caused and name == "hidden" else {}
        note(actor="member", correlation_id=name, entity="2", **at_all, **cause)
        note(actor="member", correlation_id=name, entity="3", **at_all)
    login("member")

    def told(url: str, story: str) -> str:
        text = words(client.get(url.format(story=story)).text).replace(story, "…")
        text = re.sub(r"\d\d:\d\d:\d\d\.\d{6}", "now", text)
        text = re.sub(r"Event [0-9a-f-]{36}", "Event", text)  # an id of its own, each
        # What names a cause that one may not see are the words for hidden parts.
        return re.sub(r"its cause [0-9a-f-]+ is not among what you may see ?", "", text)

    for url in (
        "/w/acme/timeline?correlation={story}&group=story",
        "/w/acme/timeline?correlation={story}",
        "/w/acme/stories/{story}",
        "/w/acme/undo?correlation={story}",
    ):
        assert told(url, "plain") == told(url, "hidden"), url
    page = told("/w/acme/timeline?correlation={story}&group=story", "hidden")
    assert "and 1 more of the same action" in page and "set off" not in page
    assert "Secret" not in client.get("/w/acme/stories/hidden").text
    assert "there may be steps that you may not see" in told("/w/acme/stories/{story}", "hidden")


def test_what_is_left_of_a_story_that_began_in_hiding_is_a_row_like_any_other(client, login, acme, note):
    note(actor="ben", correlation_id="c", occurred_at=AT.isoformat())
    mine = note(actor="member", correlation_id="c", entity="2")
    login("member")

    shown = row(client.get("/w/acme/timeline?correlation=c&group=story").text, mine)

    assert "set off" not in shown and "action" not in words(shown)


def test_an_event_that_stands_alone_is_a_row_like_any_other(owner, note):
    event_id = note()

    shown = row(owner.get("/w/acme/timeline?entity=deal&group=story").text, event_id)

    assert "set off" not in shown and "larger action" not in shown


SWITCH = {
    "entity=deal": ("Everything", "entity=deal", "entity=deal&group=story"),
    "entity=deal&group=story": ("By story", "entity=deal", "entity=deal&group=story"),
    "actor_type=user&group=story&origin=%21system&origin=%21workflow": ("What people did", "", "group=story"),
    "actor_type=user&group=story": ("By story", "actor_type=user", "actor_type=user&group=story"),
    "actor_type=%21system&group=story&limit=7": (
        "By story",
        "actor_type=%21system&limit=7",
        "actor_type=%21system&group=story&limit=7",
    ),
}


@pytest.mark.parametrize("query", SWITCH)
def test_the_switch_keeps_the_filters_and_marks_the_current_way(owner, note, query):
    note()
    current, everything, by_story = SWITCH[query]

    text = owner.get(f"/w/acme/timeline?{query}").text
    switch = re.search(r'<nav class="ways".*?</nav>', text, re.DOTALL)[0]

    links = dict(re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', switch))
    urls = {name: html.unescape(url).partition("?")[2].replace("!", "%21") for url, name in links.items()}
    assert re.findall(r'aria-current="true">([^<]*)<', switch) == [current]
    assert (urls["Everything"], urls["By story"]) == (everything, by_story)
    people = [pair for pair in by_story.split("&") if not pair.startswith("actor_type")]
    people += ["actor_type=user", "origin=%21system", "origin=%21workflow"]
    assert urls["What people did"] == "&".join(sorted(people))


def test_what_ran_by_itself_under_a_persons_name_is_not_told_as_their_doing(owner, note):
    own = note(actor="member", name="Own")
    run = note("task.created", actor="member", name="Run", origin="workflow")

    everything = owner.get("/w/acme/timeline").text
    switch = re.search(r'<nav class="ways".*?</nav>', everything, re.DOTALL)[0]
    people = html.unescape(re.search(r'href="([^"]*)"[^>]*>What people did', switch)[1])

    assert "by a workflow" in words(row(everything, run)) and "by a workflow" not in words(
        row(everything, own)
    )
    assert set(ids(owner.get(people).text)) >= {own} and run not in ids(owner.get(people).text)


def test_the_form_the_chips_and_clear_all_keep_the_group(owner, note):
    note()

    text = owner.get("/w/acme/timeline?actor=ada&entity=deal&group=story&limit=5").text
    empty = owner.get("/w/acme/timeline?actor=nobody&entity=deal&group=story").text

    assert '<input type="hidden" name="group" value="story">' in text
    chips = re.search(r'<ul class="chips".*?</ul>', text, re.DOTALL)[0]
    urls = [html.unescape(url) for url in re.findall(r'href="([^"]*)"', chips)]
    assert urls and all("group=story" in url for url in urls)
    assert urls[-1] == "/w/acme/timeline?group=story&limit=5"
    assert 'href="/w/acme/timeline?group=story"' in empty
    assert "No actions" in words(empty)


@pytest.mark.both_databases
def test_pages_of_stories_meet_in_both_directions(owner, acme):
    record_batch(
        acme,
        [
            an_event(
                entity=str(number),
                correlation_id=str(number % 5),
                occurred_at=(AT + timedelta(minutes=number)).isoformat(),
            )
            for number in range(20)
        ],
    )
    db.session.commit()
    url = "/w/acme/timeline?entity=deal&group=story&limit=2"

    seen, pages = [], []
    while url:
        text = owner.get(url).text
        seen += re.findall(r"Deal <strong><bdi>(\d+)", text)
        pages.append(url)
        older = re.search(r'<li class="older"><a[^>]* href="([^"]*)"', text)
        url = html.unescape(older[1]) if older else None
    newer = html.unescape(re.search(r'<p class="newer"><a href="([^"]*)"', text)[1])

    assert seen == ["4", "3", "2", "1", "0"]
    assert len(pages) == 3
    assert re.findall(r"Deal <strong><bdi>(\d+)", owner.get(newer).text) == ["2", "1"]


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_story_is_a_tree_by_cause_with_each_steps_own_actor_and_time(owner, action, headers):
    response = owner.get("/w/acme/stories/act%2F1", headers=headers)

    assert response.status_code == 200
    assert ("<html" in response.text) == (headers != FRAGMENT)
    deal, task, mail, bill = (action[name] for name in ("deal", "task", "mail", "bill"))
    assert tree(response.text) == [deal, [task, [mail], bill]]
    for event_id, after in ((task, "+2 s"), (mail, "+5 min"), (bill, "+4 s")):
        shown = words(row(response.text, event_id))
        assert "Deal won workflow" in shown and after in shown
        assert f'hx-get="/w/acme/events/{event_id}"' in row(response.text, event_id)
    assert "workflow" not in words(row(response.text, deal))
    assert 'href="/w/acme/timeline?correlation=act/1"' in response.text.replace("%2F", "/")


@pytest.mark.parametrize(
    ("length", "said"),
    [
        ({}, "+0 s"),
        ({"microseconds": 5}, "+1 ms"),
        ({"milliseconds": -20}, "−20 ms"),
        ({"seconds": 59, "milliseconds": 999}, "+59 s"),
        ({"minutes": 1, "seconds": 1}, "+1 min 1 s"),
        ({"hours": 1, "minutes": 59, "seconds": 59}, "+1 h 59 min"),
        ({"hours": -2}, "−2 h"),
        ({"days": 1, "hours": 23, "minutes": 59}, "+1 day 23 h"),
        ({"days": 1500, "minutes": 5}, "+1,500 days"),
    ],
)
def test_how_long_after_is_said_in_two_units_at_most(length, said):
    assert distance(timedelta(**length)) == said


def test_a_page_of_a_story_says_on_paper_who_read_it_and_which_events_it_holds(owner, action):
    text = owner.get("/w/acme/stories/act%2F1").text
    paper = words(re.search(r'<dl class="paper">.*?</dl>', text, re.DOTALL)[0])

    assert paper.startswith("Workspace Acme Action act/1 Events 4, from 2026-03-24 10:00:00 CET to 2026")
    assert "by Owner , owner@acme.example , Owner" in paper and "not on this paper" not in paper
    assert f"Event {action['mail']} , recorded" in words(row(text, action["mail"]))
    assert 'data-paper="2026-03-24 10:05:00 CET"' in row(text, action["mail"])


def test_the_title_and_the_heading_say_who_did_what_and_how_much_it_set_off(owner, action):
    text = owner.get("/w/acme/stories/act%2F1").text

    said = "Deal Refresh updated by Member, and 3 more it set off"
    assert words(re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1]) == f"{said} · Auditapp"
    assert words(re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)[1]).replace(" ,", ",") == said


def test_a_story_counts_what_one_may_see_however_much_else_there_is(client, login, acme, note, monkeypatch):
    monkeypatch.setattr(story, "COUNT_TO", 10)
    record_batch(acme, [an_event(entity=str(n), correlation_id="large") for n in range(30)])
    for number in range(3):
        note(actor="member", name=f"Mine {number}", correlation_id="large")
    login("member")

    page = words(client.get("/w/acme/timeline?group=story&correlation=large").text)
    heading = words(re.search(r"<h1>(.*?)</h1>", client.get("/w/acme/stories/large").text, re.DOTALL)[1])

    assert "+" not in heading and "and 2 more" in heading.replace(" ,", ",")
    assert "30" not in page and "10+" not in page


def test_the_fragment_of_a_row_leaves_the_row_itself_out(owner, action):
    text = owner.get(f"/w/acme/stories/act%2F1?under={action['deal']}", headers=FRAGMENT).text

    assert tree(text) == [action["task"], [action["mail"]], action["bill"]]


def story_of(owner, note, causes: list) -> list:
    """Record events a second apart, with causes by place or by text; return their tree of places."""
    found: list[str] = []
    # Causes may come later, so their ids must be known: those are recorded first and happen later.
    order = sorted(range(len(causes)), key=lambda place: isinstance(causes[place], int))
    known: dict[int, str] = {}
    while len(known) < len(causes):
        for place in order:
            cause = causes[place]
            if place in known or (isinstance(cause, int) and cause not in known):
                continue
            known[place] = note(
                entity=str(place),
                correlation_id="c",
                causation_id=known[cause] if isinstance(cause, int) else cause,
                occurred_at=(AT + timedelta(seconds=place)).isoformat(),
            )
    found = [known[place] for place in range(len(causes))]

    def places(part: list) -> list:
        return [places(each) if isinstance(each, list) else found.index(each) for each in part]

    return places(tree(owner.get("/w/acme/stories/c").text))


TREES = {
    "no causes": ([None, None, None], [0, 1, 2]),
    "causes of another kind": (["job 7", "request-1", "{}"], [0, 1, 2]),
    "a cause that nobody knows": ([None, "019aa0c3-0000-7000-8000-000000000000"], [0, 1]),
    "an effect before its cause": ([1, None, 0], [1, [0, [2]]]),
    "two branches": ([None, 0, 0, 1, 2], [0, [1, [3], 2, [4]]]),
    "deeper than is shown": (
        [None, 0, 1, 2, 3, 4, 5, 6, 6],
        [0, [1, [2, [3, [4, [5, 6, 7, 8]]]]]],
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_causes_of_every_kind_make_a_tree(owner, note, name):
    causes, expected = TREES[name]

    assert story_of(owner, note, causes) == expected


def test_events_that_cause_themselves_or_each_other_are_all_shown(owner, acme):
    """The server gives ids itself, so a circle can come out of a restored log only."""
    uids = [uuid7() for _ in range(5)]
    causes = [2, 0, 1, 3, 2]  # a circle of three, one that causes itself, one that hangs on the circle
    events = [
        an_event(
            entity=str(place),
            correlation_id="c",
            causation_id=str(uids[cause]),
            occurred_at=(AT + timedelta(seconds=place)).isoformat(),
        )
        for place, cause in enumerate(causes)
    ]
    parsed = [parse_event(event, now=AT + timedelta(days=1)) for event in events]
    record_parsed(acme, parsed, stamps=[Stamp(uid, AT, None) for uid in uids])
    db.session.commit()

    response = owner.get("/w/acme/stories/c")

    names = [str(uid) for uid in uids]
    assert tree(response.text) == [names[0], [names[1], [names[2], [names[4]]]], names[3]]
    assert "names as its cause what it set off itself: Deal 2 updated" in cause(response.text, names[0])
    assert "names itself as its cause" in cause(response.text, names[3])
    assert [cause(response.text, names[place]) for place in (1, 2, 4)] == ["", "", ""]


def test_a_circle_longer_than_a_page_is_told_where_it_begins(owner, acme):
    uids = [uuid7() for _ in range(450)]
    events = [
        an_event(
            entity=str(place),
            correlation_id="c",
            causation_id=str(uids[place - 1]),
            occurred_at=(AT + timedelta(seconds=place)).isoformat(),
        )
        for place in range(len(uids))
    ]
    parsed = [parse_event(event, now=AT + timedelta(days=1)) for event in events]
    record_parsed(acme, parsed, stamps=[Stamp(uid, AT, None) for uid in uids])
    db.session.commit()

    first = owner.get("/w/acme/stories/c").text
    following = re.search(r'href="([^"]*after=[^"]*)">Show what followed', first)[1]
    second = owner.get(html.unescape(following)).text

    told = "odd names as its cause what it set off itself: Deal 449 updated"
    assert cause(first, str(uids[0])) == told
    assert cause(second, str(uids[200])) == "set off by Deal 199 updated , on another page of this action"


def cause(text: str, event_id: str) -> str:
    """Return what a step says of its cause, where that is not the step above; else nothing."""
    found = re.search(r'<p class="cause">(.*?)</p>', row(text, event_id), re.DOTALL)
    return words(found[1]) if found else ""


def test_a_cause_that_the_tree_cannot_show_is_told(owner, note):
    nowhere = "019aa0c3-0000-7000-8000-000000000000"
    other = note(correlation_id="before", name="Order")
    causes = [other, nowhere, "<job> 7"]
    found = [note("task.created", entity=each, correlation_id="c", causation_id=each) for each in causes]

    text = owner.get("/w/acme/stories/c").text

    assert cause(text, found[0]) == "set off by Deal Order updated in another action"
    assert f'href="/w/acme/events/{other}"' in row(text, found[0])
    assert 'href="/w/acme/stories/before"' in row(text, found[0])
    assert cause(text, found[1]) == f"its cause {nowhere} is not in this log"
    assert cause(text, found[2]) == "its cause <job> 7 is not in this log"


def test_a_cause_that_one_may_not_see_is_told_like_one_that_does_not_exist(client, login, acme, note):
    secret = note(actor="ben", correlation_id="c", name="Secret")
    mine = note("task.created", actor="member", correlation_id="c", causation_id=secret)
    login("member")

    text = client.get("/w/acme/stories/c").text

    assert cause(text, mine) == f"its cause {secret} is not among what you may see"
    assert "Secret" not in text


def test_a_step_past_the_last_level_names_what_set_it_off(owner, note):
    found: list[str] = []
    for place in range(9):
        more = {"causation_id": found[-1]} if found else {}
        at = (AT + timedelta(seconds=place)).isoformat()
        found.append(note(entity=str(place), correlation_id="c", occurred_at=at, **more))

    text = owner.get("/w/acme/stories/c").text

    told = [cause(text, event_id) for event_id in found]
    assert told == [""] * 6 + [f"set off by Deal {place} updated above" for place in (5, 6, 7)]


def test_a_cause_on_another_page_of_a_long_story_is_told(owner, acme, note):
    first = note(name="Beginning", correlation_id="c", occurred_at=AT.isoformat())
    later = (AT + timedelta(seconds=1)).isoformat()
    record_batch(
        acme,
        [
            an_event(entity=str(number), correlation_id="c", occurred_at=later, causation_id=first)
            for number in range(200)
        ],
    )
    db.session.commit()
    page = owner.get("/w/acme/stories/c").text
    following = re.search(r'href="([^"]*after=[^"]*)">Show what followed', page)[1]

    text = owner.get(html.unescape(following)).text

    (last,) = ids(text)
    assert 'class="cause"' not in page
    assert cause(text, last) == "set off by Deal Beginning updated , on another page of this action"


def test_steps_that_did_not_succeed_are_told_on_top_in_words(owner, action, note):
    failed = note("email.sent", name="Bill", outcome="failure", correlation_id="act/1")

    text = owner.get("/w/acme/stories/act%2F1").text

    top = text.partition('class="message wrong')[2].partition("</div>")[0]
    assert "1 step did not succeed" in top and "Email Bill not sent failed" in words(top)
    assert f'href="#event-{failed}"' in top
    assert "failed" in words(row(text, failed))
    assert "did not succeed" not in owner.get(f"/w/acme/stories/{note()}").text


def test_another_workspaces_story_and_one_that_one_may_not_see_are_404(client, login, acme, other, note):
    note(workspace=other, correlation_id="theirs", name="Secret")
    note(actor="ben", correlation_id="bens", name="Secret")
    login("member")

    for correlation_id in ("theirs", "bens", "nothing"):
        for headers in ({}, FRAGMENT):
            response = client.get(f"/w/acme/stories/{correlation_id}", headers=headers)
            assert response.status_code == 404
            assert "Secret" not in response.text


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "correlation_id",
    [
        "a/b//c/",
        "/../x",
        "<b>&\"'",
        "100% + #?;=",
        "\u202ereversed",
        "日本語 🚀",
        "x" * 512,
        "!not",
        "a..b",
        "c\nd",
    ],
)
def test_any_correlation_id_has_a_page_that_the_timeline_links_to(owner, note, correlation_id):
    for entity in ("1", "2"):
        event_id = note(entity=entity, correlation_id=correlation_id)
    path = f"/w/acme/stories/{quote(correlation_id, safe='')}"

    detail = owner.get(f"/w/acme/events/{event_id}").text
    page = owner.get(path)

    assert f'<a href="{path}">All that belongs to this action</a>' in detail
    assert page.status_code == 200
    assert len(ids(page.text)) == 2
    assert "<b>" not in page.text and "\u202e" not in page.text


@pytest.mark.parametrize("correlation_id", [".", ".."])
def test_an_id_that_no_path_can_hold_is_linked_to_in_the_timeline(owner, note, correlation_id):
    for entity in ("1", "2"):
        event_id = note(entity=entity, correlation_id=correlation_id)

    detail = owner.get(f"/w/acme/events/{event_id}").text
    row_of_it = row(owner.get("/w/acme/timeline?entity=deal&group=story").text, event_id)

    assert f'href="/w/acme/timeline?correlation={correlation_id}">All that belongs' in detail
    assert "stories/" not in row_of_it


def test_an_event_alone_links_to_no_story(owner, note):
    assert "All that belongs to this action" not in owner.get(f"/w/acme/events/{note()}").text


@pytest.mark.both_databases
def test_a_long_story_has_pages_and_a_link_to_the_timeline(owner, acme):
    record_batch(
        acme,
        [
            an_event(
                entity=str(number),
                correlation_id="c",
                occurred_at=(AT + timedelta(seconds=number // 3)).isoformat(),
            )
            for number in range(450)
        ],
    )
    db.session.commit()

    url, seen = "/w/acme/stories/c", []
    for count, left in ((200, " (250 more)"), (200, ""), (50, "")):
        text = owner.get(url).text
        assert (f"Show what followed{left}" in words(text)) == (count == 200)
        assert "more)" not in words(text) or left
        found = re.findall(r"Deal <strong><bdi>(\d+)", text.partition('id="steps"')[2])
        assert len(found) == count
        seen += found
        following = re.search(r'href="([^"]*after=[^"]*)">Show what followed', text)
        url = html.unescape(following[1]) if following else None

    assert url is None
    assert seen == [str(number) for number in range(450)]
    assert "and 449 more it set off" in words(text)
    assert 'href="/w/acme/timeline?correlation=c"' in text and "From the beginning" in text
    assert "+2 min" in text


@pytest.mark.parametrize("query", ["after=x", "page=2", "after="])
def test_a_story_refuses_what_it_does_not_know(owner, action, query):
    assert owner.get(f"/w/acme/stories/act%2F1?{query}").status_code == 422


@pytest.mark.both_databases
def test_the_api_gives_one_event_a_story_whole_and_in_pages(app, cli, acme, action, note):
    alone = note(entity="9")
    key = cli("api-key", "create", "--workspace", "acme", "--name", "R", "--scope", "events:read").out.strip()
    client = app.test_client()
    url, seen = "/api/v1/events?event=!api_key.*&event=!member.*&event=!workspace.*&group=story&limit=1", []

    while url:
        answer = json.loads(client.get(url, headers={"Authorization": f"Bearer {key}"}).data)
        seen += answer["events"]
        url = answer["next"]

    assert [event["id"] for event in seen if event["event"].startswith(("deal", "task"))] == [
        alone,
        action["deal"],
    ]
    assert len({event["correlation_id"] for event in seen}) == len(seen)
    assert "changes" in seen[0] and "payload" in seen[0]
