"""``flask doctor --deep`` names what differs from the log; ``flask index rebuild`` mends what is derived."""

from datetime import UTC, datetime, timedelta
from threading import Event as Signal
from threading import Thread

import pytest
import sqlalchemy as sa

from auditapp.extensions import db
from auditapp.followers import catch_up, step
from auditapp.index import search_index
from auditapp.index.terms import INDEX_VERSION
from auditapp.log import record, record_batch
from auditapp.models import Event, Workspace
from auditapp.operating.deep import log_reader
from tests.conftest import an_event

WELL = "the log agrees with itself, and what is derived with the log"


@pytest.fixture(autouse=True)
def durable(set_in_database, monkeypatch):
    set_in_database("synchronous_commit", "on")  # the tests' server has it off
    monkeypatch.setattr(log_reader, "BATCH", 7)


@pytest.fixture
def log(acme, other):
    """Record twelve events in acme and five elsewhere."""
    changes = {
        "stage": {"previous": "open", "current": "won", "label": "Stage"},
        "totalValue": {"current": 4},
    }
    more = {
        "payload": {"note": "Grüße, 日本語のテキスト"},
        "changes": changes,
        "related": [{"type": "org", "id": "7"}],
    }
    behalf = {"type": "user", "id": "u9", "name": None, "email": "nine@acme.example"}
    for workspace, number in ((acme, 12), (other, 5)):
        events = [
            an_event("deal.updated", entity=str(each), name=f"kiwi n{each}", **more) for each in range(number)
        ]
        record_batch(workspace, [*events, an_event("contact.created", origin="ui", on_behalf_of=behalf)])
    record(acme, an_event("deal.closed", outcome="denied", actor={"type": "system", "id": "cron"}))
    db.session.commit()
    catch_up(db.engine)


def is_sqlite():
    return db.engine.dialect.name == "sqlite"


def run(*statements):
    for statement in statements:
        db.session.execute(sa.text(statement))
    db.session.commit()
    db.session.remove()


def unguarded(*statements):
    """Damage the log itself, and put its guards back."""
    if is_sqlite():
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = [tuple(row) for row in db.session.execute(sa.text(query))]
        for name, _ in triggers:
            db.session.execute(sa.text(f"DROP TRIGGER {name}"))
        for statement in statements:
            db.session.execute(sa.text(statement))
        for _, sql in triggers:
            db.session.connection().exec_driver_sql(sql)
        run()
    else:
        run("SET LOCAL session_replication_role = replica", *statements)


def wrong(cli):
    result = cli("doctor", "--deep")
    lines = [line.removeprefix("WRONG  ") for line in result.out.splitlines() if line.startswith("WRONG")]
    assert result.err == ""
    assert result.code == (1 if lines else 0), result.out
    assert (WELL in result.out) == (not lines), result.out
    return lines


def the(workspace, event="deal.updated", place=0):
    slug = f"(SELECT id FROM workspace WHERE slug = '{workspace}')"
    mine = f"workspace_id = {slug} AND event = '{event}'"
    return f"(SELECT id FROM event WHERE {mine} ORDER BY id LIMIT 1 OFFSET {place})"


ACME = "(SELECT id FROM workspace WHERE slug = 'acme')"
OTHER = "(SELECT id FROM workspace WHERE slug = 'other')"
DEALS = f"workspace_id = {ACME} AND event = 'deal.updated'"


def test_a_whole_log_is_well(cli, log):
    assert wrong(cli) == []


def test_an_empty_installation_is_well(cli, app):
    assert wrong(cli) == []


