"""Whole addresses of links: of ``AUDITAPP_BASE_URL``, else of the server, never of what a stranger says."""

import hashlib
import ipaddress
import os
from pathlib import Path

from flask import current_app, request

from auditapp.config import INSTANCE


def absolute(path: str) -> str:
    """Return a path of this site as a link to pass on.

    :return: the path alone where nothing that can be trusted says where the site is: the Host of a request is
        whatever its sender writes, so it counts for loopback only.
    """
    base: str = current_app.config["BASE_URL"]
    if base:
        return base + path
    return request.host_url.rstrip("/") + path if _is_loopback(request.host) else path


def asked_address(path: str) -> str:
    """Return a path as an address for whoever asks, who came by the Host that they say."""
    return (current_app.config["BASE_URL"] or request.host_url.rstrip("/")) + path


def absolute_outside_a_request(path: str) -> str:
    """Return a path as a link that a command prints: to the server that serves this database, if one does."""
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "5000")
    base = current_app.config["BASE_URL"] or _served_address() or f"http://{host}:{port}"
    return f"{base}{path}"


def remember_server(address: str) -> None:
    """Note for commands where this database is served."""
    with os.fdopen(os.open(_address_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(address)


def forget_server() -> None:
    """Note that the database is not served any more."""
    _address_file().unlink(missing_ok=True)


def _served_address() -> str:
    file = _address_file()
    return file.read_text().strip() if file.exists() else ""


def _address_file() -> Path:
    database = current_app.config["SQLALCHEMY_DATABASE_URI"]
    return INSTANCE / f"address-{hashlib.sha256(database.encode()).hexdigest()[:12]}"


def _is_loopback(host: str) -> bool:
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name.lower() in {"localhost", "localhost."}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
