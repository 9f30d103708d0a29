"""Files that are written whole or not at all."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click


@contextmanager
def whole_file(name: str | None) -> Iterator[BinaryIO]:
    """Open a file that takes its name only once it is whole and on disk; else nothing is left behind.

    A pipe or device of that name is written to as it is. Meanwhile SIGTERM is like Ctrl-C.

    :param name: None or ``-`` for standard output.
    :raise OSError: if it cannot be written.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _opened(name) as file:
            yield file
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    path = Path(name).resolve() if name not in (None, "-") else None
    if path is None or (path.exists() and not path.is_file()):
        with click.open_file(str(path or "-"), "wb") as file:
            yield cast(BinaryIO, file)
            file.flush()
        return
    draft = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
