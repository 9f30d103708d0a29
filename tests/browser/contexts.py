"""Contexts of the browser, which tests use one after the other.

A context of one's own is a browser profile, a window and processes to start, and the scripts and styles to
fetch and compile again: 0.65 s of CPU time for a page, of which 0.35 s are left in a context that is there.
"""

from typing import Any

from playwright.sync_api import Browser, BrowserContext

# One process renders all pages of a site in a context: with a page that stays, it stays for the next test.
ONE_PROCESS = "--process-per-site"
WINDOW = {"width": 1280, "height": 800}


class SharedContexts:
    """A context for each address of a server, with or without JavaScript; lent to one test at a time.

    Cookies, routes and pages are taken away in between; Auditapp keeps nothing else in a browser. What may be
    cached stays cached: a test of a first visit needs a context of its own.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[tuple[str, bool], BrowserContext] = {}
        self._lent: list[BrowserContext] = []

    def lend(
        self, url: str, is_shared: bool = True, storage_state: Any = None, **options: Any
    ) -> BrowserContext:
        """Return a context: a shared one, unless that is lent already or other options are given.

        :param url: of a server of Auditapp.
        :param storage_state: cookies to begin with.
        """
        key = (url, options.get("java_script_enabled", True))
        if not is_shared or set(options) - {"java_script_enabled"} or self._contexts.get(key) in self._lent:
            return self._make(url, storage_state=storage_state, **options)
        if key not in self._contexts:
            self._contexts[key] = self._make(url, **options)
            self._contexts[key].new_page().goto("/login")  # keeps the process that renders
            self._contexts[key].clear_cookies()
        context = self._contexts[key]
        self._lent.append(context)
        if storage_state:
            context.add_cookies(storage_state["cookies"])
        return context

    def take_back(self, context: BrowserContext) -> None:
        """Close a context, or what a test left in a shared one."""
        if context not in self._lent:
            context.close()
            return
        for page in context.pages[1:]:
            page.close()
        context.unroute_all(behavior="ignoreErrors")
        context.clear_cookies()
        self._lent.remove(context)

    def _make(self, url: str, **options: Any) -> BrowserContext:
        # A colour half way through its transition is no colour to judge.
        return self._browser.new_context(base_url=url, viewport=WINDOW, reduced_motion="reduce", **options)
