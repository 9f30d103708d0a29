"""The request at hand, whichever Flask application is answering it."""

from typing import Any

from flask import has_request_context, request

from auditapp.access.own_events import request_context


def host_request() -> dict[str, Any] | None:
    """Return an event's ``context`` for the request at hand, with its ``X-Request-ID``.

    :return: ``ip``, ``user_agent`` and ``request_id`` as far as they are known; None outside of a request.
    """
    if not has_request_context():
        return None
    context = request_context()
    # The header is the caller's: only what can be printed, and no more than an id may have.
    sent = "".join(char for char in request.headers.get("X-Request-ID", "") if char.isprintable())
    if cleaned := sent.strip()[:512]:
        context["request_id"] = cleaned
    return context
