"""What may stand where, beside what import-linter holds: ``docs/layout.md`` says it in words."""

import re
from pathlib import Path

import pytest

from auditapp.config import ROOT
from auditapp.extensions import Base
from auditapp.log.rows import Row, Sections
from auditapp.models import SECTIONS, Event
from auditapp.routing import OF_THE_LOG

FILES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "auditapp").rglob("*.py")}


def files_with(pattern: str) -> set[str]:
    """Return the files of the application in which a pattern stands."""
    return {name for name, text in FILES.items() if re.search(pattern, text)}


def outside(folder: str, names: set[str]) -> set[str]:
    return {name for name in names if not name.startswith(f"auditapp/{folder}")}


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?i)(INSERT( OR \w+)?|REPLACE) INTO (event|event_payload)\b",
        r"(insert|upsert)\((Event|EventPayload)\b",
        r"add(_all)?\(\[?(Event|EventPayload)\(",
        r"from auditapp\.log\.insert import|from auditapp\.log import .*\binsert\b",
        r"import .*\binsert_entries\b",
    ],
)
def test_the_log_alone_inserts_into_its_tables(pattern):
    """A restored backup is the exception: whole tables, by COPY, before anybody can read them."""
    assert outside("log/", files_with(pattern)) == set()


def test_what_is_written_is_laid_out_by_the_names_of_columns():
    columns = [column.name for column in Event.__table__.columns]

    assert [name for name in columns if name in Row._fields] == [*Row._fields]
    assert {*columns} - {*Row._fields} == {"id", "fields"}
    assert Sections._fields == SECTIONS


def test_others_find_by_the_small_entry_of_finding():
    inner = r"(from|import) auditapp\.finding\.\w+"

    assert outside("finding/", files_with(inner)) == set()


# What asks which of the databases it is. All of `operating` tends to one of them, and capture to another
# application's; the rest of reading, and the pages, ask finding.
ASKS = {
    "auditapp/capture/ahead.py",
    "auditapp/cli/doctor.py",
    "auditapp/database/dialect.py",
    "auditapp/database/in_list.py",
    "auditapp/database/locks.py",
    "auditapp/finding/databases.py",
    "auditapp/followers/index.py",
    "auditapp/followers/places.py",
    "auditapp/followers/rebuild.py",
    "auditapp/followers/transaction.py",
    "auditapp/followers/waiting.py",
    "auditapp/followers/wake.py",
    "auditapp/index/counts.py",
    "auditapp/index/statistics.py",
    "auditapp/index/stored_events.py",
    "auditapp/log/announce.py",
    "auditapp/log/idempotency.py",
    "auditapp/operating/backup.py",
    "auditapp/operating/deep/guards.py",
    "auditapp/operating/deep/log_reader.py",
    "auditapp/operating/readiness.py",
    "auditapp/operating/sharding.py",
}


def test_which_database_it_is_is_asked_in_few_places():
    assert files_with(r"\bis_sqlite\(") == ASKS
    assert files_with(r"\bdialect\.name\b") == {
        "auditapp/capture/triggers.py",
        "auditapp/database/dialect.py",
        "auditapp/models/types.py",
    }


# Asked of the primary alone: who may do what must not be old, and what a person keeps is small.
OF_THE_PRIMARY = {
    *("workspace", "account", "session", "throttle", "member", "role", "role_permission", "invitation"),
    *("api_key", "source", "set_aside", "saved_view", "view_visit", "worker"),
}


def test_of_each_table_it_is_said_whether_a_replica_is_read():
    """What says how far something is derived belongs to what is derived: it is read in the same place."""
    assert {*Base.metadata.tables, "event_search"} == OF_THE_LOG | OF_THE_PRIMARY
    assert not OF_THE_LOG & OF_THE_PRIMARY


@pytest.mark.parametrize("folder", ["filters", "finding", "reading"])
def test_reading_never_writes(folder):
    writing = (
        r"\.commit\(\)|\b(record(_batch|_and_commit)?|note(_first)?)\(|session\.(add|delete)\("
        r"|(?<![.\w])(insert|update|delete|upsert)\(|session\.connection\(\)"
    )

    assert {name for name in files_with(writing) if name.startswith(f"auditapp/{folder}/")} == set()


def test_no_file_is_long_without_a_reason_in_its_docstring():
    long = {name for name, text in FILES.items() if text.count("\n") > 300}

    assert {Path(name).name for name in long} == set()
