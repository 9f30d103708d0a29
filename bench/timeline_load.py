"""Fill a migrated database with drawn events, indexes last.

PostgreSQL: COPY over three connections, one for each large table. SQLite: executemany without a journal; the
index of words grows in the order of events and is merged by FTS5 as it goes, not optimized at the end.
"""

import gc
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from auditapp.index.search_index import SEARCH_COLUMNS
from auditapp.log.insert import EVENT_COLUMNS, PAYLOAD_COLUMNS
from auditapp.models.types import microseconds
from bench.timeline_rows import Counts, Minutes, as_text, as_vector, columns, sections, text_of_moment
from bench.timeline_world import WORKSPACE, Drawn, World

TABLES = ("event", "event_payload", "event_search", "event_name", "event_count", "event_kind")
# As if the index had followed.
PLACES = (
    "INSERT INTO log_leaf (workspace_id, seq, event_id)"
    " SELECT workspace_id, row_number() OVER (ORDER BY id), id FROM event",
    "UPDATE log_head SET size = (SELECT count(*) FROM event)",
    "UPDATE follower SET seq = (SELECT count(*) FROM event), goal = 0",
)
SMALL = ("event_name", "event_count", "event_kind")
NARROW_FROM = 5_000_000  # from here on there are no payloads, which no list reads
PATIENCE = 60  # seconds before it is told how far the loading is
NULL = "\\N"
NAMES = EVENT_COLUMNS


def load(url: str, world: World, member: Any, now: datetime | None = None, *, searched: bool = True) -> None:
    """Replace the whole log of a database by the events of a world, of workspace 1.

    :param searched: with its index of words; where there is none, there are always payloads.
    """
    chunks = world.draw(now or datetime.now(UTC))
    narrow = world.count >= NARROW_FROM and searched
    gc.disable()  # there is nothing in circles, and a lot to look through
    if url.startswith("sqlite"):
        _load_sqlite(url.removeprefix("sqlite:///"), world, chunks, member, narrow, searched)
    else:
        _load_postgresql(url.replace("+psycopg", ""), world, chunks, member, narrow, searched)


def _tell(began: float, what: str) -> None:
    if time.perf_counter() - began > PATIENCE:
        print(f"    {time.perf_counter() - began:7.1f} s  {what}", flush=True)


def _names(world: World, counts: Counts) -> list[tuple[int, str, str]]:
    seen = {key[2] for key in counts.counted}
    return [(WORKSPACE, name, each.kind) for name, each in world.events.items() if name in seen]


