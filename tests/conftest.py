"""Every test that touches the database runs on SQLite and on PostgreSQL.

Migrations run once a database; each test then gets a copy of that migrated database, with the workspaces
that its fixtures name.
"""

import gc
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import argon2
import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask, has_request_context
from flask_migrate import upgrade
from jinja2 import Template
from jinja2.bccache import Bucket, BytecodeCache

from auditapp import create_app
from auditapp.access import members, passwords
from auditapp.access.own_events import COMMAND_LINE
from auditapp.access.passwords import hash_password
from auditapp.access.roles import find_role
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.followers import catch_up, waiting
from auditapp.log import record
from auditapp.log.announce import RECORDED
from auditapp.models import Workspace
from tests.browser.install import NO_CHROMIUM
from tests.databases import (
    PostgresqlCopies,
    SqliteCopies,
    database_url,
    fast_folder,
    run_on_server,
    running_postgresql,
)
from tests.pages import CheckingClient
from tests.sharding import learn, refused, require_one_workspace
from tests.shared_app import SharedApp

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())
for name in [name for name in os.environ if name.startswith("AUDITAPP_")]:
    del os.environ[name]

# Argon2 is slow on purpose, and each test signs in: with its defaults that took a fifth of all their time.
passwords._hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
passwords._NOBODY = passwords._hasher.hash("nobody's password")
PASSWORD = "correct horse battery"
PASSWORD_HASH = hash_password(PASSWORD)
BOTH = ["sqlite", "postgresql"]