KINDS = "workspace_id, event, origin, actor_type, outcome"
KIND = "'ui', 'user', 'success'"
# By what was done: statements, and the beginning of each line.
DERIVED = {
    "a kind deleted": (
        [f"DELETE FROM event_kind WHERE workspace_id = {ACME} AND event = 'deal.updated'"],
        ["acme: kinds of events missing from event_kind: 1 (deal.updated unknown user success); "],
    ),
    "all kinds deleted": (
        ["DELETE FROM event_kind"],
        [
            "acme: kinds of events missing from event_kind: ",
            "other: kinds of events missing from event_kind: ",
        ],
    ),
    "a kind added": (
        [f"INSERT INTO event_kind ({KINDS}) VALUES ({ACME}, 'x.y', {KIND})"],
        ["acme: kinds in event_kind of events that there are none of: 1 (x.y ui user success); "],
    ),
    "a kind altered": (
        [f"UPDATE event_kind SET outcome = 'failure' WHERE workspace_id = {ACME} AND event = 'deal.closed'"],
        [
            "acme: kinds of events missing from event_kind: 1 (deal.closed unknown system denied); ",
            "acme: kinds in event_kind of events that there are none of: 1 (deal.closed unknown system f",
        ],
    ),
    "a kind in another workspace": (
        [f"UPDATE event_kind SET workspace_id = {OTHER} WHERE event = 'deal.closed'"],
        [
            "acme: kinds of events missing from event_kind: 1",
            "other: kinds in event_kind of events that there are",
        ],
    ),
    "a kind in no workspace": (
        [f"INSERT INTO event_kind ({KINDS}) VALUES (99, 'x.y', {KIND})"],
        ["no workspace 99: kinds in event_kind of events that there are none of: 1 (x.y ui user success); "],
    ),
    "a name deleted": (
        [f"DELETE FROM event_name WHERE workspace_id = {ACME} AND event = 'deal.updated'"],
        ["acme: names of events missing from event_name: 1 (deal.updated); "],
    ),
    "a name added": (
        [f"INSERT INTO event_name (workspace_id, event, entity_type) VALUES ({ACME}, 'x.y', 'x')"],
        ["acme: names in event_name of events that there are none of: 1 (x.y); "],
    ),
    "a name of another type": (
        [f"UPDATE event_name SET entity_type = 'z' WHERE workspace_id = {ACME} AND event = 'deal.updated'"],
        ["acme: names in event_name with another entity type: 1 (deal.updated z); "],
    ),
    "a count too high": (
        [f"UPDATE event_count SET events = events + 2 WHERE {DEALS} AND hours = 24"],
        ["acme: counts in event_count that are too high: 1 ("],
    ),
    "a count too low": (
        [f"UPDATE event_count SET events = events - 2 WHERE {DEALS} AND hours = 1"],
        ["acme: counts in event_count that are too low: 1 ("],
    ),
    "counts deleted": (
        [f"DELETE FROM event_count WHERE workspace_id = {ACME} AND hours = 168"],
        ["acme: counts in event_count that are too low: "],
    ),
    "a count of nothing": (
        [
            "INSERT INTO event_count (workspace_id, hours, start, event, origin, actor_type, outcome, events)"
            f" SELECT workspace_id, hours, start, 'x.y', {KIND}, 3 FROM event_count WHERE {DEALS} LIMIT 1"
        ],
        ["acme: counts in event_count that are too high: 1 ("],
    ),
    "a count of no workspace": (
        [
            "INSERT INTO event_count (workspace_id, hours, start, event, origin, actor_type, outcome, events)"
            f" SELECT 99, hours, start, 'x.y', {KIND}, 3 FROM event_count WHERE workspace_id = {ACME} LIMIT 1"
        ],
        ["no workspace 99: counts in event_count that are too high: 1 ("],
    ),
    "a state of no workspace": (
        ["INSERT INTO follower (workspace_id, name, version, seq, goal) VALUES (99, 'index', 1, 0, 0)"],
        ["no workspace 99: rows of follower: 1 (99); "],
    ),
}
SQLITE_WORDS = {
    "all words deleted": (
        ["INSERT INTO event_search (event_search) VALUES ('delete-all')"],
        [
            "acme: events that are not in the index of words: ",
            "other: events that are not in the index of words: ",
        ],
    ),
    "words of no event": (
        ["INSERT INTO event_search (rowid, words) VALUES (123456, '_1 papaya')"],
        ["words in the index of events that there are none of: 1 (number 123456); "],
    ),
    "the index damaged": (
        ["DELETE FROM event_search_data WHERE id > 10"],
        ["the index of words is damaged: 1 ("],
    ),
}
POSTGRESQL_WORDS = {
    "words deleted": (
        [f"DELETE FROM event_search WHERE event_id IN ({the('acme')}, {the('acme', place=1)})"],
        ["acme: events that are not in the index of words: 2 ("],
    ),
    "words of no event": (
        [
            "INSERT INTO event_search SELECT workspace_id, 123456, occurred_at, words FROM event_search"
            " LIMIT 1"
        ],
        ["acme: words in the index of events that there are none of: 1 (number 123456); "],
    ),
    "words of no event before the first": (
        ["INSERT INTO event_search SELECT workspace_id, -5, occurred_at, words FROM event_search LIMIT 1"],
        ["acme: words in the index of events that there are none of: 1 (number -5); "],
    ),
    "words in another workspace": (
        [f"UPDATE event_search SET workspace_id = {OTHER} WHERE event_id = {the('acme')}"],
        [
            "acme: events that are not in the index of words: 1",
            "other: words in the index of events that there are none",
        ],
    ),
    "words in no workspace": (
        [f"UPDATE event_search SET workspace_id = 99 WHERE event_id = {the('acme')}"],
        [
            "acme: events that are not in the index of words: 1",
            "no workspace 99: words in the index of events that",
        ],
    ),
    "another time": (
        [f"UPDATE event_search SET occurred_at = now() + interval '1 day' WHERE event_id = {the('acme')}"],
        ["acme: events with other words in the index than in the log: 1 ("],
    ),
    "another word": (
        [f"UPDATE event_search SET words = words || 'papaya:1'::tsvector WHERE event_id = {the('acme')}"],
        ["acme: events with other words in the index than in the log: 1 ("],
    ),
}
DAMAGES = [
    *(("both", name, *damage) for name, damage in DERIVED.items()),
    *(("sqlite", name, *damage) for name, damage in SQLITE_WORDS.items()),
    *(("postgresql", name, *damage) for name, damage in POSTGRESQL_WORDS.items()),
]


