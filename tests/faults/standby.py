"""A streaming standby of the faults' own PostgreSQL server, to stop, start and hold back."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from tests.faults.own_postgresql import OwnPostgresql
from tests.faults.serving import until

SECONDS = 60


class Standby:
    """Made by ``pg_basebackup``, as whoever runs a replica makes one."""

    def __init__(self, primary: OwnPostgresql) -> None:
        self._primary = primary
        # Of a short name: it holds the socket, whose path may have a hundred characters.
        self._folder = Path(tempfile.mkdtemp(prefix="auditapp-standby-"))
        primary.own(self._folder)
        self._data = self._folder / "data"
        self._run(
            "pg_basebackup", "-d", _plain(primary.url), "-D", self._data, "-R", "-X", "stream", "-c", "fast"
        )
        self.start()

    def start(self) -> None:
        """Start, and return once it answers queries."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "-w", "-D", self._data, "-l", self._folder / "log", "-o", options, "start")

    def stop(self) -> None:
        """Stop, whoever reads."""
        self._run("pg_ctl", "-w", "-D", self._data, "-m", "immediate", "stop")

    def url_of(self, database: str) -> str:
        """Return the URL of the copy of a database of the primary's.

        :param database: the URL of that one.
        """
        url = sa.make_url(database)
        return url.set(host=None, port=None, query={"host": str(self._folder)}).render_as_string(
            hide_password=False
        )

    def pause(self) -> None:
        """Replay nothing until :meth:`resume`."""
        self._ask("SELECT pg_wal_replay_pause()")
        until(lambda: self._ask("SELECT pg_get_wal_replay_pause_state()") == "paused", SECONDS, "it pauses")

    def resume(self) -> None:
        """Go on replaying, and return once all is replayed that was written by now."""
        self._ask("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def catch_up(self) -> None:
        """Return once all is replayed that was written by now."""
        written = self._primary.ask("SELECT CAST(pg_current_wal_insert_lsn() AS text)")
        # One more record: behind the end of a page, nothing is replayed before it comes.
        self._primary.run("SELECT pg_logical_emit_message(true, 'tests', 'more')")
        until(lambda: self._ask(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"), SECONDS, "it catches up")

    def remove(self) -> None:
        """Stop it and remove all it had."""
        self.stop()
        shutil.rmtree(self._folder)

    def _ask(self, query: str) -> Any:
        with psycopg.connect(_plain(self.url_of(self._primary.url)), autocommit=True) as connection:
            row = connection.execute(query).fetchone()
            return row and row[0]

    def _run(self, program: str, *arguments: str | Path) -> None:
        more: dict[str, Any] = {}
        if self._primary.user:
            more = {
                "user": self._primary.user,
                "env": {**os.environ, "HOME": pwd.getpwnam(self._primary.user)[5]},
            }
        subprocess.run(
            [self._primary.programs / program, *arguments],
            check=True,
            cwd=self._folder,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **more,
        )


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
