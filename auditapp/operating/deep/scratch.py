"""A file of one's own to compare in, so that memory stays small and the database is locked for moments.

It takes what is derived, as of one moment, and what the log says it should be.
"""

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

COUNTED = ("workspace_id", "hours", "start", "event", "origin", "actor_type", "outcome")
KIND_COLUMNS = ("workspace_id", "event", "origin", "actor_type", "outcome")
NAME = ("workspace_id", "event", "entity_type")
# As the migrations make it; its own tables are then filled with those of the database.
WORDS = (
    "CREATE VIRTUAL TABLE event_search USING fts5("
    "words, content='', columnsize=0, tokenize=\"ascii tokenchars '_'\")"
)
WORDS_TABLES = ("event_search_data", "event_search_idx", "event_search_config")
NOT_COUNTED = 0  # hours of what tells only that there is a kind
_KEPT_AT_ONCE = 50_000


class Scratch:
    """The open file.

    :ivar connection: to it.
    """

    def __init__(self, path: Path) -> None:
        """Make the tables."""
        self.path = path
        self._logged: Counter[tuple[Any, ...]] = Counter()
        self.connection = self._open()
        key = ", ".join(COUNTED)
        self.connection.executescript(
            f"""
            CREATE TABLE kept ({key}, events);
            CREATE TABLE counted ({key}, logged INTEGER NOT NULL DEFAULT 0, kept INTEGER,
                PRIMARY KEY ({key})) WITHOUT ROWID;
            CREATE TABLE kind ({", ".join(KIND_COLUMNS)});
            CREATE TABLE name ({", ".join(NAME)});
            """
        )

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.create_function("entity_type_of", 1, lambda event: event.rpartition(".")[0])
        return connection

    def reopen(self) -> None:
        """See what another connection put there."""
        self.connection.close()
        self.connection = self._open()

    def keep(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Take rows of what is derived: ``kept``, which are counts, ``kind`` or ``name``."""
        columns = {"kept": (*COUNTED, "events"), "kind": KIND_COLUMNS, "name": NAME}[table]
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        self._many(statement, rows)

    def settle(self) -> None:
        """Add up the counts that are kept: that takes longer than to take them, so they are taken first."""
        key = ", ".join(COUNTED)
        self.connection.execute(
            f"INSERT INTO counted ({key}, kept) SELECT {key}, sum(events) FROM kept GROUP BY {key}"  # noqa: S608
        )

    def log(self, counted: Counter[tuple[Any, ...]]) -> None:
        """Add what some events of the log count for, by ``COUNTED``."""
        self._logged.update(counted)
        if len(self._logged) > _KEPT_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Have all of it in the file."""
        marks = ", ".join("?" * len(COUNTED))
        statement = f"""
            INSERT INTO counted ({", ".join(COUNTED)}, logged) VALUES ({marks}, ?)
            ON CONFLICT DO UPDATE SET logged = logged + excluded.logged
        """  # noqa: S608
        self._many(statement, ((*key, events) for key, events in self._logged.items()))
        self._logged.clear()

    def _many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self.connection.execute("BEGIN")
        self.connection.executemany(statement, rows)
        self.connection.execute("COMMIT")


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Open a file that is gone afterwards; where it lies, ``TMPDIR`` says."""
    with tempfile.TemporaryDirectory(prefix="auditapp-") as folder:
        opened = Scratch(Path(folder) / "scratch.db")
        try:
            yield opened
        finally:
            opened.connection.close()


def attach(connection: sqlite3.Connection, path: Path) -> "closing[Any]":
    """Let another connection write into the file as ``scratch``."""
    connection.execute("ATTACH ? AS scratch", (str(path),))
    connection.execute("PRAGMA scratch.journal_mode = OFF")
    connection.execute("PRAGMA scratch.synchronous = OFF")

    class Attached:
        def close(self) -> None:
            connection.execute("DETACH scratch")

    return closing(Attached())
