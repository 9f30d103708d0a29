"""The judge of statements itself, on statements that Citus could answer on one node, and on others."""

import pytest

from auditapp.config import ROOT
from auditapp.extensions import db
from tests import sharding
from tests.statements import judge

SPREAD = frozenset({"event", "event_payload", "event_count", "index_state", "saved_view"})
MINE = "workspace_id = %(w)s::INTEGER"


def complaint(statement):
    return judge(statement, SPREAD).complaint


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT id FROM event WHERE {MINE}",
        f"SELECT e.id FROM event AS e WHERE e.{MINE} AND (e.event = %(a)s OR e.event = %(b)s)",
        "SELECT id FROM event WHERE workspace_id = 7",
        "SELECT id FROM event WHERE workspace_id = %s AND id = %s",
        f"SELECT count(*) FROM (SELECT 1 FROM event WHERE {MINE} LIMIT 3) AS anon_1",
        f"SELECT id FROM event WHERE event.{MINE} AND a = 1 OR event.{MINE} AND b = 2",
        # Held by what it is joined with.
        f"SELECT 1 FROM event e JOIN event_payload p ON p.workspace_id = e.workspace_id WHERE e.{MINE}",
        f"SELECT 1 FROM event e, event_payload p WHERE p.workspace_id = e.workspace_id AND p.{MINE}",
        f"SELECT 1 FROM event e JOIN event_payload p USING (workspace_id, id) WHERE e.{MINE}",
        "SELECT 1 FROM workspace w LEFT JOIN event e ON e.workspace_id = w.id WHERE w.id = %(w)s",
        f"SELECT 1 FROM event e LEFT JOIN event_payload p ON p.{MINE} WHERE e.{MINE}",
        # Of what is nested.
        f"SELECT id FROM event e WHERE e.{MINE} AND EXISTS"
        " (SELECT FROM event_payload p WHERE p.workspace_id = e.workspace_id)",
        f"WITH some AS (SELECT workspace_id, id FROM event WHERE {MINE})"
        " SELECT 1 FROM some JOIN event_payload p ON p.workspace_id = some.workspace_id",
        f"SELECT id FROM event WHERE {MINE} UNION ALL SELECT event_id FROM event_payload WHERE {MINE}",
        f"SELECT x.id FROM (SELECT id FROM event WHERE {MINE} LIMIT 9) n"
        f" CROSS JOIN LATERAL (SELECT id FROM event_payload p WHERE p.{MINE} AND p.event_id = n.id) x",
        "SELECT 1 FROM (VALUES (%(w)s::INTEGER)) AS given (number), event WHERE workspace_id = given.number",
        "SELECT 1 FROM saved_view WHERE (workspace_id, id) IN ((%(w_1)s, %(i_1)s), (%(w_2)s, %(i_2)s))",
        # Of what is changed.
        f"UPDATE index_state SET version = 0 WHERE {MINE}",
        f"UPDATE event_count c SET events = 1 FROM (SELECT 1 AS one) AS n WHERE c.{MINE}",
        f"DELETE FROM event_count WHERE {MINE} RETURNING events",
        "INSERT INTO event (workspace_id, id) VALUES (%(w)s, %(id)s) ON CONFLICT DO NOTHING",
        "INSERT INTO event (id, workspace_id) SELECT p0::BIGINT, p1::INTEGER"
        " FROM (VALUES (%(i__0)s, %(w__0)s), (%(i__1)s, %(w__1)s)) AS imp_sen(p0, p1)",
        f"SELECT id FROM event WHERE {MINE} FOR UPDATE",
        # Of what is whole on each node, or no table at all.
        "SELECT member.id FROM member JOIN account ON account.id = member.account_id",
        "SELECT pg_advisory_xact_lock(%(turn)s::INTEGER, %(workspace)s::INTEGER)",
        "SHOW synchronous_commit",
        "COPY event (workspace_id, id) FROM STDIN",
    ],
)
def test_one_node_can_answer(statement):
    assert complaint(statement) is None


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("SELECT max(id) FROM event", "event is not held"),
        ("SELECT id FROM event WHERE id = %(id)s", "event is not held"),
        (f"SELECT id FROM event WHERE {MINE} OR id = 1", "event is not held"),
        (f"SELECT id FROM event WHERE NOT {MINE}", "event is not held"),
        ("SELECT id FROM event WHERE workspace_id > %(w)s", "event is not held"),
        ("SELECT id FROM event WHERE workspace_id IN (SELECT id FROM workspace)", "event is not held"),
        # Joined across workspaces.
        (f"SELECT 1 FROM event e JOIN event_payload p ON p.event_id = e.id WHERE e.{MINE}", "event_payload"),
        ("SELECT 1 FROM event e JOIN event_payload p ON p.workspace_id = e.workspace_id", "event is not"),
        (f"SELECT 1 FROM event e LEFT JOIN event_payload p ON e.{MINE} AND p.{MINE}", "event is not held"),
        (f"SELECT 1 FROM event e FULL JOIN event_payload p ON e.{MINE} AND p.{MINE}", "event is not held"),
        # What is nested holds nothing of what is around it.
        (
            f"SELECT 1 FROM event e WHERE EXISTS (SELECT FROM member m WHERE m.{MINE} AND"
            " m.workspace_id = e.workspace_id)",
            "event is not held",
        ),
        (
            f"SELECT id FROM event e WHERE {MINE} AND NOT EXISTS (SELECT FROM event_payload p"
            " WHERE p.event_id = e.id)",
            "event_payload is not held",
        ),
        (f"SELECT id FROM event WHERE {MINE} UNION ALL SELECT event_id FROM event_payload", "event_payload"),
        (
            f"WITH some AS (SELECT id FROM event WHERE {MINE}), all_of_them AS (SELECT id FROM event_payload)"
            " SELECT 1 FROM some",
            "event_payload is not held",
        ),
        ("SELECT 1 FROM saved_view WHERE (id, member_id) IN ((%(a)s, %(b)s))", "saved_view is not held"),
        # Citus: correlated subqueries are not supported when the FROM clause contains only reference tables.
        (
            f"SELECT (SELECT count(*) FROM event e WHERE e.workspace_id = m.workspace_id) FROM member m"
            f" WHERE m.{MINE}",
            "event is not held",
        ),
        # Changed across workspaces, or from one to another.
        ("UPDATE index_state SET version = 0", "index_state is not held"),
        (f"UPDATE index_state SET workspace_id = 2 WHERE {MINE}", "a row's workspace is changed"),
        ("DELETE FROM event_count WHERE events = 0", "event_count is not held"),
        ("INSERT INTO event (id) VALUES (%(id)s)", "what is inserted into event"),
        ("INSERT INTO event VALUES (%(id)s)", "what is inserted into event"),
        ("INSERT INTO event (workspace_id) SELECT id FROM workspace", "what is inserted into event"),
        ("INSERT INTO event (workspace_id, id) VALUES (%(w)s, (SELECT max(id) FROM member))", "a subquery"),
        # What is one node's own affair.
        (f"DELETE FROM event_count c WHERE c.{MINE} AND ctid = '(0,1)'", "ctid"),
        (f"SELECT id FROM event WHERE {MINE} FOR UPDATE SKIP LOCKED", "SKIP LOCKED"),
        ("EXPLAIN (FORMAT JSON) SELECT FROM event", "event is not held"),
        ("SELECT FROM WHERE (", "cannot be parsed"),
        ("VACUUM event", "cannot be parsed"),
    ],
)
def test_one_node_cannot_answer(statement, why):
    assert why in complaint(statement)


