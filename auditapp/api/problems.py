"""Errors as ``application/problem+json`` (RFC 9457)."""

from dataclasses import asdict
from typing import Any

import orjson
from flask import Response

from auditapp.filters import FilterError
from auditapp.log import EventError, IdempotencyConflict

# A batch may hold thousands of faults; the first ones will do, and the rest is counted.
MAX_ERRORS = 100


def problem(status: int, title: str, detail: str = "", **more: Any) -> Response:
    """Return an error: a short title, and a sentence that says what to do."""
    body = {"type": "about:blank", "title": title, "status": status, **({"detail": detail} if detail else {})}
    return Response(orjson.dumps({**body, **more}), status, content_type="application/problem+json")


def refused(error: EventError) -> Response:
    """Return what is wrong with the events that were sent: 409 for a key used before, else 422."""
    status, title = (
        (409, "Conflict") if isinstance(error, IdempotencyConflict) else (422, "Unprocessable Content")
    )
    errors = [asdict(fault) for fault in error.problems[:MAX_ERRORS]]
    more = len(error.problems) - len(errors)
    detail = f"Nothing was recorded. {error}" + (f" (and {more:,} more problems)" if more else "")
    return problem(status, title, detail, errors=errors)


def refused_parameters(error: FilterError) -> Response:
    """Return what is wrong with a query string, by parameter."""
    errors = [{"path": name, "message": message} for name, message in error.problems.items()]
    return problem(422, "Unprocessable Content", str(error), errors=errors)
