"""A real Chromium against a real server: one browser a session, whose contexts tests share (``contexts.py``).

No page may complain: whatever the browser writes to its console fails the test at its end.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    WebError,
    expect,
    sync_playwright,
)

from auditapp.extensions import db
from tests.browser.contexts import ONE_PROCESS, WINDOW, SharedContexts
from tests.browser.house import House, Server, served_app
from tests.browser.install import NO_CHROMIUM, find_chromium, install_chromium
from tests.browser.steps import OWNER, TIMELINE, sign_in

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-gpu"]
FLAGS += [ONE_PROCESS]
TIMEOUT_MS = 20_000  # a limit for machines that are busy with something else, not a measure
expect.set_options(timeout=TIMEOUT_MS)

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium; without one, skip, or fail where REQUIRE_BROWSER=1 says so."""
    path = find_chromium() or install_chromium()
    if not path:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(NO_CHROMIUM, pytrace=False)
        pytest.skip(NO_CHROMIUM)
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Return the browser of this session."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> SharedContexts:
    """Return the browser's contexts."""
    return SharedContexts(browser)


@pytest.fixture(scope="session")
def house(migrated: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Return the server that tests share which only read."""
    path = tmp_path_factory.mktemp("house") / "house.db"
    shutil.copy(migrated("sqlite"), path)
    app = served_app(f"sqlite:///{path}")
    with app.app_context():
        house = House(app)
        db.session.remove()
    yield house
    house.stop()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def cookies(browser: Browser, house: House) -> Callable[[str], Any]:
    """Return a function that gives somebody's cookies after signing in, which happens once."""
    kept: dict[str, Any] = {}

    def cookies_of(email: str) -> Any:
        if email not in kept:
            context = browser.new_context(base_url=house.url)
            sign_in(context.new_page(), email, at="/")
            kept[email] = {"cookies": context.cookies(), "origins": []}
            context.close()
        return kept[email]

    return cookies_of


@pytest.fixture
def app(database: str) -> Iterator[Flask]:
    """Return an application of this test's own."""
    app = served_app(database)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def port() -> int:
    """Return the port of the servers that tests have of their own, so that they may share a context."""
    return free_port()


def free_port(wanted: int = 0) -> int:
    """Return the port that is wanted if nobody has it, else any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
        return int(probe.getsockname()[1])


@pytest.fixture
def server(app: Flask, port: int) -> Iterator[Server]:
    """Return a running server of this test's own, for what would disturb others."""
    server = Server(app, free_port(port))
    yield server
    server.stop()


class Complaints:
    """What the browser wrote to its console that a developer would have to look at."""

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._expected: list[str] = []

    def expect(self, words: str) -> None:
        """Let a complaint pass that holds these words: ``"status of 422"``."""
        self._expected.append(words)

    def listen(self, context: BrowserContext) -> None:
        """Hear the console and the uncaught errors of every page of a context."""
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)

    def ignore(self, context: BrowserContext) -> None:
        """Hear no more of a context: what comes is another test's."""
        context.remove_listener("console", self._on_console)
        context.remove_listener("weberror", self._on_error)

    def unexpected(self) -> list[str]:
        """Return what no test expected."""
        return [line for line in self._heard if not any(words in line for words in self._expected)]

    def _on_error(self, error: WebError) -> None:
        self._heard.append(f"uncaught: {error.error}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._heard.append(f"{message.type}: {message.text} ({message.location.get('url')})")


@pytest.fixture
def complaints() -> Complaints:
    """Return the browser's complaints, for a test that expects one."""
    return Complaints()


@pytest.fixture
def open_page(contexts: SharedContexts, complaints: Complaints) -> Iterator[Visit]:
    """Return a function that opens a page, each in a context that no other page of the test is in."""
    lent: list[BrowserContext] = []

    def open_one(server: Server, width: int = WINDOW["width"], **options: Any) -> Page:
        context = contexts.lend(server.url, **options)
        lent.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        complaints.listen(context)
        page = context.new_page()
        if width != WINDOW["width"]:
            page.set_viewport_size({**WINDOW, "width": width})
        return page

    yield open_one
    for context in lent:
        complaints.ignore(context)
        contexts.take_back(context)
    assert not complaints.unexpected()


@pytest.fixture
def page(server: Server, open_page: Visit) -> Page:
    """Return a page on this test's own server, which ends after it; nobody is signed in."""
    return open_page(server)


@pytest.fixture
def visit(open_page: Visit, house: House, cookies: Callable[[str], Any]) -> Visit:
    """Return a function that opens a path of the shared server as somebody, or as nobody.

    A path of None opens nothing yet, for a test that wants to listen first.
    """

    def visit(path: str | None = TIMELINE, email: str | None = OWNER, **options: Any) -> Page:
        page = open_page(house, storage_state=cookies(email) if email else None, **options)
        if path:
            page.goto(path)
        return page

    return visit
