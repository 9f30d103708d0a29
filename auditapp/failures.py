"""What can go wrong anywhere, and how it is said: as a page, or below ``/api`` and ``/in`` as a problem."""

import logging
from typing import Any

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from auditapp.access.own_events import NotNoted
from auditapp.api.problems import problem
from auditapp.database.rollback import roll_back
from auditapp.index.state import IndexStaleError
from auditapp.server_log import denied
from auditapp.web.errors import error_page
from auditapp.web.gate import AccessDenied
from auditapp.web.timeline import INDEX_RETRY_SECONDS

RETRY_AFTER_SECONDS = 5
UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout)
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
    """Register what is said of every failure."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(AccessDenied, _denied)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(IndexStaleError, _no_index)
    app.register_error_handler(NotNoted, _not_noted)
    for error in (*UNAVAILABLE, DatabaseError):
        app.register_error_handler(error, _no_database)
    app.register_error_handler(Exception, _unexpected)
    # Runs before the extension's own, which fails on a connection that was lost after the answer was made:
    # what had been recorded would then be answered with 500.
    app.teardown_appcontext(lambda _error: roll_back())


def _say(status: int, title: str, advice: str) -> Response:
    if request.path.startswith(("/api/", "/in/")):
        return problem(status, title, advice)
    return error_page(status, title, advice)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    response = _say(error.code, *TEXTS.get(error.code, (error.name, error.description or "")))
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def _denied(error: AccessDenied) -> ResponseReturnValue:
    workspace, role = error.viewer.workspace.name, error.viewer.role_name
    return _say(
        403,
        f"You may not {error.right}",
        f"Your role here is {role}. An owner of {workspace} can change that.",
    )


def _stale_form(_error: CSRFError) -> ResponseReturnValue:
    denied("csrf")
    return _say(400, "This form is no longer valid", "Go back, reload the page, and send it once more.")


def _not_noted(error: Exception) -> ResponseReturnValue:
    """What leaves the log leaves a trace in it first, or stays where it is."""
    log.error("nothing was handed out", exc_info=error)
    return _later(
        "That cannot be noted in the log just now", "Nothing was handed out. Please try again later."
    )


def _later(title: str, advice: str) -> Response:
    response = _say(503, title, advice)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _no_database(error: Exception) -> ResponseReturnValue:
    """Only what means "locked or gone" is 503; a mistake in our SQL is a 500 like any other."""
    if not is_unavailable(error):
        return _unexpected(error)
    roll_back()
    log.error("the database is unavailable", exc_info=error)
    return _later(
        "The database does not answer just now", "Nothing was changed. Please try again in a few seconds."
    )


def _no_index(error: IndexStaleError) -> ResponseReturnValue:
    """Nothing is answered short: what needs the index waits until it is whole."""
    roll_back()
    response = _say(503, error.title.removesuffix("."), error.advice)
    response.headers["Retry-After"] = str(INDEX_RETRY_SECONDS)
    return response


def is_unavailable(error: Any) -> bool:
    """Tell a database that is locked, gone or broken from a mistake in a statement."""
    # DatabaseError itself, no subclass: SQLite says so of a file that is none of its own.
    return isinstance(error, UNAVAILABLE) or type(error) is DatabaseError


def _unexpected(error: Exception) -> ResponseReturnValue:
    roll_back()
    log.error("unexpected error", exc_info=error)
    return _say(500, *TEXTS[500])
