"""Changes by field and value: by name or label, by what was recorded or what it is called, in any case."""

import html
import re
from urllib.parse import quote, urlencode

import pytest
import sqlalchemy as sa

from auditapp.cli.demo import PASSWORD
from auditapp.extensions import db
from auditapp.followers.rebuild import rebuild
from auditapp.models import Workspace
from tests.pages import FRAGMENT

TIMELINE = "/w/acme/timeline"
DEAL = "/w/acme/history/deal/1"
# Recorded by ``log``, each by the letter that tests name it by.
CHANGES = {
    "a": {"stage": {"previous": "Open", "current": "Won", "label": "Stage", "kind": "choice"}},
    "b": {"totalValue": {"previous": 100, "current": 48000.0, "kind": "money"}},
    "c": {"customFieldValues.7f": {"previous": "Proposal", "current": "Gewönnen", "label": "Größe"}},
    "d": {
        "phase": {
            "previous": {"id": "p_1", "label": "Öffen"},
            "current": {"id": "p_2", "label": "Zu Ende"},
            "kind": "choice",
        }
    },
    "e": {"active": {"previous": False, "current": True}, "note": {"previous": None, "current": ""}},
    "f": {"owners": {"previous": [{"id": "u_1", "name": "Ada"}], "current": [{"id": "U_2", "name": "Zoë"}]}},
    "g": {"due": {"previous": "2026-03-24T00:00:00Z", "current": "2026-03-25T09:55:43+01:00"}},
    "h": {"total_value": {"current": 7}, "stages": {"previous": "x", "current": "won"}},
    "i": {
        "left": {"previous": "Open", "current": "Lost", "label": "Same"},
        "right": {"previous": "New", "current": "Won", "label": "same"},
    },
    "k": {"heads": {"previous": [{"id": "1", "name": "Ada"}], "current": [{"id": "2", "name": "Ada"}]}},
    "l": {
        "lines": {
            "previous": [{"id": "1", "name": "Card", "quantity": 1}],
            "current": [{"id": "1", "name": "Card", "quantity": 2}],
        }
    },
    "m": {"parts": {"current": [{"id": f"p_{number}", "name": f"Part {number}"} for number in range(60)]}},
    "j": {"tags": {"previous": ["Won", "x"], "current": ["won", "x"]}},
}


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


@pytest.fixture
def log(note):
    """Record one event for each of ``CHANGES`` and return the letters by their ids."""
    return {note(entity=letter, changes=changes): letter for letter, changes in CHANGES.items()}


def found(text: str, log: dict[str, str]) -> str:
    return "".join(sorted(log[event] for event in re.findall(r'<li id="event-([^"]+)"', text)))


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


QUERIES = [
    ("field=stage", "a"),
    ("field=Stage", "a"),
    ("field=STAGE&to=won", "a"),
    ("field=stage&to=Won", "a"),
    ("field=stage&from=OPEN", "a"),
    ("field=Stage&from=open&to=WON", "a"),
    ("field=stage&from=won&to=open", ""),
    ("field=stage&to=wo", ""),
    ("field=stage&field=Stage&to=lost&to=won", "a"),
    ("field=stage&to=!WON", ""),
    ("field=stage&to=!lost", "a"),
    ("field=stage&from=open&to=!won", ""),
    ("field=Total value", "bh"),
    ("field=totalvalue", "bh"),
    ("field=TOTAL_VALUE&to=48,000", "b"),
    ("field=totalValue&to=48000", "b"),
    ("field=totalValue&to=48000.0&from=100.0", "b"),
    ("field=Größe", "c"),
    ("field=GROSSE&to=gewonnen", "c"),
    ("field=customfieldvalues.7F&to=GEWÖNNEN", "c"),
    ("field=grosse&from=proposal&to=gewonnen", "c"),
    ("field=phase&to=p_2", "d"),
    ("field=Phase&to=zu ende", "d"),
    ("field=phase&from=offen&to=P_2", "d"),
    ("field=active&to=yes", "e"),
    ("field=Active&from=NO&to=true", "e"),
    ("field=active&to=no", ""),
    ("field=note&from=no value", "e"),
    ("field=note&from=null&to=empty text", "e"),
    ("field=note&from=NULL", "e"),
    ("field=note&to=null", ""),
    ("field=owners&from=ada&to=zoe", "f"),
    ("field=Owners&to=u_2", "f"),
    ("field=owners&from=zoe", ""),
    ("field=due&from=2026-03-24", "g"),
    ("field=due&to=2026-03-25T08:55:43Z", "g"),
    ("field=due&to=2026-03-25 08:55:43 UTC", "g"),
    ("field=same&from=open&to=lost", "i"),
    ("field=same&from=open&to=won", ""),
    ("field=same&to=won", "i"),
    ("field=heads&from=ada&to=ada", "k"),
    ("field=heads&from=1&to=2", "k"),
    ("field=lines", "l"),
    ("field=lines&to=card", ""),
    ("field=parts&to=PART 59", "m"),
    ("field=tags&from=won&to=won", "j"),
    ("field=tags&to=x", ""),
    ("field=!STAGE", "bcdefghijklm"),
    ("field=!grosse&field=!Phase&field=!TOTAL VALUE&field=!Same", "aefgjklm"),
    ("field=stage&field=phase&to=won&to=zu ende", "ad"),
    ("field=nothing", ""),
    (f"field=stage&to={'[' * 300}{']' * 300}", ""),
]


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_change_is_found_by_name_or_label_and_value_or_its_label(owner, log, rebuilt):
    if rebuilt:
        rebuild(db.session.scalars(sa.select(Workspace.id)).all())

    for query, letters in QUERIES:
        text = owner.get(f"{TIMELINE}?entity=deal&{quote(query, safe='=&')}", headers=FRAGMENT).text
        assert found(text, log) == letters, query


