"""Error pages that say what happened and what to do; as fragments, the message in its place."""

from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from auditapp.extensions import login_manager
from auditapp.server_log import denied
from auditapp.web.fragments import wants_fragment

# What a page asks for by itself is no place to come back to: the page is.
PARTS = ("overview", "news")


def init_app(app: Flask) -> None:
    """Send whoever is not signed in to the sign-in page."""
    login_manager.unauthorized_handler(send_to_sign_in)


def send_to_sign_in() -> ResponseReturnValue:
    """Redirect to the sign-in page and back afterwards; htmx is told by header, since fetch would
    follow a redirect and swap the sign-in page into the results."""
    denied("not-signed-in")
    here = _address() if request.method == "GET" else None
    if wants_fragment() and request.blueprint in PARTS:
        here = _local(request.headers.get("HX-Current-URL", "")) or here
    target = url_for("auth.login", next=here)
    if wants_fragment():
        return Response(status=401, headers={"HX-Redirect": target})
    return redirect(target, 302 if request.method == "GET" else 303)


def _address() -> str:
    """Return the path and query of the request, written as an address: its path has been decoded."""
    query = request.query_string.decode("latin-1")
    return quote(request.path) + (f"?{query}" if query else "")


def _local(url: str) -> str:
    """Return a URL without its host; nothing of what is no URL."""
    try:
        page = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit(("", "", page.path, page.query, ""))


def error_page(status: int, title: str, advice: str, **context: Any) -> Response:
    """Render an error as a page or a fragment. Asks the database nothing: it may be the error."""
    template = "errors/_error.html" if wants_fragment() else "errors/error.html"
    return make_response(
        render_template(template, status=status, title=title, advice=advice, **context), status
    )
