"""The example CRM: what Auditapp hears of it, both ways, and its one command."""

import contextlib
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auditapp.access import api_keys
from auditapp.access.own_events import COMMAND_LINE
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.models import Workspace
from tests.browser.house import Server
from tests.capture.host import sides, told
from tests.conftest import make_workspace

FOLDER = ROOT / "examples" / "crm"
WORKFLOW = {"type": "workflow", "id": "won-deal", "name": "Follow up a won deal", "email": None}
START_SECONDS = 120


@pytest.fixture
def workspace(app: Flask) -> Workspace:
    """Return the workspace that the CRM records into."""
    return make_workspace("crm")


@pytest.fixture
def crm(database: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the CRM's module, loaded anew, on Auditapp's database."""
    monkeypatch.setenv("AUDITAPP_DATABASE_URL", database)
    spec: Any = importlib.util.spec_from_file_location("crm", FOLDER / "crm.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "crm", module)
    spec.loader.exec_module(module)
    yield module
    with module.app.app_context():
        module.db.engine.dispose()


@pytest.fixture
def browser(crm: Any) -> FlaskClient:
    """Return a browser in which the CRM has a company, a contact and a deal."""
    client = crm.app.test_client()
    post(client, "/company", name="Northwind")
    post(client, "/contact", name="Grace Lee", company=1)
    post(client, "/deal", name="Data Center Refresh", amount="48000.50", company=1)
    return client


@pytest.fixture
def server(app: Flask, crm: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return a real Auditapp that the CRM has a key for."""
    key = api_keys.create_key(workspace, "CRM", {"events:write"}, COMMAND_LINE, None)
    db.session.commit()
    server = Server(app)
    monkeypatch.setenv("CRM_API_KEY", key)
    monkeypatch.setattr(crm, "AUDITAPP_URL", server.url)
    yield server
    server.stop()


def post(client: FlaskClient, path: str, **form: Any) -> int:
    page = client.get("/deal/1" if path.startswith("/deal/") else "/").text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return client.post(path, data={"csrf_token": found[1], **form}).status_code


def win(client: FlaskClient, **more: Any) -> int:
    form = {
        "name": "Data Center Refresh",
        "amount": "47000",
        "note": "Signed.",
        "stage": "WON",
        "contacts": 1,
    }
    return post(client, "/deal/1", **{**form, **more})


def events() -> list[dict[str, Any]]:
    db.session.rollback()
    return [event for event in told(db.session) if event["entity_type"] != "api_key"]


def waiting(crm: Any) -> int:
    with crm.app.app_context():
        return sum(row.uid is None for row in crm.db.session.scalars(crm.sa.select(crm.Outbox)))


def send(crm: Any) -> None:
    with crm.app.app_context():
        crm.send()


def test_what_people_do_is_recorded_in_their_name(browser: FlaskClient) -> None:
    browser.get("/?as=ben")

    status = post(browser, "/deal", name="Second", amount="1", company=1)

    assert status == 302
    assert [(event["event"], event["actor"]["name"]) for event in events()] == [
        ("company.created", "Ada Marsh"),
        ("contact.created", "Ada Marsh"),
        ("deal.created", "Ada Marsh"),
        ("deal.created", "Ben Okoro"),
    ]
    assert {event["origin"] for event in events()} == {"ui"}


def test_a_won_deal_creates_a_task_and_the_log_tells_the_persons_change_from_the_workflows(
    browser: FlaskClient,
) -> None:
    win(browser)

    won, task = events()[3:]
    assert (won["event"], won["actor"]["email"], won["origin"]) == ("deal.updated", "ada@crm.example", "ui")
    changed = sides(won)
    assert changed["stage"] == ("Lead", "Won")
    assert changed["amount"] == (48000.5, 47000)
    assert changed["note"] == ("", "Signed.")
    assert [each["name"] for each in changed["contacts"][1]] == ["Grace Lee"]
    assert (task["event"], task["actor"], task["origin"]) == ("task.created", WORKFLOW, "workflow")
    assert task["entity_name"] == "Send the contract: Data Center Refresh"
    assert task["causation_id"] == str(won["uid"])
    assert task["correlation_id"] == won["correlation_id"]
    assert "Send the contract: Data Center Refresh" in browser.get("/").text


def test_a_deal_that_was_won_before_creates_no_second_task(browser: FlaskClient) -> None:
    win(browser)

    win(browser, note="Signed twice.")
    post(browser, "/task/1")

    assert [event["event"] for event in events()[3:]] == [
        "deal.updated",
        "task.created",
        "deal.updated",
        "task.updated",
    ]
    assert "done" in browser.get("/").text


def test_what_the_workflow_tells_over_http_arrives_once_with_its_cause(
    crm: Any, browser: FlaskClient, server: Server
) -> None:
    win(browser)

    send(crm)
    with crm.app.app_context():  # as if the answer had been lost
        crm.db.session.execute(crm.sa.update(crm.Outbox).values(uid=None))
        crm.db.session.commit()
    send(crm)

    won, _task, announced = events()[3:]
    assert (announced["event"], announced["origin"]) == ("deal.announced", "workflow")
    assert (announced["entity_id"], announced["actor"]) == ("1", WORKFLOW)
    assert announced["causation_id"] == str(won["uid"])
    assert announced["correlation_id"] == won["correlation_id"]
    assert waiting(crm) == 0


def test_while_auditapp_is_down_events_wait(crm: Any, browser: FlaskClient, server: Server) -> None:
    here = crm.AUDITAPP_URL
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        crm.AUDITAPP_URL = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        win(browser)
        with pytest.raises(OSError, match="refused"):
            send(crm)
    assert waiting(crm) == 1

    crm.AUDITAPP_URL = here
    send(crm)

    assert waiting(crm) == 0
    assert events()[-1]["event"] == "deal.announced"


def test_what_is_rolled_back_leaves_no_event(
    crm: Any, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = events()

    def fail(**event: Any) -> None:
        raise RuntimeError("the workflow failed")

    monkeypatch.setattr(crm, "tell", fail)

    assert win(browser) == 500

    assert events() == before
    assert waiting(crm) == 0
    assert "Lead, 48000.50" in browser.get("/").text


def test_the_portal_token_of_a_contact_is_never_recorded(crm: Any, browser: FlaskClient) -> None:
    with crm.app.app_context():
        token = crm.db.session.get(crm.Contact, 1).portal_token

    assert token
    assert token not in repr(events())
    assert "portal_token" not in repr(events())


@pytest.mark.parametrize(
    "wrong", [{"amount": "NaN"}, {"stage": "OPEN"}, {"name": " "}, {"note": "x" * 20001}, {"csrf_token": ""}]
)
def test_a_form_that_cannot_be_is_refused_and_changes_nothing(
    browser: FlaskClient, wrong: dict[str, Any]
) -> None:
    before = events()

    assert win(browser, **wrong) == 400

    assert events() == before


def test_the_example_has_at_most_200_lines() -> None:
    files = [path for suffix in ("*.py", "*.html") for path in FOLDER.glob(suffix)]

    assert sum(len(path.read_text().splitlines()) for path in files) <= 200


def test_its_one_command_starts_both_and_ctrl_c_stops_both(tmp_path: Path) -> None:
    ports = free_ports()
    environment = {**os.environ, "CRM_KEPT": str(tmp_path), "PORT": str(ports[0]), "CRM_PORT": str(ports[1])}
    with (tmp_path / "said").open("w") as said:
        command = ["make", "-C", str(FOLDER), "run"]
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment, start_new_session=True)
    try:
        auditapp, crm = (f"http://127.0.0.1:{port}" for port in ports)
        assert "Companies" in fetched(crm, lambda: process.poll() is None), (tmp_path / "said").read_text()
        assert "Sign in" in fetched(f"{auditapp}/login", lambda: process.poll() is None)
        assert "sign in as ada@crm.example with" in (tmp_path / "said").read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has failed, and said why
            os.killpg(process.pid, signal.SIGINT)  # what a terminal sends on Ctrl-C, to the group it started
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            for pid in family(process.pid):
                os.kill(pid, signal.SIGKILL)
            process.wait()

    assert "Stopped" in (tmp_path / "said").read_text()
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def family(pid: int) -> list[int]:
    """Return a process and those it started, as Linux knows them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return [one.getsockname()[1], other.getsockname()[1]]


def fetched(url: str, still: Callable[[], bool]) -> str:
    """Return a page as soon as there is one; nothing, if the command ends before."""
    deadline = time.monotonic() + START_SECONDS
    while still() and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - our own server
                return str(response.read().decode())
        except OSError:
            time.sleep(0.5)
    return ""