def test_pages_counts_exports_news_and_saved_views_give_one_answer(owner, log, note):
    query = urlencode({"entity": "deal", "field": "STAGE", "to": "won"})
    page = owner.get(f"{TIMELINE}?{query}").text
    live = html.unescape(re.search(r'data-live="([^"]+)"', page)[1])

    lines = owner.get(f"/w/acme/timeline.jsonl?{query}").text
    overview = words(owner.get(f"{TIMELINE}/overview?{query}", headers=FRAGMENT).text)
    new = note(entity="z", changes={"Stage": {"current": "WON"}})
    note(entity="z", changes={"Stage": {"current": "lost"}})
    told = words(owner.get(live, headers=FRAGMENT).text)

    assert lines.count("\n") == 1 and '"a"' in lines
    assert "1 event" in overview
    assert "1 new" in told
    assert found(owner.get(f"{TIMELINE}?{query}").text, {**log, new: "z"}) == "az"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("field=Stage&to=won", "Stage changed to won"),
        ("field=stage&field=Stage&field=STAGE", "STAGE changed"),
        ("field=total_value&field=totalValue", "Total value changed"),
        ("field=iOS", "“iOS” changed"),
        ("field=Reason Lost&to=Price&to=price", "Reason lost changed to Price"),
        ("field=Größe", "Größe changed"),
        ("field=Value (EUR)", "Value (EUR) changed"),
    ],
)
def test_the_heading_names_what_was_asked_and_nothing_twice(owner, query, says):
    text = owner.get(f"{TIMELINE}?{quote(query, safe='=&')}", follow_redirects=True).text

    assert says in words(re.search(r"<title>.*?</title>", text, re.DOTALL)[0])


def headings(text: str) -> list[str]:
    return [words(each) for each in re.findall(r'<h2 class="field-title">.*?</h2>', text, re.DOTALL)]


@pytest.fixture
def deal(note):
    """Record four versions of deal 1, of which only the first tells the labels, and return their ids."""

    def at(day: int, changes: dict[str, object]) -> str:
        return note(entity="1", occurred_at=f"2026-03-{day:02}T09:00:00Z", changes=changes)

    return [
        at(1, {"lost_reason": {"current": "Price", "label": "Reason lost"}, "n": {"current": 1}}),
        at(
            2, {"lost_reason": {"previous": "Price", "current": "Budget"}, "n": {"previous": 1, "current": 2}}
        ),
        at(3, {"n": {"previous": 2, "current": 3}}),
        at(4, {"lost_reason": {"previous": "Budget", "current": "Price"}}),
    ]


