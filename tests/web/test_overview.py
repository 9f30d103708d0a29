"""Beside the timeline: counts that lead on, bars that lead to what they count, names that are offered."""

import html
import re
from datetime import UTC, datetime, timedelta

import html5lib
import pytest

from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.reading import facets
from tests.browser.hostile import NAMES, SCRIPT
from tests.conftest import an_event
from tests.pages import FRAGMENT

OVERVIEW = "/w/acme/timeline/overview"
SUGGEST = "/w/acme/timeline/suggest"
START = datetime(2025, 3, 25, 21, 30, tzinfo=UTC)  # days before the clocks change in the workspace's zone
RANGE = "since=2025-01-01&until=2025-12-31"  # without the events of the set-up
WHO = ["ada", "ben", "cyn"]


def numbered(number: int) -> dict:
    return an_event(
        ["deal.created", "deal.updated", "deal.updated", "contact.deleted"][number % 4],
        entity=str(number),
        name=f"Number {number}",
        actor=WHO[number % 3],
        origin=["ui", "api"][number % 2],
        outcome="denied" if number % 10 == 0 else "success",
        occurred_at=START + timedelta(minutes=97 * number),
    )


def record_log(acme, other):
    """Record 120 events of eight days in acme, and some in the other workspace."""
    record_batch(acme, [numbered(number) for number in range(120)])
    record_batch(other, [an_event("secret.made", name="Secret plan", actor="spy", occurred_at=START)])
    db.session.commit()


@pytest.fixture
def log(acme, other):
    """Return what the database has of acme."""
    return [numbered(number) for number in range(120)]


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


def url(query: str = "") -> str:
    return f"{OVERVIEW}?{RANGE}{'&' if query else ''}{query}"


def choices(text: str, facet: str) -> dict[str, dict[str, str]]:
    """Return the lines of a facet by their label: ``count``, ``include`` and ``exclude``, as links."""
    tree = html5lib.parse(text, namespaceHTMLElements=False)
    [section] = [each for each in tree.iter("section") if each.get("aria-label") == facet]
    found = {}
    for item in section.iter("li"):
        if "choice" not in (item.get("class") or ""):
            continue
        include, exclude = list(item.iter("a"))
        label = "".join(include.find("bdi").itertext())
        count = next(each.text for each in item.iter("span") if each.get("class") == "events")
        found[label] = {"count": count, "include": include.get("href"), "exclude": exclude.get("href")}
    return found


def bars(text: str) -> list[tuple[str, int]]:
    """Return where each bar's line of the table leads, and how many events it says."""
    tree = html5lib.parse(text, namespaceHTMLElements=False)
    lines = [each for table in tree.iter("tbody") for each in table.iter("tr")]
    return [
        (next(line.iter("a")).get("href"), int(list(line.iter("td"))[-1].text.replace(",", "")))
        for line in lines
    ]


def listed(client, address: str) -> list[str]:
    """Return the names of the records on all pages of a timeline, newest first."""
    found: list[str] = []
    while address:
        text = client.get(address, follow_redirects=True).text
        found += re.findall(r'<li id="event-[^>]*data-history="[^"]*/([^/"]+)"', text)
        older = re.search(r'<li class="older"><a[^>]* href="([^"]+)"', text)
        address = html.unescape(older[1]) if older else ""
    return found


@pytest.mark.parametrize("facet", ["Entity", "Event", "Actor", "Origin", "Outcome"])
@pytest.mark.parametrize("query", ["", "origin=api", "entity=deal&outcome=success"])
def test_a_choice_leads_to_as_many_events_as_it_says_and_not_to_the_rest(owner, log, facet, query):
    others = re.sub(f"&?{facet.lower()}=[^&]*", "", query).strip("&")
    whole = listed(owner, f"/w/acme/timeline?{RANGE}&{others}")

    shown = choices(owner.get(url(query)).text, facet)

    assert shown
    for label, choice in shown.items():
        if f"{facet.lower()}=" in query and label in ("Deal", "api", "succeeded"):
            continue  # set already: a click takes it back, see below
        # What is set stays set beside the new one: more than this one's events, where it includes.
        added = listed(owner, choice["include"])
        left = listed(owner, choice["exclude"])
        if f"{facet.lower()}=" not in query:
            assert len(added) == int(choice["count"]) > 0
            assert sorted(added + left) == sorted(whole)


