"""The file ``.env``: what is in it counts, or the program says which line it cannot read."""

import io
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream


class DotenvError(ValueError):
    """The file cannot be read; the message is one line that says where."""


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the names and values of a ``.env`` file; nothing where there is none.

    :raise DotenvError: if it is no file, cannot be read, or a line of it is no ``NAME=value``.
    """
    text = _text(path)
    for line in parse_stream(io.StringIO(text)):
        if line.error or (line.key is not None and line.value is None):
            number = line.original.line + _blank_lines_before(line.original.string)
            raise DotenvError(f"{path}, line {number}: write NAME=value, or # before a remark")
    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(text)).items()}


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        if path.is_symlink():
            raise DotenvError(f"{path} leads nowhere") from None
        return ""
    except OSError as error:
        raise DotenvError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DotenvError(f"{path} is not UTF-8: byte {error.start} is none") from None
    if "\x00" in text:
        raise DotenvError(f"{path} is not UTF-8: save it as such")
    return text


def _blank_lines_before(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")