@pytest.mark.parametrize("asked", ["lost_reason", "Lost reason", "LOST_REASON", "Reason lost", "reason LOST"])
def test_one_fields_history_is_the_same_by_name_and_by_label(owner, deal, asked):
    text = owner.get(f"{DEAL}?field={quote(asked)}").text

    assert re.findall(r'data-version="([^"]+)"', text) == [deal[3], deal[1], deal[0]]
    assert set(re.findall(r'data-field="(\w+)"', text)) == {"lost_reason"}
    assert "3 values: first Price , now Price" in words(text)
    is_label = asked.lower() == "reason lost"
    assert headings(text) == [f"How Reason lost {'' if is_label else '( lost_reason ) '}changed"]
    assert f'value="{asked}"' in text
    lines = owner.get(f"/w/acme/history.jsonl/deal/1?field={quote(asked)}").text
    assert '"events":3' in lines


def test_one_field_can_be_left_out_of_a_history_by_its_label(owner, deal):
    text = owner.get(f"{DEAL}?field={quote('!reason lost')}").text

    assert re.findall(r'data-version="([^"]+)"', text) == [deal[2]]


def test_a_history_of_a_field_that_there_is_not_says_so_in_the_words_asked(owner, deal):
    text = owner.get(f"{DEAL}?field=iOS").text

    assert headings(text) == ["No change of a field called “ iOS ”"]
    assert "No version is left by these filters." in words(text)


def test_fields_that_are_called_alike_are_all_shown_and_told_apart(owner, note):
    for number, name in enumerate(["x.1", "status", "x.2", "x.3", "x.4"]):
        label = {} if name == "status" else {"label": "Státus"}
        for value in (1, 2):
            note(entity="1", changes={name: {"current": 10 * number + value, **label}})
    note(entity="1", changes={"x.1": {"current": 3}, "other": {"current": 1}})

    text = owner.get(f"{DEAL}?field=STATUS").text

    assert len(re.findall(r"data-version=", text)) == 11
    assert set(re.findall(r'data-field="([^"]+)"', text)) == {"x.1", "x.2", "x.3", "x.4", "status"}
    assert headings(text) == [f"How Státus ( {name} ) changed" for name in ("x.4", "x.3", "x.2")]
    assert "2 more fields called “ STATUS ” changed too" in words(text)


def test_what_changed_long_ago_under_a_label_is_found_behind_a_field_of_that_name(owner, note):
    note(entity="1", changes={"x.1": {"current": "old", "label": "Stage"}})
    for number in range(60):
        note(entity="1", changes={"x.1": {"current": number}})
    note(entity="1", changes={"x.2": {"current": "new", "label": "Stage"}})

    text = owner.get(f"{DEAL}?field=stage&limit=100").text

    assert len(re.findall(r"data-version=", text)) == 62
    assert headings(text) == ["How Stage ( x.2 ) changed", "How Stage ( x.1 ) changed"]


def test_ids_of_records_keep_their_letters(owner, note):
    """What refers to task A1 does not refer to task a1."""
    for task in ("A1", "a1"):
        note("task.created", entity=task)
        note(entity=f"of {task}", changes={"tasks": {"current": [{"id": task, "name": "Call"}]}})

    for task, other in (("A1", "a1"), ("a1", "A1")):
        text = owner.get(f"/w/acme/history/task/{task}?related=1").text
        assert f"/history/deal/of%20{task}" in text and f"/history/deal/of%20{other}" not in text
    assert "data-event" not in owner.get(f"{TIMELINE}?record=task:A2").text
    for query in ("record=deal:OF A1", "actor=ADA", "entity=deal&actor=Ada"):
        assert "data-event" not in owner.get(f"{TIMELINE}?{quote(query, safe='=&:')}", headers=FRAGMENT).text


def test_the_examples_of_the_form_find_something_in_the_demo_together_and_alone(client, cli):
    cli("demo")
    client.post("/login", data={"email": "owner@demo.example", "password": PASSWORD})
    text = client.get("/w/demo/timeline").text

    hints = dict(re.findall(r'name="(\w+)"[^>]* placeholder="([^"]+)"', text))
    field, before, after = (hints[name].rpartition(" as ")[2] for name in ("field", "from", "to"))
    pairs = [("event", each) for each in hints["event"].split(" or ")]
    pairs += [(name, each) for name in ("since", "until") for each in hints[name].split(" or ")]
    queries = [[pair] for pair in pairs]
    queries += [[("field", field), ("from", before), ("to", after)], [("field", field.upper())]]
    for query in queries:
        assert "data-event" in client.get(f"/w/demo/timeline?{urlencode(query)}", headers=FRAGMENT).text, (
            query
        )
