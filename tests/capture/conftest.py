"""A host application beside Auditapp, in the same database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from auditapp.capture import capture
from auditapp.extensions import db
from auditapp.models import Workspace
from tests.capture import host as capture_host

ADA = {"type": "user", "id": "u_1", "name": "Ada"}


@pytest.fixture
def maker(acme: Workspace) -> sessionmaker[Session]:
    """Return the host's sessions, not captured yet."""
    capture_host.Base.metadata.create_all(db.engine)
    db.session.commit()
    return sessionmaker(db.engine)


@pytest.fixture
def follow(maker: sessionmaker[Session]) -> Iterator[Callable[..., Any]]:
    """Return ``capture`` for the host; what it starts is stopped after the test."""
    started = []

    def start(target: Any = None, **options: Any) -> Any:
        started.append(capture(target or maker, **{"workspace": "acme", "actor": ADA, **options}))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def session(maker: sessionmaker[Session], follow: Callable[..., Any]) -> Iterator[Session]:
    """Return a session of the host that is captured."""
    follow()
    with maker() as session:
        yield session


@pytest.fixture
def events(maker: sessionmaker[Session]) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that gives the events that are new since it was called last."""
    seen = 0

    def new() -> list[dict[str, Any]]:
        nonlocal seen
        with db.engine.connect() as connection, Session(connection) as reader:
            found = capture_host.told(reader)
        fresh, seen = found[seen:], len(found)
        return fresh

    return new
