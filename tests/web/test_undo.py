"""Undo, prepared: what takes an event or a story back, in words and as a document, and what is in its way."""

import html
import json
import re
import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.log import record, record_batch
from auditapp.models import Event, EventPayload
from auditapp.reading.undo import prepare
from tests.conftest import an_event
from tests.pages import FRAGMENT

pytestmark = pytest.mark.one_database

NOBODY = "019aa0c3-0000-7000-8000-000000000000"


@pytest.fixture
def owner(client, login, acme):
    login("owner")
    return client


@pytest.fixture
def tell(note):
    """Return a function that records what happened to a deal, a minute after what was told before."""
    minutes = iter(range(10_000))

    def one(event: str = "deal.updated", name: str = "Refresh", **more: Any) -> str:
        minute = next(minutes)
        at = f"2026-03-24T{9 + minute // 60:02}:{minute % 60:02}:00Z"
        return note(event, name=name, occurred_at=at, **more)

    return one


def was(previous: Any, current: Any, **hints: str) -> dict:
    return {"previous": previous, "current": current, **hints}


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))).strip()


def steps(text: str) -> list[str]:
    """Return the sentences that say what to do."""
    lists = re.findall(r'<ul class="undo-steps">(.*?)</ul>', text, re.DOTALL)
    return [words(each) for one in lists for each in re.findall(r"<li[^>]*>(.*?)</li>", one, re.DOTALL)]


def conflicts(text: str) -> list[str]:
    lists = re.findall(r'<ul class="conflicts">(.*?)</ul>', text, re.DOTALL)
    return [words(each) for one in lists for each in re.findall(r"<li>(.*?)</li>", one, re.DOTALL)]


def left(text: str) -> list[str]:
    found = re.findall(r'<ul class="undo-left">(.*?)</ul>', text, re.DOTALL)
    return [words(each) for one in found for each in re.findall(r"<li>(.*?)</li>", one, re.DOTALL)]


def page(client, **of: str) -> str:
    response = client.get("/w/acme/undo", query_string=of)
    assert response.status_code == 200, response.text
    return response.text


def taken(client, **of: str) -> dict:
    response = client.post("/w/acme/undo", query_string=of, data={"how": "download"})
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="acme-undo-')
    return json.loads(response.data)


@pytest.mark.both_databases
def test_a_change_is_taken_back_in_words_and_as_a_document(owner, tell):
    event = tell(changes={"stage": was("open", "won", label="Stage", kind="choice"), "amount": was(10, 12.5)})

    text, document = page(owner, event=event), taken(owner, event=event)

    assert steps(text) == ["Set Stage back to open", "Set Amount back to 10"]
    assert "Nothing that it would take back has changed since." in words(text)
    assert 'data-field="stage"' in text
    (record,) = document["records"]
    assert document["format"] == "auditapp-undo/1" and document["complete"] is True
    assert document["of"] == {"event_id": event}
    assert record["record"] == {"type": "deal", "id": "1", "name": "Refresh"}
    assert record["action"] == "update"
    assert record["changes"] == {
        "stage": {"previous": "won", "current": "open", "label": "Stage", "kind": "choice"},
        "amount": {"previous": 12.5, "current": 10},
    }
    assert record["conflicts"] == []
    assert record["text"] == ["Set Stage back to open.", "Set Amount back to 10."]


def test_a_field_that_changed_since_is_a_conflict_that_says_by_whom(owner, tell):
    event = tell(changes={"stage": was("open", "won"), "owner": was("Al", "Bo")})
    tell(changes={"amount": was(1, 2)})
    later = tell(changes={"stage": was("won", "lost")}, actor="ben")

    text, document = page(owner, event=event), taken(owner, event=event)

    assert steps(text) == ["Set Stage back to open", "Set Owner back to Al"]
    (conflict,) = conflicts(text)
    assert conflict.startswith("conflict Stage has changed since, by Ben; it is lost now · 24 Mar 2026")
    assert f'href="/w/acme/events/{later}"' in text
    assert "1 thing stands against it" in words(text)
    (told,) = document["records"][0]["conflicts"]
    assert told == {
        "reason": "changed",
        "field": "stage",
        "label": "Stage",
        "now": "lost",
        "event_id": later,
        "occurred_at": "2026-03-24T09:02:00.000000Z",
        "actor": {"type": "user", "id": "ben", "name": "Ben"},
    }
    assert document["records"][0]["changes"]["stage"] == {"previous": "lost", "current": "open"}


