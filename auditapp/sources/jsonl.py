"""Events as contract §5 has them for senders, one a line.

Repeating a file adds nothing, though its lines may have no ``idempotency_key``: such a line gets one made
of its content and its number among the equal lines of the file. Two equal lines are then two events,
the same file again none, a file that has grown only its new lines, and a line of another file that
is equal to one recorded before counts as that one. Order of keys and white space make no difference.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, BinaryIO

import orjson

from auditapp.log.strict_json import problems_of
from auditapp.sources.importing import Row
from auditapp.sources.json_stream import Element, fault, lines

NEEDS_OCCURRED_AT = "is required in a file; without it, importing the file twice would give two times"


class Jsonl:
    """The reader of ``--format jsonl``."""

    paths: Mapping[str, str] = {}
    known_by_payload = False

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """Yield each line as an event.

        :raise FileError: if a line is no JSON object or has no ``occurred_at``.
        """
        with closing(Occurrences()) as occurrences:
            for element in lines(file):
                event = _checked(element)
                if event.get("idempotency_key") is None:
                    event["idempotency_key"] = _derived_key(event, occurrences)
                yield Row(element.place, event, len(element.text))


def _checked(element: Element) -> dict[str, Any]:
    event = element.value()
    if not isinstance(event, dict):
        raise fault(element.place, "", "must be a JSON object")
    # Before anything is hashed: lone surrogates have no bytes.
    for path, message in problems_of(event):
        raise fault(element.place, path, message)
    if event.get("occurred_at") is None:
        raise fault(element.place, "occurred_at", NEEDS_OCCURRED_AT)
    return event


def _derived_key(event: Mapping[str, Any], occurrences: "Occurrences") -> str:
    digest = hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS))
    return f"jsonl:{digest.hexdigest()}:{occurrences.count(digest.digest())}"


class Occurrences:
    """Counts equal lines, on disk: the lines of a file may be more than memory holds."""

    def __init__(self) -> None:
        # The empty name is a private database that SQLite spills to a temporary file and deletes.
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE line (digest BLOB PRIMARY KEY, times INTEGER) WITHOUT ROWID")

    def count(self, digest: bytes) -> int:
        """Return how many times this digest has come so far, from 1."""
        query = (
            "INSERT INTO line VALUES (?, 1)"
            " ON CONFLICT (digest) DO UPDATE SET times = times + 1 RETURNING times"
        )
        [(times,)] = self._database.execute(query, (digest,)).fetchall()
        return int(times)

    def close(self) -> None:
        """Delete the counts."""
        self._database.close()
