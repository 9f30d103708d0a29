"""Customermates' rows as changes: field by field, relation by relation, custom field by custom field."""

import pytest

from auditapp.reading.diffs.field_changes import field_changes
from tests.inbound.customermates_rows import STATUS, audit_row, events_of, updated

LAPTOP = {"id": "s1", "name": "Laptop", "amount": 850, "quantity": 1}
FULL = {
    "id": "d1",
    "name": "Rollout",
    "createdAt": "2026-03-24T09:00:00Z",
    "updatedAt": "2026-03-24T09:00:00Z",
    "companyId": "acme",
    "notes": None,
    "contacts": [],
    "source": "",
    "totalValue": 0,
    "isHot": False,
    "services": [LAPTOP],
    "customFieldValues": [],
}


def changes_of(*rows) -> dict:
    return events_of(list(rows))[-1]["changes"]


def test_a_creation_has_every_field_but_noise_and_empty_ones():
    assert changes_of(audit_row("deal.created", FULL)) == {
        "name": {"current": "Rollout"},
        "totalValue": {"current": 0, "kind": "money"},
        "isHot": {"current": False},
        "services": {"current": [LAPTOP], "kind": "refs"},
    }


def test_a_deletion_has_what_was_lost():
    assert changes_of(audit_row("deal.deleted", FULL)) == {
        "name": {"previous": "Rollout", "current": None},
        "totalValue": {"previous": 0, "current": None, "kind": "money"},
        "isHot": {"previous": False, "current": None},
        "services": {"previous": [LAPTOP], "current": None, "kind": "refs"},
    }


UPDATES = {
    "a plain field": (
        {"name": {"previous": "A", "current": "B"}},
        {"name": {"previous": "A", "current": "B"}},
    ),
    "money": (
        {"amount": {"previous": 1, "current": 2.5}},
        {"amount": {"previous": 1, "current": 2.5, "kind": "money"}},
    ),
    "noise": (
        {"updatedAt": {"previous": "a", "current": "b"}, "createdAt": {"current": 1}, "id": {"current": 1}},
        {},
    ),
    "set to nothing": (
        {"notes": {"previous": "A", "current": None}},
        {"notes": {"previous": "A", "current": None}},
    ),
    "a side that was undefined": (
        {"a": {"current": 1}, "b": {"previous": 2}},
        {"a": {"current": 1}, "b": {"previous": 2, "current": None}},
    ),
    "equal sides, kept as sent": ({"a": {"previous": 1, "current": 1}}, {"a": {"previous": 1, "current": 1}}),
    "an attribute of a relation": (
        {"services": {"previous": [LAPTOP], "current": [{**LAPTOP, "quantity": 300}]}},
        {"services": {"previous": [LAPTOP], "current": [{**LAPTOP, "quantity": 300}], "kind": "refs"}},
    ),
    "a person without the avatar": (
        {
            "users": {
                "previous": [],
                "current": [
                    {"id": "u1", "firstName": "Max", "lastName": " ", "avatarUrl": "x", "email": "m@x"}
                ],
            }
        },
        {"users": {"previous": [], "current": [{"id": "u1", "name": "Max", "email": "m@x"}], "kind": "refs"}},
    ),
    "a related record without a name": (
        {"users": {"previous": [{"id": "u1", "firstName": None}], "current": None}},
        {"users": {"previous": [{"id": "u1"}], "current": None, "kind": "refs"}},
    ),
    "a list that is no relation": (
        {"tags": {"previous": [], "current": ["a"]}},
        {"tags": {"previous": [], "current": ["a"]}},
    ),
    "custom fields of another form": (
        {"customFieldValues": {"previous": [1], "current": {"a": 1}}},
        {"customFieldValues": {"previous": [1], "current": {"a": 1}}},
    ),
}


@pytest.mark.parametrize(("told", "becomes"), UPDATES.values(), ids=UPDATES)
def test_an_update_has_the_changes_that_its_row_tells(told, becomes):
    assert changes_of(updated("deal", FULL, told)) == becomes


def test_a_service_with_another_quantity_reads_as_changed_not_as_removed_and_added():
    changes = changes_of(
        updated("deal", FULL, {"services": {"previous": [LAPTOP], "current": [{**LAPTOP, "quantity": 300}]}})
    )

    [change], _ = field_changes(changes)
    [ref] = change.elements.items
    [attribute] = ref.attributes
    assert (ref.op, ref.text) == ("changed", "Laptop")
    before, after = attribute.sides.previous, attribute.sides.current
    assert (attribute.label, before.text, after.text) == ("Quantity", "1", "300")


