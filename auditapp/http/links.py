"""Whole addresses of links: of ``AUDITAPP_BASE_URL``, never of what a stranger says."""

import ipaddress

from flask import current_app, request


def absolute(path: str) -> str:
    """Return a path of this site as a link to pass on.

    :return: the path alone where nothing that can be trusted says where the site is: the Host of a request is
        whatever its sender writes, so it counts for loopback only.
    """
    base: str = current_app.config["BASE_URL"]
    if base:
        return base + path
    return request.host_url.rstrip("/") + path if is_loopback(request.host) else path


def address_for_caller(path: str) -> str:
    """Return a path as an address for whoever asks, who came by the Host that they say."""
    return (current_app.config["BASE_URL"] or request.host_url.rstrip("/")) + path


def is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine, as seen from it."""
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name.lower() in {"localhost", "localhost."}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
