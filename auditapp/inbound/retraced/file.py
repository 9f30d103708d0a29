"""Files of Retraced's events: an array, an object a line, or a bulk request a line."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, BinaryIO

from auditapp.inbound.files.json_stream import Element, FileError, elements, fault
from auditapp.inbound.files.jsonl import NEEDS_OCCURRED_AT, Occurrences
from auditapp.inbound.importing import Row
from auditapp.inbound.mapping import digest_of
from auditapp.inbound.retraced.events import documents_in, event_of, has_id, numbered
from auditapp.log import EventError


class Retraced:
    """The reader of ``--format retraced``.

    Equal events without an id are told apart by their number in the file, as ``--format jsonl`` does.
    The first has the key of a webhook, so that what came both ways is recorded once.
    """

    paths: Mapping[str, str] = {}  # said in Retraced's words already
    known_by_payload = True
    learns = False

    def rows(self, file: BinaryIO) -> Iterator[Row | FileError]:
        """Yield each event."""
        with closing(Occurrences()) as occurrences:
            for element in elements(file):
                try:
                    documents = _documents(element)
                except FileError as error:
                    yield error
                    continue
                size = len(element.text) // len(documents)
                for place, document in documents:
                    yield _row(place, document, size, occurrences)


def _row(place: str, document: object, size: int, occurrences: Occurrences) -> Row | FileError:
    try:
        event = _event(place, document)
    except FileError as error:
        return error
    if not has_id(event["payload"]):
        number = occurrences.count(digest_of(event["payload"]))
        event["idempotency_key"] = numbered(event["idempotency_key"], number)
    return Row(place, event, size)


def _documents(element: Element) -> list[tuple[str, object]]:
    value = element.value()
    try:
        documents = documents_in(value)
    except EventError as error:
        raise fault(element.place, error.problems[0].path, error.problems[0].message) from None
    if documents == [value]:
        return [(element.place, value)]
    return [(f"{element.place}, event {number}", document) for number, document in enumerate(documents, 1)]


def _event(place: str, document: object) -> dict[str, Any]:
    try:
        event = event_of(document)
    except EventError as error:
        raise fault(place, error.problems[0].path, error.problems[0].message) from None
    if event["occurred_at"] is None:
        raise fault(place, "created", NEEDS_OCCURRED_AT)
    return event
