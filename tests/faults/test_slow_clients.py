"""Clients that send a byte now and then, or never read: everybody else is answered all the same."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.log import record_batch
from auditapp.models import Workspace
from tests.conftest import an_event
from tests.faults.readers import Reader

pytestmark = pytest.mark.faults

HEADER = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: a"
BODY = (
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\na"
)
EVENT = b"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
SENDERS, READERS, SECONDS = 200, 50, 10


@pytest.fixture
def server(app, key, login, serve):
    """Return a server whose export is larger than what fits between it and its reader."""
    login("auditor")
    workspace = db.session.scalars(sa.select(Workspace)).one()
    for _ in range(3):
        record_batch(workspace, [an_event(payload={"text": "x" * 10_000})] * 500)
    db.session.commit()
    db.session.remove()
    db.engine.dispose()
    return serve(app.config["SQLALCHEMY_DATABASE_URI"])


@contextmanager
def open_requests(server, begin: bytes, count: int) -> Iterator[None]:
    """Keep requests open, none of which goes on."""
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(begin)
        yield


@pytest.mark.parametrize("begin", [HEADER, BODY, EVENT], ids=["header", "body", "chunks"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_senders_who_take_for_ever_hold_nobody_up(server, begin):
    reader = Reader(server)

    with open_requests(server, begin, SENDERS):
        answers = [server.ask("GET", "/healthz"), server.ask("GET", "/readyz"), reader.read()]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert max(answer.seconds for answer in answers) < SECONDS


def test_exports_that_nobody_reads_hold_nobody_up(server, key):
    reader = Reader(server)
    export = f"GET /api/v1/events.jsonl HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"

    with open_requests(server, export.encode(), READERS):
        answers = [server.ask("GET", "/healthz"), server.ask("GET", "/readyz"), reader.read()]
        whole = server.ask("GET", "/api/v1/events.jsonl?limit=1", Authorization=f"Bearer {key}")

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert max(answer.seconds for answer in answers) < SECONDS
    assert whole.status == 200 and len(whole.text.splitlines()) >= 1500
