"""How fast events get in, as ratios to a bare COPY or executemany of the same rows into tables without
indexes, all in one run: ``make bench``, or ``.venv/bin/python -m bench.ingest``.

Each way gets an empty database of its own, on disk. "HTTP" is a real server on loopback (granian, as ``make
run`` has it) and two clients with batches of 1,000; "import" is the command as a whole process. The worker
that follows the log runs beside both: "indexed" is the rate from the first event until the last one can be
searched, "behind" how long that took after the last one was recorded. "one event" is one at a time, by
``record_batch`` in a transaction of its own, beside a transaction of one INSERT into a table without indexes.
"""

import argparse
import json
import sqlite3
import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import psycopg

from bench.servers import database, events_behind, http_server, run_flask, run_python, worker

BATCH = 1000
TARGETS = {"HTTP": 0.12, "import": 0.15}


def main() -> None:
    """Print a table of ratios for each database."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events.jsonl"
        write_events(events, asked.events)
        for kind in ("sqlite", "postgresql"):
            measure(kind, events, asked.events, asked.rounds)


def write_events(path: Path, count: int) -> None:
    """Write synthetic events as a sender would send them, each with an idempotency key."""
    from demo.synthetic import synthetic_events

    with path.open("w") as file:
        for number, event in enumerate(synthetic_events(count, datetime.now(UTC))):
            occurred_at = event["occurred_at"].isoformat()
            line = {**event, "occurred_at": occurred_at, "idempotency_key": f"bench-{number}"}
            file.write(json.dumps(line) + "\n")


def measure(kind: str, events: Path, count: int, rounds: int) -> None:
    """Run the ways in turns, so that what else the machine does falls on all of them."""
    taken: dict[str, list[Taken]] = {"HTTP": [], "import": []}
    bare_rates = []
    single = []
    for _ in range(rounds):
        bare = count / bare_seconds(kind, events)
        bare_rates.append(bare)
        for name, way in (("HTTP", by_http), ("import", by_import)):
            with database(kind) as url, worker(url):
                seconds = way(url, events)
                behind = caught_up_after(url)
            taken[name].append(Taken(count / seconds, count / seconds / bare, seconds, behind))
        with database(kind) as url:
            single.append(float(run_python(url, "bench.one_event")))
    print(f"\n{kind}, {count:,} events, median of {rounds} rounds, the worker running")
    print(f"  {'way':10}{'events/s':>12}{'ratio':>8}{'wanted':>8}{'indexed/s':>12}{'behind':>9}")
    print(f"  {'bare':10}{statistics.median(bare_rates):>12,.0f}{1:>8.2f}")
    for name, rounds_taken in taken.items():
        rate, ratio, seconds, behind = map(statistics.median, zip(*rounds_taken, strict=True))
        indexed = count / (seconds + behind)
        print(f"  {name:10}{rate:>12,.0f}{ratio:>8.2f}{TARGETS[name]:>8.2f}{indexed:>12,.0f}{behind:>7.1f} s")
    print(
        f"  one event: {statistics.median(single):.2f} times a bare transaction of one INSERT, wanted 2",
        flush=True,
    )


class Taken(NamedTuple):
    """What one round of a way came to: events a second, their ratio, and seconds."""

    rate: float
    ratio: float
    seconds: float
    behind: float


def caught_up_after(url: str) -> float:
    """Return the seconds until the index knows all that was recorded."""
    began = time.perf_counter()
    while events_behind(url):
        time.sleep(0.05)
    return time.perf_counter() - began


def by_http(url: str, events: Path) -> float:
    """Return the seconds that two clients took to post everything."""
    run_flask(url, "workspace", "create", "bench", "--name", "Bench", "--owner", "o@bench.example")
    key = run_flask(
        url, "api-key", "create", "--workspace", "bench", "--name", "b", "--scope", "events:write"
    )
    lines = events.read_bytes().splitlines()
    bodies = [
        b'{"events":[' + b",".join(lines[at : at + BATCH]) + b"]}" for at in range(0, len(lines), BATCH)
    ]
    with http_server(url) as port:
        waiting = iter(bodies[1:])
        lock = threading.Lock()
        post(port, key, bodies[0])  # the first one pays for imports and plans

        def client() -> None:
            while True:
                with lock:
                    body = next(waiting, None)
                if body is None:
                    return
                post(port, key, body)

        clients = [threading.Thread(target=client) for _ in range(2)]
        began = time.perf_counter()
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        return (time.perf_counter() - began) * len(bodies) / max(1, len(bodies) - 1)


def post(port: int, key: str, body: bytes) -> None:
    """Post a batch; a refusal ends the benchmark."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/events", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 201:
        raise SystemExit(f"{answer.status}: {text[:300]!r}")
    connection.close()


def by_import(url: str, events: Path) -> float:
    """Return the seconds that the command took, its start included."""
    run_flask(url, "workspace", "create", "bench", "--name", "Bench", "--owner", "o@bench.example")
    began = time.perf_counter()
    run_flask(url, "events", "import", str(events), "--workspace", "bench", "--format", "jsonl")
    return time.perf_counter() - began


def bare_seconds(kind: str, events: Path) -> float:
    """Record the events once, then write the very rows into tables without indexes, in batches of 1,000."""
    with database(kind) as url:
        by_import(url, events)
        return bare_sqlite(url) if kind == "sqlite" else bare_postgresql(url)


def bare_sqlite(url: str) -> float:
    """Time executemany on the rows of ``event`` and ``event_payload``."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    tables = []
    for table in ("event", "event_payload"):
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        connection.execute(f"CREATE TABLE bare_{table} AS SELECT * FROM {table} WHERE 0")
        tables.append((f"INSERT INTO bare_{table} VALUES ({', '.join('?' * len(rows[0]))})", rows))
    connection.commit()
    began = time.perf_counter()
    for at in range(0, len(tables[0][1]), BATCH):
        for statement, rows in tables:
            connection.executemany(statement, rows[at : at + BATCH])
        connection.commit()
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def bare_postgresql(url: str) -> float:
    """Time COPY on the rows of ``event`` and ``event_payload``."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        tables = []
        for table in ("event", "event_payload"):
            rows = cursor.execute(f"SELECT * FROM {table}").fetchall()  # type: ignore[arg-type]
            cursor.execute(f"CREATE TABLE bare_{table} AS SELECT * FROM {table} WHERE false")  # type: ignore[arg-type]
            tables.append((f"COPY bare_{table} FROM STDIN", rows))
        connection.commit()
        began = time.perf_counter()
        for at in range(0, len(tables[0][1]), BATCH):
            for statement, rows in tables:
                with cursor.copy(statement) as copy:  # type: ignore[arg-type]
                    for row in rows[at : at + BATCH]:
                        copy.write_row(row)
            connection.commit()
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
