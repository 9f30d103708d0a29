"""Who calls: address and person behind the request at hand, for limits and Auditapp's own events."""

import ipaddress
from typing import Any

from flask import g, has_request_context
from flask_login import current_user

from auditapp.access.own_events import FrontDoor, ask_about_requests, person
from auditapp.capture.host_request import request_context


def init_app() -> None:
    """Let own events be noted with the request that they come from."""
    ask_about_requests(FrontDoor(context=_context, actor=_signed_in))


def _context() -> dict[str, Any] | None:
    return request_context() if has_request_context() else None


def _signed_in() -> dict[str, Any] | None:
    """Return the member whom a gate let in as an event's actor."""
    viewer = g.get("viewer") if has_request_context() else None
    if viewer is None or viewer.member_id is None or not current_user.is_authenticated:
        return None
    return person(current_user.account, viewer.member_id)


def client_network() -> str | None:
    """Return what of the caller's address is one caller: of IPv6 the network of 64 bits that each has."""
    address: str | None = request_context().get("ip")
    if address is None or ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