def test_a_click_on_what_is_set_takes_it_back_and_the_opposite_takes_its_place(owner, log):
    included = choices(owner.get(url("entity=deal")).text, "Entity")["Deal"]
    excluded = choices(owner.get(url("entity=!deal")).text, "Entity")["Deal"]

    assert "entity=" not in included["include"] and "entity=" not in excluded["exclude"]
    assert html.unescape(included["exclude"]).count("entity=") == 1
    assert re.search("entity=(!|%21)deal", included["exclude"])
    assert "entity=deal" in excluded["include"]
    assert "%21deal" not in excluded["include"] and "!deal" not in excluded["include"]


def test_what_is_set_and_finds_nothing_can_still_be_taken_back(owner, log):
    text = owner.get(url("actor=nobody&actor=ada&entity=deal")).text

    gone = choices(text, "Actor")["nobody"]
    assert gone["count"] == "0" and "nobody" not in gone["include"]


@pytest.mark.parametrize("sign", ["", "!"])
def test_what_is_chosen_comes_first_and_is_never_folded(owner, acme, sign):
    record_batch(
        acme,
        [
            an_event(f"kind_{kind}.made", entity=str(number), occurred_at=START)
            for kind in range(10)
            for number in range(10 - kind)
        ],
    )
    db.session.commit()
    few = [f"entity={sign}kind_{kind}" for kind in (9, 8)]
    many = [f"entity={sign}kind_{kind}" for kind in range(9)]

    assert folded(owner.get(url(few[0])).text, "Entity") == ["Kind 6", "Kind 7", "Kind 8"]
    assert list(choices(owner.get(url("&".join(few))).text, "Entity"))[:2] == ["Kind 8", "Kind 9"]
    assert folded(owner.get(url("&".join(many))).text, "Entity") == ["Kind 9"]


def folded(text: str, facet: str) -> list[str]:
    """Return the labels of a facet that stand behind "more"."""
    rest = re.search(rf'aria-label="{facet}">.*?<details class="rest">(.*?)</details>', text, re.DOTALL)
    return re.findall(r'title="([^"]*)"', rest[1])


def test_a_filter_stays_when_another_is_added_but_the_place_on_the_page_does_not(owner, log):
    page = owner.get(f"/w/acme/timeline?group=story&limit=5&{RANGE}").text
    older = html.unescape(re.search(r'<li class="older"><a[^>]* href="([^"]+)"', page)[1])

    text = owner.get(older.replace("/timeline?", "/timeline/overview?")).text

    include = choices(text, "Origin")["through the API"]["include"]
    assert "before=" not in include
    for kept in ("limit=5", "group=story", "origin=api", "since=2025-01-01"):
        assert kept in include


def test_counts_beyond_what_is_counted_say_at_least(owner, log, monkeypatch):
    monkeypatch.setattr(facets, "CAP", 20)

    searched, whole = (owner.get(url(query)).text for query in ("q=number", ""))

    assert choices(searched, "Entity")["Deal"]["count"].endswith("+")
    assert "Counted among the newest" in searched
    assert choices(whole, "Entity")["Deal"]["count"] == "20+"  # such counts are kept
    assert "there are more than are counted" in whole


def test_ten_thousand_reads_as_such(owner, log, monkeypatch):
    monkeypatch.setattr("auditapp.web.overview.facets_of", lambda *_: _many())

    assert choices(owner.get(url()).text, "Origin")["in the app"]["count"] == "10,000+"