@pytest.mark.parametrize(
    ("where", "name", "statements", "expected"), DAMAGES, ids=[f"{each[1]}-{each[0]}" for each in DAMAGES]
)
def test_what_is_derived_and_differs_is_named_and_a_rebuild_mends_it(
    cli, log, where, name, statements, expected
):
    if where not in ("both", db.engine.dialect.name):
        pytest.skip("another database")
    run(*statements)

    lines = wrong(cli)

    assert len(lines) == len(expected), lines
    for line, beginning in zip(lines, expected, strict=True):
        assert line.startswith(beginning), lines
        assert "; run flask --app app index rebuild" in line
    assert cli("index", "rebuild").code == 0
    assert wrong(cli) == []


def other_words(number, words):
    if is_sqlite():
        # As the old words are not known, those of an event more than once: the newest count.
        return f"INSERT INTO event_search (rowid, words) VALUES ({number}, '{words}')"
    return f"UPDATE event_search SET words = to_tsvector('simple', '{words}') WHERE event_id = {number}"


def test_words_of_an_event_that_are_others_are_named_and_mended(cli, log):
    uid = db.session.scalar(sa.select(Event.uid).where(Event.id == sa.text(the("acme", place=3))))
    run(other_words(the("acme", place=3), "papaya"))

    assert wrong(cli) == [
        f"acme: events with other words in the index than in the log: 1 ({uid});"
        " run flask --app app index rebuild"
    ]
    assert cli("index", "rebuild").code == 0
    assert wrong(cli) == []


def test_words_of_an_erased_section_are_named_and_mended(cli, log):
    run(
        "UPDATE event_payload SET payload = NULL, payload_salt = NULL, changes = NULL, changes_salt = NULL"
        f" WHERE event_id = {the('acme')}",
        f"UPDATE event SET line = NULL WHERE id = {the('acme')}",
    )

    [line] = wrong(cli)

    assert line.startswith("acme: events with other words in the index than in the log: 1 (")
    assert cli("index", "rebuild").code == 0
    assert wrong(cli) == []


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM follower",
        f"DELETE FROM follower WHERE workspace_id = {ACME}",
        f"UPDATE follower SET version = 99 WHERE workspace_id = {ACME}",
        f"UPDATE follower SET goal = 9, seq = 2 WHERE workspace_id = {ACME}",
        f"UPDATE follower SET goal = 900, seq = 2 WHERE workspace_id = {ACME}",
    ],
)
def test_a_state_that_says_undone_is_named_and_mended_at_once(cli, log, damage):
    run(damage, f"DELETE FROM event_kind WHERE workspace_id = {OTHER}")

    lines = wrong(cli)

    assert any(line.startswith("acme: words and counts were not compared: ") for line in lines), lines
    assert any(line.startswith("other: kinds of events missing") for line in lines), lines
    assert cli("index", "rebuild").code == 0
    assert wrong(cli) == []


