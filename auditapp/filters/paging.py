"""``before``, ``after``, ``limit``, ``group``: which page of a filter, and what a row of it is."""

import re
from typing import Any

from auditapp.filters.cursor import STALE, Cursor
from auditapp.filters.parameter import Reader, Single
from auditapp.values.strict_json import shorten

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
STORY = "story"


class _Place(Single):
    values = "opaque places in the log, as the page's own links have them"

    def read(self, text: str, reader: Reader) -> Cursor:
        """Read a place of one of the workspace's pages."""
        if reader.places is None:
            raise ValueError(STALE)
        return reader.places.read(text)

    def schema(self) -> dict[str, Any]:
        """Return the schema of a text."""
        return {"type": "string"}


class Before(_Place):
    """The place that a page of older events begins at."""

    name = "before"
    description = "A place in the log, out of a next link."


class After(_Place):
    """The place that a page of newer events begins at."""

    name = "after"
    description = "A place in the log, out of a link."


class Group(Single):
    """What a row stands for, where that is not an event."""

    name = "group"
    description = "The earliest match of each correlation."
    values = "`story`: one row for each correlation, at the earliest of its events that match"

    def read(self, text: str, reader: Reader) -> str:
        """Read ``story``."""
        if text != STORY:
            raise ValueError(f"{shorten(text)} is no way to group; there is {STORY}")
        return text

    def schema(self) -> dict[str, Any]:
        """Return the schema of its one value."""
        return {"type": "string", "enum": [STORY]}


class Limit(Single):
    """How many rows a page has."""

    name = "limit"
    description = "Events a page."
    values = f"events a page, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} by default"

    def read(self, text: str, reader: Reader) -> int:
        """Read a number."""
        if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_LIMIT:
            raise ValueError(f"{shorten(text)} is no number from 1 to {MAX_LIMIT}")
        return int(text)

    def schema(self) -> dict[str, Any]:
        """Return the schema of a number."""
        return {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
