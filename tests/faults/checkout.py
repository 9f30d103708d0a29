"""A fresh clone of this program, with an ``instance/`` and a ``.env`` of its own, started as a user does."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from auditapp.config import ROOT
from tests.faults.serving import START_SECONDS, STOP_SECONDS, until

PARTS = ("auditapp", "demo", "migrations", "templates", "static")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Checkout:
    """A copy in a folder. Settings are given as the environment has them, without their prefix."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in PARTS:
            shutil.copytree(ROOT / part, folder / part)
        shutil.copy2(ROOT / "app.py", folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def instance(self) -> Path:
        return self.folder / "instance"

    def run(self, *command: str, umask: int = -1, **settings: str) -> Ended:
        """Run ``app.py``, or a command of flask's, that is to end by itself."""
        done = subprocess.run(
            self._command(command),
            cwd=self.folder,
            env=self._environment(settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
            umask=umask,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def serve(self, log: Path, umask: int = -1, **settings: str) -> subprocess.Popen[bytes]:
        """Start the server, and return once it says that it started."""
        with log.open("wb") as stream:
            process = subprocess.Popen(
                self._command(()),
                cwd=self.folder,
                env=self._environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=umask,
            )
        until(lambda: process.poll() is not None or "Started worker-1" in log.read_text(), START_SECONDS)
        assert process.poll() is None, log.read_text()
        return process

    def serve_once(self, log: Path, umask: int = -1, **settings: str) -> str:
        """Start the server, stop it, and return what it wrote."""
        process = self.serve(log, umask, **settings)
        process.terminate()
        process.wait(STOP_SECONDS)
        return log.read_text()

    def _command(self, command: tuple[str, ...]) -> list[str]:
        flask = ["-m", "flask", "--app", "app", *command]
        return [sys.executable, *(flask if command else ["app.py"])]

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        plain = {"HOST", "PORT"}
        given = {name if name in plain else f"AUDITAPP_{name}": value for name, value in settings.items()}
        return {**os.environ, "PORT": str(self.port), **given}
