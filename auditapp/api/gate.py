"""The API's gate: a bearer key with the scope that a view asks for."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g, request

from auditapp.access.api_keys import find_key, note_use
from auditapp.access.viewer import whole_log_viewer
from auditapp.api.problems import problem


def key_required(scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let callers pass whose API key has ``scope``; the view finds its ``Viewer`` in ``g.viewer``."""

    def gate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def gated(**kwargs: Any) -> Any:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            key = find_key(token.strip()) if scheme.lower() == "bearer" else None
            if key is None:
                response = problem(
                    401, "Unauthorized", "Send a valid API key: Authorization: Bearer <api key>."
                )
                response.headers["WWW-Authenticate"] = "Bearer"
                return response
            if scope not in key.scopes.split():
                return problem(403, "Forbidden", f"This API key lacks the scope {scope}.")
            g.viewer = whole_log_viewer(key.workspace)
            note_use(key)
            return view(**kwargs)

        gated.gate = f"key {scope}"  # type: ignore[attr-defined]
        return gated

    return gate
