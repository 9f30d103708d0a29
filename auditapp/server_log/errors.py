"""What the server's log says of an error: its kind, where it happened, and nothing that it was about.

The text of an exception may hold what somebody sent: parameters, keys, e-mails (PostgreSQL's DETAIL, a
``KeyError``, a validation). So it is said only where a database speaks of itself.
"""

import re
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
FRAMES = 12  # of ours, the innermost

# Classes of SQLSTATE in which PostgreSQL's first line speaks of the server, of names in the schema or of
# the sign-in: connections, transactions, constraints, resources, operators, the system.
TELLING_CLASSES = {"08", "23", "25", "28", "3D", "40", "53", "55", "57", "58"}
TELLING_STATES = {"42P01", "42501", "XX001", "XX002"}
# SQLite's plain SQLITE_ERROR quotes what was searched for; of its texts this one names a table of ours.
NO_SUCH_TABLE = re.compile(r"no such table: \w+")
PASSWORD_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s@]*@")


def describe(error: BaseException) -> str:
    """Return an error's kind, and its text where that cannot hold anybody's data.

    :return: as ``OperationalError: database or disk is full``.
    """
    driver = getattr(error, "orig", None)
    if not isinstance(driver, BaseException):
        driver = error
    text = _telling(driver)
    return f"{type(error).__name__}: {text}" if text else _kinds(error)


def _kinds(error: BaseException) -> str:
    driver = getattr(error, "orig", None)
    state = getattr(driver or error, "sqlstate", None)
    name = type(error).__name__ + (f" ({type(driver).__name__})" if isinstance(driver, BaseException) else "")
    return f"{name} {state}" if state else name


def _telling(error: BaseException) -> str:
    if isinstance(error, sqlite3.Error):
        text = str(error)
        name = getattr(error, "sqlite_errorname", "")
        message = text if name not in {"", "SQLITE_ERROR"} else "".join(NO_SUCH_TABLE.findall(text)[:1])
    elif isinstance(error, psycopg.Error):
        message = _of_postgresql(error)
    elif isinstance(error, OSError):
        message = error.strerror or ""
    else:
        message = ""
    return PASSWORD_IN_URL.sub(r"\1***@", " ".join(message.split()))


def _of_postgresql(error: psycopg.Error) -> str:
    """Return the first line of what the server said; DETAIL, HINT and CONTEXT quote the row."""
    state = error.sqlstate
    if state is None:
        # Of the connection, by libpq; what psycopg itself says of values is no OperationalError.
        return str(error) if isinstance(error, psycopg.OperationalError) else ""
    if state[:2] in TELLING_CLASSES or state in TELLING_STATES:
        return error.diag.message_primary or ""
    return ""


def where(error: BaseException) -> str:
    """Return where an error was raised, and what of ours led there, the innermost place first.

    :return: as ``sqlalchemy/default.py:941 do_execute < auditapp/access/viewer.py:53 member_viewer``.
    """
    frames = traceback.extract_tb(error.__traceback__)[::-1]
    shown = [frame for place, frame in enumerate(frames) if place == 0 or _is_ours(frame.filename)]
    return " < ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in shown[:FRAMES])


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)


def cause_of(error: BaseException) -> str:
    """Return what an error was raised for, as :func:`describe` says it; empty where it stands alone."""
    described = (error, getattr(error, "orig", None))
    return " < ".join(dict.fromkeys(describe(cause) for cause in _chain(error) if cause not in described))


def _is_ours(name: str) -> bool:
    path = Path(name)
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] != ".venv"


def _short(name: str) -> str:
    return str(Path(name).relative_to(ROOT)) if _is_ours(name) else "/".join(Path(name).parts[-2:])
