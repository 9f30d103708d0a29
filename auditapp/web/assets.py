"""Static files: public, compressed once and well, named by their content so that browsers keep them for good.

A stylesheet that imports others is sent as one: each ``@import url("x.css") layer(y);``, on its own line,
gives way to what it names. So a page waits for one stylesheet, however many files it is written in.
"""

import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import brotli
from flask import Flask, Response, abort, request
from werkzeug.security import safe_join

from auditapp.http.gates import public

KEPT_SECONDS = 365 * 24 * 3600
_IMPORT = re.compile(r'^@import url\("([^"]+)"\) layer\(([\w-]+)\);$', re.MULTILINE)
# What is for who reads the file. A text may hold the marks of a comment, and is left alone.
_NOTES = re.compile(r'("(?:[^"\\]|\\.)*")|/\*.*?\*/|\n\s*', re.DOTALL)


class Asset(NamedTuple):
    """A static file as it is sent."""

    body: bytes
    compressed: bytes  # by brotli
    digest: str


def init_app(app: Flask) -> None:
    """Serve static files, and version their URLs."""
    folder = app.static_folder or ""

    def static(filename: str) -> Response:
        path = safe_join(folder, filename)
        if path is None or not Path(path).is_file():
            abort(404)
        return _response(filename, _asset(path, _changed(folder, app.debug)))

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "filename" in values:
            path = str(Path(folder, values["filename"]))
            values["v"] = _asset(path, _changed(folder, app.debug)).digest

    app.view_functions["static"] = public(static)


def _response(filename: str, asset: Asset) -> Response:
    is_brotli = request.accept_encodings["br"] >= max(request.accept_encodings["gzip"], 0.001)
    response = Response(
        asset.compressed if is_brotli else asset.body,
        mimetype=mimetypes.guess_type(filename)[0] or "application/octet-stream",
    )
    response.vary.add("Accept-Encoding")
    if is_brotli:
        response.content_encoding = "br"
    response.set_etag(f"{asset.digest}{'-br' if is_brotli else ''}")
    if "v" in request.args:
        response.cache_control.public = True
        response.cache_control.max_age = KEPT_SECONDS
        response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


def _changed(folder: str, may_change: bool) -> int:
    """Return when a static file last changed, where that is asked: while one develops."""
    return max(path.stat().st_mtime_ns for path in Path(folder).rglob("*")) if may_change else 0


@lru_cache(maxsize=64)
def _asset(path: str, _changed: int) -> Asset:
    body = joined(Path(path)).encode() if path.endswith(".css") else Path(path).read_bytes()
    return Asset(body, brotli.compress(body), hashlib.sha256(body).hexdigest()[:12])


def joined(path: Path) -> str:
    """Return a stylesheet with those that it imports in their places, short of comments and indents."""
    text = _IMPORT.sub(
        lambda match: f"@layer {match[2]}{{{joined(path.parent / match[1])}}}", path.read_text()
    )
    return _NOTES.sub(lambda match: match[1] or ("" if match[0][0] == "/" else "\n"), text)
