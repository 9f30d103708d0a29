"""How far the index is behind while 1,000 events a second come in by HTTP: ``python -m bench.lag``.

A real server and its worker, on an empty database of each kind; batches of 20, paced. Every tenth of a second
the end of the log is taken, and how long it takes until the index has come to it.
"""

import argparse
import json
import statistics
import threading
import time
from datetime import UTC, datetime

import sqlalchemy as sa

from bench.ingest import post
from bench.servers import BEHIND, database, http_server, run_flask, worker

BATCH = 20


def main() -> None:
    """Print the median and the worst for each database."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=20)
    arguments.add_argument("--rate", type=int, default=1000)
    asked = arguments.parse_args()
    for kind in ("sqlite", "postgresql"):
        with database(kind) as url, worker(url), http_server(url) as port:
            lags, rate = measure(url, port, asked.seconds, asked.rate)
        told = f"median {statistics.median(lags) * 1000:,.0f} ms, worst {max(lags) * 1000:,.0f} ms"
        print(
            f"{kind}: {rate:,.0f} events/s for {asked.seconds} s; behind {told}, of {len(lags)}", flush=True
        )


def measure(url: str, port: int, seconds: int, rate: int) -> tuple[list[float], float]:
    """Return how long each of some waited to be known, and how many events a second came in."""
    from demo.synthetic import synthetic_events

    run_flask(url, "workspace", "create", "bench", "--name", "Bench", "--owner", "o@bench.example")
    key = run_flask(
        url, "api-key", "create", "--workspace", "bench", "--name", "b", "--scope", "events:write"
    )
    events = [
        {**event, "occurred_at": event["occurred_at"].isoformat()}
        for event in synthetic_events(rate * seconds, datetime.now(UTC))
    ]
    bodies = [json.dumps({"events": events[at : at + BATCH]}).encode() for at in range(0, len(events), BATCH)]
    lags: list[float] = []
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(url, done, lags))
    watch.start()
    began = time.perf_counter()
    for number, body in enumerate(bodies):
        time.sleep(max(0.0, began + number * BATCH / rate - time.perf_counter()))
        post(port, key, body)
    taken = time.perf_counter() - began
    done.set()
    watch.join()
    return lags, len(events) / taken


def _watch(url: str, done: threading.Event, lags: list[float]) -> None:
    """Take the end of the log every tenth of a second, and how long it takes the index to come to it."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        while not done.is_set():
            began = time.perf_counter()
            goal = connection.scalar(sa.text(GOAL))
            connection.rollback()
            while connection.scalar(sa.text(SEQ)) < goal:
                connection.rollback()
                time.sleep(0.005)
            connection.rollback()
            lags.append(time.perf_counter() - began)
            time.sleep(0.1)
    engine.dispose()


SEQ = "SELECT coalesce(max(seq), 0) FROM follower WHERE name = 'index'"
GOAL = f"SELECT ({BEHIND}) + ({SEQ})"

if __name__ == "__main__":
    main()