def test_a_state_that_says_done_though_it_is_not_is_seen_by_what_is_missing(cli, log):
    run("UPDATE follower SET version = 0")
    run(*(["DELETE FROM event_search"] if not is_sqlite() else SQLITE_WORDS["all words deleted"][0]))
    run("DELETE FROM event_count")
    run(f"UPDATE follower SET version = {INDEX_VERSION}")

    lines = wrong(cli)

    assert [line.partition(": ")[2].partition(":")[0] for line in lines if line.startswith("acme")] == [
        "events that are not in the index of words",
        "counts in event_count that are too low",
    ]
    assert cli("index", "rebuild").code == 0
    assert wrong(cli) == []


def test_a_rebuild_that_was_killed_goes_on_and_leaves_all_well(cli, log, monkeypatch):
    run("DELETE FROM event_kind", "DELETE FROM event_name", "DELETE FROM event_count")
    monkeypatch.setattr(step, "BATCH", 4)
    calls = iter([None, None, OSError("killed")])
    add_documents = search_index.add_documents

    def failing(*given):
        if error := next(calls, None):
            raise error
        add_documents(*given)

    monkeypatch.setattr(search_index, "add_documents", failing)
    assert cli("index", "rebuild").code == 1
    db.session.rollback()
    assert any("made anew" in line for line in wrong(cli))

    assert cli("index", "rebuild").code == 0

    assert wrong(cli) == []


def test_a_rebuild_of_one_workspace_mends_that_one(cli, log):
    run("DELETE FROM event_kind WHERE event = 'contact.created'")

    assert cli("index", "rebuild", "--workspace", "acme").code == 0

    assert all(not line.startswith("acme") for line in wrong(cli))


LOG = {
    "an actor's name": (
        "UPDATE event SET actor_name = 'Eve' WHERE id = {}",
        "row and sections",
        "actor_name",
    ),
    "an actor's id": ("UPDATE event SET actor_id = 'eve' WHERE id = {}", "row and sections", "actor_id"),
    "an actor's type": (
        "UPDATE event SET actor_type = 'system' WHERE id = {}",
        "row and sections",
        "actor_type",
    ),
    "an actor's id erased in the row alone": (
        "UPDATE event SET actor_id = NULL WHERE id = {}",
        "row and sections",
        "actor_id",
    ),
    "an entity's name": (
        "UPDATE event SET entity_name = 'x' WHERE id = {}",
        "row and sections",
        "entity_name",
    ),
    "an entity's type": (
        "UPDATE event SET entity_type = 'x' WHERE id = {}",
        "row and sections",
        "entity_type",
    ),
    "the fields": ("UPDATE event SET fields = 'x' WHERE id = {}", "row and sections", "fields"),
    "a line": (
        """UPDATE event SET line = '{{"v"\\:1,"fields"\\:"x"}}\' WHERE id = {}""",
        "row and sections",
        "line",
    ),
    "no JSON for a line": ("UPDATE event SET line = '[' WHERE id = {}", "row and sections", "line"),
    "no line": ("UPDATE event SET line = NULL WHERE id = {}", "row and sections", "line"),
    "on behalf of": (
        "UPDATE event SET on_behalf_of_name = 'x' WHERE id = {}",
        "row and sections",
        "on_behalf_of_name",
    ),
    "changes": (
        "UPDATE event_payload SET changes = '{{}}' WHERE event_id = {}",
        "row and sections",
        "line",
    ),
    "an actor": (
        """UPDATE event_payload SET actor = '{{"type"\\:"user","id"\\:"x"}}' WHERE event_id = {}""",
        "row and sections",
        "actor_id, actor_name",
    ),
    "a section erased and its row not": (
        "UPDATE event_payload SET names = NULL, names_salt = NULL WHERE event_id = {}",
        "row and sections",
        "entity_name",
    ),
    "broken JSON": (
        "UPDATE event_payload SET payload = '{{' WHERE event_id = {}",
        "with damaged sections",
        "payload",
    ),
    "another form": (
        "UPDATE event_payload SET changes = '[1]' WHERE event_id = {}",
        "with damaged sections",
        "changes",
    ),
    "no salt": (
        "UPDATE event_payload SET payload_salt = NULL WHERE event_id = {}",
        "a section and no salt",
        "",
    ),
    "no section": (
        "UPDATE event_payload SET payload = NULL WHERE event_id = {}",
        "a section and no salt",
        "",
    ),
    "no sections": ("DELETE FROM event_payload WHERE event_id = {}", "without their sections", ""),
    "sections elsewhere": (
        f"UPDATE event_payload SET workspace_id = {OTHER} WHERE event_id = {{}}",
        "without their sections",
        "",
    ),
    "another time of recording": (
        "UPDATE event SET recorded_at = recorded_at - {day} WHERE id = {}",
        "whose id is of another time",
        "",
    ),
}


