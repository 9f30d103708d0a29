"""What to do about an event that the log refuses for its values: describe, shorten, and say so.

The host's own values must never break its flush, nor be lost in silence.
"""

import math
from typing import Any

import orjson

from auditapp.log.schema import MAX_EVENT_BYTES
from auditapp.values.strict_json import MAX_DEPTH, MAX_INTEGER, MIN_INTEGER, text_problem

ROOM = MAX_EVENT_BYTES - 8 * 1024  # for what says that values were shortened
NAME_LENGTH = 512


def mended(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event that the log takes: values it refuses as text, long ones cut.

    ``payload`` then tells, in ``described`` and ``shortened``, which fields are not as they were.
    """
    described = {name for name, change in event["changes"].items() if change != _clean(change, 3)}
    clean: dict[str, Any] = _clean(event, 1)
    payload = dict(clean.get("payload") or {})
    if described:
        payload["described"] = sorted(_text(name) for name in described)
    clean["payload"] = payload
    if (name := clean["entity"].get("name")) and len(name) > NAME_LENGTH:
        clean["entity"] = {**clean["entity"], "name": name[:NAME_LENGTH]}
    return clean if _size(clean) <= ROOM else _shortened(clean)


def _clean(value: Any, level: int) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict | list) and level > MAX_DEPTH:
        return _text(str(value)[:2000])
    if isinstance(value, dict):
        return {_text(key): _clean(item, level + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, level + 1) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if MIN_INTEGER <= value <= MAX_INTEGER else _digits(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to print more than 4,300 digits
        return hex(value)


def _text(text: str) -> str:
    """Show NUL as its symbol and lone surrogates by their number."""
    if not text_problem(text):
        return text
    shown = text.replace("\x00", "␀")
    return shown.encode("utf-8", "backslashreplace").decode()


def _size(event: dict[str, Any]) -> int:
    return len(orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS))


def _shortened(event: dict[str, Any]) -> dict[str, Any]:
    """Cut the longest values first, each to a share of the room that is left."""
    sizes = {name: len(orjson.dumps(change)) for name, change in event["changes"].items()}
    cut: list[str] = []
    over = _size(event) - ROOM
    changes = dict(event["changes"])
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if over <= 0:
            break
        changes[name] = {key: _cut(key, item) for key, item in changes[name].items()}
        over -= sizes[name] - len(orjson.dumps(changes[name]))
        cut.append(name)
    shown = {"shortened": cut[:1000], "note": "values too long for the log; their beginnings are kept"}
    return {**event, "changes": changes, "payload": {**event["payload"], **shown}}


def _cut(key: str, value: Any) -> Any:
    """Return the beginning of one side; a list of related records becomes its first hundred."""
    if key not in {"previous", "current"} or value is None:
        return value
    if isinstance(value, list) and all(isinstance(item, dict) and "id" in item for item in value):
        return value[:100]
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 2000 else f"{text[:1900]}… [{len(text):,} characters]"
