"""Commands that record leave the index to the worker, say so where none runs, and wait where told."""

import json

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers.lease import Lease
from auditapp.index.state import index_state_of
from tests.conftest import an_event

HINT = "The search index follows as soon as a server or flask --app app worker runs; --wait makes it follow"


@pytest.fixture
def import_one(cli, acme):
    """Return a function that imports an event."""

    def run(*more):
        line = json.dumps(an_event(occurred_at="2026-03-24T09:55:43Z", name=f"Kiwi {more}"))
        arguments = ("events", "import", "-", "--workspace", "acme", "--format", "jsonl")
        return cli(*arguments, *more, stdin=line)

    return run


def behind(workspace) -> int:
    return index_state_of(workspace.id).behind


def test_what_is_recorded_waits_for_a_worker_and_that_is_said(import_one, acme):
    result = import_one()

    assert result.code == 0 and HINT in result.out
    assert behind(acme) > 0


def test_where_a_worker_runs_nothing_is_said(import_one):
    lease = Lease(db.engine)
    assert lease.hold()

    assert HINT not in import_one().out
    lease.release()
    assert HINT in import_one("--skip-bad").out


def test_to_wait_is_to_let_the_index_follow(import_one, acme):
    result = import_one("--wait")

    assert result.code == 0 and HINT not in result.out
    assert behind(acme) == 0
    assert db.session.scalar(sa.text("SELECT count(*) FROM log_pending")) == 0


def test_nothing_new_leaves_nothing_to_say(import_one):
    import_one("--wait")

    assert HINT not in import_one("--wait").out
