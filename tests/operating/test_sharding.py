"""``flask db distribute``, against SQL functions that stand in for Citus: see stand_in_citus/.

They show what Citus is asked for, in which order, and that it is nothing that Citus is known to refuse. That
Citus then answers every page, they do not.
"""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from auditapp.extensions import db
from auditapp.operating.sharding import KEY, our_tables, unique_keys
from tests.databases import fast_folder

STAND_IN = Path(__file__).with_name("stand_in_citus")
# Whole on each node though they have a workspace: an API key, a source's path and an invitation's token are
# looked up before it is known, and an invitation refers to a member and a role.
LOOKED_UP_WITHOUT = {"api_key", "source", "invitation", "member", "role"}

on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def extensions():
    """Return a folder that the server may read with the extension in it."""
    with fast_folder("auditapp-citus-") as folder:
        shutil.copytree(STAND_IN, folder, dirs_exist_ok=True)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def citus(app, extensions, set_in_database):
    """Put the stand-in into the database."""
    set_in_database("extension_control_path", f"{extensions}:$system")
    run("CREATE EXTENSION citus")


def run(*statements):
    for statement in statements:
        db.session.execute(sa.text(statement))
    db.session.commit()
    db.engine.dispose()  # what is set for a database counts for new connections


def calls():
    return list(db.session.scalars(sa.text("SELECT call FROM stand_in_call ORDER BY number")))


def wrong(cli):
    """Return what doctor finds wrong, but that these tests' server does not wait for its disk."""
    lines = cli("doctor").out.splitlines()
    return [line for line in lines if line.startswith("WRONG") and "synchronous_commit" not in line]


@on_postgresql
def test_what_has_a_workspace_is_spread_and_all_else_is_whole_on_each_node(cli, citus):
    tables = our_tables(db.engine).tables
    spread = {name for name, table in tables.items() if KEY in table.columns} - LOOKED_UP_WITHOUT

    result = cli("db", "distribute")

    assert (result.code, result.err) == (0, "")
    assert sorted(calls()) == sorted(
        [
            "distributed event by workspace_id with none",
            *(f"distributed {name} by workspace_id with event" for name in spread - {"event"}),
            *(f"reference {name}" for name in tables.keys() - spread),
        ]
    )
    assert "event_search: spread by workspace_id, 0 rows\n" in result.out
    assert "alembic_version" not in result.out


@on_postgresql
def test_keys_and_foreign_keys_of_what_is_spread_are_led_by_the_workspace(app):
    tables = our_tables(db.engine).tables
    keyed = [table for table in tables.values() if KEY in table.columns]

    led = {table.name for table in keyed if all(key[0] == KEY for key in unique_keys(table))}
    assert {table.name for table in keyed} - led == {"api_key", "source", "invitation"}
    assert {str(table.columns[KEY].type) for table in keyed} == {"INTEGER"}
    for table in keyed:
        for key in table.foreign_key_constraints:
            referred = key.elements[0].target_fullname
            of_everybody = KEY not in key.referred_table.columns
            assert of_everybody or (key.column_keys[0], referred.split(".")[1]) == (KEY, KEY), referred
            assert not (key.ondelete or key.onupdate)


@on_postgresql
def test_a_filled_database_is_spread_and_the_guards_stay(cli, citus, note):
    note()
    recorded = db.session.scalar(sa.text("SELECT count(*) FROM event_payload"))
    db.session.remove()  # lets go of the table

    result = cli("db", "distribute")

    # The stand-in has no shards: the rows that stayed behind are all there were.
    assert (result.code, result.err) == (0, "")
    assert f"event_payload: spread by workspace_id, {recorded} rows\n" in result.out
    assert "event: the rows that stayed behind here were freed\n" in result.out
    for table in ("event", "event_payload", "log_leaf"):
        with pytest.raises(DBAPIError, match="append-only"):
            db.session.execute(sa.text(f"TRUNCATE {table} CASCADE"))
        db.session.rollback()
    assert not any("trigger" in line for line in wrong(cli))


@on_postgresql
def test_again_it_changes_nothing(cli, citus):
    cli("db", "distribute")
    run("TRUNCATE stand_in_call")

    result = cli("db", "distribute")

    assert (result.code, result.out) == (0, "Nothing to do: all tables are where they belong.\n")
    assert calls() == []


@on_postgresql
def test_stopped_on_the_way_it_goes_on_where_it_was(cli, citus):
    run("ALTER TABLE pg_dist_partition ADD CONSTRAINT broken CHECK (logicalrelid <> 'event_name'::regclass)")

    refused = cli("db", "distribute")
    before = len(calls())
    run("ALTER TABLE pg_dist_partition DROP CONSTRAINT broken")
    result = cli("db", "distribute")

    assert (refused.code, result.code) == (1, 0)
    assert before and len(calls()) == len(set(calls()))


@on_postgresql
def test_doctor_says_what_was_forgotten(cli, citus):
    assert any("and no table is spread" in line for line in cli("doctor").out.splitlines())
    cli("db", "distribute")
    db.engine.dispose()
    assert wrong(cli) == []

    run("DELETE FROM pg_dist_partition WHERE logicalrelid = 'event_kind'::regclass", "TRUNCATE stand_in_call")
    assert wrong(cli) == [
        "WRONG  others are, but event_kind is not distributed: run flask --app app db distribute"
    ]

    cli("db", "distribute")
    assert calls() == ["distributed event_kind by workspace_id with event"]
    assert wrong(cli) == []


@on_postgresql
def test_settings_that_it_needs_are_set_for_all_who_connect(cli, citus):
    cli("db", "distribute")
    db.session.remove()
    db.engine.dispose()

    assert db.session.scalar(sa.text("SHOW citus.enable_unsafe_triggers")) == "on"
    assert db.session.scalar(sa.text("SHOW citus.enable_local_execution")) == "off"

    name = db.engine.url.database
    run(f"ALTER DATABASE {name} SET citus.enable_local_execution = on")
    assert wrong(cli) == [
        "WRONG  citus.enable_local_execution is not off:"
        f" run ALTER DATABASE {name} SET citus.enable_local_execution = off"
    ]


@on_postgresql
def test_a_table_that_somebody_placed_otherwise_is_named(cli, citus):
    run("INSERT INTO pg_dist_partition VALUES ('event'::regclass, 'n', 't')")

    result = cli("db", "distribute")

    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "Citus has placed event in another way" in result.err
    assert any("Citus has placed event in another way" in line for line in wrong(cli))


@on_postgresql
def test_without_the_extension_it_says_what_to_do(cli):
    result = cli("db", "distribute")

    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "run CREATE EXTENSION citus" in result.err


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_is_spread_over_nothing(cli):
    result = cli("db", "distribute")

    assert (result.code, result.out) == (1, "")
    assert "Citus is an extension of PostgreSQL" in result.err
