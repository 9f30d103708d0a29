"""Text and JSON as CSV cells that no spreadsheet takes for a formula and that hide nothing.

Three things are guarded against: a cell that starts a formula; a formula in the middle of a cell, which
becomes one where a spreadsheet splits at semicolons or lines instead (Excel does, in half of Europe);
and characters that nobody sees.
"""

import re
from collections.abc import Iterable

from auditapp.hidden import BLANK, HIDDEN, code_point, json_escape

_HIDDEN = HIDDEN.pattern[1:-1] + "\t\n"
# What starts a formula, its full-width and small twins too: spreadsheets read those alike.
_SIGN = "=+\\-@＝＋－＠﹦﹢﹣﹫"
# What a spreadsheet may trim before it looks.
_TRIMMED = rf"[\s\"'`´‘’“”«»{_HIDDEN}{BLANK}]*"
_FORMULA = re.compile(rf"[\t\r\n]|{_TRIMMED}[{_SIGN}]")
_SPLIT_FORMULA = re.compile(rf";(?={_TRIMMED}[{_SIGN}])")
_UNSEEN = re.compile(f"[{_HIDDEN}]")
# Most cells have none of these and are done.
_SUSPECT = re.compile(rf"\A{_TRIMMED}[{_SIGN}]|[;{_HIDDEN}]")


def text_cell(text: str | None) -> str:
    """Return a text as a cell: an apostrophe before what would be a formula, ``U+202E`` for the unseen.

    Tabs and line breaks are shown too, so a row is a line. None, what was erased or never given, is empty.
    """
    if not text:
        return ""
    if not _SUSPECT.search(text):
        return text
    apostrophe = "'" if _FORMULA.match(text) else ""
    return apostrophe + _UNSEEN.sub(code_point, _SPLIT_FORMULA.sub(";'", text))


def line(cells: Iterable[str]) -> str:
    """Return cells as a line of CSV (RFC 4180), all quoted but the empty.

    By hand: ``csv.writer`` goes character by character, which took half of the time of an export.
    """
    return ",".join(['"' + cell.replace('"', '""') + '"' if cell else "" for cell in cells]) + "\r\n"


def json_cell(text: str | None) -> str:
    r"""Return a JSON text as a cell: the same value, with ``\u202e`` for the unseen.

    JSON of an object or array is no formula itself, and has no raw tabs or line breaks.
    """
    if not text:
        return ""
    # Nothing hidden is printable, which is faster to ask; of ASCII, JSON leaves only DEL as it is.
    if "\x7f" in text or not (text.isascii() or text.isprintable()):
        text = HIDDEN.sub(json_escape, text)
    return _SPLIT_FORMULA.sub(r"\\u003b", text) if ";" in text else text