def _load_sqlite(
    path: str, world: World, chunks: Iterator[list[Drawn]], member: Any, narrow: bool, searched: bool
) -> None:
    began, database = time.perf_counter(), sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000", "threads = 2"):
        database.execute(f"PRAGMA {pragma}")
    put_back = database.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        " AND tbl_name IN ('event', 'event_payload', 'event_count', 'event_name', 'event_kind', 'log_leaf')"
    ).fetchall()
    for kind, name, _ in put_back:
        database.execute(f"DROP {kind} {name}")
    database.execute("INSERT INTO event_search(event_search) VALUES ('delete-all')")
    for table in ("event", "event_payload", "log_leaf", "log_pending", *SMALL):
        database.execute(f"DELETE FROM {table}")
    counts, minutes, last = Counts(), Minutes(placed=False), 0
    database.execute("BEGIN")
    for chunk in chunks:
        ids = range(last + 1, last + 1 + len(chunk))
        last += len(chunk)
        times = [each.second * 1_000_000 + each.micro for each in chunk]
        database.executemany(
            f"INSERT INTO event ({', '.join(NAMES)}) VALUES ({', '.join('?' * len(NAMES))})",
            [
                (number, WORKSPACE, bytes.fromhex(each.uid), when, when, *columns(each, member.bytes))
                for number, when, each in zip(ids, times, chunk, strict=True)
            ],
        )
        if not narrow:
            database.executemany(
                f"INSERT INTO event_payload VALUES ({', '.join('?' * 16)})",
                [
                    (WORKSPACE, number, *sections(each), *(secrets.token_bytes(16) for _ in range(7)))
                    for number, each in zip(ids, chunk, strict=True)
                ],
            )
        if searched:
            database.executemany(
                "INSERT INTO event_search (rowid, words) VALUES (?, ?)",
                [
                    (number, as_text(each, minutes.of(each.second)))
                    for number, each in zip(ids, chunk, strict=True)
                ],
            )
        counts.add(chunk)
        if last % 500_000 < len(chunk):
            _tell(began, f"{last:,} events")
    rows = [(row[0], row[1], microseconds(row[2]), *row[3:]) for row in counts.rows()]
    database.executemany("INSERT INTO event_count VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.executemany("INSERT INTO event_name VALUES (?, ?, ?)", _names(world, counts))
    database.executemany("INSERT INTO event_kind VALUES (?, ?, ?, ?, ?)", counts.kinds())
    for statement in PLACES:
        database.execute(statement)
    database.execute("COMMIT")
    _tell(began, "rows")
    for kind, name, sql in sorted(put_back):
        database.execute(sql)
        _tell(began, f"{kind} {name}")
    database.close()


def _load_postgresql(
    url: str, world: World, chunks: Iterator[list[Drawn]], member: Any, narrow: bool, searched: bool
) -> None:
    began = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as admin:
        put_back = _take_indexes(admin)
        _fill_postgresql(url, world, chunks, member.hex, narrow, searched, began)
        _tell(began, "rows")
        admin.execute("SET maintenance_work_mem = '1GB'")
        for name, statement in put_back:
            admin.execute(statement)
            _tell(began, name)
        admin.execute("SELECT setval(pg_get_serial_sequence('event', 'id'), max(id)) FROM event")
        with admin.transaction():
            admin.execute("SET LOCAL session_replication_role = replica")
            admin.execute("TRUNCATE log_leaf, log_pending")
            for statement in PLACES:
                admin.execute(statement)
        admin.execute("VACUUM ANALYZE")
        _tell(began, "vacuum analyze")


def _take_indexes(admin: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """Drop indexes and keys; return what makes them again."""
    keys = admin.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'p' AND conrelid::regclass::text = ANY(%s)",
        (list(TABLES),),
    ).fetchall()
    names = [name for _, name, _ in keys]
    indexes = admin.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND NOT indexname = ANY(%s)",
        (list(TABLES), names),
    ).fetchall()
    for name, _ in indexes:
        admin.execute(f"DROP INDEX {name}")
    for table, name, _ in keys:
        admin.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    made = [(name, f"ALTER TABLE {table} ADD CONSTRAINT {name} {sql}") for table, name, sql in keys]
    return made + [(name, sql) for name, sql in indexes]


@contextmanager
def _copy(url: str, table: str, names: Sequence[str]) -> Iterator[Any]:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # the log refuses TRUNCATE else
        cursor.execute(f"TRUNCATE {table}")
        listed = f"({', '.join(names)})" if names else ""
        with cursor.copy(f"COPY {table} {listed} FROM STDIN (FREEZE)") as copy:
            yield copy


def _fill_postgresql(
    url: str,
    world: World,
    chunks: Iterator[list[Drawn]],
    member: str,
    narrow: bool,
    searched: bool,
    began: float,
) -> None:
    counts, minutes, hours, last = Counts(), Minutes(placed=True), {}, 0
    with (
        _copy(url, "event", NAMES) as events,
        _copy(url, "event_payload", PAYLOAD_COLUMNS) as payloads,
        _copy(url, "event_search", SEARCH_COLUMNS) as searches,
    ):
        for chunk in chunks:
            rows, told, found = [], [], []
            for number, each in enumerate(chunk, last + 1):
                when = text_of_moment(hours, each.second, each.micro)
                cells = "\t".join([NULL if cell is None else cell for cell in columns(each, member)])
                rows.append(f"{number}\t1\t{each.uid}\t{when}\t{when}\t{cells}\n")
                if not narrow:
                    salts = ["\\\\x" + secrets.token_hex(16) for _ in range(7)]
                    told.append(f"1\t{number}\t" + "\t".join((*sections(each), *salts)) + "\n")
                if searched:
                    words = as_vector(each, minutes.of(each.second))
                    found.append(f"1\t{number}\t{when}\t{words}\n")
            last += len(chunk)
            if found:
                searches.write("".join(found))
            events.write("".join(rows))
            if told:
                payloads.write("".join(told))
            counts.add(chunk)
            if last % 500_000 < len(chunk):
                _tell(began, f"{last:,} events")
    for table, rows in zip(SMALL, (_names(world, counts), counts.rows(), counts.kinds()), strict=True):
        with _copy(url, table, ()) as copy:
            for row in rows:
                copy.write_row(row)
