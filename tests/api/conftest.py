"""Callers of the API: a key and a client that sends with it."""

import gzip
import json
import shutil
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from auditapp import create_app
from auditapp.access.api_keys import create_key
from auditapp.access.own_events import COMMAND_LINE
from auditapp.extensions import db
from auditapp.models import Event, EventPayload, Workspace
from tests.conftest import BOTH, make_workspace
from tests.databases import database_url, run_on_server
from tests.pages import CheckingClient

JSON, PROBLEM = "application/json", "application/problem+json"
EVENTS = "/api/v1/events"


def make_key(
    workspace: Workspace,
    name: str = "CRM",
    scopes: tuple[str, ...] = ("events:read", "events:write"),
    expires_at: datetime | None = None,
) -> str:
    """Make an API key and commit it."""
    key = create_key(workspace, name, set(scopes), COMMAND_LINE, expires_at)
    db.session.commit()
    return key


class Caller:
    """Calls the API with a key of a workspace."""

    def __init__(self, app: Flask, workspace: Workspace, key: str | None = None) -> None:
        self.app = app
        self.workspace_id = workspace.id
        self.key = key or make_key(workspace)
        self.client = app.test_client()
        self.headers = {"Authorization": f"Bearer {self.key}"}

    def post(self, body: Any, content_type: str | None = JSON, **headers: str) -> TestResponse:
        """Send a body; what is neither bytes nor text is sent as JSON."""
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            EVENTS, data=data, content_type=content_type, headers={**self.headers, **named}
        )

    def post_gzip(self, body: Any, content_type: str = JSON) -> TestResponse:
        """Send a body compressed."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post(gzip.compress(data), content_type, Content_Encoding="gzip")

    def get(self, path: str = EVENTS) -> TestResponse:
        """Ask for a path."""
        return self.client.get(path, headers=self.headers)

    def event(self, event_id: str) -> dict[str, Any]:
        """Return one whole event."""
        response = self.get(f"{EVENTS}/{event_id}")
        assert response.status_code == 200, response.text
        return response.get_json()

    def count(self) -> int:
        """Return how many events the workspace has; each has its sections beside it."""
        query = select(func.count(Event.id), func.count(EventPayload.event_id)).outerjoin(
            EventPayload, EventPayload.event_id == Event.id
        )
        with self.app.app_context():
            events, payloads = db.session.execute(query.where(Event.workspace_id == self.workspace_id)).one()
        assert events == payloads
        return events


@pytest.fixture
def caller(app: Flask, acme: Workspace) -> Caller:
    """Return a caller whose key, named CRM, may read and write acme's log."""
    return Caller(app, acme)


@pytest.fixture(scope="session", params=BOTH)
def door(request: pytest.FixtureRequest, migrated: Any, tmp_path_factory: Any) -> Iterator[Caller]:
    """Return a caller of an application that tests share which need no empty log."""
    template = migrated(request.param, "acme")
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("door") / "door.db"
        shutil.copy(template, path)
        url = f"sqlite:///{path}"
    else:
        server, name = request.getfixturevalue("postgresql"), f"door_{uuid.uuid4().hex}"
        run_on_server(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        url = database_url(server, name)
    app = create_app(
        {
            "SQLALCHEMY_DATABASE_URI": url,
            "TESTING": True,
            "SECRET_KEY": "test",
            "REQUESTS_PER_MINUTE": 10**6,
        }
    )
    app.test_client_class = CheckingClient
    with app.app_context():
        door = Caller(app, make_workspace("acme"))
    yield door
    with app.app_context():
        db.engine.dispose()


def ids_in(response: TestResponse, status: int = 201) -> list[str]:
    """Return the ids of what was recorded."""
    assert (response.status_code, response.content_type) == (status, JSON), response.text
    return [each["id"] for each in response.get_json()["events"]]


def problem_in(response: TestResponse, status: int) -> dict[str, Any]:
    """Assert that this is a problem (RFC 9457) and return it."""
    assert (response.status_code, response.content_type) == (status, PROBLEM), response.text[:500]
    problem = response.get_json()
    assert problem["status"] == status and problem["title"]
    return problem
