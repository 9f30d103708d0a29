"""Somebody who reads pages of a served application."""

import re
from typing import Any
from urllib.parse import urlencode

from tests.conftest import PASSWORD
from tests.faults.serving import Answer, Served

TIMELINE = "/w/acme/timeline"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Reader:
    """The auditor of acme, signed in."""

    def __init__(self, server: Served) -> None:
        self._server = server
        form = server.ask("GET", "/login")
        token = re.search(rb'name="csrf_token" value="([^"]+)"', form.text)[1].decode()
        body = urlencode(
            {"email": "auditor@acme.example", "password": PASSWORD, "csrf_token": token}
        ).encode()
        cookie = _cookies(form)
        signed_in = server.ask("POST", "/login", body, Cookie=cookie, **FORM)
        assert signed_in.status == 303, signed_in.text
        self._cookie = _cookies(signed_in)

    def read(self, path: str = TIMELINE) -> Answer:
        """Return a page."""
        return self._server.ask("GET", path, Cookie=self._cookie)


def _cookies(answer: Any) -> str:
    return "; ".join(each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie"))
