"""Static files: public, and named by their content so that browsers may keep them for good."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from auditapp.http.gates import public


def init_app(app: Flask) -> None:
    """Version the URLs of static files and let browsers keep them."""
    app.view_functions["static"] = public(_keep_for_good(app.view_functions["static"]))
    folder = Path(app.static_folder or "")

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "filename" in values:
            values["v"] = _version(folder / values["filename"], app.debug)


def _keep_for_good(view: Any) -> Any:
    def static(**kwargs: Any) -> Response:
        response: Response = view(**kwargs)
        # Compressed in the pieces that a file is read in, it would be a tenth larger.
        response.direct_passthrough = False
        response.make_sequence()
        if "v" in request.args:
            response.cache_control.public = True
            response.cache_control.max_age = 365 * 24 * 3600
            response.cache_control.immutable = True
            response.cache_control.no_cache = None
        return response

    return static


def _version(path: Path, fresh: bool) -> str:
    return _digest(path, path.stat().st_mtime_ns if fresh else 0)


@lru_cache(maxsize=64)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