@pytest.mark.parametrize("name", LOG)
def test_an_event_that_disagrees_with_its_sections_is_named_and_a_rebuild_goes_on(cli, log, name):
    statement, what, more = LOG[name]
    place = the("acme", place=3)
    uid = str(db.session.scalar(sa.select(Event.uid).where(Event.id == sa.text(place))))
    day = 86_400_000_000 if is_sqlite() else "interval '1 day'"
    unguarded(statement.format(place, day=day))

    lines = [line for line in wrong(cli) if what in line]

    assert len(lines) == 1 and lines[0].startswith("acme: "), lines
    assert f": 1 ({uid}{': ' + more if more else ''}); restore a backup of before" in lines[0]
    assert cli("index", "rebuild").code == 0
    assert all("index rebuild" not in line for line in wrong(cli))


def test_an_event_that_is_gone_is_seen_by_its_sections_its_words_and_counts(cli, log):
    number = db.session.scalar(sa.text(f"SELECT {the('acme')}"))
    unguarded(f"DELETE FROM event WHERE id = {number}")

    lines = wrong(cli)

    assert any(
        f"words in the index of events that there are none of: 1 (number {number}); " in line
        for line in lines
    )
    assert any(line.startswith(f"acme: sections of no event: 1 (number {number}); restore") for line in lines)
    assert any(line.startswith("acme: counts in event_count that are too high: 3 (") for line in lines)


def test_an_event_in_no_workspace_is_named(cli, log):
    uid = str(db.session.scalar(sa.select(Event.uid).where(Event.id == sa.text(the("acme")))))
    unguarded(f"UPDATE event SET workspace_id = 99 WHERE id = {the('acme')}")

    assert any(line.startswith(f"no workspace 99: events: 1 ({uid}); restore") for line in wrong(cli))
    assert cli("index", "rebuild").code == 0


def test_events_of_a_member_of_another_workspace_are_named(cli, log):
    member = f"(SELECT id FROM member WHERE workspace_id = {OTHER} LIMIT 1)"
    unguarded(f"UPDATE event SET member_id = {member} WHERE id = {the('acme')}")

    assert any(
        line.startswith("acme: events of a member that the workspace never had: 1 (") for line in wrong(cli)
    )


def test_a_row_of_renamed_event_without_its_event_is_named(cli, log):
    run(f"INSERT INTO renamed_event (workspace_id, event_id, is_own) VALUES ({ACME}, 987654, true)")

    [line] = wrong(cli)

    assert line.startswith("acme: rows of renamed_event of no event: 1 (number 987654); restore a backup")


def test_numbers_out_of_order_are_named(cli, log):
    first, last = (
        db.session.scalar(sa.select(Event.uid).where(Event.id == sa.text(each)))
        for each in (the("acme"), the("acme", place=11))
    )
    hour = 3_600_000_000 if is_sqlite() else "interval '1 hour'"
    # The first was recorded last, by its id too.
    later = last.int + (3_600_000 << 80)
    value = f"x'{later:032x}'" if is_sqlite() else f"'{later:032x}'"
    unguarded(
        f"UPDATE event SET uid = {value}, recorded_at = recorded_at + {hour} WHERE uid = {literal(first)}"
    )

    lines = wrong(cli)

    assert any(
        "acme: events numbered after events that were recorded later: 13 (" in line for line in lines
    ), lines
    assert any("unless the server's clock was put back then" in line for line in lines)


