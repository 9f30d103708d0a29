"""The Host header: refused before Flask reads it where it is malformed, or another than the site's own."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response

from auditapp.config import HOST
from auditapp.server_log import denied

# Load balancers ask for these by an address of their own, and agents on this machine by a loopback one.
ANY_HOST = {"/healthz", "/readyz", "/metrics"}
DEFAULT_PORTS = (":80", ":443")


def init_app(app: Flask) -> None:
    """Check the Host header of every request, behind proxies the forwarded one."""
    inner = app.wsgi_app

    def check(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        problem = _problem(environ, app.config["BASE_URL"])
        if problem is None:
            return inner(environ, start_response)
        denied("host")
        return Response(f"{problem}\n", 400, mimetype="text/plain")(environ, start_response)

    app.wsgi_app = check  # type: ignore[method-assign]


def _problem(environ: dict[str, Any], base: str) -> str | None:
    host = environ.get("HTTP_HOST")
    if host is not None and (len(host) > 260 or not HOST.fullmatch(host)):
        return "The Host header is malformed."
    if base and environ["PATH_INFO"] not in ANY_HOST and _name(host or "") != _name(base.partition("://")[2]):
        return f"This site is {base}; nothing is answered under another name."
    return None


def _name(host: str) -> str:
    """Return a host as it is compared: in lower case, without a default port and a dot at its end."""
    host = host.lower()
    for port in DEFAULT_PORTS:
        host = host.removesuffix(port)
    name, colon, port = host.partition(":") if not host.startswith("[") else (host, "", "")
    return f"{name.removesuffix('.')}{colon}{port}"
