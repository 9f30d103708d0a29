"""A test client that checks every page it fetches: valid HTML, a title, no id twice."""

from collections import Counter
from contextvars import Context
from typing import Any, ClassVar

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


class CheckingClient(FlaskClient):
    """Fails the test that fetches a broken page, whatever the test is about."""

    # What a test leaves unread is closed at its end. Closed by the garbage collector, a download would end
    # the transaction of whatever test runs by then.
    streamed: ClassVar[list[TestResponse]] = []

    @classmethod
    def close_streamed(cls) -> None:
        """Close the answers that came in pieces."""
        while cls.streamed:
            cls.streamed.pop().close()

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        # In a context of its own: inside the test's application context, Flask would share ``g``
        # between requests, and with it who is signed in.
        response = Context().run(super().open, *args, **kwargs)
        if response.is_streamed:
            self.streamed.append(response)
        if response.mimetype == "text/html" and response.status_code not in (301, 302, 303):
            check_html(response.text)
        return response


def check_html(text: str) -> None:
    """Assert that a page or fragment is well-formed and that no id occurs twice."""
    whole = "<html" in text
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    document = parser.parse(text) if whole else parser.parseFragment(text)
    # html5lib does not know <hx-partial>'s own rules, and needs none: it is an unknown element.
    errors = [f"{position}: {code} {detail}" for position, code, detail in parser.errors]
    assert not errors, "\n".join(errors) + "\n" + text[:3000]
    ids = Counter(element.get("id") for element in document.iter() if element.get("id"))
    assert not [name for name, count in ids.items() if count > 1], ids.most_common(3)
    if whole:
        title = document.find(".//title")
        assert title is not None and title.text.strip(), "a page needs a title"
        assert document.get("lang"), "a page needs a language"
        assert document.find(".//h1") is not None, "a page needs a heading"
