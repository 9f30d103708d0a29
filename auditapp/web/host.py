"""The Host header, which Flask builds its URLs from: a malformed one is refused before Flask reads it."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?")


def init_app(app: Flask) -> None:
    """Check the Host header of every request, behind proxies the forwarded one."""
    inner = app.wsgi_app

    def check(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST")
        if host is None or (len(host) <= 260 and HOST.fullmatch(host)):
            return inner(environ, start_response)
        return Response("The Host header is malformed.\n", 400, mimetype="text/plain")(
            environ, start_response
        )

    app.wsgi_app = check  # type: ignore[method-assign]
