"""Sources of each kind, and senders that sign as the products do."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from werkzeug.test import TestResponse

from auditapp.access.own_events import COMMAND_LINE
from auditapp.extensions import db
from auditapp.inbound.source import create_source
from auditapp.models import SetAside, Workspace
from tests.api.conftest import Caller

SECRET = 'schluessel "key"=1'


def customermates_headers(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Sign as Customermates does."""
    return {"X-Webhook-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def retraced_headers(_body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Send the secret as Retraced's SDKs do, in the bytes that WSGI gives as Latin-1."""
    return {"Authorization": f"Token token={secret}".encode().decode("latin-1")}


def cloudevents_headers(_body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Send the secret as a bearer token."""
    return {"Authorization": f"Bearer {secret}".encode().decode("latin-1")}


SIGNED: dict[str, Callable[..., dict[str, str]]] = {
    "customermates": customermates_headers,
    "retraced": retraced_headers,
    "cloudevents": cloudevents_headers,
}
DEAL = {"id": "d1", "name": "Rollout"}
CUSTOMERMATES = {
    "event": "deal.updated",
    "data": {
        "userId": "u1",
        "companyId": "acme",
        "entityId": "d1",
        "payload": {"deal": DEAL, "changes": {"stage": {"previous": "open", "current": "won"}}},
    },
    "timestamp": "2026-03-24T09:00:00.123Z",
}
RETRACED = {
    "action": "deal.update",
    "crud": "u",
    "actor": {"id": "u1", "name": "Ada"},
    "target": {"id": "d1", "name": "Rollout", "type": "deal"},
    "group": {"id": "acme", "name": "Acme"},
    "external_id": "e1",
}
CLOUDEVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "https://crm.example",
    "type": "deal.updated",
    "subject": "d1",
    "data": {"number": 1.0},
}
VALID: dict[str, dict[str, Any]] = {
    "customermates": CUSTOMERMATES,
    "retraced": RETRACED,
    "cloudevents": CLOUDEVENT,
}


class Sender:
    """Sends to a source of its own, signed unless it is told other headers."""

    def __init__(self, caller: Caller, workspace: Workspace, kind: str) -> None:
        source = create_source(workspace, kind, f"Our {kind}", SECRET, COMMAND_LINE)
        db.session.commit()
        self.kind, self.id, self.path = kind, source.id, f"/in/{source.path}"
        self.caller, self.client = caller, caller.client

    def send(
        self, body: Any, headers: dict[str, str] | None = None, content_type: str | None = "application/json"
    ) -> TestResponse:
        """Send a body; what is not bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = SIGNED[self.kind](data) if headers is None else headers
        return self.client.post(self.path, data=data, headers=signed, content_type=content_type)

    def waiting(self) -> list[tuple[bytes, int, str]]:
        """Return body, times and reason of all that was set aside, the oldest first."""
        query = select(SetAside.body, SetAside.times, SetAside.reason).where(SetAside.source_id == self.id)
        with self.caller.app.app_context():
            return [tuple(row) for row in db.session.execute(query.order_by(SetAside.received_at))]

    def waiting_count(self) -> int:
        """Return how many bodies were set aside."""
        query = select(func.count()).select_from(SetAside).where(SetAside.source_id == self.id)
        with self.caller.app.app_context():
            return db.session.scalar(query) or 0
