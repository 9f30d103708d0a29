"""A served application with a workspace and a key, on whatever database the test's ``app`` has."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auditapp.extensions import db
from tests.faults.own_postgresql import OwnPostgresql
from tests.faults.serving import Served


@pytest.fixture
def key(cli: Any, acme: Any) -> str:
    """Return an API key of acme's that may read and write."""
    scopes = ("--scope", "events:read", "--scope", "events:write")
    made = cli("api-key", "create", "--workspace", "acme", "--name", "Faults", *scopes).out.strip()
    db.session.remove()  # nothing of the test's own may hold a lock
    db.engine.dispose()
    return made


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Served]]:
    """Return a function that serves a database until the test ends."""
    servers: list[Served] = []

    def start(database: str) -> Served:
        servers.append(Served(database, tmp_path / f"server-{len(servers)}.log"))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def own_postgresql() -> Iterator[OwnPostgresql]:
    """Return a PostgreSQL server that may be stopped and started."""
    server = OwnPostgresql()
    yield server
    server.remove()
