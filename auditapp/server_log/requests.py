"""One line a request, its id, and the last place where what went wrong is still said in one line."""

import ipaddress
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from flask import Flask, request

from auditapp.server_log.facts import denied, identify, is_denial_said, telling

ACCESS = logging.getLogger("auditapp.access")
# A caller's or a proxy's own, where it can be nothing but an id.
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{7,127}")
METHOD = re.compile(r"[A-Z]{1,20}")
# What an answer says by its status, where nobody has said why.
REASONS = {401: "not-signed-in", 403: "forbidden", 404: "not-found", 429: "too-many-requests"}
ASKED_OFTEN = {"/healthz", "/readyz", "/metrics"}
BROKEN = b"Something went wrong on our side. It has been logged.\n"

Start = Callable[..., Any]


class Answered(NamedTuple):
    """What is known of a request once its answer has ended.

    :ivar method: None where it is no method.
    :ivar endpoint: the name of the view; None where there is none for the path.
    :ivar status: 0 where it ended before there was one.
    """

    method: str | None
    endpoint: str | None
    status: int
    seconds: float


Observer = Callable[[Answered], None]


class BrokenOff(Exception):
    """An answer ended before its end; what for is in the log."""


def init_app(app: Flask, observe: Observer) -> None:
    """Log every request. Called last: nothing may answer before it.

    :param observe: is told of each, too.
    """
    # First of all, so that a request that a form's token stops has its route too.
    app.before_request_funcs.setdefault(None, []).insert(0, _tell_route)
    app.wsgi_app = _Logged(app.wsgi_app, observe)  # type: ignore[method-assign]
    app.log_exception = _log_exception  # type: ignore[method-assign]


def _tell_route() -> None:
    route = request.url_rule.rule if request.url_rule else None
    identify(route=route, _endpoint=request.endpoint, _address=_address(request.remote_addr))


def _log_exception(exc_info: Any) -> None:
    """Flask's own line has the path in it, which may be a one-time link."""
    ACCESS.error("unexpected error", exc_info=exc_info)


def _address(text: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return None


class _Logged:
    """The application, with a line in the log after each answer."""

    def __init__(self, inner: Callable[[dict[str, Any], Start], Iterable[bytes]], observe: Observer) -> None:
        self._inner, self._observe = inner, observe

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        answer = _Answer(environ, start_response, self._observe)
        with telling(answer.facts):
            try:
                answer.body = self._inner(environ, answer.start)
            except Exception:
                ACCESS.exception("unexpected error")
                headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(BROKEN)))]
                answer.start("500 Internal Server Error", headers)
                answer.body = [BROKEN]
        return answer


class _Answer:
    """One answer's body, counted as it is sent; at its end comes the line."""

    def __init__(self, environ: dict[str, Any], start_response: Start, observe: Observer) -> None:
        self._observe = observe
        sent, method = environ.get("HTTP_X_REQUEST_ID", ""), environ.get("REQUEST_METHOD", "")
        self.facts: dict[str, Any] = {
            "request_id": sent if REQUEST_ID.fullmatch(sent) else uuid4().hex,
            "method": method if METHOD.fullmatch(method) else None,
            "_address": _address(environ.get("REMOTE_ADDR")),
        }
        self.body: Iterable[bytes] = ()
        self._start_response, self._began = start_response, time.perf_counter()
        self._status, self._bytes, self._is_over = 0, 0, False
        self._pieces: Iterator[bytes] | None = None

    def start(self, status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        self._status = int(status.split(" ", 1)[0])
        return self._start_response(status, [*headers, ("X-Request-ID", self.facts["request_id"])], *more)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with telling(self.facts):
            try:
                if self._pieces is None:
                    self._pieces = iter(self.body)
                piece = next(self._pieces)
            except StopIteration:
                self._log()
                raise
            except Exception:
                ACCESS.exception("the answer broke off")
                raise BrokenOff from None
        self._bytes += len(piece)
        return piece

    def close(self) -> None:
        with telling(self.facts):
            try:
                if close := getattr(self.body, "close", None):
                    close()
            except Exception:
                ACCESS.exception("the answer broke off")
            self._log()

    def _log(self) -> None:
        """Write the line, once: at the body's end, or where it is left before."""
        if self._is_over:
            return
        self._is_over = True
        seconds = time.perf_counter() - self._began
        endpoint = self.facts.get("_endpoint")
        self._observe(Answered(self.facts["method"], endpoint, self._status, seconds))
        route = self.facts.get("route")
        if route in ASKED_OFTEN and self._status == 200:
            return  # asked for every few seconds, and to be answered whatever stderr does
        reason = REASONS.get(self._status)
        if reason and route and not is_denial_said(self.facts) and not route.startswith("/static/"):
            denied(reason)
        took = round(seconds * 1000, 1)
        ACCESS.info("request", extra={"fields": {"status": self._status, "ms": took, "bytes": self._bytes}})