def test_what_is_back_already_is_not_done_again(owner, tell):
    event = tell(changes={"stage": was("open", "won"), "owner": was("Al", "Bo")})
    tell(changes={"stage": was("won", "open")})

    text = page(owner, event=event)

    assert steps(text) == ["Set Owner back to Al", "Stage is back already"]
    assert conflicts(text) == []
    assert list(taken(owner, event=event)["records"][0]["changes"]) == ["owner"]


def test_an_event_that_is_back_already_as_a_whole_has_nothing_to_take_back(owner, tell):
    event = tell(changes={"stage": was("open", "won")})
    tell(changes={"stage": was("won", "open")})

    text = page(owner, event=event)

    assert "There is nothing to take back." in words(text)
    assert left(text) == ["Deal Refresh updated All it changed is back already."]
    assert "Take the document" not in text


@pytest.mark.parametrize("event", ["deal.deleted", "deal.updated"])
def test_what_was_back_on_a_record_that_was_deleted_since_is_not_called_back(owner, tell, event):
    tell("deal.created", changes={"stage": {"current": "open"}})
    mine = tell(event, changes={"stage": was("open", "won" if event == "deal.updated" else None)})
    tell("deal.restored", changes={"stage": was("won", "open")} if event == "deal.updated" else {})
    tell("deal.deleted", actor="ben")

    text = page(owner, event=mine)

    assert left(text)[0].endswith("Nothing of it is left to take back: the record has been deleted since.")


def test_a_creation_is_taken_back_by_deleting_and_says_what_was_done_to_it_since(owner, tell):
    created = tell("deal.created", changes={"stage": {"current": "open"}, "amount": {"current": 1}})
    tell(changes={"amount": was(1, 2)}, actor="ben")

    text, document = page(owner, event=created), taken(owner, event=created)

    assert steps(text) == ["Delete deal Refresh"]
    assert conflicts(text)[0].startswith("conflict Amount has changed since, by Ben; it is 2 now")
    (record,) = document["records"]
    assert record["action"] == "delete"
    assert record["changes"] == {
        "stage": {"previous": "open", "current": None},
        "amount": {"previous": 2, "current": None},
    }


def test_a_deletion_is_taken_back_by_creating_with_the_fields_it_had(owner, tell):
    tell("deal.created", changes={"stage": {"current": "open"}, "notes": {"current": "x" * 300}})
    tell(changes={"stage": was("open", "won")})
    gone = tell("deal.deleted", changes={"stage": was("won", None)})

    text, document = page(owner, event=gone), taken(owner, event=gone)

    assert steps(text) == [
        "Create deal Refresh again",
        "Set Stage to won",
        "Set Notes to a text of 300 characters",
    ]
    (record,) = document["records"]
    assert record["action"] == "create"
    assert record["changes"] == {"stage": {"current": "won"}, "notes": {"current": "x" * 300}}


def test_a_record_that_was_deleted_since_is_a_conflict(owner, tell):
    event = tell(changes={"stage": was("open", "won")})
    tell("deal.deleted", actor="ben")

    text = page(owner, event=event)

    assert conflicts(text)[0].startswith("conflict The record has been deleted since, by Ben")
    assert taken(owner, event=event)["records"][0]["conflicts"][0]["reason"] == "deleted"


def test_a_record_that_was_created_again_since_is_a_conflict_and_changed_back(owner, tell):
    tell("deal.created", changes={"stage": {"current": "open"}})
    gone = tell("deal.deleted")
    tell("deal.created", changes={"stage": {"current": "new"}}, actor="ben")

    text = page(owner, event=gone)

    assert steps(text) == ["Set Stage back to open"]
    assert conflicts(text)[0].startswith("conflict The record was created again since, by Ben")


def test_a_creation_of_what_is_gone_has_nothing_to_take_back(owner, tell):
    created = tell("deal.created", changes={"stage": {"current": "open"}})
    tell("deal.deleted")

    text = page(owner, event=created)

    assert left(text) == ["Deal Refresh created The record it made is gone already."]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (
            {"outcome": "failure", "changes": {"stage": was("open", "won")}},
            "Deal Refresh not updated failed It did not succeed, so it changed nothing.",
        ),
        ({}, "Deal Refresh updated It changed no field of a record."),
        (
            {"changes": {"stage": was("open", "open")}},
            "Deal Refresh updated It changed no field of a record.",
        ),
    ],
    ids=["failed", "no changes", "no difference"],
)
def test_an_event_that_changed_nothing_has_nothing_to_take_back(owner, tell, event, why):
    event_id = tell(**event)

    assert left(page(owner, event=event_id)) == [why]
    assert taken(owner, event=event_id)["records"] == []


