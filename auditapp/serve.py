"""What ``make run`` does: bring the database up to date, make the demo where it is safe, serve."""

import errno
import ipaddress
import logging
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask
from flask_migrate import upgrade
from granian.constants import Interfaces
from granian.server import Server
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from auditapp import server_log
from auditapp.cli.demo import PASSWORD, SIGN_INS, make_demo
from auditapp.cli.worker import WITH_SERVER
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.models import Account
from auditapp.operating.places import name_of
from auditapp.operating.readiness import explain
from auditapp.operating.remembered import advice, has_workspace, is_emptied, last_remembered, remember
from auditapp.operating.served_at import forget_server, remember_server

# Connections past these wait to be taken up; each costs a coroutine, and no thread.
CONNECTIONS = 4096
# After Ctrl-C, how long a request may take to end before it is ended.
STOP_SECONDS = 5


def main(app: Flask) -> None:
    """Set up and serve on ``HOST``:``PORT`` until Ctrl-C."""
    host, port = _address(os.environ.get("HOST", "127.0.0.1")), _port()
    _check_free(host, port)
    with app.app_context():
        try:
            # Its passwords are known to all, so it is for whoever sits at this machine.
            has_demo = _set_up(may_demo=_is_loopback(host) and not app.config["TRUSTED_PROXIES"])
        except (DBAPIError, OSError) as error:
            trouble = explain(error, db.engine)
            sys.exit(f"auditapp: {trouble.what} ({server_log.describe(error)}): {trouble.mend}")
        db.session.remove()
        db.engine.dispose()
        remember_server(_url(host, port))
    _allow_connections()
    _announce(host, port, has_demo)
    server = Server(
        "app:asgi",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        websockets=False,
        workers=1,
        backpressure=CONNECTIONS,
        log_access=False,  # ours knows the route and the person
        log_dictconfig=server_log.GRANIAN,
        workers_kill_timeout=STOP_SECONDS,
        working_dir=ROOT,
    )
    try:
        with followed(by_us=app.config["WORKER"]):
            server.serve()
    finally:
        with app.app_context():
            forget_server()


@contextmanager
def followed(*, by_us: bool) -> Iterator[None]:
    """Have the log followed beside the server, until it ends: see ``auditapp/followers``.

    In a process of its own: the server forks its workers, which must not be while another thread works. It
    ends when its standard input does, which the system closes however this process ends.
    """
    if not by_us:
        yield
        return
    command = [sys.executable, "-m", "flask", "--app", "app", "worker", WITH_SERVER]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)  # noqa: S603 - nothing of it is given
    try:
        yield
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _set_up(may_demo: bool) -> bool:
    """Bring the database to this version, make the demo where nothing was yet; tell if there is a demo."""
    if is_emptied(db.engine):
        sys.exit(f"auditapp: {advice(db.engine.url)}")
    _upgrade()
    if may_demo and not has_workspace(db.engine):
        _say_if_another_was_here()
        click.echo("Making the demo workspace …")
        make_demo(0)
    if has_workspace(db.engine):
        remember(db.engine.url)
    return bool(db.session.scalar(select(Account.is_demo).where(Account.email == SIGN_INS[0][0])))


def _upgrade() -> None:
    logging.getLogger("flask_migrate").disabled = True  # what it says is said below
    try:
        upgrade(directory=str(ROOT / "migrations"))
    except SystemExit:
        # Flask-Migrate ends so where the database is of a version that it does not know.
        sys.exit("auditapp: the database is not one that this version can bring up to date; run a newer one")


def _say_if_another_was_here() -> None:
    """A setting that got lost must not look like a log that got lost."""
    last = last_remembered()
    if last is not None and last != name_of(db.engine.url):
        click.echo(f"This database is new. The last one here was {last}; AUDITAPP_DATABASE_URL chooses.")


def _check_free(host: str, port: int) -> None:
    """Stop with one line if the address is taken: the server would share the port with the other."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            sys.exit(f"auditapp: cannot listen on {host}:{port}: {error.strerror}{_advice(error, port)}")


def _advice(error: OSError, port: int) -> str:
    """Say what helps: another port, but not where the address is somebody else's."""
    if error.errno == errno.EADDRINUSE and port < 65535:
        return f"; try PORT={port + 1} make run"
    if error.errno == errno.EACCES:
        return "; try PORT=5000 make run"
    return "; HOST must be an address of this machine"


def _announce(host: str, port: int, has_demo: bool) -> None:
    click.echo(f"\nAuditapp is at {_url(host, port)}  (Ctrl-C stops it)")
    if has_demo:
        click.echo("Demo sign-ins, all with the password " + PASSWORD + ":")
        for email, role in SIGN_INS:
            click.echo(f"  {email:24} {role}")
        if not _is_loopback(host):
            click.echo("WARNING: everybody who reaches this address can sign in with them.", err=True)
    click.echo()
    sys.stdout.flush()


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_connections() -> None:
    """Ask the system for as many open files as it lets us have: each connection is one."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        wanted = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _port() -> int:
    text = os.environ.get("PORT", "5000")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        sys.exit(f"auditapp: PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)


def _address(host: str) -> str:
    """Return the IP address to listen on; the server takes no names."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no such name can be"
        sys.exit(f"auditapp: HOST {host!r} is no address of this machine: {why}")


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
