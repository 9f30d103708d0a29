"""The URL converter for a record's id, which may hold any printable character."""

from urllib.parse import quote

from flask import Flask
from werkzeug.routing import PathConverter


class RecordIdConverter(PathConverter):
    """A path that may begin and end with slashes, or hold two in a row.

    Written with every special character percent-encoded: a browser would resolve ``a/../b`` before it
    asks for it, and ``a%2F..%2Fb`` it leaves alone.
    """

    regex = "(?s:.+?)"  # line ends too
    part_isolating = False

    def to_url(self, value: str) -> str:
        """Encode everything but letters, digits and ``-._~``."""
        return quote(value, safe="")


def init_app(app: Flask) -> None:
    """Make ``<record_id:…>`` known, and keep two slashes two."""
    app.url_map.converters["record_id"] = RecordIdConverter
    app.url_map.merge_slashes = False
