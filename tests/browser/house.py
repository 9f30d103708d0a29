"""The server of the browser tests, and what the shared one has inside."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from auditapp import create_app
from auditapp.access import members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.passwords import hash_password
from auditapp.access.roles import find_role
from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.models import Member, Workspace
from tests.browser import every_page, hostile
from tests.conftest import PASSWORD, an_event, make_workspace

ACTORS: list[dict[str, Any]] = [
    {"type": "user", "id": "ada", "name": "Ada Marsh", "email": "ada@acme.example"},
    {"type": "user", "id": "ben", "name": "Ben Okoro", "email": "ben@acme.example"},
    {"type": "api_key", "id": "key", "name": "Import key"},
]
EVENTS = ("deal.updated", "contact.created", "deal.deleted")
LONG_NOTE = "The customer asked for two more weeks, since their own board meets at the end of the month. "


def served_app(url: str) -> Flask:
    """Return the application as it is served: forms are protected, which other tests leave out."""
    return create_app({"SQLALCHEMY_DATABASE_URI": url, "TESTING": True, "SECRET_KEY": "test"})


class Server:
    """The application on a port of this machine, any if none is given, in a thread, until it is stopped."""

    def __init__(self, app: Flask, port: int = 0) -> None:
        self.app = app
        self._server = make_server("127.0.0.1", port, app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Answer no more; a second time does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class House(Server):
    """The server that tests share which only read: several workspaces, and ids to find things by."""

    def __init__(self, app: Flask) -> None:
        acme = make_workspace("acme")
        self.events = fill(acme)
        self.rich_event = fill_richly(acme)
        self.related_event = fill_with_related(acme)
        hostile_workspace = hostile.make_workspace()
        self.hostile_events = hostile.fill(hostile_workspace)
        full = make_workspace("full")
        fill(full)
        record_in_order(full, every_page.a_story())
        self.every_value = every_page.fill(app, full, fill_richly(full))
        big = make_workspace("big")
        fill(big, 120)
        self.huge_event = fill_hugely(big)
        add_joined(acme, "both@acme.example", "Member")
        add_joined(hostile_workspace, "both@acme.example", "Auditor")
        loner = add_joined(acme, "loner@acme.example", "Member")
        members.remove_member(acme, loner, COMMAND_LINE)
        self.join_path, self.hostile_join_path = invite(acme), invite(hostile_workspace)
        db.session.commit()
        super().__init__(app)


def add_joined(workspace: Workspace, email: str, role: str) -> Member:
    """Add somebody with the cast's password who has joined already. The caller commits."""
    member = members.add_member(
        workspace, email, email.partition("@")[0].title(), find_role(workspace, role), COMMAND_LINE
    )
    member.account.password_hash = hash_password(PASSWORD)
    members.join(member)
    return member


def invite(workspace: Workspace) -> str:
    """Invite somebody and return the path of the link. The caller commits."""
    role = find_role(workspace, "Member")
    email = f"invited@{workspace.slug}.example"
    return f"/join/{members.invite(members.add_member(workspace, email, 'Ina Vited', role, COMMAND_LINE))}"


def fill(workspace: Workspace, count: int = 12) -> list[str]:
    """Record deals and contacts, a minute apart, and return the ids, newest first."""
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    return record_in_order(
        workspace,
        (
            an_event(
                EVENTS[number % 3],
                entity=str(number),
                name=f"Number {number}",
                actor=ACTORS[number % 2] if number % 4 else ACTORS[2],
                origin="ui" if number % 4 else "api",
                occurred_at=(newest - timedelta(minutes=number)).isoformat(),
                changes={"stage": {"previous": "open", "current": "won"}} if number % 3 == 0 else {},
                payload={"number": number, "nested": {"list": [1, 2, 3]}},
            )
            for number in reversed(range(count))
        ),
    )


def fill_richly(workspace: Workspace) -> str:
    """Record, years ago, a note with every kind of change, and return the id of its last event."""
    common = {"entity": "1", "name": "Terms", "on_behalf_of": ACTORS[1], "origin": "webhook"}
    changes = {
        "body": {"previous": LONG_NOTE * 9, "current": LONG_NOTE * 8 + "It was granted.", "kind": "text"},
        "title": {"previous": None, "current": "Terms"},
        "amount": {"previous": 1200.5, "current": 1400, "kind": "money"},
        "urgent": {"previous": False, "current": True},
        "due": {"previous": "2026-03-24", "current": "", "kind": "date"},
        "contacts": {
            "previous": [{"id": "c1", "name": "Ada"}],
            "current": [{"id": "c2", "name": "Ben"}],
            "kind": "refs",
        },
        "layout": {"previous": {"a": [1]}, "current": {"a": [1, 2]}, "kind": "json"},
        "meeting": {"previous": "2026-03-24", "current": "2026-03-27"},
        "payee": {"previous": "paypal", "current": "p\u0430ypal"},
        "arabic": {"previous": "العقد قديم (1)", "current": "العقد جديد (2)"},
        "steps": {"previous": ["call", "offer", "sign"], "current": ["offer", "call", "sign", "pay"]},
        "address": {
            "previous": {"city": "Bonn", **{f"line{number}": number for number in range(14)}},
            "current": {"city": "Köln", **{f"line{number}": number + 1 for number in range(14)}},
        },
    }
    context = {"ip": "198.51.100.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "request_id": "r1"}
    return record_in_order(
        workspace,
        [
            an_event("note.created", occurred_at="2020-03-01T09:00:00Z", payload={"a": 1}, **common),
            an_event("note.deleted", outcome="denied", occurred_at="2020-03-02T09:00:00Z", **common),
            an_event(
                "note.updated",
                occurred_at="2020-03-03T09:55:43.898Z",
                changes=changes,
                context=context,
                related=[{"type": "deal", "id": "0", "name": "Number 0"}],
                payload={
                    "text": "payload",
                    "number": 1.5,
                    "yes": True,
                    "none": None,
                    "list": list(range(40)),
                },
                **common,
            ),
        ],
    )[0]


def fill_with_related(workspace: Workspace) -> str:
    """Record, longer ago still, an event with more related records than a line holds, and return its id."""
    related = [{"type": "deal", "id": str(number), "name": f"Partner {number}"} for number in range(12)]
    return record_in_order(
        workspace, [an_event("memo.written", occurred_at="2019-03-01T09:00:00Z", related=related)]
    )[0]


def fill_hugely(workspace: Workspace) -> str:
    """Record an event about as large as may be: long texts, thousands of keys, hundreds of fields."""
    text = " ".join(f"word{number * 7919 % 10007}" for number in range(3000))
    fields = {f"field_{number}": {"previous": number, "current": f"{number}!"} for number in range(300)}
    changes = {"note": {"previous": text, "current": text[::-1], "kind": "text"}, **fields}
    payload = {f"key_{number}": number for number in range(5000)} | {"text": text}
    event = an_event("deal.updated", occurred_at="2020-03-01T09:00:00Z", changes=changes, payload=payload)
    return record_in_order(workspace, [event])[0]


def record_in_order(workspace: Workspace, events: Iterable[dict[str, Any]]) -> list[str]:
    """Record events and return their ids, the last one first."""
    recorded = record_batch(workspace, list(events))
    db.session.commit()
    return [str(event.id) for event in reversed(recorded)]
