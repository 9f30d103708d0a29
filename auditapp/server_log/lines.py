"""A log record as one line, as text or JSON. Nothing that came from outside can begin another line."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from auditapp.server_log.errors import cause_of, describe, where
from auditapp.server_log.facts import current_facts

LONGEST = 1000  # characters of a value; a line stays readable, and a disk is not filled by one request
PLAIN = re.compile(r"[\w.:/<>@+,*-]+", re.ASCII)


class OneLine(logging.Formatter):
    """Makes of a record the fields of a line; ``form_line`` puts them together."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"time": moment.replace("+00:00", "Z"), "level": record.levelname.lower()}
        return self.form_line(head, _message(record), _fields(record))

    def form_line(self, head: dict[str, str], message: str, fields: dict[str, Any]) -> str:
        """Return a line of text: time, level, what happened, and ``name=value`` as often as needed."""
        words = [*head.values(), printable(message)]
        return " ".join(words + [f"{name}={_quoted(value)}" for name, value in fields.items()])


class OneLineOfJson(OneLine):
    """The same as a JSON object."""

    def form_line(self, head: dict[str, str], message: str, fields: dict[str, Any]) -> str:
        """Return a JSON object, in ASCII: some readers take U+2028 for the end of a line."""
        return json.dumps({**head, "message": message, **fields})


FORMS = {"text": OneLine, "json": OneLineOfJson}


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # a mistake in a log call must not cost the line
        message = str(record.msg)
    if not _is_ours(record):
        # Others write tracebacks into theirs, with what the exception says: granian does.
        message = message.partition("\n")[0]
    return message[:LONGEST]


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "auditapp"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {**current_facts(), **getattr(record, "fields", {})}
    if not _is_ours(record):
        fields["logger"] = record.name
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields |= {"error": describe(error), "at": where(error)}
        if cause := cause_of(error):
            fields["cause"] = cause
    return {name: _short(value) for name, value in fields.items() if value is not None}


def _short(value: Any) -> Any:
    return value if isinstance(value, int | float | bool) else str(value)[:LONGEST]


def _quoted(value: Any) -> str:
    text = str(value)
    return text if PLAIN.fullmatch(text) else json.dumps(printable(text), ensure_ascii=False)


def printable(text: str) -> str:
    """Return a text whose line breaks and other controls are written as ``\\u000a``."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