def test_all_tables_of_a_statement_are_held_to_the_same_workspace():
    statement = (
        "SELECT 1 FROM event e, event_payload p"
        " WHERE e.workspace_id = %(one)s AND p.workspace_id = %(other)s AND p.event_id = e.id"
    )

    judgement = judge(statement, SPREAD)

    assert judgement.complaint is None
    assert judgement.disagreement({"one": 1, "other": 1}) is None
    assert "workspaces 1, 2 at once" in judgement.disagreement({"one": 1, "other": 2})


def test_so_are_rows_that_are_inserted_together():
    judgement = judge("INSERT INTO event (id, workspace_id) VALUES (%s, %s), (%s, %s)", SPREAD)

    assert judgement.disagreement((1, 7, 2, 7)) is None
    assert "workspaces 7, 8 at once" in judgement.disagreement((1, 7, 2, 8))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_the_program_sends_is_refused_with_its_place(cli, acme, monkeypatch):
    monkeypatch.setattr(sharding, "MAY_ASK_ALL", {})

    result = cli("doctor")

    assert result.code == 1
    (first, *_) = sharding.refused()
    assert first.startswith(
        "auditapp/index/state.py:stored_states sends what Citus could not answer on one node"
    )
    assert "follower is not held to a workspace" in first


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_is_streamed_past_sqlalchemy_is_judged_too(app, monkeypatch):
    monkeypatch.setattr(sharding, "_may_ask_all", lambda _sender: False)

    with (
        db.engine.connect() as connection,
        connection.connection.driver_connection.cursor() as cursor,
        pytest.raises(AssertionError, match="event is not held to a workspace"),
    ):
        next(cursor.stream("SELECT id FROM event"))
    assert len(sharding.refused()) == 1


@pytest.mark.parametrize("place", sharding.MAY_ASK_ALL)
def test_what_may_ask_all_is_there(place):
    file, _, function = place.partition(":")

    assert (ROOT / file).exists()
    assert not function or f"def {function}(" in (ROOT / file).read_text()
