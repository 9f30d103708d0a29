"""Which databases of this installation hold a workspace: ``instance/databases``, a line each.

So a database that is empty now and was not is told from one that is new.
"""

import os
from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.engine import URL, Engine

from auditapp.config import INSTANCE
from auditapp.models import Workspace
from auditapp.operating.places import name_of, sqlite_file

FILE = "databases"
MOST = 200  # the newest; tests and trials come and go


def is_remembered(url: URL, folder: Path = INSTANCE) -> bool:
    """Tell whether a database held a workspace at any time that this installation used it."""
    return name_of(url) in _names(folder)


def last_remembered(folder: Path = INSTANCE) -> str | None:
    """Return the database that was used last, as :func:`places.name_of` has it."""
    names = _names(folder)
    return names[-1] if names else None


def remember(url: URL, folder: Path = INSTANCE) -> None:
    """Keep that a database holds a workspace.

    :raise OSError: if the file cannot be written.
    """
    names, name = _names(folder), name_of(url)
    if names and names[-1] == name:
        return
    kept = [earlier for earlier in names if earlier != name][1 - MOST :]
    draft = folder / f"{FILE}.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("".join(f"{line}\n" for line in [*kept, name]))
    draft.replace(folder / FILE)


def has_workspace(engine: Engine) -> bool:
    """Tell whether there is a workspace, in a database that may have no tables or no file.

    :raise sqlalchemy.exc.DBAPIError: if the database does not answer.
    """
    file = sqlite_file(engine.url)
    if file is not None and not file.exists():
        return False  # connecting would make it
    with engine.connect() as connection:
        if not inspect(connection).has_table(Workspace.__tablename__):
            return False
        return connection.execute(select(Workspace.id).limit(1)).first() is not None


def is_emptied(engine: Engine) -> bool:
    """Tell whether a database holds nothing though it did.

    :raise sqlalchemy.exc.DBAPIError: if the database does not answer.
    """
    return is_remembered(engine.url) and not has_workspace(engine)


def advice(url: URL, folder: Path = INSTANCE) -> str:
    """Say what to do about an emptied database."""
    return (
        f"the database {name_of(url)} held a workspace and is missing or empty now: put it back or restore a"
        f" backup of it; to begin anew there instead, delete its line in {folder / FILE}"
    )


def _names(folder: Path) -> list[str]:
    try:
        return (folder / FILE).read_text().splitlines()
    except FileNotFoundError:
        return []
