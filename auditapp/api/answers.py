"""Answers that are JSON."""

from collections.abc import Sequence

import orjson
from flask import Response

from auditapp.log import Recorded


def json_answer(value: object, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(orjson.dumps(value), status, content_type="application/json")


def recorded_answer(recorded: Sequence[Recorded]) -> Response:
    """Return where events ended up: 201, or 200 if all had been recorded before."""
    events = [{"id": str(event.id), "duplicate": event.duplicate} for event in recorded]
    return json_answer({"events": events}, 200 if all(event.duplicate for event in recorded) else 201)
