"""Are the rows that the benchmark loads those that ``record()`` writes? Both are made and compared.

python -m bench.timeline_check [--events 2000]
"""

import argparse
import tempfile
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers import catch_up
from auditapp.log.record import record_parsed
from auditapp.log.rows import Stamp
from auditapp.log.schema import parse_event
from auditapp.models import Workspace
from bench.servers import run_flask
from bench.timeline_bases import EMAIL, application, base, make_people, server
from bench.timeline_load import TABLES, load
from bench.timeline_rows import address_of
from bench.timeline_world import Drawn, World, moment_of

# What a table holds but for what is random by nature: salts and the number.
LOOK = {
    "event": "SELECT * FROM event ORDER BY id",
    "event_payload": "SELECT event_id, actor, on_behalf_of, names, related, changes, payload, context"
    " FROM event_payload ORDER BY event_id",
    "event_name": "SELECT event, entity_type FROM event_name ORDER BY event",
    "event_count": "SELECT workspace_id, hours, start, event, actor_type, origin, outcome, sum(events)"
    " FROM event_count GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7",
}
PLACED = ("log_leaf", "log_pending")
SEARCH = {
    "sqlite": 'SELECT doc, term, "offset" FROM found ORDER BY doc, "offset"',
    "postgresql": "SELECT workspace_id, event_id, occurred_at, words::text FROM event_search ORDER BY 2",
}


def main() -> None:
    """Compare on both databases; end with an error at the first difference."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=2000)
    count = arguments.parse_args().events
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with server(folder, keep=False) as running:
            for kind in ("sqlite", "postgresql"):
                url, _ = base(kind, count, folder, running)
                compare(kind, count, url)


def compare(kind: str, count: int, url: str) -> None:
    """Load a log, look, record the same log in its place, look again."""
    run_flask(url, "db", "upgrade")
    now = datetime.now(UTC)
    app = application(url)
    with app.app_context():
        member = make_people()
        load(url, World(count, str(member), EMAIL), member, now)
        loaded = look(kind)
        empty(kind)
        record_all(count, member, now)
        recorded = look(kind)
        db.session.remove()
        db.engine.dispose()
    for table, rows in loaded.items():
        differing = [pair for pair in zip(rows, recorded[table], strict=False) if pair[0] != pair[1]]
        if differing or len(rows) != len(recorded[table]):
            raise SystemExit(f"{kind}: {table} differs, {len(rows)} {len(recorded[table])}: {differing[:1]}")
        print(f"{kind:12}{table:16}{len(rows):>9,} rows alike", flush=True)


def look(kind: str) -> dict[str, Sequence[Any]]:
    """Return what is in the log's tables and in its indexes."""
    queries = {**LOOK, "event_search": SEARCH[kind]}
    if kind == "sqlite":
        db.session.execute(sa.text("CREATE VIRTUAL TABLE found USING fts5vocab(event_search, instance)"))
    rows = {table: [tuple(row) for row in db.session.execute(sa.text(sql))] for table, sql in queries.items()}
    if kind == "sqlite":
        db.session.execute(sa.text("DROP TABLE found"))
    db.session.commit()
    return rows


def empty(kind: str) -> None:
    """Empty the log, past its guards."""
    if kind == "postgresql":
        db.session.execute(sa.text("SET session_replication_role = replica"))
        db.session.execute(sa.text(f"TRUNCATE {', '.join((*TABLES, *PLACED))}"))
        db.session.execute(sa.text("SELECT setval(pg_get_serial_sequence('event', 'id'), 1, false)"))
        db.session.execute(sa.text("SET session_replication_role = origin"))
    else:
        triggers = db.session.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in triggers.all():
            db.session.execute(sa.text(f"DROP TRIGGER {name}"))
        db.session.execute(sa.text("INSERT INTO event_search(event_search) VALUES ('delete-all')"))
        for table in (*TABLES, *PLACED):
            if table != "event_search":
                db.session.execute(sa.text(f"DELETE FROM {table}"))
    db.session.execute(sa.text("UPDATE log_head SET size = 0"))
    db.session.execute(sa.text("UPDATE follower SET seq = 0, goal = 0"))
    db.session.commit()


def record_all(count: int, member: uuid.UUID, now: datetime) -> None:
    """Record the events of a world, with the ids and times that the loader gives them."""
    workspace = db.session.scalars(sa.select(Workspace)).one()
    for chunk in World(count, str(member), EMAIL).draw(now):
        if chunk:
            parsed = [parse_event(event_of(drawn), now=now, index=0) for drawn in chunk]
            stamps = [Stamp(uuid.UUID(drawn.uid), moment_of(drawn)) for drawn in chunk]
            record_parsed(workspace, parsed, stamps=stamps)
    db.session.commit()
    catch_up(db.engine)


def event_of(drawn: Drawn) -> dict[str, Any]:
    """Return an event as a sender writes it."""
    import orjson

    sent = {
        "event": drawn.event.id,
        "occurred_at": moment_of(drawn),
        "entity": {"type": drawn.entity.kind, "id": drawn.entity.id, "name": drawn.entity.name},
        "actor": {key: value for key, value in orjson.loads(drawn.actor.json).items() if value},
        "origin": drawn.origin,
        "outcome": drawn.outcome,
        "payload": {"note": drawn.note},
        "context": {"ip": address_of(drawn)},
    }
    if drawn.change:
        sent["changes"] = orjson.loads(drawn.change.json)
    if drawn.correlation:
        sent["correlation_id"] = drawn.correlation
    return sent


if __name__ == "__main__":
    main()
