"""``flask worker``: what follows the log, in the foreground."""

import os
import signal
import sys
import threading
from typing import Any

import click

from auditapp import server_log
from auditapp.cli.base import command
from auditapp.extensions import db, setting
from auditapp.followers import Worker

# How the server says that it ends with it: its standard input closes.
WITH_SERVER = "--with-server"


@command("worker")
@click.option(WITH_SERVER, is_flag=True, hidden=True, help="End when the standard input ends.")
def command_worker(with_server: bool) -> None:
    """Let the index, and whatever else follows the log, keep up with it, until Ctrl-C.

    A server that runs has one of its own, unless AUDITAPP_WORKER is off. Several may run: one works, and
    another takes over some seconds after it is gone.
    """
    server_log.configure(setting("LOG_FORMAT"))
    stop = threading.Event()
    for number in (signal.SIGTERM, *([] if with_server else [signal.SIGINT])):
        signal.signal(number, lambda *_: stop.set())
    if with_server:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the server too, which ends this
        threading.Thread(target=_end_with_input, args=(stop,), name="server", daemon=True).start()
        os.nice(5)  # recording and reading go first
    else:
        click.echo("Following the log (Ctrl-C stops it)")
        sys.stdout.flush()
    Worker(db.engine, stop).run()


def _end_with_input(stop: Any) -> None:
    """Wait for the end of the server, however it ended."""
    sys.stdin.read()
    stop.set()
