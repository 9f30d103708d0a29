"""Files that are written whole or not at all."""

import os
import signal
import stat
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
    with _ended_by_sigterm(), _opened(name) as file:
        yield file


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    path = Path(name).resolve() if name not in (None, "-") else None
    if path is None or (path.exists() and not path.is_file()):
        with click.open_file(str(path or "-"), "wb") as file:
            yield cast(BinaryIO, file)
            file.flush()
        return
    with _draft_of(path) as draft, draft.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def whole_copy(path: Path) -> Iterator[Path]:
    """Return where to write what takes a file's name once it is whole and on disk; else nothing is left.

    It is there and empty, and its owner's only. Meanwhile SIGTERM is like Ctrl-C.

    :raise OSError: if it cannot be written.
    """
    with _ended_by_sigterm(), _draft_of(path) as draft:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR))
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    draft = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        yield draft
        draft.replace(path)
    finally:
        for file in (draft, draft.with_name(f"{draft.name}-journal")):
            file.unlink(missing_ok=True)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