def _many() -> facets.Facets:
    shares = {name: [] for name in facets.FACETS} | {"origin": [facets.Share("ui", 10_000, True)]}
    return facets.Facets(10_000, True, shares, False)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "entity=deal",
        "actor=ada&origin=api",
        "since=2025-03-29T12:20:00Z&until=2025-03-31T09:10:00Z",
        "since=2025-03-26&until=2025-04-01T03:07:09Z",
        "since=2025-03-26T05:06:07Z",
        "q=number",
    ],
)
def test_each_bar_leads_to_exactly_the_events_that_it_counts(owner, log, query):
    times = "" if "since" in query and "until" in query else "until=2025-12-31" if "since" in query else RANGE
    asked = "&".join(filter(None, (query, times)))

    shown = bars(owner.get(f"{OVERVIEW}?{asked}").text)

    whole = listed(owner, f"/w/acme/timeline?{asked}")
    found = [listed(owner, address) for address, _ in shown]
    assert [len(each) for each in found] == [events for _, events in shown]
    assert [name for each in reversed(found) for name in each] == whole
    assert len(whole) > 5 and len(shown) > 1


@pytest.mark.parametrize("micros", ["", ".000001", ".5", ".999999"])
def test_the_last_bar_leads_to_the_newest_event_too(owner, note, micros):
    note("burst.made", entity="1", occurred_at="2025-03-25T10:10:10Z")
    note("burst.made", entity="2", occurred_at=f"2025-03-25T12:59:59{micros}Z")

    shown = bars(owner.get(f"{OVERVIEW}?entity=burst").text)

    assert [(listed(owner, address), events) for address, events in shown] == [(["1"], 1), (["2"], 1)]


def test_bars_tell_apart_what_was_done_by_words_and_by_pattern_too(owner, log):
    text = owner.get(url()).text

    for word in ("created", "changed", "deleted", "failed or denied"):
        assert word in re.search(r'class="legend">(.*?)</p>', text, re.DOTALL)[1]
    for mark in ("bar-created", "bar-changed", "bar-deleted", "bar-failed"):
        assert mark in text
    titles = re.findall("<title>([^<]*)</title>", text)
    assert any(re.search(r"\d events, .*\d changed", title) for title in titles), titles


def heights(text: str) -> list[tuple[int, float]]:
    """Return of each bar how many events it tells and how high it is drawn."""
    columns = re.findall(r"<title>[^<]*: ([\d,]+) events?.*?</title>(.*?)</a>", text, re.DOTALL)
    return [
        (int(events.replace(",", "")), sum(map(float, re.findall(r'class="bar .*?height="([\d.]+)"', parts))))
        for events, parts in columns
    ]


def test_a_bar_is_as_high_as_its_events_are_many_whatever_they_did(owner, acme):
    mixed = ["deal.created", "deal.updated", "deal.deleted", "deal.seen"]
    for day, events in enumerate([["deal.updated"] * 33, [*mixed * 3, *mixed[:3]], ["deal.deleted"]]):
        moment = START + timedelta(days=day * 9)
        record_batch(acme, [an_event(event, occurred_at=moment) for event in events])
    db.session.commit()

    shown = heights(owner.get(url()).text)

    highest = max(height for _, height in shown)
    assert sorted(events for events, _ in shown if events) == [1, 15, 33]
    for events, height in shown:
        assert height == pytest.approx(highest * events / 33, abs=1e-4)


def test_what_was_deleted_or_failed_is_marked_below_the_bars_however_few(owner, acme):
    events = ["deal.updated"] * 400 + ["deal.deleted"]
    record_batch(acme, [an_event(event, entity=str(n), occurred_at=START) for n, event in enumerate(events)])
    record_batch(acme, [an_event(outcome="failure", occurred_at=START + timedelta(days=9))])
    record_batch(acme, [an_event(occurred_at=START + timedelta(days=40))])
    db.session.commit()

    text = owner.get(url()).text

    flags = re.search(r'<g class="flags">(.*?)</g>', text, re.DOTALL)[1]
    assert re.findall(r'class="bar-(\w+)"[^>]* height="5"', flags) == ["deleted", "failed"]
    assert len(re.search(r'class="trace" d="([^"]*)"', flags)[1].split("M")) == 1 + 3
    assert "at most 401; marked below: deleted, failed or denied" in text