def erase_changes(event_id: str) -> None:
    """Erase an event's changes, as nothing in the program does yet."""
    number = sa.select(Event.id).where(Event.uid == uuid.UUID(event_id)).scalar_subquery()
    erased = {"changes": None, "changes_salt": None}
    db.session.execute(sa.update(EventPayload).where(EventPayload.event_id == number).values(erased))
    db.session.commit()


@pytest.mark.both_databases
def test_changes_that_were_erased_cannot_be_taken_back_and_later_ones_are_a_caution(owner, tell):
    first = tell(changes={"stage": was("open", "won")})
    second = tell(changes={"stage": was("won", "lost")})
    erase_changes(second)

    before, erased = page(owner, event=first), page(owner, event=second)

    assert "Some changes since then were erased" in words(before)
    assert steps(before) == ["Set Stage back to open"]
    assert left(erased) == [
        "Deal Refresh updated Its changes were erased, so nobody can tell what to go back to."
    ]


def refs(*names: str, **attributes: Any) -> list[dict]:
    return [{"id": name.lower(), "name": name, **attributes} for name in names]


def test_of_a_list_of_references_only_what_the_event_did_is_taken_back(owner, tell):
    tell("deal.created", changes={"services": {"current": refs("Card", "Rack")}})
    event = tell(changes={"services": was(refs("Card", "Rack"), refs("Rack", "Cable"))})
    tell(changes={"services": was(refs("Rack", "Cable"), refs("Rack", "Cable", "Fan"))}, actor="ben")

    text, document = page(owner, event=event), taken(owner, event=event)

    assert steps(text) == ["Take Cable out of Services", "Put Card back into Services"]
    assert conflicts(text)[0].startswith("conflict Services has changed since, by Ben")
    assert document["records"][0]["changes"]["services"]["current"] == refs("Rack", "Fan", "Card")


def test_a_list_that_is_told_as_a_difference_is_taken_back_whole(owner, tell):
    tell(
        "deal.created",
        changes={"services": {"current": [*refs("Card", amount=1), *refs("Rack", "Fan", amount=2)]}},
    )
    event = tell(
        changes={
            "services": was(
                [*refs("Card", amount=1), *refs("Fan", amount=2)],
                [*refs("Card", amount=5), *refs("Cable", amount=9)],
            )
        }
    )

    text, document = page(owner, event=event), taken(owner, event=event)

    assert steps(text) == [
        "Take Cable out of Services",
        "Set Amount of Card in Services back to 1",
        "Put Fan back into Services",
    ]
    (record,) = document["records"]
    assert record["changes"]["services"] == {
        "previous": [
            *refs("Card", amount=5),
            *refs("Rack", amount=2),
            *refs("Cable", amount=9),
        ],
        "current": [*refs("Card", amount=1), *refs("Rack", "Fan", amount=2)],
    }


def test_lists_of_a_record_whose_beginning_is_unknown_come_with_a_caution(owner, tell):
    event = tell(changes={"services": was(refs("Card"), refs("Cable"))})

    assert "its lists may hold more than is known" in words(page(owner, event=event))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (was(None, "won"), "Set Stage back to no value"),
        ({"current": "won"}, "Set Stage back to no value"),
        (was("", "won"), "Set Stage back to empty text"),
        (was(True, False), "Set Stage back to Yes"),
        (was(["a", "b"], []), 'Set Stage back to ["a", "b"]'),
        (was({"a": "x" * 80}, {}), "Set Stage back to what it was before"),
        (was({"id": "u_1", "name": "Ada"}, None), "Set Stage back to Ada"),
        (was("x" * 1203, ""), "Set Stage back to its earlier text of 1,203 characters"),
        (was("a\u202eb", "won"), "Set Stage back to aU+202Eb"),
        (was("<b>x</b>", "won"), "Set Stage back to <b>x</b>"),
        (was(refs("Card", "Rack"), refs("Rack", "Card")), "Put Stage back into its earlier order"),
        (was(48000.0, 1), "Set Stage back to 48000.0"),
    ],
)
def test_each_kind_of_value_is_told_in_words(owner, tell, change, sentence):
    event = tell(changes={"stage": change})

    assert steps(page(owner, event=event)) == [sentence]
    assert taken(owner, event=event)["records"][0]["text"][0] == f"{sentence}."


def test_what_hides_or_reorders_is_escaped_in_the_document_and_means_the_same(owner, tell):
    event = tell(name="\u202eevil", changes={"stage": was("a\u200bb", "won")})

    response = owner.post("/w/acme/undo", query_string={"event": event}, data={"how": "download"})

    assert "\u202e" not in response.text and "\u200b" not in response.text
    record = json.loads(response.data)["records"][0]
    assert record["record"]["name"] == "\u202eevil"
    assert record["changes"]["stage"]["current"] == "a\u200bb"