def literal(uid):
    return f"x'{uid.hex}'" if is_sqlite() else f"'{uid}'"


def test_restored_events_are_in_order_with_the_time_that_they_had(cli, log, acme, tmp_path, monkeypatch):
    file = tmp_path / "export.jsonl"
    file.write_text(
        cli("events", "export", "--workspace", "other", "--format", "jsonl").out.replace("2026-", "2025-")
    )
    assert file.read_text()

    assert (
        cli("events", "import", str(file), "--workspace", "acme", "--format", "jsonl", "--restore").code == 0
    )

    assert wrong(cli) == []


def test_an_id_that_two_events_have_is_named(cli, log):
    one, two = (
        db.session.scalar(sa.select(Event.uid).where(Event.id == sa.text(the("acme", place=each))))
        for each in (0, 1)
    )
    run("DROP INDEX uq_event_uid")
    unguarded(f"UPDATE event SET uid = {literal(one)} WHERE uid = {literal(two)}")

    lines = wrong(cli)

    assert any(line.startswith(f"acme: ids that several events have: 1 ({one}); ") for line in lines), lines
    assert any(
        line.startswith("index uq_event_uid on event is missing; run CREATE UNIQUE INDEX") for line in lines
    )


def test_numbers_about_to_be_given_twice_are_named(cli, log):
    if is_sqlite():
        pytest.skip("it takes the next one by looking")
    run("SELECT setval(pg_get_serial_sequence('event', 'id'), 3)")

    [line] = wrong(cli)

    assert line.startswith("numbers about to be given twice: 1 (4); run SELECT setval(")
    run(line.partition("; run ")[2])
    assert wrong(cli) == []


def test_values_of_a_wrong_type_are_named_and_stop_nothing(cli, log):
    if not is_sqlite():
        pytest.skip("PostgreSQL refuses them")
    unguarded(f"UPDATE event SET occurred_at = 'yesterday' WHERE id = {the('acme')}")

    assert any(line.startswith("acme: events with values of a wrong type: 1 (number ") for line in wrong(cli))
    assert cli("index", "rebuild").code == 0


def run_mend(line):
    """Do what a line says, as a person would in the database's own shell."""
    mend = line.partition("; run ")[2].partition("; and look at")[0]
    drop, _, rest = mend.partition("; ") if mend.startswith("DROP") else ("", "", mend)
    driver = db.session.connection().connection.driver_connection
    for statement in filter(None, (drop, rest)):
        driver.execute(statement)
    run()


GUARDS = {
    "sqlite": {
        "missing": (
            ["DROP TRIGGER event_no_update"],
            "trigger event_no_update on event is missing; run CREATE TRIGGER",
        ),
        "emptied": (
            [
                "DROP TRIGGER event_no_delete",
                "CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT 1; END",
            ],
            "trigger event_no_delete on event is not ours; run DROP TRIGGER",
        ),
        "never fires": (
            [
                "DROP TRIGGER event_payload_no_delete",
                "CREATE TRIGGER event_payload_no_delete BEFORE DELETE ON event_payload WHEN 0 BEGIN"
                " SELECT RAISE(ABORT, 'event_payload is append-only'); END",
            ],
            "trigger event_payload_no_delete on event_payload is not ours; run DROP TRIGGER",
        ),
        "one more": (
            ["CREATE TRIGGER mine AFTER INSERT ON event BEGIN DELETE FROM event_kind; END"],
            "trigger mine on event is none of ours: ",
        ),
        "one more elsewhere": (
            ["CREATE TRIGGER mine AFTER INSERT ON event_kind BEGIN DELETE FROM event_count; END"],
            "trigger mine on event_kind is none of ours: ",
        ),
        "index": (["DROP INDEX ix_event_kind"], "index ix_event_kind on event is missing; run CREATE INDEX"),
    },
    "postgresql": {
        "missing": (
            ["DROP TRIGGER event_no_change ON event"],
            "trigger event_no_change on event is missing; run CREATE",
        ),
        "disabled": (
            ["ALTER TABLE event DISABLE TRIGGER event_no_change"],
            "trigger event_no_change on event is disabled; run ALTER TABLE event ENABLE TRIGGER",
        ),
        "disabled for most": (
            ["ALTER TABLE event_payload ENABLE REPLICA TRIGGER event_payload_no_truncate"],
            "trigger event_payload_no_truncate on event_payload is disabled; run ALTER TABLE",
        ),
        "more may be erased": (
            [
                "DROP TRIGGER event_no_change ON event",
                "CREATE TRIGGER event_no_change BEFORE UPDATE OR DELETE ON event FOR EACH ROW"
                " EXECUTE FUNCTION refuse_change('outcome')",
            ],
            "trigger event_no_change on event is not ours; run DROP TRIGGER",
        ),
        "function": (
            [
                "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RETURN NEW; END $$"
            ],
            "function refuse_change is not ours; run CREATE OR REPLACE FUNCTION refuse_change()",
        ),
        "one more": (
            [
                "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
                "CREATE TRIGGER mine BEFORE INSERT ON event_count FOR EACH ROW EXECUTE FUNCTION lose()",
            ],
            "trigger mine on event_count is none of ours: ",
        ),
        "rule": (
            ["CREATE RULE mine AS ON DELETE TO event_payload DO INSTEAD NOTHING"],
            "rule mine on event_payload is none of ours: ",
        ),
        "index": (["DROP INDEX ix_event_kind"], "index ix_event_kind on event is missing; run CREATE INDEX"),
    },
}


