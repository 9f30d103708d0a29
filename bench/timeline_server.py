"""Time to the first byte of the whole page, from the server that ``make run`` starts, over loopback."""

import re
import statistics
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode

from bench.servers import http_server
from bench.timeline_ask import Figure
from bench.timeline_bases import EMAIL, PASSWORD, SLUG

GROUP = "first byte of the page"
QUERIES = (
    (),
    (("actor", "user-0"), ("event", "deal.updated")),
    (("entity", "deal"), ("origin", "api")),
    (("q", "cobalt"),),
)


class Browser:
    """As much of a browser as signing in takes, on one connection."""

    def __init__(self, port: int, email: str = EMAIL, password: str = PASSWORD) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.email, self.password = email, password
        self.cookies: dict[str, str] = {}

    @property
    def cookie(self) -> str:
        """Return the header that says who asks."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None
    ) -> tuple[HTTPResponse, str, float]:
        """Ask for a page; return the answer, its text, and the seconds until its first byte."""
        headers = {"Cookie": self.cookie}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self.connection.request(method, path, urlencode(form) if form else None, headers)
        answer = self.connection.getresponse()
        start = answer.read(1)
        seconds = time.perf_counter() - began
        text = (start + answer.read()).decode()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer, text, seconds

    def sign_in(self) -> None:
        """Sign in as the owner."""
        _, text, _ = self.ask("GET", "/login")
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)
        token = found[1] if found else ""
        answer, text, _ = self.ask(
            "POST", "/login", {"email": self.email, "password": self.password, "csrf_token": token}
        )
        if answer.status not in (302, 303):
            raise SystemExit(f"signing in: {answer.status} {text[:300]}")


def first_bytes(url: str, times: int) -> Iterator[Figure]:
    """Time the page, warm."""
    with http_server(url) as port:
        browser = Browser(port)
        browser.sign_in()
        for query in QUERIES:
            path = f"/w/{SLUG}/timeline" + (f"?{urlencode(sorted(query))}" if query else "")
            taken = []
            for number in range(times + 5):
                answer, text, seconds = browser.ask("GET", path)
                if answer.status != 200:
                    raise SystemExit(f"{path}: {answer.status} {text[:300]}")
                if number >= 5:
                    taken.append(seconds)
            middle = statistics.median(taken) * 1000
            label = " ".join(f"{name}={value}" for name, value in query) or "unfiltered"
            yield Figure(GROUP, label, 1, middle, middle, text.count("<time"))
