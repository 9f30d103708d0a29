"""``flask doctor --deep``: all that is derived from the log, and the log itself, compared row by row."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy.engine import Engine

from auditapp.index.counts import counts_of, kind_of
from auditapp.index.logged import Logged
from auditapp.index.state import IndexState
from auditapp.index.stored_events import Row, logged_of, sections_of
from auditapp.models import Event
from auditapp.models.types import microseconds
from auditapp.operating.deep import order, row_checks
from auditapp.operating.deep.finding import REBUILD, RESTORE, Findings, Problem
from auditapp.operating.deep.guards import problems_of_guards
from auditapp.operating.deep.log_reader import LogReader, open_log
from auditapp.operating.deep.scratch import NOT_COUNTED, Scratch, scratch
from auditapp.operating.deep.tallies import problems_of_counts, problems_of_kinds
from auditapp.operating.deep.words import WordsInSqlite, differing_in_postgresql, left_in_postgresql

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much
MISSING = Problem("events that are not in the index of words", REBUILD)
OTHER_WORDS = Problem("events with other words in the index than in the log", REBUILD)
LEFT = Problem(
    "words in the index of events that there are none of",
    f"{REBUILD}; if the log had them, restore a backup of before",
)
UNREADABLE = Problem("the index of words is damaged", REBUILD)
STRANGE_STATE = Problem("rows of follower", REBUILD)
NO_PLACE = Problem("events without a place in the log", REBUILD)
FAILED = Problem(
    "events that the index failed at", "it tries each again; the server's log says why it failed"
)
GAP = Problem("places in the log that are missing or too many", RESTORE)

__all__ = ["examine"]


def examine(engine: Engine, tell: Progress) -> Iterator[str]:
    """Yield a line for each thing that differs, with how many, the first few and the mend.

    Events that are recorded meanwhile are left out. Memory is bounded, but for eight bytes an event on
    SQLite; the rest is in a temporary file.

    :raise sqlalchemy.exc.DBAPIError: if the database cannot be read.
    :raise OSError: if there is no room for temporary files.
    """
    with engine.connect() as connection:
        yield from problems_of_guards(connection)
    with scratch() as file, open_log(engine, file) as log:
        yield from _Comparison(log, file, tell).lines()


class _Comparison:
    def __init__(self, log: LogReader, file: Scratch, tell: Progress) -> None:
        self._log, self._file, self._tell = log, file, tell
        self._findings = Findings(log.slugs)
        self._order = order.Order()
        self._stale = {number for number in log.slugs if not log.states.get(number, IndexState()).is_current}
        self._words: WordsInSqlite | None = None

    def lines(self) -> Iterator[str]:
        """Compare everything, and yield a line for each thing that differs."""
        for number in sorted(self._stale):
            state = self._log.states.get(number, IndexState())
            why = f"{state.words} {state.advice}"
            yield f"{self._log.slugs[number]}: words and counts were not compared: {why}"
        for number in self._log.states.keys() - self._log.slugs.keys():
            self._findings.add(number, STRANGE_STATE, str(number))
        self._read_words()
        compared = 0
        for rows in self._log.batches():
            for number, group in groupby(rows, key=lambda row: row["workspace_id"]):
                self._compare(number, list(group))
            compared += len(rows)
            self._tell("Comparing", compared, self._log.events)
        self._file.flush()
        self._compare_rest()
        yield from self._findings.lines()

    def _read_words(self) -> None:
        if self._log.is_sqlite and len(self._stale) < len(self._log.slugs):
            try:
                self._words = WordsInSqlite(
                    self._file, lambda *amounts: self._tell("Reading the index", *amounts)
                )
            except sqlite3.Error as error:
                self._findings.add(None, UNREADABLE, str(error))

    def _compare(self, number: int, rows: Sequence[Row]) -> None:
        """Compare events of one workspace."""
        events = [self._check(row) for row in rows]
        are_indexed = [self._is_indexed(row) for row in rows]
        if number not in self._log.slugs:
            for row in rows:
                self._findings.add(number, row_checks.NO_WORKSPACE, str(row["uid"]))
            return
        indexed = [event for event, is_indexed in zip(events, are_indexed, strict=True) if is_indexed]
        counted = {
            (number, *_in_microseconds(key)): count for key, count in self._counts(number, indexed).items()
        }
        # What was recorded has noted its kind, though nobody may have counted it yet.
        kinds = {(number, NOT_COUNTED, 0, *kind_of(event.row)): 1 for event in events}
        self._file.log(Counter(counted | kinds))
        uids = {row["id"]: str(row["uid"]) for row in rows}
        for event, is_missing in self._differing(number, indexed):
            self._findings.add(number, MISSING if is_missing else OTHER_WORDS, uids[event])

    def _is_indexed(self, row: Row) -> bool:
        """Tell whether the index had come past an event when the comparison began."""
        number = row["workspace_id"]
        if row["seq"] is None:
            if not row["waits"]:
                self._findings.add(number, NO_PLACE, str(row["uid"]))
            return False
        if (failure := self._log.failed.get(row["id"])) is not None:
            self._findings.add(number, FAILED, f"{row['uid']} {failure}")
            return False
        return bool(row["seq"] <= self._log.states.get(number, IndexState()).seq)

    def _counts(self, number: int, events: Sequence[Logged]) -> Counter[tuple[Any, ...]]:
        return counts_of(self._log.zones[number], [event.row for event in events])

    def _differing(self, number: int, events: Sequence[Logged]) -> Iterator[tuple[int, bool]]:
        if not events:
            return
        if self._words:
            differing = self._words.differing(events)
        elif self._log.is_sqlite:
            return
        else:
            differing = differing_in_postgresql(self._log.connection, events)
        if number in self._stale:
            list(differing)  # takes them out of the sums all the same
            return
        yield from differing

    def _check(self, row: Row) -> Logged:
        """Compare an event's row with its sections and with the events before it."""
        sections, damaged = sections_of(row)
        number, uid = row["workspace_id"], str(row["uid"])
        for problem, example in row_checks.problems_of(row, sections, damaged, self._log.members):
            self._findings.add(number, problem, example)
        for problem in self._order.problems_of(row, sections):
            self._findings.add(number, problem, uid)
        return logged_of(row, sections)

    def _compare_rest(self) -> None:
        add = self._findings.add
        for number, problem, example in problems_of_kinds(self._file):
            add(number, problem, example)
        for number, problem, example in problems_of_counts(self._file, self._stale):
            add(number, problem, example)
        if self._words:
            for event in self._words.left():
                add(None, LEFT, f"number {event}")
        elif not self._log.is_sqlite:
            for number, event in left_in_postgresql(self._log.connection):
                if number not in self._stale:
                    add(number, LEFT, f"number {event}")
        for row in self._log.mistyped():
            add(row["workspace_id"], row_checks.MISTYPED, f"number {row['id']}")
        for table, row in self._log.alone():
            add(row["workspace_id"], row_checks.ALONE[table], f"number {row['id']}")
        for row in self._log.gaps():
            add(row["workspace_id"], GAP, f"{row['places']} places, {row['size']} given")
        for column, problem in ((Event.uid, order.SAME_ID), (Event.idempotency_key, order.SAME_KEY)):
            for row in self._log.twice(column):
                add(row["workspace_id"], problem, str(row["value"]))
        sequence = self._log.sequence()
        if sequence and (sequence_problem := order.sequence_problem(*sequence)):
            add(None, sequence_problem, str(sequence[0] + 1))


def _in_microseconds(key: tuple[Any, ...]) -> tuple[Any, ...]:
    hours, start, *kind = key
    return hours, microseconds(start), *kind