@pytest.fixture
def story(tell):
    """Record an action that a workflow followed on another record; return the correlation id."""
    deal = tell(changes={"stage": was("open", "won")}, correlation_id="act/1")
    flow = {"type": "workflow", "id": "flow", "name": "Deal won"}
    more = {"actor": flow, "correlation_id": "act/1", "causation_id": deal}
    tell("task.created", name="Onboard", entity="t1", changes={"title": {"current": "Onboard"}}, **more)
    tell(changes={"stage": was("won", "billed"), "closed": was(False, True)}, **more)
    tell("email.sent", name="Thanks", entity="m1", outcome="failure", **more)
    return "act/1"


def test_a_story_is_taken_back_record_by_record_the_last_one_first(owner, story):
    text, document = page(owner, correlation=story), taken(owner, correlation=story)

    assert document["of"] == {"correlation_id": "act/1"}
    assert [(each["record"]["id"], each["action"]) for each in document["records"]] == [
        ("1", "update"),
        ("t1", "delete"),
    ]
    assert steps(text) == ["Set Stage back to open", "Set Closed back to No", "Delete task Onboard"]
    assert document["records"][0]["changes"]["stage"] == {"previous": "billed", "current": "open"}
    assert conflicts(text) == []
    (failed,) = document["not_undone"]
    assert (failed["event"], failed["reason"]) == ("email.sent", "failed")
    assert left(text) == ["Email Thanks not sent failed It did not succeed, so it changed nothing."]


def test_a_story_is_called_by_what_began_it_even_if_an_effect_claims_an_earlier_time(owner, note):
    deal = note(name="Refresh", correlation_id="c", occurred_at="2026-03-24T09:00:01Z")
    early = {"occurred_at": "2026-03-24T09:00:00Z", "correlation_id": "c", "causation_id": deal}
    note("task.created", entity="t1", name="Onboard", **early)

    text, story = page(owner, correlation="c"), owner.get("/w/acme/stories/c").text

    assert "Undo of: Deal Refresh updated and all it set off" in words(text)
    assert "Deal Refresh updated by Ada, and 1 more it set off" in words(story)


@pytest.mark.both_databases
def test_what_another_did_between_the_events_of_a_story_is_a_conflict(owner, tell):
    tell(changes={"stage": was("open", "won")}, correlation_id="c")
    tell(changes={"stage": was("won", "lost")}, actor="ben")
    tell(changes={"stage": was("lost", "billed")}, correlation_id="c")

    text = page(owner, correlation="c")

    assert steps(text) == ["Set Stage back to open"]
    assert conflicts(text)[0].startswith("conflict Stage has changed since, by Ben; it is billed now")


def test_a_record_that_a_story_made_and_ended_needs_nothing(owner, tell):
    tell("task.created", entity="t", changes={"title": {"current": "x"}}, correlation_id="c")
    tell("task.deleted", entity="t", correlation_id="c")

    assert "There is nothing to take back." in words(page(owner, correlation="c"))


def test_a_record_that_a_story_changed_and_ended_comes_back_as_it_was_before(owner, tell):
    tell("deal.created", changes={"stage": {"current": "open"}, "amount": {"current": 1}})
    tell(changes={"stage": was("open", "won"), "closed": {"current": True}}, correlation_id="c")
    tell("deal.deleted", correlation_id="c")

    (record,) = taken(owner, correlation="c")["records"]

    assert record["action"] == "create"
    assert record["changes"] == {"stage": {"current": "open"}, "amount": {"current": 1}}


