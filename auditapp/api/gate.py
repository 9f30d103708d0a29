"""The API's gate: a bearer key with the scope that a view asks for, and not too often."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from flask import Response, g, request

from auditapp.access.api_keys import find_key, key_use, note_use
from auditapp.access.rate import seconds_to_wait
from auditapp.access.viewer import whole_log_viewer
from auditapp.access.wal_positions import note_key_position
from auditapp.api.problems import problem
from auditapp.http.replica_reads import Reader, answer_of, let_read
from auditapp.server_log import denied


def key_required(scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let callers pass whose API key has ``scope``.

    The view finds its ``Viewer`` in ``g.viewer``, and the key as an actor in ``g.key_as_actor``.
    """

    def gate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def gated(**kwargs: Any) -> Any:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            has_token = scheme.lower() == "bearer" and bool(token.strip())
            key = find_key(token.strip()) if has_token else None
            if key is None:
                if not has_token:
                    denied("key-missing")
                return _unauthorized()
            if seconds := seconds_to_wait(f"key:{key.id}"):
                return too_many(seconds)
            if scope not in key.scopes.split():
                denied("scope", scope=scope)
                return problem(403, "Forbidden", f"This API key lacks the scope {scope}.")
            g.viewer = whole_log_viewer(key.workspace)
            g.key_as_actor = {"type": "api_key", "id": str(key.id), "name": key.name}
            used = key_use(key)
            if "events:read" in key.scopes.split():  # who only writes need not find it
                note_position = partial(note_key_position, used.workspace_id, used.id)
                let_read(Reader(used.wal_position, note_position))
            response = answer_of(view, **kwargs)
            note_use(used)  # afterwards: what was recorded must not fail with it
            return response

        gated.gate = f"key {scope}"  # type: ignore[attr-defined]
        return gated

    return gate


def _unauthorized() -> Response:
    response = problem(401, "Unauthorized", "Send a valid API key: Authorization: Bearer <api key>.")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def too_many(seconds: int) -> Response:
    """Return 429, with how long to wait."""
    response = problem(429, "Too Many Requests", f"Ask again in {seconds} seconds, or send batches.")
    response.headers["Retry-After"] = str(seconds)
    return response
