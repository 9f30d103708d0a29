"""What follows the log reads its next events by their numbers and places, however long the log is."""

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers import follow_once
from tests.followers.reading_back import recorded

# Of these a workspace has as many rows as it has events.
LONG = ("event", "event_payload", "log_leaf")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_statement_looks_through_a_workspace(acme):
    recorded(acme, "a", "b", "c")
    asked = []

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, is_many):
        if not is_many and not statement.startswith(("INSERT", "PRAGMA", "BEGIN")):
            asked.append((statement, parameters))

    while follow_once(db.engine, acme.id):
        pass
    sa.event.remove(db.engine, "before_cursor_execute", note)

    connection = db.session.connection()
    steps = [
        row[3]
        for statement, parameters in asked
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    ]
    of_the_log = [step for step in steps if step.split(" ")[1] in LONG]
    assert {step.split(" ")[1] for step in of_the_log} == {*LONG}
    assert not [step for step in of_the_log if step.startswith("SCAN") or "(workspace_id=?)" in step]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_guard_of_places_looks_each_key_up(acme):
    """Asked in one breath, with OR, SQLite looks through all places of the workspace for each new one."""
    name = "log_leaf_no_replace"
    made = db.session.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": name})
    condition = made.partition(" WHEN ")[2].partition(" BEGIN ")[0]
    for column in ("workspace_id", "seq", "event_id"):
        condition = condition.replace(f"NEW.{column}", "1")

    steps = [row[3] for row in db.session.execute(sa.text(f"EXPLAIN QUERY PLAN SELECT {condition}"))]

    looked = [step for step in steps if "log_leaf" in step]
    assert len(looked) == 2 and not [step for step in looked if "(workspace_id=?)" in step], steps
