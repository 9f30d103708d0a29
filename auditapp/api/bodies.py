"""Request bodies into events: which forms are taken, how large they may be, and how they are read."""

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from auditapp.inbound.cloudevents import events as cloudevents
from auditapp.inbound.cloudevents import modes as cloudevents_http
from auditapp.inbound.files.unzipped import GzipError, TooLarge, inflated
from auditapp.log import EventError, Problem
from auditapp.log.schema import MAX_BATCH, MAX_BATCH_BYTES
from auditapp.values.strict_json import JsonError, loads_checked, shorten

JSON, NDJSON = "application/json", "application/x-ndjson"
CLOUDEVENT, CLOUDEVENTS = "application/cloudevents+json", "application/cloudevents-batch+json"
TYPES = (JSON, NDJSON, CLOUDEVENT, CLOUDEVENTS)


class Unsupported(UnsupportedMediaType):
    """A form of body that is not taken; the description says which are."""


def whole_body() -> bytes:
    """Return the request's body as it was sent.

    :raise RequestEntityTooLarge: past 10 MiB.
    """
    # Werkzeug cuts a body of unknown length off at its limit without a word: so ask for one byte more.
    request.max_content_length = MAX_BATCH_BYTES + 1
    body = request.get_data(cache=False)
    if len(body) > MAX_BATCH_BYTES:
        raise RequestEntityTooLarge
    return body


def read_body() -> bytes:
    """Return the request's body, decompressed.

    :raise Unsupported: for a content encoding other than gzip.
    :raise RequestEntityTooLarge: past 10 MiB, before or after decompression.
    :raise EventError: if the gzip is broken or cut off.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    body = whole_body()
    if encoding in {"", "identity"}:
        return body
    if encoding != "gzip":
        raise Unsupported("Send the body as it is, or with Content-Encoding: gzip.")
    try:
        return inflated(body, MAX_BATCH_BYTES)
    except TooLarge:
        raise RequestEntityTooLarge from None
    except GzipError as error:
        raise _unreadable(str(error)) from None


def read_events(body: bytes, key_as_actor: Mapping[str, Any]) -> tuple[list[Any], bool]:
    """Return the events of a body, not checked yet; of a CloudEvent in binary mode the headers are part.

    :param key_as_actor: who acted where a CloudEvent does not say.
    :return: beside them whether ``strict_json.is_clean`` of all.
    :raise Unsupported: for a content type that is none of ``TYPES``, or another charset than UTF-8.
    :raise EventError: if the body is not JSON, or has no events.
    """
    if cloudevents_http.is_binary(headers := dict(request.headers)):
        return cloudevents_http.binary_events(headers, body, dict(key_as_actor)), False
    kind = request.mimetype
    if kind not in TYPES:
        raise Unsupported(f"Send Content-Type {', '.join(TYPES[:-1])} or {TYPES[-1]}.")
    if request.mimetype_params.get("charset", "utf-8").lower().replace("utf8", "utf-8") != "utf-8":
        raise Unsupported("Send UTF-8; JSON knows no other encoding.")
    if kind == NDJSON:
        return _lines(body)
    document, clean = _loads(body)
    if kind in {CLOUDEVENT, CLOUDEVENTS}:
        actor, batch = dict(key_as_actor), kind == CLOUDEVENTS
        return cloudevents.events_of(document, default_actor=actor, batch=batch), False
    return _one_or_many(document), clean


def _one_or_many(document: Any) -> list[Any]:
    """Take one event, or ``{"events": [...]}``; an event has no field of that name."""
    if not isinstance(document, dict):
        raise _unreadable('send one event as an object, or {"events": [...]}')
    if "events" not in document or "event" in document:
        return [document]
    events = document["events"]
    if not isinstance(events, list):
        raise EventError([Problem(0, "events", "must be an array of events")])
    if others := [name for name in document if name != "events"]:
        raise EventError([Problem(0, shorten(others[0]), "stands beside events; only events may")])
    return events


def _lines(body: bytes) -> tuple[list[Any], bool]:
    events: list[Any] = []
    all_clean = True
    for line in body.split(b"\n"):
        if not line.strip(b" \t\r"):
            continue
        if len(events) == MAX_BATCH:
            raise EventError([Problem(MAX_BATCH, "", f"a batch has {MAX_BATCH:,} events at most")])
        event, clean = _loads(line, len(events))
        events.append(event)
        all_clean = all_clean and clean
    return events, all_clean


def _loads(text: bytes, index: int = 0) -> tuple[Any, bool]:
    try:
        return loads_checked(text)
    except JsonError as error:
        raise EventError([Problem(index, "", str(error))]) from None


def _unreadable(message: str) -> EventError:
    return EventError([Problem(0, "", message)])