def test_that_it_was_handed_over_is_an_event_without_values(owner, story, acme):
    page(owner, correlation=story)
    assert "auditapp.undo.prepared" not in owner.get("/w/acme/timeline").text
    shown = owner.post("/w/acme/undo", query_string={"correlation": story}, data={"how": "show"})

    row = db.session.execute(sa.select(Event).where(Event.event == "auditapp.undo.prepared")).scalar_one()
    sections = db.session.execute(sa.select(EventPayload).where(EventPayload.event_id == row.id)).scalar_one()
    assert (row.entity_type, row.entity_id, row.actor_name) == ("auditapp.undo", "act/1", "Owner")
    assert json.loads(sections.payload) == {
        "of": {"correlation_id": "act/1"},
        "how": "shown",
        "records": 2,
        "fields": 3,
        "conflicts": 0,
    }
    assert json.loads(sections.related) == [{"type": "deal", "id": "1"}, {"type": "task", "id": "t1"}]
    assert "Undo of Deal Refresh and all it set off prepared" in words(owner.get("/w/acme/timeline").text)
    (document,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", shown.text, re.DOTALL)
    assert json.loads(html.unescape(document))["format"] == "auditapp-undo/1"


@pytest.mark.parametrize("correlation", [".", "..", "a/../b", "\x01" * 512, "!x"])
def test_a_story_of_any_id_can_be_handed_over(owner, tell, correlation):
    worst = "\x01" * 512
    for number in range(60):
        tell(
            entity=f"{number}{worst}"[:512], name=worst, changes={"a": was(1, 2)}, correlation_id=correlation
        )

    assert len(taken(owner, correlation=correlation)["records"]) == 60
    assert len(db.session.scalars(sa.select(Event).where(Event.event == "auditapp.undo.prepared")).all()) == 1


def test_a_reader_who_sees_some_events_only_is_cautioned_and_told_nothing_of_the_others(
    client, login, acme, tell
):
    mine = tell(changes={"stage": was("open", "won")}, actor="member")
    secret = tell(changes={"stage": was("won", "hush")}, actor="ben", correlation_id="c")
    login("member")

    text = page(client, event=mine)

    assert "Your role shows only some of this record’s events" in text
    assert steps(text) == ["Set Stage back to open"] and conflicts(text) == []
    assert "hush" not in text
    for of in ({"event": secret}, {"correlation": "c"}):
        for method in ("GET", "POST"):
            assert client.open("/w/acme/undo", method=method, query_string=of).status_code == 404


def test_another_workspaces_event_and_story_are_404(owner, other, note):
    theirs = note(workspace=other, correlation_id="theirs", changes={"stage": was("a", "b")})

    for of in ({"event": theirs}, {"correlation": "theirs"}, {"event": str(uuid.uuid4())}):
        for method in ("GET", "POST"):
            for headers in ({}, FRAGMENT):
                response = owner.open("/w/acme/undo", method=method, query_string=of, headers=headers)
                assert response.status_code == 404
    assert db.session.scalar(sa.select(Event.id).where(Event.event == "auditapp.undo.prepared")) is None


WRONG = [
    ("", "An undo takes either event, by its id, or correlation."),
    ("event=", "An undo takes either event"),
    ("event=x&correlation=y", "An undo takes either event"),
    ("event=x&page=2", "page: there is no such parameter of an undo."),
    ("event=x", "event: x is no event’s id."),
    (f"event={NOBODY}&event={NOBODY}", "event: may be given once."),
    ("correlation=a&correlation=b", "correlation: may be given once."),
    ("correlation=%00", "correlation: this can be no correlation’s id."),
    (f"event={NOBODY}&show=foo", "show: is all, or left out."),
]


@pytest.mark.parametrize(("query", "says"), WRONG, ids=[query for query, _ in WRONG])
def test_an_undo_says_what_it_takes(owner, query, says):
    for method in ("GET", "POST"):
        response = owner.open(f"/w/acme/undo?{query}", method=method)

        assert response.status_code == 422
        assert says in words(response.text)


def test_an_event_and_a_story_lead_to_their_undo(owner, acme, tell, note):
    event = tell(changes={"stage": was("open", "won")}, correlation_id="c & d")
    nothing = [
        note("email.sent"),
        str(record(acme, an_event("auditapp.session.created"), own=True).id),
        note(outcome="failure", changes={"stage": was("open", "won")}),
    ]

    detail, story = owner.get(f"/w/acme/events/{event}").text, owner.get("/w/acme/stories/c%20%26%20d").text

    assert f'href="/w/acme/undo?event={event}">Prepare to undo this</a>' in detail
    assert 'href="/w/acme/undo?correlation=c+%26+d">Prepare to undo this action</a>' in story
    for event_id in nothing:
        assert "Prepare to undo" not in owner.get(f"/w/acme/events/{event_id}").text


def test_a_story_of_many_records_says_that_not_all_is_prepared(owner, acme, monkeypatch):
    monkeypatch.setattr(prepare, "MAX_RECORDS", 25)
    events = [
        an_event(entity=str(number), changes={"stage": was("open", "won")}, correlation_id="c")
        for number in range(30)
    ]
    record_batch(acme, events)
    db.session.commit()

    text, everything = page(owner, correlation="c"), page(owner, correlation="c", show="all")

    assert "not all of its events are prepared here" in text
    assert len(steps(text)) == 20 and "and 5 more records." in words(text)
    assert len(steps(everything)) == 25
    assert taken(owner, correlation="c")["complete"] is False
