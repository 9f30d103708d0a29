"""What ``flask doctor --deep`` says beside what the doctor says anyway."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from rich.progress import TaskID
from sqlalchemy.exc import DBAPIError

from auditapp.cli.garbage_collection import garbage_collected_seldom
from auditapp.cli.progress import progress_bar
from auditapp.config import ROOT
from auditapp.extensions import db
from auditapp.operating import deep
from auditapp.operating.places import sqlite_file
from auditapp.operating.readiness import explain


def deep_findings() -> Iterator[tuple[bool, str]]:
    """Yield whether it is well, and a line, for each thing that was compared with the log."""
    try:
        if not _is_comparable():
            yield False, "what is derived was not compared with the log: mend the database first"
            return
        with _progress() as tell, garbage_collected_seldom():
            lines = list(deep.examine(db.engine, tell))
    except DBAPIError as error:
        trouble = explain(error, db.engine)
        yield False, f"what is derived was not compared with the log: {trouble.what}; {trouble.mend}"
        return
    except OSError as error:
        mend = "set TMPDIR to a folder with room"
        yield False, f"what is derived was not compared with the log: {error.strerror}; {mend}"
        return
    yield from ((False, line) for line in lines)
    if not lines:
        yield (
            True,
            "the log agrees with itself, and what is derived with the log; triggers and indexes are ours",
        )


def _is_comparable() -> bool:
    file = sqlite_file(db.engine.url)
    if file is not None and not file.exists():
        return False
    head = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


@contextmanager
def _progress() -> Iterator[deep.Progress]:
    with progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, completed: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=completed, total=total)

        yield tell
