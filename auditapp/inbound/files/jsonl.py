"""Events as contract §5 has them, one a line: as senders write them, or as an export has them.

An exported event keeps the id and the times that it was given, and is known by its id.

Repeating a file adds nothing, though its lines may have no ``idempotency_key``: such a line gets one made
of its content and its number among the equal lines of the file. Two equal lines are then two events,
the same file again none, a file that has grown only its new lines, and a line of another file that
is equal to one recorded before counts as that one. Order of keys and white space make no difference.
"""

import hashlib
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

from auditapp.inbound.files.json_stream import Element, FileError, fault, lines
from auditapp.inbound.importing import Row
from auditapp.log.rows import Stamp
from auditapp.log.schema import MAX_AHEAD, parse_instant
from auditapp.values.strict_json import problems_of

NEEDS_OCCURRED_AT = "is required in a file; without it, importing the file twice would give two times"


class Jsonl:
    """The reader of ``--format jsonl``."""

    paths: Mapping[str, str] = {}
    known_by_payload = False
    learns = False

    def rows(self, file: BinaryIO) -> Iterator[Row | FileError]:
        """Yield each line as an event; a line of an export with what its server gave it."""
        with closing(Occurrences()) as occurrences:
            for element in lines(file):
                try:
                    yield _row(element, occurrences)
                except FileError as error:
                    yield error


def _row(element: Element, occurrences: "Occurrences") -> Row:
    event = _checked(element)
    if "id" in event or "recorded_at" in event:
        return Row(element.place, event, len(element.text), _stamp_of(element.place, event), clean=True)
    derived = event.get("idempotency_key") is None
    if derived:
        event["idempotency_key"] = _derived_key(event, occurrences)
    return Row(element.place, event, len(element.text), derived=derived, clean=True)


def _stamp_of(place: str, event: dict[str, Any]) -> Stamp:
    """Take out of an exported event what a server gave it. Its place in the log it gets anew."""
    event.pop("seq", None)
    try:
        uid = uuid.UUID(event.pop("id", None))
    except (TypeError, ValueError, AttributeError):
        raise fault(place, "id", "must be the UUID that the event was exported with") from None
    try:
        recorded_at = parse_instant(event.pop("recorded_at", None))
    except ValueError as error:
        raise fault(place, "recorded_at", str(error)) from None
    if recorded_at > datetime.now(UTC) + MAX_AHEAD:
        raise fault(place, "recorded_at", "lies more than five minutes ahead of the server's clock")
    return Stamp(uid, recorded_at, _claimed_by(place, event))


def _claimed_by(place: str, event: dict[str, Any]) -> dict[str, str] | None:
    context = event.get("context")
    if not isinstance(context, dict) or "claimed_by" not in context:
        return None
    claimed_by = context["claimed_by"]
    event["context"] = {name: value for name, value in context.items() if name != "claimed_by"}
    if not _is_claimant(claimed_by):
        raise fault(place, "context.claimed_by", "must be {type, id, name} of an API key or a source")
    return dict(claimed_by)


def _is_claimant(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"type", "id", "name"}
        and value["type"] in ("api_key", "source")
        and all(isinstance(part, str) and len(part) <= 512 for part in value.values())
    )


def _checked(element: Element) -> dict[str, Any]:
    event, clean = element.checked()
    if not isinstance(event, dict):
        raise fault(element.place, "", "must be a JSON object")
    # Before anything is hashed: lone surrogates have no bytes.
    if not clean:
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
