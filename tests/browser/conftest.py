"""A real Chromium against a real server: one browser a session, one context a test.

No page may complain: whatever the browser writes to its console fails the test at its end.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from auditapp.extensions import db
from tests.browser.house import House, Server, served_app
from tests.browser.install import NO_CHROMIUM, find_chromium, install_chromium
from tests.browser.steps import OWNER, TIMELINE, sign_in

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-gpu"]
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


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    """Return a running server of this test's own, for what would disturb others."""
    server = Server(app)
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
        context.on("weberror", lambda error: self._heard.append(f"uncaught: {error.error}"))

    def unexpected(self) -> list[str]:
        """Return what no test expected."""
        return [line for line in self._heard if not any(words in line for words in self._expected)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._heard.append(f"{message.type}: {message.text} ({message.location.get('url')})")


@pytest.fixture
def complaints() -> Complaints:
    """Return the browser's complaints, for a test that expects one."""
    return Complaints()


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[Visit]:
    """Return a function that opens a page in a browser of its own."""
    contexts: list[BrowserContext] = []

    def open_one(server: Server, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": 800},
            reduced_motion="reduce",  # a colour half way through its transition is no colour to judge
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        complaints.listen(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
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
