"""CloudEvents over HTTP: which content mode a request is in, and what binary mode says in headers.

The HTTP protocol binding 1.0.2: https://github.com/cloudevents/spec,
``cloudevents/bindings/http-protocol-binding.md``.
"""

import base64
import codecs
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from auditapp.inbound.cloudevents import events as cloudevents
from auditapp.inbound.files.unzipped import GzipError, decoded
from auditapp.inbound.mapping import refuse_all
from auditapp.inbound.signatures import header
from auditapp.log import EventError, Problem
from auditapp.log.schema import MAX_BATCH_BYTES
from auditapp.values.strict_json import JsonError, loads

PREFIX = "ce-"
MANDATORY = ("specversion", "id", "source", "type")
STRUCTURED, BATCHED = "application/cloudevents", "application/cloudevents-batch"
FORMATS = {name: form for form in (STRUCTURED, BATCHED) for name in (form, f"{form}+json")}
# What is no header of its own in binary mode: the content's type, and the content itself.
NO_HEADERS = {
    "datacontenttype": "is told by Content-Type in binary mode; leave it out",
    "data": "is no attribute; in binary mode the body is the data",
}
EMPTY = "must not be empty, and what is not ASCII must be percent-encoded"
# Of the codecs that Python has those that senders use, none of which takes long.
CHARSETS = {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16", "utf-16-le", "utf-16-be"}
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\";\s]+)", re.IGNORECASE)
_JSON = re.compile(r"[^/]+/(?:[^/]+\+)?json")
_TEXT = re.compile(r"text/.+|[^/]+/(?:[^/]+\+)?(?:xml|yaml)|application/x-www-form-urlencoded")


def is_binary(headers: Mapping[str, str]) -> bool:
    """Tell whether a request is one event in binary mode: its attributes are headers, its body the data.

    A content type of CloudEvents decides for the other modes, whatever headers stand beside it. Without one
    the binding leaves open when a message is an event; here any attribute that each event has will do.
    """
    if media_type(headers).startswith(STRUCTURED):
        return False
    names = {name.lower() for name in headers}
    return any(f"{PREFIX}{name}" in names for name in MANDATORY)


def media_type(headers: Mapping[str, str]) -> str:
    """Return the content type in lower case, without its parameters."""
    return header(headers, "content-type").partition(";")[0].strip().lower()


def events_of_headers(
    headers: Mapping[str, str], body: bytes, default_actor: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """Map a request to events where its headers say how; None where its body is JSON like any other.

    :param body: as it was sent; in binary mode ``Content-Encoding`` says whether it is gzip.
    :raise EventError: if it is an event in binary mode with faults, or in a format that is not read.
    """
    kind = media_type(headers)
    if kind.startswith(STRUCTURED) and kind not in FORMATS:
        refuse_all(f"the event format {kind} is not read; send JSON, {STRUCTURED}+json or {BATCHED}+json")
    if not is_binary(headers):
        return None
    try:
        plain = decoded(body, header(headers, "content-encoding"), MAX_BATCH_BYTES)
    except GzipError as error:
        refuse_all(str(error))
    return binary_events(headers, plain, default_actor)


def binary_events(
    headers: Mapping[str, str], body: bytes, default_actor: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Map one event in binary mode; its payload is what it is in structured mode.

    :param body: decompressed.
    :raise EventError: with every problem, its path by header: ``ce-time``.
    """
    document = {**_attributes(headers), **_data(headers, body)}
    try:
        return cloudevents.events_of(document, default_actor=default_actor, batch=False)
    except EventError as error:
        raise EventError(
            [Problem(problem.index, _header_of(problem.path), problem.message) for problem in error.problems]
        ) from None


def _attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    problems = []
    for name, value in headers.items():
        attribute = name.lower().removeprefix(PREFIX)
        if attribute == name.lower():
            continue
        if attribute in NO_HEADERS:
            problems.append(Problem(0, name.lower(), NO_HEADERS[attribute]))
            continue
        try:
            attributes[attribute] = header_value(value)
        except UnicodeDecodeError:
            problems.append(Problem(0, name.lower(), "is not UTF-8 once its percent signs are decoded"))
            continue
        if not attributes[attribute]:
            # Servers drop the value of a header that is not ASCII.
            problems.append(Problem(0, name.lower(), EMPTY))
    if problems:
        raise EventError(problems)
    # As senders write them in structured mode; a proxy may have sorted the headers.
    return {name: attributes[name] for name in (*MANDATORY, *attributes) if name in attributes}


def header_value(value: str) -> str:
    """Return an attribute's value out of a header: unquoted, then percent-decoded once.

    A percent sign without two digits behind it stays, as older versions of the binding left it.

    :param value: as WSGI hands it over, bytes as Latin-1.
    :raise UnicodeDecodeError: unless it is UTF-8.
    """
    text = value.encode("latin-1", "surrogateescape").decode("utf-8").strip(" \t")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return unquote_to_bytes(text).decode("utf-8") if "%" in text else text


def _data(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return ``datacontenttype`` and ``data``: JSON as it is, text as a string, other bytes in Base64."""
    content_type = header(headers, "content-type").strip()
    kind = {"datacontenttype": content_type} if content_type else {}
    if not body:
        return kind
    media = media_type(headers)
    if _JSON.fullmatch(media):
        try:
            return {**kind, "data": loads(body)}
        except JsonError as error:
            refuse_all(f"the data is {error}, but Content-Type says {media}", "data")
    text = _text(content_type, media, body)
    if text is not None:
        return {**kind, "data": text}
    return {**kind, "data_base64": base64.b64encode(body).decode()}


def _text(content_type: str, media: str, body: bytes) -> str | None:
    """Return a body as text, None where it is none or where its bytes could not be had back from it."""
    charset = _CHARSET.search(content_type)
    if not (charset or _TEXT.fullmatch(media)):
        return None
    try:
        codec = codecs.lookup(charset[1] if charset else "utf-8").name
        text = body.decode(codec) if codec in CHARSETS else ""
        same = text.encode(codec) == body
    except (LookupError, UnicodeError, ValueError):
        return None
    return text if text and same and "\x00" not in text else None


def _header_of(path: str) -> str:
    """Return where in a request an attribute is: ``ce-id``, or Content-Type; the body has its own paths."""
    if path == "datacontenttype":
        return "content-type"
    name = re.match(r"\w*", path)
    return path if not path or (name and name[0].startswith("data")) else f"{PREFIX}{path}"
