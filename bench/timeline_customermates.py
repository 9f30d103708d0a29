"""The same pages as Customermates asks for them, at the same size, beside ours.

One wide row with its JSON, four indexes of one column each, ``OFFSET`` for the page and ``COUNT(*)`` for
its number, as its repository has it: company, entity, user and time have an index; an event's name has none.
"""

import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from auditapp.extensions import db
from bench.timeline_ask import LONG, Figure

GROUP = "as Customermates asks"
_PARTS = "'id', entity_id, 'name', entity_name, 'changes', fields, 'origin', origin"
_JSON = {"sqlite": f"json_object({_PARTS})", "postgresql": f"jsonb_build_object({_PARTS})"}
FILTERS = {
    "unfiltered": "",
    "the record": " AND entity_id = :record",
    "actor=user-0": " AND user_id = 'user-0'",
    "event=deal.updated": " AND event = 'deal.updated'",
    "since 90 days": " AND created_at >= :since",
    "actor=user-4 event=deal.updated": " AND user_id = 'user-4' AND event = 'deal.updated'",
}


def make(kind: str) -> None:
    """Make the table out of our rows, where it is not there yet."""
    if sa.inspect(db.engine).has_table("audit_log_wide"):
        return
    columns = (
        "id, workspace_id AS company_id, entity_id, actor_id AS user_id, event, occurred_at AS created_at"
    )
    with db.engine.begin() as connection:
        if kind == "postgresql":
            connection.execute(sa.text("SET LOCAL maintenance_work_mem = '1GB'"))
        connection.execute(
            sa.text(
                f"CREATE TABLE audit_log_wide AS SELECT {columns}, {_JSON[kind]} AS event_data FROM event"
            )
        )
        for column in ("company_id", "entity_id", "user_id", "created_at"):
            connection.execute(sa.text(f"CREATE INDEX ix_wide_{column} ON audit_log_wide ({column})"))
    if kind == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE audit_log_wide"))


def ask(rounds: int, record: str) -> Iterator[Figure]:
    """Time its pages; a slow one is asked once."""
    newest = db.session.scalar(sa.text("SELECT max(created_at) FROM audit_log_wide"))
    ninety: Any = timedelta(days=90)
    if db.engine.dialect.name == "sqlite":
        ninety //= timedelta(microseconds=1)
    known = {"record": record.partition(":")[2], "since": newest - ninety}
    for label, where in FILTERS.items():
        total = 0
        for page in (1, 1000):
            if page == 1000 and total < 50_000:
                continue
            values = {name: value for name, value in known.items() if f":{name}" in where}
            rows = sa.text(
                f"SELECT * FROM audit_log_wide WHERE company_id = 1{where}"
                f" ORDER BY created_at DESC LIMIT 50 OFFSET {(page - 1) * 50}"
            )
            count = sa.text(f"SELECT count(*) FROM audit_log_wide WHERE company_id = 1{where}")
            taken, spent = [], 0.0
            while len(taken) <= rounds and spent < LONG:
                began = time.perf_counter()
                found = db.session.execute(rows, values).all()
                total = db.session.scalar(count, values) or 0
                taken.append(time.perf_counter() - began)
                spent += taken[-1]
                db.session.rollback()
            middle = statistics.median(taken[1:] or taken) * 1000
            yield Figure(GROUP, label, page, middle, middle, len(found))
