"""Error pages that say what happened and what to do; as fragments, the message in its place."""

import logging
from typing import Any

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from auditapp.access.gate import AccessDenied
from auditapp.extensions import db, login_manager
from auditapp.web.fragments import wants_fragment

RETRY_AFTER_SECONDS = 5
log = logging.getLogger(__name__)

TEXTS = {
    400: ("That request could not be read", "Go back, reload the page and try once more."),
    404: (
        "There is nothing here",
        "The address may be mistyped, or what it names belongs to another workspace.",
    ),
    405: ("That is not possible here", "This address does not take that kind of request."),
    413: ("That was too much at once", "Send less than 10 MiB."),
    500: ("Something went wrong on our side", "It has been logged. Please try again."),
}


def init_app(app: Flask) -> None:
    """Register the error pages and the way to the sign-in page."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(AccessDenied, _denied)
    app.register_error_handler(CSRFError, _stale_form)
    for error in (OperationalError, InterfaceError, PoolTimeout, DatabaseError):
        app.register_error_handler(error, _no_database)
    app.register_error_handler(Exception, _unexpected)
    login_manager.unauthorized_handler(send_to_sign_in)


def send_to_sign_in() -> ResponseReturnValue:
    """Redirect to the sign-in page and back afterwards; htmx is told by header, since fetch would
    follow a redirect and swap the sign-in page into the results."""
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    target = url_for("auth.login", next=here)
    if wants_fragment():
        return Response(status=401, headers={"HX-Redirect": target})
    return redirect(target, 302 if request.method == "GET" else 303)


def error_page(status: int, title: str, advice: str, **context: Any) -> Response:
    """Render an error as a page or a fragment. Asks the database nothing: it may be the error."""
    template = "errors/_error.html" if wants_fragment() else "errors/error.html"
    return make_response(
        render_template(template, status=status, title=title, advice=advice, **context), status
    )


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    title, advice = TEXTS.get(error.code, (error.name, error.description or ""))
    response = error_page(error.code, title, advice)
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def _denied(error: AccessDenied) -> ResponseReturnValue:
    return error_page(
        403,
        f"You may not {error.right}",
        f"Your role here is {error.viewer.role_name}."
        f" An owner of {error.viewer.workspace.name} can change that.",
    )


def _stale_form(_error: CSRFError) -> ResponseReturnValue:
    return error_page(400, "This form is no longer valid", "Go back, reload the page, and send it once more.")


def _no_database(error: Exception) -> ResponseReturnValue:
    """Only what means "locked or gone" is 503; a mistake in our SQL is a 500 like any other."""
    if not is_unavailable(error):
        return _unexpected(error)
    db.session.rollback()
    log.error("database unavailable: %s", error)
    response = error_page(
        503,
        "The database does not answer just now",
        "Nothing was changed. Please try again in a few seconds.",
    )
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def is_unavailable(error: Exception) -> bool:
    """Tell a database that is locked, gone or broken from a mistake in a statement."""
    # DatabaseError itself, no subclass: SQLite says so of a file that is none of its own.
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout) or type(error) is DatabaseError


def _unexpected(error: Exception) -> ResponseReturnValue:
    db.session.rollback()
    log.error("unexpected error on %s %s", request.method, request.path, exc_info=error)
    return error_page(500, *TEXTS[500])