@pytest.mark.parametrize(
    ("times", "unit"),
    [(RANGE, "days"), ("since=2025-03-26&until=2025-03-27", "hours"), ("since=2020-01-01", "days")],
)
def test_the_chart_names_its_zone_where_rows_are_in_another(owner, log, times, unit):
    owner.set_cookie("tz", "Asia/Tokyo")
    assert f"; {unit} of Europe/Berlin" in owner.get(f"{OVERVIEW}?{times}").text
    owner.set_cookie("tz", "Europe/Berlin")

    assert "of Europe/Berlin" not in owner.get(f"{OVERVIEW}?{times}").text


def test_a_single_bar_has_one_label(owner, note):
    note("burst.made", occurred_at="2025-03-25T10:10:10Z")

    text = owner.get(f"{OVERVIEW}?entity=burst").text

    axis = re.search(r'<p class="axis quiet">(.*?)</p>', text, re.DOTALL)[1]
    assert axis.count("25 Mar 2025, 11:00") == 1


@pytest.mark.parametrize(
    "address", [url(), f"{SUGGEST}?for=record&typed=sec", f"{SUGGEST}?for=actor&typed=sp"]
)
def test_nothing_of_another_workspace_is_told(owner, log, address):
    text = owner.get(address).text.lower()

    assert "secret" not in text and "spy" not in text


@pytest.fixture
def own(acme, log):
    """Record one thing that the member did; all else is others' doing."""
    actor = {"type": "user", "id": "m1", "name": "Mary Member", "email": "member@acme.example"}
    record_batch(acme, [an_event("task.created", name="Mine alone", actor=actor, occurred_at=START)])
    db.session.commit()


def test_who_may_see_ones_own_alone_is_told_of_that_alone(client, login, own):
    login("member")

    text = client.get(url()).text

    for facet, label in [("Entity", "Task"), ("Event", "task.created"), ("Actor", "Mary Member")]:
        assert {name: line["count"] for name, line in choices(text, facet).items()} == {label: "1"}
    assert [events for _, events in bars(text)] == [1]
    assert "Mine alone" in client.get(f"{SUGGEST}?for=record&typed=mine").text
    assert "Mary Member" in client.get(f"{SUGGEST}?for=actor&typed=mar").text
    for asked in ("for=record&typed=number", "for=actor&typed=ada"):
        assert "Nothing that you may see begins with" in client.get(f"{SUGGEST}?{asked}").text


@pytest.mark.parametrize("name", [*NAMES, "N" * 200, "<b>" * 66 + '&"'])
def test_a_hostile_or_long_name_is_a_text(owner, note, name):
    person = {"type": "user", "id": name, "name": name, "email": "x@x.example"}
    event_id = note(actor=person, entity={"type": "deal", "id": name, "name": name}, occurred_at=START)

    text = owner.get(url()).text
    typed = re.search(r"\w+", name)[0]
    offered = owner.get(SUGGEST, query_string={"for": "record", "typed": typed}).text

    for page in (text, offered):
        assert SCRIPT not in page and "<img src=/owned" not in page and "<b>bold" not in page
    [(label, line)] = choices(text, "Actor").items()
    assert line["count"] == "1"
    assert len(label) >= len(name)  # whole, hidden characters spelt out
    assert f'id="event-{event_id}"' in owner.get(line["include"]).text
    address = html.unescape(re.search(r'<li><a href="([^"]*)"', offered)[1])
    assert f'id="event-{event_id}"' in owner.get(address).text


@pytest.mark.parametrize("wrong", ["event=Deal!", "since=yesterdayish", "colour=red", "to=won", "q=*"])
def test_a_filter_that_means_nothing_is_422_with_a_sentence(owner, wrong):
    name = wrong.partition("=")[0]
    for address in (f"{OVERVIEW}?{wrong}", f"{SUGGEST}?for=actor&typed=a&{wrong}"):
        for headers in ({}, FRAGMENT):
            response = owner.get(address, headers=headers)
            assert response.status_code == 422 and f"{name}: " in html.unescape(response.text)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "0001-01-05T00:00:00Z", "9999-12-30T00:00:00Z"])
