"""A test client that checks every page it fetches: valid HTML, a title, no id twice."""

from contextvars import Context
from typing import Any, ClassVar

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.html import check_html

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