class CompiledTemplates(BytecodeCache):
    """Compiles each template once for all applications of the tests; it took a quarter of their time."""

    def __init__(self) -> None:
        self.compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.compiled:
            bucket.bytecode_from_string(self.compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.compiled[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": CompiledTemplates()}


_rendering: ContextVar[str | None] = ContextVar("rendering", default=None)
_render = Template.render


def render(template: Template, *values: Any, **named: Any) -> str:
    """Render a template, and know meanwhile which one of Auditapp's it is."""
    is_ours = (template.filename or "").startswith(str(ROOT / "templates"))
    token = _rendering.set(template.name if is_ours else None)
    try:
        return _render(template, *values, **named)
    finally:
        _rendering.reset(token)


Template.render = render  # type: ignore[method-assign]


@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def read_nothing_while_rendering(*given: Any) -> None:
    """A template is given what it shows: of what it would ask for by itself, nobody bounds the number."""
    assert _rendering.get() is None, f"{_rendering.get()} asks the database: {given[2]}"


@sa.event.listens_for(sa.Engine, "commit")
@sa.event.listens_for(sa.Engine, "rollback")
def have_nothing_recorded(connection: sa.Connection) -> None:
    """Without a worker nobody takes the note that something was recorded."""
    if not connection.invalidated:
        connection.info.pop(RECORDED, None)


_current = waiting._current


def current(workspace_id: int) -> Any:
    """What a test has just recorded follows the log only once it is committed, as its recorder would."""
    if not has_request_context() and RECORDED in db.session.connection().info:
        session = db.session()
        session.expire_on_commit = False  # whoever asks has a workspace in hand, as it would without a test
        db.session.commit()
        session.expire_on_commit = True
    return _current(workspace_id)


waiting._current = current
# However busy the machine is.
waiting.PAGE_SECONDS = waiting.WHOLE_SECONDS = 60.0


@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def ask_of_one_workspace(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
    """What asks of more than one could not be answered where each lies on a node of its own."""
    if connection.dialect.name == "postgresql":
        require_one_workspace(statement, parameters)


_stream_rows = psycopg.Cursor.stream


def stream_rows(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
    """Stream rows past SQLAlchemy, of one workspace all the same."""
    require_one_workspace(str(query), params)
    return _stream_rows(cursor, query, params, **options)


psycopg.Cursor.stream = stream_rows  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def every_statement_asks_of_one_workspace() -> Iterator[None]:
    """Fail a test also where a statement was refused and nobody said so."""
    refused()
    yield
    assert refused() == []


@sa.event.listens_for(sa.Engine, "connect")
def need_no_safety_from_power_cuts(connection: Any, _record: Any) -> None:
    """Tests kill processes, no machines."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def pytest_collection_finish() -> None:
    """Leave what was collected out of garbage collections: looking through it took a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of what depends on no database on SQLite alone, but for those that are chosen."""
    test = metafunc.definition
    is_given = any("database" in mark.args[0] for mark in test.iter_markers("parametrize"))
    is_chosen = test.get_closest_marker("both_databases") or not test.get_closest_marker("one_database")
    if "database" in metafunc.fixturenames and not is_given and not is_chosen:
        test.add_marker(pytest.mark.parametrize("database", ["sqlite"], indirect=True))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly, once, that nothing was tested in a browser."""
    skipped = [
        each for each in terminalreporter.stats.get("skipped", []) if NO_CHROMIUM in str(each.longrepr)
    ]
    if skipped:
        line = f"BROWSER TESTS SKIPPED ({len(skipped)}): {NO_CHROMIUM}"
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL server for this session and return its URL, without a database name."""
    with running_postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def fast() -> Iterator[Path]:
    """Return a folder of this session for SQLite's files."""
    with fast_folder("auditapp-sqlite-") as folder:
        yield folder


@pytest.fixture(scope="session")
def migrated(request: pytest.FixtureRequest, fast: Path) -> Any:
    """Return a function that gives a migrated database to copy, made at first use.

    ``template("sqlite", "acme")`` is a file with the workspace of that name in it and nothing else;
    ``template("postgresql", "acme")`` the name of a database on this session's server. With ``record_log``
    it has what that function records in those workspaces.
    """
    made: dict[tuple[Any, ...], Any] = {}

    def template(kind: str, *slugs: str, record_log: Any = None) -> Any:
        key = (kind, *slugs, record_log)
        if key in made:
            return made[key]
        made[key], url = new_database(kind, slugs, record_log)
        app = create_app({"SQLALCHEMY_DATABASE_URI": url, "TESTING": True})
        with app.app_context():
            if not slugs:
                upgrade(directory=str(ROOT / "migrations"))
                if kind == "postgresql":
                    learn(db.engine)
            workspaces = [make_workspace(slug) for slug in slugs]
            if record_log:
                record_log(*workspaces)
            catch_up(db.engine)  # as beside a server
            db.session.remove()
            db.engine.dispose()
        return made[key]

    def new_database(kind: str, slugs: tuple[str, ...], record_log: Any) -> tuple[Any, str]:
        name = "_".join(["template", "auditapp", *slugs, *([str(len(made))] if record_log else [])])
        base = template(kind, *slugs) if record_log else template(kind) if slugs else None
        if kind == "sqlite":
            path = fast / f"{name}.db"
            if base:
                shutil.copy(base, path)
            return path, f"sqlite:///{path}"
        server = request.getfixturevalue("postgresql")
        run_on_server(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {base}" if base else ""))
        return name, database_url(server, name)

    return template


@pytest.fixture(scope="session")
def copies(request: pytest.FixtureRequest, migrated: Any, fast: Path) -> Any:
    """Return a function that gives the copies of a migrated database, of which one is there at a time."""

    @cache
    def copies_of(
        kind: str, *slugs: str, of: str = "test", record_log: Any = None
    ) -> SqliteCopies | PostgresqlCopies:
        name = "_".join([of, *slugs])
        template = migrated(kind, *slugs, record_log=record_log)
        if kind == "sqlite":
            return SqliteCopies(template, fast / name)
        return PostgresqlCopies(template, request.getfixturevalue("postgresql"), name)

    return copies_of


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, copies: Any) -> str:
    """Return the URL of a migrated database of this test's own, with the workspaces it asks for.

    A test that asks for ``log`` finds in it what its module's ``record_log(acme, other)`` records, if it has
    one: once for all of them.
    """
    slugs = [slug for slug in ("acme", "other") if slug in request.fixturenames]
    record_log = getattr(request.module, "record_log", None) if "log" in request.fixturenames else None
    copy = copies(request.param, *slugs, record_log=record_log)
    copy.renew()
    return copy.url


@pytest.fixture(scope="session")
def shared_app() -> Callable[[str], SharedApp]:
    """Return a function that gives the application that tests share which have a database at one URL."""
    return cache(SharedApp)


@pytest.fixture
def app(request: pytest.FixtureRequest, database: str, shared_app: Any) -> Iterator[Flask]:
    """Return the application on this test's database, inside a context.

    Tests share it: making one takes longer than most of what they do with it. What they set in its
    configuration is undone; a test that gives it a route or a hook is marked ``own_app``.
    """
    is_own = request.node.get_closest_marker("own_app")
    with (SharedApp if is_own else shared_app)(database).lend() as app:
        yield app


@pytest.fixture
def set_in_database(app: Flask) -> Any:
    """Return a function that sets a PostgreSQL setting for this test's database; SQLite has none."""

    def put(name: str, value: str) -> None:
        if db.engine.dialect.name != "postgresql":
            return
        db.session.execute(sa.text(f"ALTER DATABASE {db.engine.url.database} SET {name} = '{value}'"))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()  # settings of a database count for new connections

    return put


@pytest.fixture
def client(app: Flask) -> CheckingClient:
    """Return a browser that checks every page it gets."""
    return app.test_client()


def make_workspace(slug: str) -> Workspace:
    """Return a workspace with the cast of three: owner, auditor and member, at <slug>.example."""
    if workspace := db.session.scalar(sa.select(Workspace).where(Workspace.slug == slug)):
        return workspace  # of the template
    workspace = members.create_workspace(slug, slug.title(), "Europe/Berlin", COMMAND_LINE)
    for name in ("Owner", "Auditor", "Member"):
        role = find_role(workspace, name)
        member = members.add_member(workspace, f"{name.lower()}@{slug}.example", name, role, COMMAND_LINE)
        member.account.password_hash = PASSWORD_HASH
        members.join(member)
    db.session.commit()
    return workspace


@pytest.fixture
def acme(app: Flask) -> Workspace:
    """Return the workspace of the cast."""
    return make_workspace("acme")


@pytest.fixture
def other(app: Flask) -> Workspace:
    """Return a second workspace, of which the cast of the first knows nothing."""
    return make_workspace("other")


@pytest.fixture
def login(client: CheckingClient) -> Any:
    """Return a function that signs one of the cast in."""

    def sign_in(who: str, slug: str = "acme", with_client: Any = None) -> None:
        response = (with_client or client).post(
            "/login", data={"email": f"{who}@{slug}.example", "password": PASSWORD}
        )
        assert response.status_code == 303, response.text

    return sign_in


@pytest.fixture
def note(acme: Workspace) -> Any:
    """Return a function that records an event in acme: ``note("deal.updated", entity="deal:1")``."""

    def record_one(event: str = "deal.updated", **more: Any) -> str:
        recorded = record(more.pop("workspace", acme), an_event(event, **more))
        db.session.commit()
        return str(recorded.id)

    return record_one


def an_event(event: str = "deal.updated", **more: Any) -> dict[str, Any]:
    """Return an event as a sender would write it; fields may be given whole or in short forms."""
    actor = more.pop("actor", "ada")
    entity_id = more.pop("entity", "1")
    if isinstance(actor, str):
        actor = {"type": "user", "id": actor, "name": actor.title(), "email": f"{actor}@acme.example"}
    if isinstance(entity_id, str):
        entity_id = {"type": event.rpartition(".")[0], "id": entity_id, "name": more.pop("name", None)}
    return {"event": event, "actor": actor, "entity": entity_id, **more}


@pytest.fixture
def cli(app: Flask) -> Any:
    """Return a function that runs a command and returns its result."""
    runner = app.test_cli_runner()

    def run(*args: str, stdin: str | bytes | None = None) -> Any:
        # A process of its own would have its own context, and roll back what it did not commit.
        result = Context().run(runner.invoke, args=[str(arg) for arg in args], input=stdin)
        return SimpleNamespace(
            code=result.exit_code, out=result.stdout, err=result.stderr, error=result.exception
        )

    return run
