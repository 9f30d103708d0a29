"""``flask demo``: the company in the log, its three sign-ins, and synthetic events on top."""

import pytest
import sqlalchemy as sa

from auditapp.access import members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.roles import find_role
from auditapp.access.viewer import member_viewer
from auditapp.cli import demo
from auditapp.cli.demo import PASSWORD, SIGN_INS, make_demo
from auditapp.extensions import db
from auditapp.models import Account, Event, Workspace
from demo.story import tell


@pytest.fixture(autouse=True)
def a_worker_runs(monkeypatch):
    """What is said where none does, ``test_following.py`` looks at."""
    monkeypatch.setattr("auditapp.cli.following.worker_runs", lambda _engine: True)


@pytest.fixture
def short_story(monkeypatch):
    """Leave all but the first fifty events away, where the story itself is not the matter."""
    monkeypatch.setattr(demo, "tell", lambda *args: tell(*args)[:50])


def count(*where) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(Event).where(*where))


def test_the_demo_is_a_company_of_four_months_with_three_people_who_can_sign_in(cli, client):
    result = cli("demo")

    assert result.code == 0, result.err
    assert result.err == ""
    assert f"{count():,} events of the last four months" in result.out
    assert 1_900 <= count() <= 2_200
    check_order_and_causes()
    for email, role in SIGN_INS:
        assert f"{email:24} {role}" in result.out
        account = db.session.scalars(sa.select(Account).where(Account.email == email)).one()
        assert account.is_demo
        viewer = member_viewer("demo", account.id)
        assert viewer.role_name == role
        own = count(Event.member_id == viewer.member_id)
        assert own == count(Event.actor_id == str(viewer.member_id), Event.on_behalf_of_name.is_(None))
        assert own >= (60 if role == "Member" else 15)
        assert client.post("/login", data={"email": email, "password": PASSWORD}).status_code == 303
        assert client.post("/logout").status_code == 303
    assert f"password {PASSWORD}" in result.out


def check_order_and_causes() -> None:
    """Recorded in the order of time; each cause is an earlier event of the same story."""
    rows = db.session.scalars(sa.select(Event).order_by(Event.id)).all()
    moments = [row.occurred_at for row in rows]
    assert moments == sorted(moments)
    places = {str(row.uid): place for place, row in enumerate(rows)}
    caused = [row for row in rows if row.causation_id]
    assert len(caused) > 400
    for row in caused:
        cause = rows[places[row.causation_id]]
        assert cause.id < row.id
        assert cause.correlation_id == row.correlation_id


def test_postgresql_knows_what_the_demo_holds_as_soon_as_it_is_made_and_indexed(cli):
    cli("demo", "--wait")

    if db.engine.dialect.name == "postgresql":
        query = "SELECT reltuples FROM pg_class WHERE oid IN ('event'::regclass, 'event_search'::regclass)"
        assert min(db.session.scalars(sa.text(query))) > 1000


@pytest.mark.usefixtures("short_story")
def test_a_second_time_adds_nothing_and_says_so_in_one_line(cli):
    cli("demo")
    before = count()

    result = cli("demo")

    assert result.code == 0
    assert result.out == "The workspace demo exists already. Nothing was added.\n"
    assert count() == before == 50


@pytest.mark.usefixtures("short_story")
def test_as_many_synthetic_events_are_added_as_asked_for(cli, monkeypatch):
    monkeypatch.setattr(demo, "COMMIT_EVERY", 1_000)

    first = cli("demo", "--events", "1234")
    after_first = count()
    second = cli("demo", "--events", "2001")

    assert (first.code, second.code) == (0, 0)
    assert after_first == 50 + 1234
    assert count() == after_first + 2_001
    assert "Added 1,234 synthetic events." in first.out
    assert second.out == "The workspace demo exists already.\nAdded 2,001 synthetic events.\n"
    assert first.err == second.err == ""


@pytest.mark.parametrize("wrong", ["-1", "many", "1.5"])
def test_a_wrong_number_is_a_usage_error_in_one_line(cli, wrong):
    result = cli("demo", "--events", wrong)

    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "--events" in result.err
    assert count() == 0


def test_the_story_is_told_whole_or_not_at_all(app, monkeypatch):
    monkeypatch.setattr(demo, "tell", lambda *args: [*tell(*args)[:50], *tell(*args)[-1:] * 2, None])

    with pytest.raises(AttributeError):
        make_demo(0)
    db.session.rollback()

    assert count() == 0
    assert not db.session.scalars(sa.select(Workspace)).all()
    assert not db.session.scalars(sa.select(Account)).all()


def test_somebodys_own_workspace_of_that_name_gets_no_synthetic_events(cli):
    members.create_workspace("demo", "Demolition Ltd", "UTC", COMMAND_LINE)
    db.session.commit()
    before = count()

    result = cli("demo", "--events", "5")

    assert result.code == 1
    assert "was not made by this command" in result.err
    assert count() == before


def test_an_account_that_was_there_before_keeps_its_password(cli, acme):
    members.add_member(acme, "owner@demo.example", "Somebody", find_role(acme, "Member"), COMMAND_LINE)
    db.session.commit()

    result = cli("demo")

    assert result.code == 1
    assert "owner@demo.example" in result.err
    assert not db.session.scalars(sa.select(Workspace).where(Workspace.slug == "demo")).first()
    assert not db.session.scalars(sa.select(Account).where(Account.is_demo)).first()
