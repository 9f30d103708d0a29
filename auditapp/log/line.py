"""What a row of the timeline tells beyond its columns, laid out once as the event is recorded.

A small JSON text in ``event.line``, erasable as a whole, with ``v``, the version of this layout, and of the
rest what there is: ``fields``, the changed fields by their labels; ``claimed_by``, the name of the API key or
source on whose word the actor is; ``ip`` and ``reason`` of the context; ``changes``, the first of them in the
shape of contract §5, cut short, those alone whose sides are one value each. Events recorded before have
``event.fields`` instead.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from auditapp.values.changes import label_of

LINE_VERSION = 1
MAX_BYTES = 500
MAX_FIELDS, MAX_FIELDS_BYTES = 120, 240
MAX_CHANGES = 3
MAX_TEXT = 60
# How a line begins that tells of changed fields.
TELLS_FIELDS = '{"v":1,"fields":'

Changes = Mapping[str, Mapping[str, Any]]


def line_of(changes: Changes, context: Mapping[str, Any]) -> str | None:
    """Return the line of an event, ``MAX_BYTES`` of UTF-8 at most; None where there is nothing to tell.

    :param context: as it is recorded.
    """
    return line_with(fields_line(changes), changes, context)


def line_with(fields: str | None, changes: Changes, context: Mapping[str, Any]) -> str | None:
    """Return the line as :func:`line_of` does, of which ``fields_line`` is known already."""
    line: dict[str, Any] = {"v": LINE_VERSION}
    if fields is not None:
        line["fields"] = fields
    claimant = context.get("claimed_by")
    if isinstance(claimant, Mapping) and claimant.get("name"):
        line["claimed_by"] = _cut(str(claimant["name"]))
    if ip := context.get("ip"):
        line["ip"] = _cut(str(ip))
    if reason := context.get("reason"):
        line["reason"] = _cut(str(reason))
    short = dict(_in_short(changes))
    text = orjson.dumps({**line, "changes": short} if short else line)
    if len(text) > MAX_BYTES:
        text, short = _fitted(line, short)
    return text.decode() if len(line) > 1 or short else None


def _fitted(line: dict[str, Any], short: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """Return a line with as many changes as fit, and those; without a reason that would not fit alone."""
    text = orjson.dumps(line)
    if len(text) > MAX_BYTES:  # in a script of long characters
        del line["reason"]
        text = orjson.dumps(line)
    fitting: dict[str, Any] = {}
    for name, change in short.items():
        longer = orjson.dumps({**line, "changes": {**fitting, name: change}})
        if len(longer) > MAX_BYTES:
            break
        fitting[name], text = change, longer
    return text, fitting


def fields_line(changes: Changes) -> str | None:
    """Join the labels of changed fields into one line, ``and N more`` where they don't fit."""
    if not changes:
        return None
    shown: list[str] = []
    length = size = 0
    for name, change in changes.items():
        label = _cut(change.get("label") or label_of(name))
        length += len(label) + 2
        size += len(label) + 2 if label.isascii() else len(label.encode()) + 2
        if shown and (length > MAX_FIELDS or size > MAX_FIELDS_BYTES):
            break
        shown.append(label)
    more = len(changes) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _in_short(changes: Changes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the first changes from one value to another, cut short."""
    count = 0
    for name, change in changes.items():
        short = {key: _cut(change[key]) for key in ("label", "kind") if change.get(key)}
        for side in ("previous", "current"):
            if side in change:
                value = change[side]
                if isinstance(value, dict) and isinstance(value.get("name"), str):
                    value = value["name"]  # of a reference
                if isinstance(value, dict | list):
                    break
                short[side] = _cut(value) if isinstance(value, str) else value
        else:
            yield name, short
            count += 1
            if count == MAX_CHANGES:
                return


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def fields_of_row(line: str | None, fields: str | None) -> str | None:
    """Return the changed fields that an event's row tells, by their labels; None where it tells of none.

    :param line: of the event.
    :param fields: of an event that was recorded before there were lines.
    """
    if line is None or not line.startswith(TELLS_FIELDS):
        return fields
    text: str = orjson.loads(line)["fields"]
    return text
