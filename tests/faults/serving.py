"""Auditapp as ``make run`` serves it, in processes of its own that can be killed."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from auditapp.config import ROOT

START_SECONDS = 40
STOP_SECONDS = 20


class Answer(NamedTuple):
    """What came back, and after how many seconds."""

    status: int
    headers: Any
    text: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Served:
    """The server on a free port; started anew it is at the same address."""

    def __init__(self, database: str, log: Path) -> None:
        self._database, self._log = database, log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start, and return once it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=ROOT,
                env={
                    **os.environ,
                    "HOST": "127.0.0.1",
                    "PORT": str(self.port),
                    "AUDITAPP_DATABASE_URL": self._database,
                    "AUDITAPP_SECRET_KEY": "of these tests only",
                    "AUDITAPP_REQUESTS_PER_MINUTE": "1000000",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that the group is this server and its worker, nobody else
            )
        until(lambda: self._process.poll() is not None or self.is_ready(), START_SECONDS)
        assert self._process.poll() is None, f"the server does not start:\n{self.log}"

    @property
    def pid(self) -> int:
        """Return the main process's id: the same one as long as nobody restarted the server."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Return what the server wrote."""
        return self._log.read_text(errors="replace")

    def is_ready(self) -> bool:
        """Tell whether it answers and reaches its database."""
        try:
            return self.ask("GET", "/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask once, on a connection of its own.

        :raise OSError: or http.client.HTTPException, if the server is not there or goes meanwhile.
        """
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
            return Answer(response.status, response.headers, text, time.monotonic() - began)
        finally:
            connection.close()

    def kill(self) -> None:
        """Kill -9 the server and its worker at the same moment."""
        assert self._process.poll() is None, f"the server ended by itself:\n{self.log}"
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()


def until(is_so: Callable[[], Any], seconds: float, what: str = "") -> None:
    """Wait until something is so.

    :raise AssertionError: if it is not after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what or is_so}"
        time.sleep(0.02)
