"""Files of JSON, one element at a time, so that a file may be larger than memory.

Bytes, not text: the marks that matter are ASCII, and a byte that is no UTF-8 is then found in its row.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from auditapp.values import strict_json

CHUNK_BYTES = 64 * 1024
# An event has 256 KiB at most, here with room for escapes and indentation.
MAX_ELEMENT_BYTES = 10 * 1024 * 1024

BOM = b"\xef\xbb\xbf"
WHITE = b" \t\r\n"
_OUTSIDE_STRINGS = re.compile(rb'["\[\]{},]')
_INSIDE_STRING = re.compile(rb'["\\]')
_DEEPER = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


class FileError(ValueError):
    """A file cannot be imported; the message says in which row, and what is wrong."""


def fault(place: str, path: str, message: str) -> FileError:
    """Return the error ``row 3: createdAt: is required``; without a path, ``row 3: must be …``."""
    return FileError(f"{place}: {path}: {message}" if path else f"{place}: {message}")


class Element(NamedTuple):
    """One element's own bytes, and where it stands: ``row 3`` or ``line 3``, from 1."""

    place: str
    text: bytes

    def value(self) -> object:
        """Parse the element; what the log refuses inside it is for ``strict_json.problems_of``.

        :raise FileError: if it is not JSON or not UTF-8, or a key occurs twice.
        """
        return self.checked()[0]

    def checked(self) -> tuple[object, bool]:
        """Parse the element, and tell whether ``strict_json.problems_of`` would find nothing in it.

        :raise FileError: as :meth:`value`.
        """
        try:
            return strict_json.loads_checked(self.text)
        except strict_json.JsonError as error:
            raise fault(self.place, "", str(error)) from None


def elements(file: BinaryIO, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Element]:
    """Yield the elements of a top-level array, or of one object a line where the file begins with ``{``.

    :param file: a seekable file, at its beginning; UTF-8, with or without a BOM.
    :raise FileError: if it is neither, is cut off, or an element is past ``MAX_ELEMENT_BYTES``.
    """
    opening = _opening_byte(file)
    if opening == b"[":
        yield from _array(file, chunk_bytes)
    elif opening == b"{":
        file.seek(0)
        yield from lines(file)
    else:
        raise FileError("is neither a JSON array nor one JSON object a line, in UTF-8")


def lines(file: BinaryIO) -> Iterator[Element]:
    """Yield the lines of newline-delimited JSON; blank ones are counted and left out.

    :raise FileError: if a line is past ``MAX_ELEMENT_BYTES``.
    """
    number = 0
    while text := file.readline(MAX_ELEMENT_BYTES + 1):
        number += 1
        if number == 1:
            text = text.removeprefix(BOM)
        _check_length(text, f"line {number}")
        if text.strip(WHITE):
            yield Element(f"line {number}", text)


def _opening_byte(file: BinaryIO) -> bytes:
    """Return the first byte that is no white space; the file then stands behind it."""
    if file.read(len(BOM)) != BOM:
        file.seek(0)
    byte = file.read(1)
    while byte and byte in WHITE:
        byte = file.read(1)
    return byte


def _array(file: BinaryIO, chunk_bytes: int) -> Iterator[Element]:
    """Yield the elements up to the closing bracket; the file stands behind the opening one.

    Looks at each byte once and parses nothing: whatever lies between two commas is an element.
    """
    depth, number, element = 0, 1, bytearray()
    pieces = _pieces(file, chunk_bytes)
    for text, mark in pieces:
        element += text
        place = f"row {number}"
        _check_length(element, place)
        if depth == 0 and mark == b"}":
            raise fault(place, "", "not JSON: a closing } without its {")
        if depth or mark not in {b",", b"]"}:
            element += mark
            depth += _DEEPER.get(mark, 0)
            continue
        if mark == b"," or number > 1 or element.strip(WHITE):
            yield Element(place, bytes(element))
        if mark == b"]":
            break
        number += 1
        element.clear()
    else:
        raise FileError(f"ends in the middle of row {number}, as if it had been cut off")
    if any(text.strip(WHITE) or mark for text, mark in pieces):
        raise FileError(f"goes on after the end of its array, behind row {number}")


def _pieces(file: BinaryIO, chunk_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the text before each bracket, brace and comma outside of strings, with that mark.

    The rest of a chunk comes with an empty mark. Quotation marks belong to the text.
    """
    pattern, position = _OUTSIDE_STRINGS, 0
    while chunk := file.read(chunk_bytes):
        start = 0
        while match := pattern.search(chunk, position):
            position = match.end()
            if match[0] == b'"':
                pattern = _INSIDE_STRING if pattern is _OUTSIDE_STRINGS else _OUTSIDE_STRINGS
            elif match[0] == b"\\":
                position += 1  # what it escapes is no mark, be it in the next chunk
            else:
                yield chunk[start : match.start()], match[0]
                start = position
        yield chunk[start:], b""
        position = max(position - len(chunk), 0)


def _check_length(text: bytes | bytearray, place: str) -> None:
    if len(text) > MAX_ELEMENT_BYTES:
        limit = f"{MAX_ELEMENT_BYTES // 1024**2} MiB"
        raise fault(place, "", f"is longer than {limit}; a quotation mark or a bracket may be missing")
