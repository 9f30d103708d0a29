"""Custom columns: labels and choices as they were at the time of the row."""

import pytest

from tests.inbound.customermates_rows import STATUS, audit_row, events_of, updated


def deal(value: str, row: str, column: str = "c-status") -> dict:
    return audit_row("deal.created", {"customFieldValues": [{"columnId": column, "value": value}]}, row=row)


def custom_fields(rows: list, column: str = "c-status") -> list[tuple]:
    changes = [event["changes"].get(f"customFieldValues.{column}") for event in events_of(rows)]
    return [(change["label"], change["current"]) for change in changes if change]


def test_a_name_given_later_rewrites_no_earlier_row():
    column = audit_row("custom_column.created", STATUS, entity="c-status")
    options = {"options": [{"value": "o-open", "label": "Running"}]}
    renamed = updated(
        "custom_column",
        {**STATUS, "label": "Stage", "options": options},
        {
            "label": {"previous": "Status", "current": "Stage"},
            "options": {"previous": STATUS["options"], "current": options},
        },
        entity="c-status",
        row="r3",
    )

    assert custom_fields(
        [column, deal("o-open", "r2"), renamed, deal("o-open", "r4"), deal("o-won", "r5")]
    ) == [
        ("Status", "Open"),
        ("Stage", "Running"),
        ("Stage", "o-won"),
    ]


def test_a_deleted_column_keeps_its_last_name():
    column = audit_row("custom_column.created", STATUS, entity="c-status")
    deleted = audit_row("custom_column.deleted", STATUS, entity="c-status", row="r2")

    assert custom_fields([column, deleted, deal("o-won", "r3")]) == [("Status", "Won")]


def test_a_column_older_than_the_file_has_the_name_that_its_first_event_found():
    renamed = updated(
        "custom_column",
        {**STATUS, "label": "Stage"},
        {"label": {"previous": "Status", "current": "Stage"}},
        entity="c-status",
        row="r2",
    )

    assert custom_fields([deal("o-open", "r1"), renamed, deal("o-open", "r3")]) == [
        ("Status", "Open"),
        ("Stage", "Open"),
    ]


def test_a_column_that_the_log_never_names_keeps_its_id_and_raw_value():
    [event] = events_of([deal("b95e1f6b-4604", "r1", "d54d4e52-b895-4601")])

    assert event["changes"] == {
        "customFieldValues.d54d4e52-b895-4601": {
            "current": "b95e1f6b-4604",
            "label": "Custom field d54d4e52…",
        }
    }


@pytest.mark.parametrize(
    ("kind", "value", "becomes", "hint"),
    [
        ("date", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "date"),
        ("dateTime", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "date"),
        ("dateRange", "2026-01-01,2026-12-31", "2026-01-01 – 2026-12-31", "text"),
        ("dateRange", "2026-01-01", "2026-01-01", "text"),
        ("number", "12", 12, "number"),
        ("number", "-0.25", -0.25, "number"),
        ("number", "12,5", "12,5", "number"),
        ("number", "1e999999999", "1e999999999", "number"),
        ("number", "0.1234567890123456789", "0.1234567890123456789", "number"),
        ("currency", "1200.50", 1200.5, "money"),
        ("currency", "1200.00", 1200, "money"),
        ("currency", "9007199254740993.5", "9007199254740993.5", "money"),
        ("currency", 7, 7, "money"),
        ("email", "a@x.example", "a@x.example", "text"),
        ("never heard of", "x", "x", "text"),
        ([], "x", "x", "text"),
        ({"a": 1}, "x", "x", "text"),
        ("singleSelect", "o-unknown", "o-unknown", "choice"),
    ],
)
def test_a_columns_type_says_how_its_values_read(kind, value, becomes, hint):
    column = audit_row("custom_column.created", {"label": "Field", "type": kind, "options": None}, entity="c")

    [_, event] = events_of([column, deal(value, "r2", "c")])

    assert event["changes"]["customFieldValues.c"] == {"current": becomes, "label": "Field", "kind": hint}
