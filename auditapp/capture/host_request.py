"""The request at hand, whichever Flask application is answering it."""

import ipaddress
from typing import Any

from flask import has_request_context, request


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


def request_context() -> dict[str, Any]:
    """Return ``ip`` and ``user_agent`` of the request at hand, as far as they are known."""
    context: dict[str, Any] = {}
    if address := _address():
        context["ip"] = address
    if agent := request.user_agent.string.replace("\x00", "")[:512]:
        context["user_agent"] = agent
    return context


def _address() -> str | None:
    """Return the caller's IP address, or None where the server knows none (a Unix socket)."""
    try:
        return str(ipaddress.ip_address(request.remote_addr or ""))
    except ValueError:
        return None
