"""A record's state at an instant: who set what, what the log cannot know, and where it contradicts itself."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from auditapp.access.permissions import Permission
from auditapp.access.viewer import Viewer, whole_log_viewer
from auditapp.extensions import db
from auditapp.filters.cursor import BEGINNING
from auditapp.log import record_batch
from auditapp.models import Account, Event, EventPayload, Member
from auditapp.reading.records import versions as record_versions
from auditapp.reading.records.changes import MAX_RECENT
from auditapp.reading.records.compare import compare
from auditapp.reading.records.field_points import field_points
from auditapp.reading.records.record import Record
from auditapp.reading.records.state import state_at
from auditapp.reading.records.versions import _batch, events_of, first_read, name_of, rows_of, versions_of
from tests.conftest import an_event

DEAL = Record("deal", "1")
START = datetime(2026, 3, 24, 9, tzinfo=UTC)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


@pytest.fixture
def tell(note):
    """Return a function that records a version an hour after the one before: ``tell("updated", stage=…)``.

    A field is given as (previous, current), or as its current value alone.
    """
    told = []

    def record(verb="updated", *, more=None, **fields):
        told.append(verb)
        changes = {
            name: {"previous": value[0], "current": value[1]}
            if isinstance(value, tuple)
            else {"current": value}
            for name, value in fields.items()
        }
        occurred_at = at(len(told) - 1).isoformat()
        return note(f"deal.{verb}", **{"changes": changes, "occurred_at": occurred_at, **(more or {})})

    return record


@pytest.fixture
def reader(acme):
    return whole_log_viewer(acme)


def values(state) -> dict:
    return {name: field.value for name, field in state.fields.items()}


def test_each_field_says_when_it_was_set_by_which_event_and_how_often_it_changed(tell, reader):
    tell("created", stage="open", value=100, name="Refresh")
    tell(stage=("open", "won"), more={"actor": "ben"})
    third = tell(stage=("won", "lost"), value=(100, 100), more={"actor": "zoe"})

    fields = state_at(DEAL, reader).fields

    stage = fields["stage"]
    assert (stage.value, stage.since, str(stage.event.uid), stage.changes) == ("lost", at(2), third, 2)
    assert stage.event.actor_name == "Zoe"
    # That it was told again unchanged sets nothing.
    assert (fields["value"].since, fields["value"].changes) == (at(0), 0)
    assert (fields["name"].label, fields["name"].kind) == ("Name", "text")


def test_a_label_and_a_kind_are_the_newest_that_were_told(tell, reader):
    tell("created", more={"changes": {"s": {"current": 1, "label": "Size", "kind": "money"}}})
    tell(s=(1, 2))

    field = state_at(DEAL, reader).fields["s"]

    assert (field.label, field.kind) == ("Size", "money")


def test_events_at_exactly_the_instant_count_and_later_ones_do_not(tell, reader):
    tell("created", stage="open")
    tell(stage=("open", "won"))

    assert values(state_at(DEAL, reader, at(1))) == {"stage": "won"}
    assert values(state_at(DEAL, reader, at(1) - timedelta(microseconds=1))) == {"stage": "open"}
    assert state_at(DEAL, reader, at(0.5)).versions == 1


def test_before_its_first_event_a_record_has_no_fields_and_does_not_exist(tell, reader):
    tell("created", stage="open")

    state = state_at(DEAL, reader, at(-1))

    assert (state.exists, state.fields, state.versions, state.complete) == (False, {}, 0, True)


def test_a_field_that_changes_later_was_before_what_that_change_says(tell, reader):
    tell(stage=("open", "won"), more={"name": "Refresh"})
    tell(note=(None, "x"), owner="ada", value=(5, 6))

    state = state_at(DEAL, reader, at(0))

    assert values(state) == {"stage": "won", "note": None, "value": 5}
    assert (state.fields["value"].since, state.fields["value"].event) == (None, None)
    assert (state.exists, state.complete, state.reasons) == (True, False, ["creation"])
    assert state_at(DEAL, reader, at(-1)).fields == {}


def test_a_deleted_record_keeps_the_fields_it_had(tell, reader):
    tell("created", stage="open", value=None)
    tell("deleted", stage=("open", None), owner=("ada", None))

    state = state_at(DEAL, reader)

    assert (state.exists, state.complete, state.drift) == (False, True, [])
    assert values(state) == {"stage": "open", "value": None, "owner": "ada"}
    assert state.fields["stage"].since == at(0)


def test_a_record_comes_back_with_its_fields_when_restored_and_without_when_created_again(tell, reader):
    tell("created", stage="open", value=1)
    tell("deleted", stage=("open", None), value=(1, None))
    tell("restored")
    tell("deleted")
    tell("created", stage="new")
    tell(owner=(None, "ada"))

    restored, again = state_at(DEAL, reader, at(2)), state_at(DEAL, reader)

    assert (restored.exists, values(restored)) == (True, {"stage": "open", "value": 1})
    assert (again.exists, values(again)) == (True, {"stage": "new", "owner": "ada"})
    assert again.complete


@pytest.mark.parametrize("outcome", ["failure", "denied"])
def test_what_failed_changes_nothing_but_is_a_version(tell, reader, outcome):
    tell("created", more={"outcome": outcome, "changes": {"stage": {"current": "never"}}})
    assert not state_at(DEAL, reader).exists
    tell("created", stage="open")
    tell(stage=("open", "won"), more={"outcome": outcome})
    tell("deleted", more={"outcome": outcome})

    state = state_at(DEAL, reader)

    assert (state.exists, state.complete, state.versions) == (True, True, 4)
    assert values(state) == {"stage": "open"}
    assert [point.value for point in field_points(DEAL, "stage", reader)[0]] == ["open"]


def test_something_was_tried_on_a_record_that_is_there(tell, reader):
    tell("updated", more={"outcome": "denied"})

    assert (state_at(DEAL, reader).exists, state_at(DEAL, reader).reasons) == (True, ["creation"])


def test_a_list_of_references_may_be_told_whole_or_by_what_changed(tell, reader):
    a, b, c = ({"id": key, "name": key.upper(), "amount": 1} for key in "abc")
    tell("created", services=[a, b])
    tell(services=([], [c]))  # added
    tell(services=([{**b, "name": "Other"}], [{**b, "amount": 2}]))  # altered; its name is no matter
    tell(services=([a], []))  # removed
    tell(services=([{**b, "amount": 2}, c], [c]))  # whole

    states = [
        [(s["id"], s["amount"]) for s in values(state_at(DEAL, reader, at(n)))["services"]] for n in range(5)
    ]

    assert states == [
        [("a", 1), ("b", 1)],
        [("a", 1), ("b", 1), ("c", 1)],
        [("a", 1), ("b", 2), ("c", 1)],
        [("b", 2), ("c", 1)],
        [("c", 1)],
    ]
    assert state_at(DEAL, reader).drift == []


def test_a_list_with_an_item_that_stays_is_told_whole_and_drift_where_it_leaves_one_out(tell, reader):
    a, b, c = ({"id": key, "amount": 1} for key in "abc")
    tell("created", services=[a, b, c])
    tell(services=([a, b], [a]))

    state = state_at(DEAL, reader)

    assert values(state) == {"services": [a]}
    assert [(drift.expected, drift.found) for drift in state.drift] == [([a, b, c], [a, b])]


def test_a_list_of_which_everything_is_told_is_as_it_is_told(tell, reader):
    a, b = ({"id": key, "amount": 1} for key in "ab")
    tell("created", services=[a, b])
    tell(services=([a, b], [{**b, "amount": 2}, {**a, "amount": 2}]))

    assert [each["id"] for each in values(state_at(DEAL, reader))["services"]] == ["b", "a"]


def test_a_deletion_that_tells_another_value_than_the_log_has_is_drift_and_nobody_is_known_to_have_set_it(
    tell, reader
):
    tell("created", stage="open")
    tell("deleted", stage=("won", None))

    state = state_at(DEAL, reader)

    assert [(drift.expected, drift.found) for drift in state.drift] == [("open", "won")]
    assert (state.fields["stage"].value, state.fields["stage"].event) == ("won", None)


NOON, ALSO_NOON = "2024-03-31T12:00:00Z", "2024-03-31T14:00:00.000+02:00"


@pytest.mark.parametrize(
    ("set_to", "found", "kind", "is_drift"),
    [
        (True, 1, None, True),
        (0, False, "boolean", True),
        ([1, {"a": True}], [1, {"a": 1}], "json", True),
        (1, 1.0, "number", False),
        ({"a": [1]}, {"a": [1.0]}, None, False),
        (NOON, ALSO_NOON, "date", False),
        (NOON, ALSO_NOON, None, False),
        ([NOON], [ALSO_NOON], None, False),
        (NOON, ALSO_NOON, "text", True),
        (NOON, ALSO_NOON[:-6], "date", True),
        ("2024-03-31T12:00:00.0000001Z", "2024-03-31T12:00:00.0000002Z", "date", True),
        ("Won", "won", "choice", True),
    ],
)
@pytest.mark.parametrize("told_as", ["change", "no change", "whole"])
def test_a_value_is_drift_where_it_is_not_the_same(note, reader, set_to, found, kind, is_drift, told_as):
    def change(**sides):
        return {"changes": {"f": {**sides, **({"kind": kind} if kind else {})}}}

    note("deal.created", occurred_at=at(0).isoformat(), **change(current=set_to))
    second = {
        "change": change(previous=found, current="other"),
        "no change": change(previous=found, current=found),
        "whole": {"payload": {"deal": {"id": "1", "f": found}}},
    }
    note("deal.updated", occurred_at=at(1).isoformat(), **second[told_as])

    drift = state_at(DEAL, reader).drift

    assert [(each.expected, each.found) for each in drift] == ([(set_to, found)] if is_drift else [])


def test_the_kind_of_a_field_holds_until_a_change_says_another(note, reader):
    def tell(hour, **change):
        note("deal.updated", occurred_at=at(hour).isoformat(), changes={"f": change})

    tell(0, previous=None, current=NOON, kind="text")
    tell(1, previous=ALSO_NOON, current=NOON)
    tell(2, previous=ALSO_NOON, current="later", kind="date")

    assert [each.event.occurred_at for each in state_at(DEAL, reader).drift] == [at(1)]


def test_a_previous_value_that_is_not_what_the_log_adds_up_to_is_drift_and_the_log_goes_on(tell, reader):
    tell("created", stage="open", note="")
    second = tell(stage=("paused", "won"), note=(None, "x"))
    tell(stage=("won", "lost"))

    state = state_at(DEAL, reader)

    [drift] = state.drift
    assert (str(drift.event.uid), drift.field, drift.label) == (second, "stage", "Stage")
    assert (drift.expected, drift.found, drift.from_snapshot) == ("open", "paused", False)
    assert values(state)["stage"] == "lost"
    assert state_at(DEAL, reader, at(0)).drift == []


@pytest.mark.parametrize(
    "payload",
    [
        {"deal": {"id": "1", "stage": "paused", "value": 5, "unknown": 1}},
        {"deal": {"stage": "paused"}},
        {"id": "1", "stage": "paused"},
        {"payload": {"deal": {"id": "1", "stage": "paused"}, "changes": {}}},
    ],
)
def test_a_recorded_snapshot_that_disagrees_is_drift(tell, reader, payload):
    tell("created", stage="open", value=5, services=[{"id": "a", "amount": 1}])
    second = tell(value=(5, 5), more={"payload": payload})
    tell(more={"outcome": "failure"})

    [drift] = state_at(DEAL, reader).drift

    assert (str(drift.event.uid), drift.field, drift.from_snapshot) == (second, "stage", True)
    assert (drift.expected, drift.found) == ("open", "paused")


def test_a_snapshot_stays_told_while_nothing_tells_its_fields_anew(tell, reader):
    tell("created", stage="open", n=1)
    whole = {"deal": {"id": "1", "stage": "lost", "n": 5}}
    second = tell(stage=("open", "won"), more={"payload": whole})
    tell(note=(None, "x"))
    tell("viewed", more={"payload": {"page": 1}})

    for hour in (1, 2, 3):
        drift = state_at(DEAL, reader, at(hour)).drift
        assert [(each.field, each.expected, each.found) for each in drift] == [
            ("stage", "won", "lost"),
            ("n", 1, 5),
        ]
        assert {str(each.event.uid) for each in drift} == {second}


def test_a_snapshot_says_nothing_of_a_field_that_was_told_since_or_that_a_newer_one_tells(tell, reader):
    tell("created", stage="open", n=1, old="x")
    tell(more={"payload": {"deal": {"id": "1", "stage": "lost", "n": 5, "old": "y"}}})
    tell(stage=("open", "won"))
    tell(n=(1, 1))
    tell(more={"payload": {"deal": {"id": "1", "old": "x"}}})

    assert [each.field for each in state_at(DEAL, reader, at(1)).drift] == ["stage", "n", "old"]
    assert [each.field for each in state_at(DEAL, reader, at(3)).drift] == ["old"]
    assert state_at(DEAL, reader).drift == []


def test_a_snapshot_from_before_a_second_creation_says_nothing_of_it(tell, reader):
    tell("created", stage="open", more={"payload": {"deal": {"id": "1", "stage": "lost"}}})
    tell("deleted")
    tell("created", note="x")
    tell(stage=("open", "won"))

    assert [each.found for each in state_at(DEAL, reader, at(1)).drift] == ["lost"]
    assert state_at(DEAL, reader, at(2)).drift == []


def test_a_snapshot_is_found_behind_many_versions(tell, reader, acme):
    tell("created", stage="open", n=0)
    tell(more={"payload": {"deal": {"id": "1", "stage": "lost"}}})
    record_batch(
        acme, [an_event(changes={"n": {"previous": n, "current": n + 1}}) for n in range(MAX_RECENT - 1)]
    )
    db.session.commit()

    assert [each.found for each in state_at(DEAL, reader).drift] == ["lost"]


def test_a_snapshot_of_another_record_or_one_that_agrees_is_no_drift(tell, reader):
    tell("created", stage="open", note=None, services=[{"id": "a", "name": "A", "amount": 1}, {"id": "b"}])
    for payload in (
        {"deal": {"id": "2", "stage": "paused"}},
        {"id": "2", "stage": "paused"},
        {"deal": ["paused"]},
        {"deal": {"stage": "open", "note": "", "services": [{"id": "b", "x": 1}, {"id": "a", "name": "Z"}]}},
    ):
        tell(more={"payload": payload})
        assert state_at(DEAL, reader).drift == [], payload


def erase(event_id: str) -> None:
    number = db.session.scalar(sa.select(Event.id).where(Event.uid == UUID(event_id)))
    gone = {"changes": None, "changes_salt": None}
    db.session.execute(sa.update(EventPayload).where(EventPayload.event_id == number).values(gone))
    db.session.commit()


def test_where_changes_were_erased_the_state_is_not_complete_and_what_follows_is_no_drift(tell, reader):
    tell("created", stage="open", value=1)
    erase(tell(stage=("open", "won"), value=(1, 2)))
    tell(stage=("won", "lost"), note=("x", "y"), more={"payload": {"deal": {"value": 2}}})

    state = state_at(DEAL, reader)

    assert (state.complete, state.reasons, state.drift) == (False, ["erased"], [])
    assert values(state) == {"stage": "lost", "value": 1, "note": "y"}
    began = state_at(DEAL, reader, at(0))
    # What the note was before the erased change nobody knows.
    assert (began.complete, values(began)) == (True, {"stage": "open", "value": 1})


def test_only_so_many_newest_versions_are_read(tell, reader, monkeypatch):
    monkeypatch.setattr(record_versions, "MAX_VERSIONS", 3)
    tell("created", stage=0)
    for number in range(2):
        tell(stage=(number, number + 1))
    assert state_at(DEAL, reader).complete
    first_kept = tell(stage=(2, 3))
    last = tell(owner="ada")
    before = [UUID(each) for each in (first_kept, last)]

    state = state_at(DEAL, reader)

    assert (state.complete, state.reasons, state.versions) == (False, ["limit"], 3)
    assert values(state) == {"stage": 3, "owner": "ada"}
    assert compare(DEAL, reader, *before).changes == {"owner": {"current": "ada"}}


def test_many_versions_are_read_in_batches_without_losing_one(note, reader, monkeypatch):
    monkeypatch.setattr(record_versions, "FIRST_BATCH", 4)
    monkeypatch.setattr(record_versions, "BATCH_TEXT", 200)
    monkeypatch.setattr(record_versions, "PARSED_AT_ONCE", 3)
    moment = at(0).isoformat()
    note("deal.created", changes={"n": {"current": 0}}, occurred_at=moment)
    for number in range(30):
        change = {"n": {"previous": number, "current": number + 1}}
        note(changes=change, occurred_at=moment, payload={}, related=[])

    state = state_at(DEAL, reader)

    assert (state.versions, state.fields["n"].value, state.fields["n"].changes) == (31, 30, 30)
    assert state.drift == []


def member(workspace, *permissions) -> Viewer:
    query = sa.select(Member).join(Account).where(Member.workspace_id == workspace.id)
    found = db.session.scalars(query.where(Account.email.like("member@%"))).one()
    return Viewer(workspace, frozenset(permissions), found.id)


@pytest.fixture
def two_authors(tell):
    own = {"actor": {"type": "user", "id": "m", "email": "member@acme.example"}}
    tell("created", stage="open", value=1)
    tell(stage=("open", "won"), more=own)
    tell(value=(1, 2))
    tell(stage=("paused", "lost"), more=own)


def test_who_may_see_ones_own_events_only_gets_a_state_of_these_and_is_told(acme, two_authors):
    state = state_at(DEAL, member(acme, Permission.AUDIT_LOG_READ_OWN.grant))

    assert (state.versions, values(state)) == (2, {"stage": "lost"})
    assert not state.complete and "role" in state.reasons
    assert state.drift == []  # what others did in between is no gap in the log


@pytest.mark.parametrize(
    ("permissions", "versions"),
    [
        ([Permission.AUDIT_LOG_READ_ALL.grant], 4),
        ([Permission.AUDIT_LOG_READ_PERMITTED.grant, ("deal", "read")], 4),
        ([Permission.AUDIT_LOG_READ_PERMITTED.grant, ("contact", "read")], 2),
    ],
)
def test_a_role_decides_which_versions_count(acme, two_authors, permissions, versions):
    state = state_at(DEAL, member(acme, *permissions))

    assert state.versions == versions
    assert state.complete == (versions == 4)
    assert len(state.drift) == (versions == 4)


def test_who_may_see_nothing_of_it_gets_none(acme, other, two_authors):
    [event_id] = db.session.scalars(sa.select(Event.uid).where(Event.entity_id == "1").limit(1))
    nobody = Viewer(acme, frozenset({Permission.AUDIT_LOG_READ_OWN.grant}))

    for viewer in (member(acme, ("roles", "read")), nobody, whole_log_viewer(other)):
        assert state_at(DEAL, viewer) is None
        assert compare(DEAL, viewer, None, event_id) is None
        assert field_points(DEAL, "stage", viewer) == ([], False)
    assert state_at(Record("deal", "2"), whole_log_viewer(acme)) is None


def test_a_deleted_record_compared_has_lost_its_fields(tell, reader):
    tell("created", stage="open")
    gone = UUID(tell("deleted", stage=("open", None)))

    compared = compare(DEAL, reader, None, gone)

    assert compared.changes == {"stage": {"previous": "open"}}
    assert (compared.before.event, compared.versions_between) == ("deal.created", 0)


def test_the_first_version_is_compared_with_what_it_says_was_before(tell, reader):
    first = UUID(tell(stage=("open", "won"), owner="ada"))
    tell(value=(1, 2))

    compared = compare(DEAL, reader, None, first)

    assert compared.before is None
    assert compared.changes == {"stage": {"previous": "open", "current": "won"}, "owner": {"current": "ada"}}


def test_a_fields_points_are_the_newest_values_it_was_set_to_oldest_first(tell, reader):
    tell("created", n=0, other="x")
    for number in range(5):
        tell(n=(number, number + 1))
        tell(other=("x", "x"))
    tell("deleted", n=(5, None))

    points, more = field_points(DEAL, "n", reader, limit=3)
    everything, no_more = field_points(DEAL, "n", reader)

    assert ([point.value for point in points], more) == ([3, 4, 5], True)
    assert points[0].event.occurred_at == at(5)
    assert ([point.value for point in everything], no_more) == ([0, 1, 2, 3, 4, 5], False)


def test_points_are_found_whatever_the_field_is_called_and_whatever_looks_like_it(tell, reader):
    hostile = '50%_"\\ü{'
    tell("created", more={"changes": {hostile: {"current": 1}, "name": {"current": "a"}}})
    tell(more={"changes": {hostile: {"previous": 1, "current": 2}}})
    tell(services=([], [{"id": "s", "name": "Support"}]))
    tell(note=("x", '"name":{'), NAME=(None, 1))

    for field, expected in ((hostile, [1, 2]), ("name", ["a"]), ("nothing", [])):
        points, more = field_points(DEAL, field, reader)
        assert ([point.value for point in points], more) == (expected, False)


def test_a_record_is_called_what_it_was_called_then_or_else_what_it_is_called_now(tell, reader):
    tell("created", more={"name": None})
    tell(more={"name": "Old"})
    tell(more={"name": "New"})
    tell(more={"name": None})

    assert [state_at(DEAL, reader, at(hour)).name for hour in range(4)] == ["New", "Old", "New", "New"]


@pytest.mark.parametrize("level", [Permission.AUDIT_LOG_READ_ALL, Permission.AUDIT_LOG_READ_OWN])
def test_an_index_serves_every_question_about_a_record(acme, two_authors, level):
    viewer = member(acme, level.grant)
    conditions = events_of(DEAL, viewer)
    if db.engine.dialect.name == "postgresql":
        for way in ("seqscan", "bitmapscan", "sort"):
            db.session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
    asked = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))

    db.session.execute(_batch(conditions, BEGINNING, 100)).all()
    record_versions.last_before(conditions, at(1))
    first_read(conditions)
    name_of(conditions, at(1))
    walks = len(asked)
    rows_of(viewer, set(range(1, 100)))

    assert walks == 5  # two for the name, which there is none of
    for place, (statement, parameters) in enumerate(asked[:]):
        plan = plan_of(statement, parameters)
        # With a handful of rows any index is as good to PostgreSQL, which knows that they are so few.
        by_key = "PRIMARY KEY" if db.engine.dialect.name == "sqlite" else "event"
        assert ("ix_event_entity" if place < walks else by_key) in plan, f"{statement}\n{plan}"
        assert "Seq Scan" not in plan and "SCAN" not in plan and "TEMP B-TREE" not in plan, plan


def plan_of(statement: str, parameters) -> str:
    prefix = "EXPLAIN " if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    rows = db.session.connection().exec_driver_sql(prefix + statement, parameters)
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("left_at", [1, 700, 1300])
def test_versions_may_be_left_early_and_the_transaction_goes_on(acme, reader, left_at):
    events = [
        an_event(changes={"n": {"previous": number, "current": number + 1}}, occurred_at=at(number / 100))
        for number in range(1500)
    ]
    ids = [each.id for half in (events[:750], events[750:]) for each in record_batch(acme, half)]
    conditions = events_of(DEAL, reader)

    for number, _ in enumerate(versions_of(conditions), 1):
        if number == left_at:
            break

    assert db.session.scalar(sa.select(sa.func.count()).where(Event.entity_id == DEAL.id)) == 1500
    first = compare(DEAL, reader, ids[0], ids[left_at])
    assert first.changes["n"] == {"previous": 1, "current": left_at + 1}
    before = compare(DEAL, reader, None, ids[left_at])
    assert before.changes["n"] == {"previous": left_at, "current": left_at + 1}
