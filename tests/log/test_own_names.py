"""What becomes of a log that is older than the prefix of Auditapp's own events (migration 0009)."""

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from auditapp.access.saved_views import save_view
from auditapp.access.viewer import Viewer, whole_log_viewer
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.log import record, record_batch
from auditapp.models import Event, EventPayload, Member, RenamedEvent, SavedView, Workspace
from auditapp.reading.records.record import Record
from auditapp.reading.records.renamed import other_name
from auditapp.reading.timeline import IS_OWN
from tests.conftest import an_event

KEY = {"type": "api_key", "id": "k", "name": "CRM"}
# By the id of the record: the event, who claims it, its context.
OLD = {
    "own": ("member.updated", None, {}),
    "browser": ("session.created", None, {"user_agent": 'says "claimed_by":'}),
    "claimed": ("member.updated", KEY, {}),
    "other verb": ("session.renamed", None, {}),
    "prefixed": ("auditapp.member.updated", KEY, {}),
    "bare": ("auditapp.created", None, {}),
    "foreign": ("deal.updated", None, {}),
}


@pytest.fixture
def migration():
    """Return the migration that brings the prefix."""
    return ScriptDirectory(str(ROOT / "migrations")).get_revision("0009").module


@pytest.fixture
def upgraded(acme: Workspace, migration) -> Workspace:
    """Return a workspace with events from before the prefix, as the upgrade leaves it."""
    for entity, (name, claimed_by, context) in OLD.items():
        record(acme, an_event(name, entity=entity, context=context), claimed_by=claimed_by, own=True)
    migration._note_old_events(db.session.connection())
    # The cast of the fixtures is new.
    older = sa.select(Event.id).where(Event.entity_id.in_(OLD))
    db.session.execute(sa.delete(RenamedEvent).where(RenamedEvent.event_id.not_in(older)))
    db.session.commit()
    return acme


def own_of(workspace: Workspace) -> set[str]:
    query = sa.select(Event.entity_id).where(Event.workspace_id == workspace.id, IS_OWN)
    return set(db.session.scalars(query))


def test_of_older_events_the_unclaimed_ones_with_an_old_name_are_auditapps_own(upgraded):
    assert own_of(upgraded) & OLD.keys() == {"own", "browser"}


def test_what_comes_later_under_an_old_name_is_not(upgraded):
    record_batch(upgraded, [an_event(name, entity="later") for name in ("member.updated", "session.created")])
    record(upgraded, an_event("auditapp.member.updated", entity="new"), own=True)

    assert own_of(upgraded) & {"later", "new"} == {"new"}


def test_only_what_is_auditapps_own_is_said_in_its_words(upgraded, client, login, note):
    note("session.created", name="Later")
    login("owner")

    def said(entity: str) -> str:
        query = sa.select(Event.uid).where(Event.entity_id == entity, Event.workspace_id == upgraded.id)
        uid = db.session.scalars(query).first()
        text = client.get(f"/w/acme/events/{uid}").text
        return " ".join(text.partition("<title>")[2].partition("</title>")[0].split())

    assert said("browser").startswith("browser signed in")
    assert said("own").startswith("Member own changed")
    assert said("claimed").startswith("Member claimed updated")
    assert said("prefixed").startswith("Auditapp’s member prefixed updated")
    assert said("1").startswith("Session Later created")


def test_the_histories_of_old_and_new_names_lead_to_each_other(upgraded, client, login, acme):
    viewer = whole_log_viewer(upgraded)
    for entity in ("own", "claimed", "no such"):
        record(upgraded, an_event("auditapp.member.updated", entity=entity), own=True)
    db.session.commit()

    new, old = (other_name(Record(kind, "own"), viewer) for kind in ("auditapp.member", "member"))

    assert (new.record, new.is_older) == (Record("member", "own"), True)
    assert (old.record, old.is_older) == (Record("auditapp.member", "own"), False)
    for kind in ("auditapp.member", "member"):
        for entity in ("claimed", "no such"):
            assert other_name(Record(kind, entity), viewer) is None
    login("owner")
    assert 'href="/w/acme/history/member/own"' in client.get("/w/acme/history/auditapp.member/own").text
    assert 'href="/w/acme/history/auditapp.member/own"' in client.get("/w/acme/history/member/own").text
    assert "other-name" not in client.get("/w/acme/history/member/claimed").text


def test_an_event_of_the_host_with_an_old_name_can_be_undone_and_auditapps_own_cannot(
    upgraded, client, login
):
    changes = {"browser": {"previous": "a", "current": "b"}}
    foreign = record(upgraded, an_event("session.created", entity="f", changes=changes)).id
    own = record(upgraded, an_event("auditapp.session.created", entity="o", changes=changes), own=True).id
    db.session.commit()
    login("owner")

    assert "Prepare to undo" in client.get(f"/w/acme/events/{foreign}").text
    assert "Prepare to undo" not in client.get(f"/w/acme/events/{own}").text


VIEWS = {
    "event=session.failed": "event=auditapp.session.failed&event=session.failed",
    "entity=%21member&since=7d": "entity=%21auditapp.member&entity=%21member&since=7d",
    "record=member%3A1": "record=auditapp.member%3A1&record=member%3A1",
    "event=session.%2A": "event=auditapp.session.%2A&event=session.%2A",
    "entity=deal&event=%2A.deleted": "entity=deal&event=%2A.deleted",
}


def test_saved_views_go_on_to_show_what_they_did(acme, migration):
    member = db.session.scalars(sa.select(Member).where(Member.workspace_id == acme.id)).first()
    viewer = Viewer(acme, frozenset(), member.id)
    for query in VIEWS:
        save_view(viewer, name=query, description="", query=query, is_shared=False)
    db.session.commit()

    migration._extend_views(db.session.connection())

    assert {row[0]: row[1] for row in db.session.execute(sa.select(SavedView.name, SavedView.query))} == VIEWS


def test_an_event_whose_context_was_erased_is_nobodys_word(acme, migration):
    record(acme, an_event("member.updated", entity="erased"))
    number = db.session.scalars(sa.select(Event.id).where(Event.entity_id == "erased")).one()
    gone = {"context": None, "context_salt": None}
    db.session.execute(sa.update(EventPayload).where(EventPayload.event_id == number).values(gone))
    db.session.execute(sa.delete(RenamedEvent))

    migration._note_old_events(db.session.connection())

    assert "erased" not in own_of(acme)