@pytest.mark.parametrize("name", sorted({*GUARDS["sqlite"], *GUARDS["postgresql"]}))
def test_a_guard_that_is_not_ours_is_named_and_its_line_mends_it(cli, log, name):
    if name not in GUARDS[db.engine.dialect.name]:
        pytest.skip("another database")
    statements, beginning = GUARDS[db.engine.dialect.name][name]
    run(*statements)

    [line] = [line for line in wrong(cli) if not line.startswith("triggers are missing on")]

    assert line.startswith(beginning)
    run_mend(line)
    assert wrong(cli) == []


def test_triggers_of_an_application_in_the_same_database_are_its_own(cli, log):
    run("CREATE TABLE deal (id INTEGER)")
    if is_sqlite():
        run("CREATE TRIGGER theirs AFTER INSERT ON deal BEGIN DELETE FROM deal; END")
    else:
        run(
            "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            "CREATE TRIGGER theirs BEFORE INSERT ON deal FOR EACH ROW EXECUTE FUNCTION lose()",
        )

    assert wrong(cli) == []


def test_tables_that_were_renamed_and_back_are_as_they_were(cli, log):
    run("ALTER TABLE event RENAME TO event_then", "ALTER TABLE event_then RENAME TO event")

    assert wrong(cli) == []


def test_triggers_that_a_role_sets_aside_are_named(cli, log, set_in_database):
    if is_sqlite():
        pytest.skip("PostgreSQL's setting")
    set_in_database("session_replication_role", "replica")

    assert any(
        line.startswith("session_replication_role is replica: no trigger works") for line in wrong(cli)
    )


def test_events_recorded_meanwhile_are_no_differences(app, cli, log):
    done = Signal()

    def write():
        with app.app_context():
            workspace = db.session.scalars(sa.select(Workspace).where(Workspace.slug == "acme")).one()
            number = 0
            while not done.is_set():
                number += 1
                record(
                    workspace,
                    an_event(
                        f"deal.n{number}", origin="ui", occurred_at=datetime.now(UTC) - timedelta(days=number)
                    ),
                )
                db.session.commit()
            db.session.remove()
        numbers.append(number)

    numbers = []
    writer = Thread(target=write)
    writer.start()
    try:
        found = [line for _ in range(3) for line in wrong(cli)]
    finally:
        done.set()
        writer.join()

    assert found == []
    assert numbers[0] > 10


def test_a_database_of_another_version_is_not_compared(cli, log):
    run("UPDATE alembic_version SET version_num = '0011'")

    assert "what is derived was not compared with the log: mend the database first" in wrong(cli)


def test_without_deep_nothing_is_compared(cli, log):
    run("DELETE FROM event_kind")

    result = cli("doctor")

    assert result.code == 0 and WELL not in result.out
