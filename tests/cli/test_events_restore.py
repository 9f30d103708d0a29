"""``flask events import --restore``: our own export comes back, Auditapp's own events included."""

import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.log import record
from auditapp.models import Event, Renaming
from auditapp.reading.timeline import IS_OWN
from tests.conftest import an_event

AT = "2026-03-24T09:00:00Z"
ID = "019aa0c3-0000-7000-8000-00000000000{}"


@pytest.fixture(autouse=True)
def a_worker_runs(monkeypatch):
    """What is said where none does, ``test_following.py`` looks at."""
    monkeypatch.setattr("auditapp.cli.following.worker_runs", lambda _engine: True)


@pytest.fixture
def restore(cli, other):
    """Return a function that imports lines into the other workspace."""

    def run(text, *more):
        arguments = ("--workspace", "other", "--format", "jsonl")
        return cli("events", "import", "-", *arguments, *more, stdin=text)

    return run


def exported(cli, slug: str, query: str = "") -> str:
    return cli("events", "export", "--workspace", slug, "--query", query).out


def own_of(workspace) -> dict[str, bool]:
    query = sa.select(Event.entity_id, IS_OWN).where(Event.workspace_id == workspace.id)
    return {row[0]: row[1] for row in db.session.execute(query)}


def test_an_export_comes_back_whole_with_restore_and_with_nothing_less(cli, acme, other, note, restore):
    note(occurred_at=AT, name="Zoë", changes={"a": {"current": 1}})
    text = exported(cli, "acme")

    refused, skipped = restore(text), restore(text, "--skip-bad")
    there, again = restore(text, "--restore"), restore(text, "--restore")

    count = text.count("\n")
    assert '"auditapp.member.joined"' in text and count > 5
    assert refused.code == 1 and "line 1: has an id or recorded_at" in refused.err
    assert "--restore" in refused.err and refused.err.count("\n") == 1
    assert skipped.out == f"0 events recorded, 0 were there already, {count} left out.\n"
    assert there.out == f"{count} events recorded, 0 were there already.\n"
    assert again.out == f"0 events recorded, {count} were there already.\n"
    # In another log they have other places.
    texts, back = (
        {re.sub(r'"seq":(\d+|null)', '"seq":0', line) for line in lines.splitlines()}
        for lines in (text, exported(cli, "other"))
    )
    assert texts <= back


@pytest.mark.parametrize("more", [(), ("--restore",)])
@pytest.mark.parametrize("name", ["auditapp.session.created", "auditapp.created"])
def test_a_line_that_is_none_of_an_export_uses_no_reserved_name(restore, name, more):
    line = json.dumps(an_event(name, occurred_at=AT))

    result = restore(line, *more)

    assert result.code == 1 and "line 1: event: is Auditapp's own" in result.err
    related = json.dumps(an_event(occurred_at=AT, related=[{"type": "auditapp.member", "id": "1"}]))
    assert "line 1: related[0].type: is Auditapp's own" in restore(related, *more).err


@pytest.mark.parametrize("form", ["customermates", "retraced"])
def test_files_of_other_products_use_no_reserved_name(cli, acme, form):
    rows = {
        "customermates": {
            **{"id": "1", "event": "auditapp.member.updated", "entityId": "m", "userId": "u"},
            **{"companyId": "c", "createdAt": AT, "eventData": {"payload": {}}},
        },
        "retraced": {
            **{"action": "auditapp.member.updated", "created": AT, "crud": "u"},
            "actor": {"id": "u", "name": "Ada"},
        },
    }
    command = ("events", "import", "-", "--workspace", "acme", "--format", form)

    result = cli(*command, stdin=json.dumps([rows[form]]))

    assert result.code == 1 and "is Auditapp's own" in result.err and result.err.count("\n") == 1


def test_of_restored_events_with_old_names_only_unclaimed_and_older_ones_are_auditapps_own(
    cli, other, restore
):
    since = db.session.scalars(sa.select(Renaming.at)).one()
    old, new = (f"{since + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (-1, 0))
    new = f"{since + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    claimed = {"claimed_by": {"type": "api_key", "id": "k", "name": "CRM"}}
    lines = {
        "own": ("session.created", old, {}),
        "claimed": ("session.created", old, claimed),
        "younger": ("member.updated", new, {}),
        "other verb": ("session.renamed", old, {}),
        "prefixed": ("auditapp.session.created", new, {}),
        "prefixed and claimed": ("auditapp.session.created", old, claimed),
        "foreign": ("deal.updated", old, {}),
    }
    text = "\n".join(
        json.dumps(
            an_event(name, entity=key, occurred_at=at, recorded_at=at, id=ID.format(n), context=context)
        )
        for n, (key, (name, at, context)) in enumerate(lines.items())
    )

    assert restore(text, "--restore").out == "7 events recorded, 0 were there already.\n"

    assert {key for key, is_own in own_of(other).items() if key in lines and is_own} == {"own", "prefixed"}


def test_an_import_leaves_an_event_before_and_one_after_and_repeating_it_only_these(
    cli, acme, other, restore
):
    text = "\n".join(json.dumps(an_event(occurred_at=AT, entity=str(n))) for n in range(3))

    restore(text)
    restore(text)

    lines = exported(cli, "other", "event=auditapp.import.*").splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["event"].rpartition(".")[2] for event in events] == ["started", "finished"] * 2
    about = {"file": "standard input", "format": "jsonl", "restore": False}
    assert events[0]["payload"] == events[2]["payload"] == about
    ended = [event["payload"] for event in events if event["event"].endswith("finished")]
    assert all(payload.pop("duration_ms") >= 0 for payload in ended)
    assert ended == [
        {**about, "recorded": 3, "known": 0, "skipped": 0, "complete": True},
        {**about, "recorded": 0, "known": 3, "skipped": 0, "complete": True},
    ]
    assert {event["correlation_id"] for event in events[:2]} == {events[0]["entity"]["id"]}
    assert events[1]["causation_id"] == events[0]["id"]
    assert all(event["actor"]["id"] == "command-line" for event in events)
    assert len(exported(cli, "other", "entity=deal").splitlines()) == 3


def test_an_import_that_fails_says_so_with_the_reason(cli, restore):
    result = restore(json.dumps(an_event(occurred_at=AT)) + "\n{")

    assert result.code == 1 and "Nothing was recorded" in result.err
    line = exported(cli, "other", "event=auditapp.import.finished")
    event = json.loads(line)
    assert event["outcome"] == "failure" and "line 2" in event["payload"]["reason"]
    assert event["payload"]["recorded"] == 0 and event["payload"]["complete"] is False


def test_bad_lines_that_are_skipped_are_counted(cli, restore):
    restore(json.dumps(an_event(occurred_at=AT)) + "\n{\n[]", "--skip-bad")

    event = json.loads(exported(cli, "other", "event=auditapp.import.finished"))
    assert (event["payload"]["recorded"], event["payload"]["skipped"]) == (1, 2)


def test_auditapp_itself_says_so_and_only_then_may_use_its_names(acme):
    own = an_event("auditapp.member.updated")

    with pytest.raises(ValueError, match="is Auditapp's own"):
        record(acme, own)

    assert record(acme, own, own=True).id
