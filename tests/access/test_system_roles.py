"""The program's roles follow the program at its start: told once, by name; nobody's own are touched."""

import json
import os
import subprocess
import sys

import pytest
import sqlalchemy as sa
from uuid_utils.compat import uuid7

from auditapp.access.own_events import recorded_elsewhere
from auditapp.access.permissions import SYSTEM_ROLES, Permission
from auditapp.access.roles import find_role, give, grants_of, take
from auditapp.access.system_roles import update_system_roles
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.models import Event, EventPayload, Role

# Starts together: each waits for a line, so that all ask at once.
PROCESS = """
import sys
from auditapp import create_app
from auditapp.access.system_roles import update_system_roles
app = create_app({"SQLALCHEMY_DATABASE_URI": sys.argv[1], "SECRET_KEY": "test"})
with app.app_context():
    print("ready", flush=True)
    sys.stdin.readline()
    print(update_system_roles(), flush=True)
"""


def told() -> list[tuple[str, str, str | None, dict]]:
    """Return what the log says of roles: event, role, why, and the change."""
    db.session.rollback()
    query = (
        sa.select(Event.event, Event.entity_name, EventPayload.payload, EventPayload.changes)
        .join(EventPayload, EventPayload.event_id == Event.id)
        .where(Event.event.startswith("auditapp.role"))
        .order_by(Event.id)
    )
    rows = db.session.execute(query).all()
    return [
        (event, name, json.loads(payload).get("reason"), json.loads(changes).get("permissions"))
        for event, name, payload, changes in rows
    ]


def held(name: str) -> set[tuple[str, str]]:
    db.session.rollback()
    role = db.session.scalars(sa.select(Role).where(Role.name == name)).one()
    db.session.refresh(role)
    return set(grants_of(role))


def leave_behind(workspace, name="Auditor") -> None:
    """Give a role what an earlier version gave it: one permission less, and one more."""
    role = find_role(workspace, name)
    with recorded_elsewhere():  # it was so from the start
        take(role, [("audit_log", "export")])
        give(role, [("sources", "read")])
    db.session.commit()
    db.session.expire_all()


def test_what_is_up_to_date_is_left_alone_and_not_told(acme):
    assert update_system_roles() == 0
    assert told() == []


def test_a_role_that_lags_behind_is_brought_up_to_date_and_the_log_says_how(acme):
    leave_behind(acme)

    assert update_system_roles() == 1

    assert held("Auditor") == set(SYSTEM_ROLES["Auditor"])
    [(event, name, reason, change)] = told()
    assert (event, name, reason) == (
        "auditapp.role.updated",
        "Auditor",
        "The roles that come with Auditapp follow its version.",
    )
    before, now = ({each["name"] for each in change[side]} for side in ("previous", "current"))
    assert before - now == {"read sources"} and now - before == {"export the audit log"}
    assert update_system_roles() == 0 and len(told()) == 1


def test_the_timeline_names_what_was_added_and_what_was_removed(client, login, acme):
    leave_behind(acme)
    update_system_roles()
    login("owner")
    [event] = db.session.scalars(sa.select(Event.uid).where(Event.event == "auditapp.role.updated"))

    text = client.get(f"/w/acme/events/{event}").text

    assert "Auditapp" in text and "Permissions" in text
    assert "<del>read sources</del>" in text.replace("<bdi>", "").replace("</bdi>", "")
    assert "<ins>export the audit log</ins>" in text.replace("<bdi>", "").replace("</bdi>", "")


def test_a_right_that_is_given_counts_on_the_next_request(client, login, acme):
    leave_behind(acme)
    login("auditor")
    assert client.get("/w/acme/timeline.csv").status_code == 403

    update_system_roles()

    assert client.get("/w/acme/timeline.csv").status_code == 200


def test_a_renamed_role_of_the_program_follows_and_keeps_its_name(acme):
    leave_behind(acme)
    find_role(acme, "Auditor").name = "Revision"
    db.session.commit()

    assert update_system_roles() == 1

    assert held("Revision") == set(SYSTEM_ROLES["Auditor"])
    assert [(event, name) for event, name, *_ in told()] == [("auditapp.role.updated", "Revision")]


def test_roles_that_people_made_are_left_alone(acme):
    copy = Role(workspace_id=acme.id, id=uuid7(), name="Auditor, a copy", is_system=False)
    db.session.add(copy)
    db.session.flush()
    give(copy, [Permission.AUDIT_LOG_READ_ALL.grant])
    db.session.commit()
    count = len(told())

    assert update_system_roles() == 0

    assert held("Auditor, a copy") == {("audit_log", "read_all")} and len(told()) == count


def test_a_role_that_is_new_in_the_program_is_added_everywhere_but_over_nobodys_own(acme, other, monkeypatch):
    monkeypatch.setitem(SYSTEM_ROLES, "Security", (Permission.AUDIT_LOG_READ_ALL.grant,))
    db.session.add(Role(workspace_id=other.id, id=uuid7(), name="Security", is_system=False))
    db.session.commit()
    count = len(told())

    assert update_system_roles() == 1

    [(event, name, _, change)] = told()[count:]
    assert (event, name) == ("auditapp.role.created", "Security") and "previous" not in change
    assert find_role(acme, "Security").system_name == "Security"
    assert find_role(other, "Security").system_name is None
    assert update_system_roles() == 0


def test_a_workspaces_log_says_only_what_became_of_its_own_roles(acme, other):
    leave_behind(other)

    assert update_system_roles() == 1

    assert db.session.scalars(
        sa.select(Event.workspace_id).where(Event.event == "auditapp.role.updated")
    ).all() == [other.id]


def test_of_several_processes_that_start_at_once_one_changes_and_tells(acme, other, database):
    for workspace in (acme, other):
        leave_behind(workspace)
    db.session.remove()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, database],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"

    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(counts) == 2 and all(process.returncode == 0 for process in processes)
    assert [event for event, *_ in told()] == ["auditapp.role.updated"] * 2
    assert held_in_all() == [set(SYSTEM_ROLES["Auditor"])] * 2


def held_in_all() -> list[set[tuple[str, str]]]:
    roles = db.session.scalars(sa.select(Role).where(Role.name == "Auditor"))
    return [set(grants_of(role)) for role in roles]


@pytest.mark.parametrize("name", SYSTEM_ROLES)
def test_each_of_the_programs_roles_is_known_as_such(acme, name):
    assert find_role(acme, name).system_name == name


def test_a_server_of_whatever_make_brings_the_roles_up_to_date_and_a_command_does_not(acme, database):
    leave_behind(acme)
    db.session.remove()
    environment = {
        **os.environ,
        "AUDITAPP_DATABASE_URL": database,
        "AUDITAPP_SECRET_KEY": "of these tests only",
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )

    run("-m", "flask", "--app", "app", "workspace", "--help")
    assert told() == []
    for _ in range(2):
        run("-c", "import app")

    assert [event for event, *_ in told()] == ["auditapp.role.updated"]
    assert held("Auditor") == set(SYSTEM_ROLES["Auditor"])


def test_a_database_without_tables_yet_keeps_no_server_from_starting(tmp_path):
    environment = {
        **os.environ,
        "AUDITAPP_DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}",
        "AUDITAPP_SECRET_KEY": "of these tests only",
    }

    started = subprocess.run(
        [sys.executable, "-c", "import app; print('started')"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert started.returncode == 0 and started.stdout.endswith("started\n"), started.stderr
    assert "were not brought up to date" in started.stdout + started.stderr