def test_events_at_the_ends_of_the_calendar_are_drawn(owner, acme, time):
    record_batch(acme, [an_event(entity="first", occurred_at="0001-01-01T00:00:00Z")])
    db.session.commit()

    assert owner.get(f"{OVERVIEW}?until={time}").status_code == 200
    assert owner.get(f"{OVERVIEW}?record=deal:first").status_code == 200
    assert owner.get(f"{OVERVIEW}?since=2025-01-01&until={time}").status_code == 200


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "times",
    [
        ["0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z"],
        ["0001-01-01T00:00:00Z", "0003-01-01T00:00:00Z"],
        ["0999-12-30T10:00:00Z", "0999-12-31T23:30:00Z"],
        ["0070-01-01T00:00:00Z", "0999-01-01T00:00:00Z"],
        ["0999-06-01T00:00:00Z", "2026-01-01T00:00:00Z"],
        ["0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z"],
    ],
)
def test_bars_of_any_year_lead_to_what_they_count(owner, acme, note, zone, times):
    acme.timezone = zone
    db.session.commit()
    for time in times:
        note("deal.updated", occurred_at=time)

    drawn = [
        (address, events) for address, events in bars(owner.get(f"{OVERVIEW}?entity=deal").text) if events
    ]

    assert sum(events for _, events in drawn) == len(times)
    for address, events in drawn:
        assert len(listed(owner, address)) == events


def test_a_range_is_drawn_from_its_beginning(owner, log):
    text = owner.get(f"{OVERVIEW}?since=2025-03-27&until=2025-03-31&record=deal:61").text
    picture = re.search(r"<svg.*?</svg>", text, re.DOTALL)[0]

    # Its only event is three days later.
    assert re.findall(r"<title>([^:]*): 1 event", picture) == ["Sun, 30 Mar 2025"]
    assert re.search(r'class="axis quiet"><span>([^<]*)<', text)[1] == "Thu, 27 Mar 2025"


def test_more_actors_than_are_listed_are_told_of(owner, acme):
    few = owner.get(OVERVIEW).text
    record_batch(acme, [an_event(actor=f"actor{number}") for number in range(9)])
    db.session.commit()

    many = owner.get(OVERVIEW).text

    assert "And others, by their names" in many
    assert "And others" not in few


def test_who_may_see_some_events_is_not_told_when_the_others_were(client, login, acme, monkeypatch):
    monkeypatch.setattr(facets, "CAP", 5)
    secret = an_event("secret.made", occurred_at="1987-05-05T00:00:00Z")
    own = [
        an_event(
            entity=str(day),
            actor={"type": "user", "id": "m", "email": "member@acme.example"},
            occurred_at=START + timedelta(days=day),
        )
        for day in range(10)
    ]
    record_batch(acme, [secret, *own])
    db.session.commit()
    login("member")

    text = client.get(f"{OVERVIEW}?until=2025-12-31").text

    assert "2025" in text and "1987" not in text


def test_thousands_of_names_make_no_page_of_thousands(owner, acme):
    record_batch(acme, [an_event(f"deal.done_{number}", entity=str(number)) for number in range(600)])
    db.session.commit()

    overview, page = owner.get(f"{OVERVIEW}?entity=deal").text, owner.get("/w/acme/timeline").text

    assert len(set(re.findall(r"deal\.done_\d+", overview))) == 300
    assert len(set(re.findall(r'value="deal\.done_\d+"', page))) <= 300


def test_only_actors_and_records_are_offered(owner):
    assert owner.get(f"{SUGGEST}?for=member&typed=a").status_code == 404
    assert owner.get(f"{SUGGEST}?typed=a").status_code == 404


