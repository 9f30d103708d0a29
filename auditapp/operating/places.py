"""Where a database is: SQLite's files, and what of a URL may be shown and kept."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Engine

from auditapp.config import OF_OTHERS, make_private

BESIDE = ("-journal", "-wal", "-shm")


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite URL; None for PostgreSQL, and for what is in memory or a ``file:`` URI."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return None
    return Path(url.database).absolute()


def name_of(url: URL) -> str:
    """Return a URL without its password and options: it tells one database from another."""
    host = url.host or url.query.get("host")  # a folder with a socket in it stands among the options
    plain = URL.create(
        url.drivername, url.username, None, str(host) if host else None, url.port, url.database
    )
    file = sqlite_file(url)
    return (plain.set(database=str(file)) if file else plain).render_as_string()


def files_of(url: URL) -> list[Path]:
    """Return the files of a SQLite database that are there."""
    file = sqlite_file(url)
    paths = [file, *(file.with_name(file.name + more) for more in BESIDE)] if file else []
    return [path for path in paths if path.is_file()]  # a folder or a device is nobody's database


def keep_private(engine: Engine) -> None:
    """Have an engine open only files that are their owner's alone, whatever the umask.

    SQLite gives its journals the mode of the database.
    """
    if sqlite_file(engine.url) is None:
        return

    @event.listens_for(engine, "do_connect")
    def prepare(_dialect: Any, _record: Any, _args: Any, _options: Any) -> None:
        file = sqlite_file(engine.url)
        with suppress(OSError):  # SQLite is about to meet the same, and says it as a database does
            if file is not None and not file.exists() and file.parent.is_dir():
                os.close(os.open(file, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR))
            for path in files_of(engine.url):
                make_private(path)


def opened_to_others(path: Path) -> bool:
    """Tell whether others than its owner may read or write a file."""
    return bool(path.stat().st_mode & OF_OTHERS)