def test_custom_fields_are_a_change_each_with_label_and_choice_by_name():
    column = audit_row("custom_column.created", STATUS, entity="c-status")
    delta = {
        "previous": [
            {"columnId": "c-status", "value": "o-open"},
            {"columnId": "d54d4e52-b895", "value": "kept"},
        ],
        "current": [
            {"columnId": "c-status", "value": "o-won"},
            {"columnId": "d54d4e52-b895", "value": "kept"},
        ],
    }

    assert changes_of(column, updated("deal", FULL, {"customFieldValues": delta})) == {
        "customFieldValues.c-status": {
            "previous": "Open",
            "current": "Won",
            "label": "Status",
            "kind": "choice",
        }
    }


def test_a_custom_field_absent_on_a_side_was_not_there_or_is_no_more():
    delta = {
        "previous": [{"columnId": "gone-column", "value": "b"}],
        "current": [{"columnId": "new-column", "value": "a"}],
    }

    assert changes_of(updated("deal", FULL, {"customFieldValues": delta})) == {
        "customFieldValues.new-column": {"current": "a", "label": "Custom field new-colu…"},
        "customFieldValues.gone-column": {
            "previous": "b",
            "current": None,
            "label": "Custom field gone-col…",
        },
    }


def test_custom_fields_of_a_creation_and_a_deletion_leave_the_empty_ones_out():
    values = [
        {"columnId": "a", "value": ""},
        {"columnId": "b", "value": None},
        {"columnId": "c", "value": "x"},
    ]
    record = {"name": "N", "customFieldValues": values}

    assert changes_of(audit_row("deal.created", record))["customFieldValues.c"] == {
        "current": "x",
        "label": "Custom field c…",
    }
    assert changes_of(audit_row("deal.deleted", record)) == {
        "name": {"previous": "N", "current": None},
        "customFieldValues.c": {"previous": "x", "current": None, "label": "Custom field c…"},
    }


def test_a_column_that_comes_twice_keeps_both_values():
    values = [{"columnId": "c-status", "value": "o-open"}, {"columnId": "c-status", "value": "o-won"}]
    column = audit_row("custom_column.created", STATUS, entity="c-status")

    changes = changes_of(column, audit_row("deal.created", {"customFieldValues": values}))

    assert changes["customFieldValues.c-status"]["current"] == ["Open", "Won"]


def test_a_bare_update_alone_in_the_file_has_no_changes_at_all():
    [event] = events_of([audit_row("company.updated", {"name": "Acme", "city": "Bonn"}, entity="acme")])

    assert event["changes"] == {}
    assert event["payload"]["payload"] == {"name": "Acme", "city": "Bonn"}


def test_a_bare_update_is_compared_with_the_last_state_of_the_fields_that_both_tell():
    first = audit_row("company.updated", {"name": "Acme", "city": "Bonn"}, entity="acme")
    second = audit_row("company.updated", {"city": "Köln", "street": "Domplatz 1"}, entity="acme", row="r2")
    third = audit_row("company.updated", {"name": "Acme AG", "street": "Domplatz 2"}, entity="acme", row="r3")

    events = events_of([first, second, third])

    assert [event["changes"] for event in events] == [
        {},
        {"city": {"previous": "Bonn", "current": "Köln"}},
        {
            "name": {"previous": "Acme", "current": "Acme AG"},
            "street": {"previous": "Domplatz 1", "current": "Domplatz 2"},
        },
    ]


def test_a_bare_update_is_compared_with_a_state_that_an_update_with_changes_left():
    created = audit_row("deal.created", {"name": "A", "totalValue": 1, "services": [LAPTOP]})
    renamed = updated(
        "deal", {"name": "B", "totalValue": 1}, {"name": {"previous": "A", "current": "B"}}, row="r2"
    )
    bare = audit_row("deal.updated", {"name": "B", "totalValue": 2, "services": []}, row="r3")

    assert changes_of(created, renamed, bare) == {
        "totalValue": {"previous": 1, "current": 2, "kind": "money"}
    }


def test_a_registration_begins_a_record_once():
    first = audit_row("user.registered", {"firstName": "Max", "status": "pending"}, entity="u1")
    again = audit_row("user.registered", {"firstName": "Max", "status": "active"}, entity="u1", row="r2")

    assert [event["changes"] for event in events_of([first, again])] == [
        {"firstName": {"current": "Max"}, "status": {"current": "pending"}},
        {},
    ]


def test_another_verb_has_no_changes_and_keeps_its_payload():
    [event] = events_of([audit_row("connected_account.resynced", {"provider": "x"})])

    assert event["changes"] == {}
    assert event["payload"]["payload"] == {"provider": "x"}
