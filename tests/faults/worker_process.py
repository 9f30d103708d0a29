"""Workers as ``flask worker`` runs them, in processes of their own.

Those that are killed again and again are forked from one that has imported everything: starting Python
takes longer than what they are killed at.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from auditapp.config import ROOT, engine_options
from auditapp.followers import Worker

STOP_SECONDS = 20
_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload([__name__])


class FlaskWorker:
    """``flask --app app worker`` on a database."""

    def __init__(self, database: str, log: Path) -> None:
        """Start it."""
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "app", "worker"],
                cwd=ROOT,
                env={
                    **os.environ,
                    "AUDITAPP_DATABASE_URL": database,
                    "AUDITAPP_SECRET_KEY": "of these tests only",
                },
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """Return the process's id, which its lease names."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self) -> int:
        """Stop it as Ctrl-C does; return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class ForkedWorker:
    """What the command runs, forked."""

    def __init__(self, database: str) -> None:
        """Start it."""
        self._process: Any = _forked.Process(target=_work, args=(database,))
        self._process.start()

    def kill(self) -> None:
        """Kill it with signal 9.

        :raise AssertionError: if it had ended by itself.
        """
        assert self._process.exitcode is None, "the worker ended by itself"
        self._process.kill()
        self._process.join(STOP_SECONDS)


def _work(database: str) -> None:
    Worker(sa.create_engine(database, **engine_options(database)), threading.Event()).run()
