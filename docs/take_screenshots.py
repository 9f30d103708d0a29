"""Retake the pictures of the README from a fresh demo: ``make screenshots``.

Needs Chromium (on the PATH, or named by ``CHROMIUM``). Uses a database of its own.
"""

import os
import tempfile
import threading
from pathlib import Path

DOCS = Path(__file__).resolve().parent
os.environ["AUDITAPP_DATABASE_URL"] = f"sqlite:///{tempfile.mkdtemp()}/demo.db"

import sys  # noqa: E402

sys.path.insert(0, str(DOCS.parent))

from flask_migrate import upgrade  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

from auditapp import create_app  # noqa: E402
from auditapp.cli.demo import PASSWORD, make_demo  # noqa: E402
from auditapp.config import ROOT  # noqa: E402
from tests.browser.install import find_chromium  # noqa: E402

SIZE = {"width": 1280, "height": 860}


def main() -> None:
    """Serve the demo on a free port and take the pictures in light and dark."""
    app = create_app()
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        make_demo(0)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        for theme in ("light", "dark"):
            take(browser, f"http://127.0.0.1:{server.server_port}", theme)
        browser.close()
    server.shutdown()


def take(browser: Browser, base: str, theme: str) -> None:
    """Take the timeline with a row expanded, and a record's history."""
    context = browser.new_context(viewport=SIZE, color_scheme=theme, timezone_id="Europe/Berlin")
    page = context.new_page()
    page.goto(f"{base}/login")
    page.fill("[name=email]", "owner@demo.example")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.goto(f"{base}/w/demo/timeline?entity=deal&entity=quote")
    expand(page)
    page.screenshot(path=DOCS / f"timeline-{theme}.png")
    page.get_by_role("link", name="History of this deal").first.click()
    page.screenshot(path=DOCS / f"history-{theme}.png")
    context.close()


def expand(page: Page) -> None:
    """Open the newest change of the demo's largest deal."""
    row = page.locator("li.row[data-event='deal.updated']", has_text="Data Center Refresh").first
    row.locator("summary").first.click()
    row.locator("dl.facts").wait_for()
    page.mouse.move(0, 0)


if __name__ == "__main__":
    main()
