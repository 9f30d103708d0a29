"""Settings → Index and followers: how far the index is, whether a worker runs, and what failed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers import catch_up
from auditapp.followers import index as followed
from auditapp.followers.catching_up import retry_failures
from auditapp.followers.failures import keep_failure
from auditapp.followers.places import give_places
from auditapp.models import Event, follower, follower_failure, log_head, log_leaf
from tests.cli.test_doctor_following import an_hour_passes, put_worker
from tests.web.settings.test_registry import give_member

FOLLOWERS = "/w/acme/settings/followers"


@pytest.fixture
def owner(client, login, acme):
    """Return a browser in which the owner is signed in, beside a worker that has caught up."""
    login("owner")
    put_worker()
    catch_up(db.engine)
    return client


def words(client, url=FOLLOWERS) -> str:
    """Return what a page says, without its marks."""
    text = re.sub(r"<[^>]+>", " ", client.get(url, follow_redirects=True).text.partition("<main")[2])
    return " ".join(text.split())


def fail(workspace):
    """Note that the index failed at the newest event of a workspace."""
    catch_up(db.engine)
    number = db.session.scalar(
        sa.select(Event.id).where(Event.workspace_id == workspace.id).order_by(Event.id.desc())
    )
    with db.engine.begin() as connection:
        place = sa.select(log_leaf.c.seq).where(log_leaf.c.event_id == number)
        keep_failure(connection, "index", workspace.id, connection.scalar(place), ValueError("secret"))


def test_all_is_well(owner):
    text = words(owner)

    events = db.session.scalar(sa.select(log_head.c.size))
    assert "Search and counts" in text and f"up to date: {events} events" in text
    assert "Worker runs, seen" in text
    assert "None. Should an event fail" in text
    assert "Try all again now" not in text and "Nothing follows" not in text


def test_it_says_how_far_the_index_is_behind_of_this_workspace_only(owner, acme, other, note):
    for _ in range(3):
        note()
        note(workspace=other)
    give_places(db.engine, acme.id)

    assert "3 events behind, the oldest recorded" in words(owner)


def test_it_says_how_much_has_been_made_anew(owner, note):
    for _ in range(10):
        note()
    catch_up(db.engine)
    size = db.session.scalar(sa.select(log_head.c.size))
    db.session.execute(sa.update(follower).values(seq=size // 2, goal=size))
    db.session.commit()

    assert f"made anew {100 * (size // 2) // size} %, {size - size // 2} of {size} events left" in words(
        owner
    )


def test_where_nobody_follows_it_says_who_does_what(owner, note):
    note()
    put_worker(timedelta(minutes=5))
    assert "Worker does not run, last seen" in words(owner)
    assert "Nothing follows the log." not in words(owner), "nothing has waited for long"
    an_hour_passes()

    assert "Nothing follows the log." in words(owner) and "flask --app app worker" in words(owner)


def test_what_failed_is_listed_with_a_link_why_how_often_since_when_and_when_next(owner, acme, note):
    uid = note("deal.updated", name="Pump <b>")
    fail(acme)
    since = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    db.session.execute(sa.update(follower_failure).values(attempts=4, failed_at=since))
    db.session.commit()

    page, text = owner.get(FOLLOWERS).text, words(owner)

    assert f'href="/w/acme/events/{uid}"' in page and "Pump &lt;b&gt;" in page
    assert "ValueError" in text and "secret" not in text
    assert "4 times" in text and "2 Mar 2026" in text
    assert re.search(r"Next attempt .*4 times .*\d\d:\d\d", text)
    assert "1 fails" in owner.get("/w/acme/settings/members").text, "on the tab, on each page"


def test_all_is_tried_again_at_once_and_counted_once_it_goes_well(owner, note, monkeypatch):
    documents_of = followed.documents_of

    def careless(connection, events):
        assert all(event.row.event != "deal.lost" for event in events)
        return documents_of(connection, events)

    note("deal.won")
    uid = note("deal.lost", name="Pump")
    note("deal.won")
    with monkeypatch.context() as patch:
        patch.setattr(followed, "documents_of", careless)
        catch_up(db.engine)
    assert "AssertionError once" in words(owner) and uid in owner.get(FOLLOWERS).text
    assert "Pump" not in words(owner, "/w/acme/timeline?q=pump&entity=deal")
    assert retry_failures(db.engine) == 0, "its time has not come"

    done = owner.post(f"{FOLLOWERS}/retry", follow_redirects=True)

    assert "1 event will be tried again within some seconds." in done.text
    assert retry_failures(db.engine) == 1
    assert "None. Should an event fail" in words(owner)
    assert "Pump" in words(owner, "/w/acme/timeline?q=pump&entity=deal")


def test_a_button_that_comes_too_late_and_one_without_a_worker_say_so(owner, acme, note):
    assert "Nothing is left to try again." in owner.post(f"{FOLLOWERS}/retry", follow_redirects=True).text
    note()
    fail(acme)
    put_worker(timedelta(hours=1))

    done = owner.post(f"{FOLLOWERS}/retry", follow_redirects=True).text

    assert "1 event will be tried again as soon as a worker runs." in done
    assert "once a worker runs" in done


@pytest.mark.one_database
def test_who_may_read_all_sees_it_and_who_manages_settings_may_have_it_tried(client, login, acme, note):
    note()
    fail(acme)
    login("member")
    assert client.get(FOLLOWERS).status_code == 403
    give_member(("settings", "manage"))
    assert client.get(FOLLOWERS).status_code == 403
    login("auditor")
    page = client.get(FOLLOWERS)
    assert page.status_code == 200 and "ValueError" in page.text and "Try all again now" not in page.text
    assert client.post(f"{FOLLOWERS}/retry").status_code == 403
    login("owner")
    assert "Try all again now" in client.get(FOLLOWERS).text


@pytest.mark.one_database
def test_another_workspaces_is_404_and_its_failures_stay_as_they_are(client, login, acme, other, note):
    note(name="Pump")
    fail(acme)
    note(workspace=other, name="Strange")
    fail(other)
    due = sa.select(follower_failure.c.next_at).order_by(follower_failure.c.workspace_id)
    before = db.session.scalars(due).all()
    login("owner", "other")

    assert client.get(FOLLOWERS).status_code == 404
    assert client.post(f"{FOLLOWERS}/retry").status_code == 404
    mine = client.get("/w/other/settings/followers").text
    assert "Strange" in mine and "Pump" not in mine
    client.post("/w/other/settings/followers/retry")

    after = db.session.scalars(due).all()
    assert after[0] == before[0] and after[1] < before[1]


@pytest.mark.one_database
def test_a_form_from_elsewhere_tries_nothing(app, owner, acme, note):
    note()
    fail(acme)
    before = db.session.scalar(sa.select(follower_failure.c.next_at))
    app.config["WTF_CSRF_ENABLED"] = True

    assert owner.post(f"{FOLLOWERS}/retry").status_code == 400
    assert db.session.scalar(sa.select(follower_failure.c.next_at)) == before


@pytest.mark.one_database
def test_of_very_many_failures_a_hundred_are_shown(owner, acme, note):
    for _ in range(101):
        note()
    catch_up(db.engine)
    with db.engine.begin() as connection:
        for seq in range(1, 102):
            keep_failure(connection, "index", acme.id, seq, ValueError())

    page = owner.get(FOLLOWERS).text

    assert page.count("<code>ValueError") == 100 and "These are the oldest 100; there are more." in page
    assert "101 fail" in page
