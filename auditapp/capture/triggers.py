"""Whether a table has triggers: then what an INSERT or UPDATE left in a row is read, whole."""

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditapp.capture.plan import Plan

SECONDS = 10  # that an answer counts: a trigger may be made while the application runs


def has_triggers(connection: Connection, plan: Plan) -> bool:
    """Tell whether one of a model's tables has a trigger of its own, as the database said lately."""
    engine = connection.engine
    now = time.monotonic()
    asked_at, is_triggered = plan.triggers.get(engine, (0.0, False))
    if not asked_at or now - asked_at > SECONDS:
        ask = _ASK.get(connection.dialect.name)
        is_triggered = ask(connection, plan) if ask else False
        plan.triggers[engine] = now, is_triggered
    return is_triggered


def _in_sqlite(connection: Connection, plan: Plan) -> bool:
    names = [table.name.lower() for table in _tables(plan)]
    query = sa.text(
        "SELECT count(*) FROM (SELECT type, tbl_name FROM sqlite_master"
        " UNION ALL SELECT type, tbl_name FROM sqlite_temp_master)"
        " WHERE type = 'trigger' AND lower(tbl_name) IN :names"
    ).bindparams(sa.bindparam("names", expanding=True))
    return bool(connection.execute(query, {"names": names}).scalar())


def _in_postgresql(connection: Connection, plan: Plan) -> bool:
    names = [connection.dialect.identifier_preparer.format_table(table) for table in _tables(plan)]
    query = sa.text(
        "SELECT count(*) FROM pg_trigger JOIN unnest(CAST(:names AS text[])) AS name"
        " ON tgrelid = to_regclass(name) WHERE NOT tgisinternal"
    )
    return bool(connection.execute(query, {"names": names}).scalar())


def _tables(plan: Plan) -> list[sa.Table]:
    return [table for table in plan.mapper.tables if isinstance(table, sa.Table)]


_ASK: dict[str, Callable[[Connection, Plan], Any]] = {"sqlite": _in_sqlite, "postgresql": _in_postgresql}
