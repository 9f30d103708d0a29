"""Errors as ``application/problem+json`` (RFC 9457)."""

from typing import Any

import orjson
from flask import Response


def problem(status: int, title: str, detail: str = "", **more: Any) -> Response:
    """Return an error: a short title, and a sentence that says what to do."""
    body = {"type": "about:blank", "title": title, "status": status, **({"detail": detail} if detail else {})}
    return Response(orjson.dumps({**body, **more}), status, content_type="application/problem+json")
