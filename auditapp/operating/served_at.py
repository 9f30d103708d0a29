"""Where this database is served, for the links that commands print: noted by the server while it runs."""

import hashlib
import os
from pathlib import Path

from auditapp.config import INSTANCE
from auditapp.extensions import setting


def absolute_outside_a_request(path: str) -> str:
    """Return a path as a link that a command prints: to the server that serves this database, if one does."""
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "5000")
    base = setting("BASE_URL") or _served_address() or f"http://{host}:{port}"
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
    database = setting("SQLALCHEMY_DATABASE_URI")
    return INSTANCE / f"address-{hashlib.sha256(database.encode()).hexdigest()[:12]}"
