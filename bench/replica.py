"""What a replica costs and saves, as ratios in one run: ``.venv/bin/python -m bench.replica``.

A primary and a streaming standby on this machine, with synthetic events. In turns, by one client: a page of
the API and a call that records an event, of an application with the standby and of one without, by a key that
reads and one that only writes; and how many of the page's statements either database answers.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask

from auditapp import create_app
from auditapp.access import api_keys, members
from auditapp.access.own_events import COMMAND_LINE
from auditapp.extensions import db
from auditapp.log import record_batch
from demo.synthetic import synthetic_events
from tests.faults.own_postgresql import OwnPostgresql
from tests.faults.standby import Standby

WAYS = ("without", "with")


def main() -> None:
    """Print the two ratios and the counts."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=20_000)
    arguments.add_argument("--rounds", type=int, default=200)
    asked = arguments.parse_args()
    primary = OwnPostgresql()
    try:
        url = primary.make_database()
        keys = fill(application(url), asked.events)
        standby = Standby(primary)
        try:
            standby.catch_up()
            measure(url, standby, keys, asked.rounds)
        finally:
            standby.remove()
    finally:
        primary.remove()


def application(url: str, replica: str = "") -> Flask:
    """Return the application on a database, with or without a replica."""
    urls = {"SQLALCHEMY_DATABASE_URI": url, "DATABASE_REPLICA_URL": replica}
    return create_app({**urls, "SECRET_KEY": "bench", "REQUESTS_PER_MINUTE": 1_000_000})


def fill(app: Flask, events: int) -> tuple[str, str]:
    """Record synthetic events in a workspace, and return two keys: one reads and writes there, one writes."""
    with app.app_context():
        workspace = members.create_workspace("bench", "Bench", "UTC", COMMAND_LINE)
        key = api_keys.create_key(workspace, "Both", {"events:read", "events:write"}, COMMAND_LINE)
        writer = api_keys.create_key(workspace, "Writer", {"events:write"}, COMMAND_LINE)
        db.session.commit()
        batch: list[dict[str, Any]] = []
        for number, event in enumerate(synthetic_events(events, datetime.now(UTC)), 1):
            batch.append({**event, "occurred_at": event["occurred_at"].isoformat()})
            if len(batch) == 1000 or number == events:
                record_batch(workspace, batch)
                db.session.commit()
                batch = []
        db.session.remove()
        db.engine.dispose()
    return key, writer


def measure(url: str, standby: Standby, keys: tuple[str, str], rounds: int) -> None:
    """Ask either application in turns, so that what else the machine does falls on both."""
    apps = {"without": application(url), "with": application(url, standby.url_of(url))}
    headers, writes = ({"Authorization": f"Bearer {key}"} for key in keys)
    body = {
        "event": "deal.updated",
        "actor": {"type": "user", "id": "ada"},
        "entity": {"type": "deal", "id": "1"},
    }
    ask: dict[str, Callable[[str], Any]] = {
        "page": lambda way: apps[way].test_client().get("/api/v1/events", headers=headers),
        "event": lambda way: apps[way].test_client().post("/api/v1/events", json=body, headers=headers),
        "event of a key that only writes": lambda way: (
            apps[way].test_client().post("/api/v1/events", json=body, headers=writes)
        ),
    }
    for what, request in ask.items():
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        for number in range(rounds):
            for way in WAYS if number % 2 else reversed(WAYS):
                began = time.perf_counter()
                answer = request(way)
                times[way].append(time.perf_counter() - began)
                if answer.status_code not in (200, 201):
                    raise SystemExit(f"{what}: {answer.status}")
        middle = {way: statistics.median(times[way]) * 1000 for way in WAYS}
        ratio = middle["with"] / middle["without"]
        print(f"{what}: {middle['without']:.2f} ms without, {middle['with']:.2f} with a replica: {ratio:.2f}")
    standby.catch_up()
    count_statements(apps["with"], lambda: ask["page"]("with"))


def count_statements(app: Flask, request: Callable[[], Any]) -> None:
    """Print where the statements of a request went."""
    asked: Counter[str] = Counter()
    with app.app_context():
        for name, engine in db.engines.items():
            at = name or "primary"
            sa.event.listen(engine, "before_cursor_execute", lambda *_, at=at: asked.update([at]))
    request()
    print(f"statements of a page: {dict(asked)}")


if __name__ == "__main__":
    main()
