"""What no eye should have to find on a page: see :func:`faults`."""

from pathlib import Path

from playwright.sync_api import Page

from tests.browser.steps import sideways

FIND = Path(__file__).with_suffix(".js").read_text()


def faults(page: Page) -> list[str]:
    """Return what is wrong with the layout of a page as it stands, in words."""
    wider = sideways(page)
    return [*([f"{wider} pixels wider than the window"] if wider > 0 else []), *page.evaluate(FIND)]
