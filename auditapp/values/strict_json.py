"""JSON as the log accepts it: nothing that would be rounded, dropped or ambiguous (contract §5)."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import jiter

MAX_DEPTH = 32
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1

_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


class JsonError(ValueError):
    """A JSON text or value that the log refuses; the message says why and what to do."""


def loads(text: str | bytes) -> Any:
    """Parse JSON, refusing what Python's parser lets pass: NaN, Infinity, duplicate keys.

    Numbers past 64 bits or a double, and lone surrogates, are for :func:`problems_of`, which knows
    their path.

    :raise JsonError: with the reason, and the place where the parser knows it.
    """
    try:
        return jiter.from_json(
            text if isinstance(text, bytes) else text.encode(),
            allow_inf_nan=False,
            catch_duplicate_keys=True,
        )
    except ValueError:
        return _loads_slowly(text)


def loads_checked(text: bytes) -> tuple[Any, bool]:
    """Parse JSON as :func:`loads`, and tell whether the value :func:`is_clean`.

    Several times faster than to ask it afterwards: what the fast parser returns holds no lone surrogate, and
    NUL can only have come in as an escape.
    """
    value = loads(text)
    if b"\\u0000" in text or b"\\ud" in text or b"\\uD" in text:
        return value, is_clean(value)
    return value, _is_plain(value, 1)


def _is_plain(value: Any, depth: int) -> bool:
    """Tell whether depth and numbers are within their limits."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return kind is str or _scalar_problem(value) is None
    for item in value.values() if kind is dict else value:
        if type(item) is not str and item is not None and not _is_plain(item, depth + 1):
            return False
    return depth <= MAX_DEPTH


def _loads_slowly(text: str | bytes) -> Any:
    """Parse what the fast parser refused, to say why in our words, or to find that it may pass after all."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise JsonError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise JsonError(f"the key {shorten(twice)} occurs twice in one object")
    return result


def _refuse_constant(name: str) -> Any:
    raise JsonError(f"{name} is not a JSON number")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise JsonError(f"{shorten(digits)} is too large for a number; send it as a string")
    return number


def _integer(digits: str) -> int:
    # The length first: int() of a million digits takes minutes, and refuses past 4,300.
    if len(digits) > 20 or not MIN_INTEGER <= int(digits) <= MAX_INTEGER:
        raise JsonError(f"the integer {shorten(digits)} is past 64 bits; send it as a string")
    return int(digits)


def is_clean(value: Any, depth: int = 1) -> bool:
    """Tell whether :func:`problems_of` would find nothing; several times faster, for the usual case."""
    kind = type(value)
    if kind is str:
        return _is_clean_text(value)
    if kind is dict:
        # Loops, not all() of a generator: twice as fast, and every event comes through here.
        for key, item in value.items():
            if type(key) is not str or not _is_clean_text(key) or not is_clean(item, depth + 1):
                return False
        return depth <= MAX_DEPTH
    if kind is list:
        for item in value:
            if not is_clean(item, depth + 1):
                return False
        return depth <= MAX_DEPTH
    return value is None or value is True or value is False or _scalar_problem(value) is None


def _is_clean_text(text: str) -> bool:
    return "\x00" not in text if text.isascii() else not _FORBIDDEN.search(text)


def problems_of(value: Any, path: str = "", depth: int = 1) -> Iterator[tuple[str, str]]:
    """Yield ``(path, message)`` for all that the log refuses inside a value.

    :param value: dicts, lists and scalars, as a JSON parser returns them.
    :param depth: level of ``value`` itself; the outermost object is level 1.
    """
    if isinstance(value, str):
        if message := text_problem(value):
            yield path, message
    elif isinstance(value, dict):
        if depth > MAX_DEPTH:
            yield path, f"nested deeper than {MAX_DEPTH} levels"
            return
        for key, item in value.items():
            if not isinstance(key, str):
                yield path, f"the key {key!r} is not a string"
                continue
            below = f"{path}.{shorten(key)}" if path else shorten(key)
            if message := text_problem(key):
                yield below, f"in the key: {message}"
            yield from problems_of(item, below, depth + 1)
    elif isinstance(value, list):
        if depth > MAX_DEPTH:
            yield path, f"nested deeper than {MAX_DEPTH} levels"
            return
        for index, item in enumerate(value):
            yield from problems_of(item, f"{path}[{index}]", depth + 1)
    elif message := _scalar_problem(value):
        yield path, message


def text_problem(text: str) -> str | None:
    """Say what keeps a string from being stored, or None."""
    match = _FORBIDDEN.search(text)
    if not match:
        return None
    if match[0] == "\x00":
        return "holds the character NUL, which cannot be stored; leave it out"
    return f"holds the lone surrogate \\u{ord(match[0]):04x}, which is no character; leave it out"


def _scalar_problem(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        if MIN_INTEGER <= value <= MAX_INTEGER:
            return None
        return "the integer is past 64 bits; send it as a string"
    if isinstance(value, float):
        return (
            None
            if math.isfinite(value)
            else "NaN, Infinity and what is past a double are no JSON numbers; send a string"
        )
    return f"{type(value).__name__} is no JSON type"


def shorten(text: str, limit: int = 60) -> str:
    """Return text fit for a message: printable, ``limit`` characters at most."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)
