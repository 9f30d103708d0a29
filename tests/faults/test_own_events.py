"""Auditapp's own events are written past SQLAlchemy too: what that raises is a 503 like any other."""

import psycopg
import pytest

from tests.conftest import PASSWORD

pytestmark = pytest.mark.faults


@pytest.fixture(params=["postgresql"])
def database(request, database):
    """Return a PostgreSQL database; on SQLite all goes through SQLAlchemy."""
    return database


@pytest.mark.parametrize(
    "error", [psycopg.errors.DiskFull, psycopg.errors.AdminShutdown, psycopg.InterfaceError]
)
def test_a_sign_in_that_cannot_be_recorded_is_a_503(client, acme, login, monkeypatch, error):
    def fail(*_):
        raise error("as the driver raises it")

    with monkeypatch.context() as broken:
        broken.setattr(psycopg.Connection, "pipeline", fail)
        form = {"email": "owner@acme.example", "password": PASSWORD}
        refused = client.post("/login", data=form)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    login("owner")