PEOPLE = ["Zoë Müller", "佐藤健太", "Оксана Шевченко", "O'Brien, Pat"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("zo", "Zoë Müller"),
        ("MUL", "Zoë Müller"),
        ("mül", "Zoë Müller"),
        ("müller zoë", "Zoë Müller"),
        ("佐", "佐藤健太"),
        ("佐藤健", "佐藤健太"),
        ("健太", "佐藤健太"),
        ("шев", "Оксана Шевченко"),
        ("o'br", "O'Brien, Pat"),
    ],
)
def test_actors_and_records_are_offered_by_the_beginnings_of_their_names(owner, note, typed, name):
    for number, each in enumerate(PEOPLE):
        person = {"type": "user", "id": f"p{number}", "name": each}
        record = {"type": "deal", "id": f"d{number}", "name": f"The {each}"}
        note(actor=person, entity=record, origin="ui")
        note(actor=person, entity="else", origin="api")
    number = PEOPLE.index(name)

    for asked, value, rows in (("actor", f"p{number}", 1), ("record", f"deal:d{number}", 1)):
        text = owner.get(
            SUGGEST, query_string={"for": asked, "typed": typed, "origin": "ui"}, headers=FRAGMENT
        ).text
        links = [html.unescape(link) for link in re.findall(r'<a href="([^"]*)"', text)]
        assert len(links) == 1, text
        assert html.unescape(re.search(r"<bdi>(.*?)</bdi>", text)[1]).endswith(name)
        assert "origin=ui" in links[0] and value in links[0].replace("%3A", ":")
        assert len(listed(owner, links[0])) == rows


def test_the_beginning_of_a_word_is_asked_and_not_its_middle(owner, note):
    note(entity={"type": "deal", "id": "1", "name": "Data Center"})

    assert "Nothing begins with “<bdi>enter</bdi>”" in owner.get(f"{SUGGEST}?for=record&typed=enter").text
    assert "Data Center" in owner.get(f"{SUGGEST}?for=record&typed=cen+dat").text


def test_offers_of_one_name_are_told_apart_by_their_ids(owner, note):
    for number in (1, 2):
        entity = {
            "type": "task",
            "id": f"019aa0c4-1111-7000-8000-00000000000{number}",
            "name": "Onboard them",
        }
        note("task.created", entity=entity, actor={"type": "api_key", "id": f"k{number}", "name": "Sync"})
    note("deal.created", entity={"type": "deal", "id": "9", "name": "Onboard them"}, actor="syd")

    records = owner.get(f"{SUGGEST}?for=record&typed=onboard", headers=FRAGMENT).text
    actors = owner.get(f"{SUGGEST}?for=actor&typed=sy", headers=FRAGMENT).text

    assert re.findall(r'<code class="id"[^>]*><bdi>([^<]*)', records) == ["…00000002", "…00000001"]
    assert re.findall(r'<code class="id"[^>]*><bdi>([^<]*)', actors) == ["k2", "k1"]


def test_typing_nothing_or_signs_offers_nothing(owner, note):
    note(name="Data")

    for typed in ("", "%20", "*", "%22", "_"):
        assert "<li>" not in owner.get(f"{SUGGEST}?for=record&typed={typed}", headers=FRAGMENT).text


def test_both_are_pages_of_their_own_without_htmx(owner, log):
    page = owner.get(f"/w/acme/timeline?entity=deal&{RANGE}").text
    address = html.unescape(re.search(r'<a href="(/w/acme/timeline/overview[^"]*)"', page)[1])

    whole, part = owner.get(address), owner.get(address, headers=FRAGMENT)

    assert "<html" in whole.text and "<html" not in part.text
    assert choices(whole.text, "Event") == choices(part.text, "Event")
    assert 'action="/w/acme/timeline/suggest"' in whole.text
    assert 'name="entity" value="deal"' in whole.text
    offers = owner.get(f"{SUGGEST}?for=actor&typed=ada&entity=deal").text
    assert "<html" in offers and "entity=deal" in re.search(r'<a href="([^"]*actor=ada[^"]*)"', offers)[1]
