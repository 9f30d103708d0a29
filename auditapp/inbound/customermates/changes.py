"""What a row of Customermates' audit log changed, as an event's ``changes`` (contract §5).

A row's relations and custom fields are told as differences: in ``previous`` what was removed or
altered, in ``current`` what was added or altered. They are kept so.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from auditapp.inbound.customermates.columns import Columns
from auditapp.inbound.customermates.row import name_of
from auditapp.values.equality import same

# A field's two sides; ``previous`` is absent where the field did not exist before.
Sides = dict[str, Any]

CUSTOM_FIELDS = "customFieldValues"
NOISE = {"id", "createdAt", "updatedAt", "deletedAt", "companyId"}
MONEY = {"totalValue", "amount"}
# Of a related record only what tells it from others and describes the relation.
NOT_SHOWN = {"id", "name", "firstName", "lastName", "avatarUrl"}


def created(record: Mapping[str, Any]) -> dict[str, Sides]:
    """Return the fields a record began with; the empty ones say nothing."""
    return {field: {"current": value} for field, value in _filled(record)}


def deleted(record: Mapping[str, Any]) -> dict[str, Sides]:
    """Return the fields that were lost with a record."""
    return {field: {"previous": value, "current": None} for field, value in _filled(record)}


def recorded(changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Sides]:
    """Return changes as a row tells them; a side that was undefined there is absent."""
    sides = {}
    for field, change in changes.items():
        previous = {"previous": change["previous"]} if "previous" in change else {}
        sides[field] = {**previous, "current": change.get("current")}
    return sides


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Sides]:
    """Return what differs between two states, of the fields that both tell.

    A bare update may hold some fields only: what is absent on one side is not known, not changed.
    """
    return {
        field: {"previous": before[field], "current": value}
        for field, value in after.items()
        if field in before and not same(before[field], value)
    }


def changes_of(fields: Mapping[str, Sides], columns: Columns) -> dict[str, dict[str, Any]]:
    """Return an event's changes: no noise, relations by name, one change for each custom field."""
    changes: dict[str, dict[str, Any]] = {}
    for field, sides in fields.items():
        if field in NOISE:
            continue
        if field == CUSTOM_FIELDS and all(_is_custom_fields(side) for side in sides.values()):
            changes |= _custom_fields(sides, columns)
        elif any(map(_is_relation, sides.values())):
            changes[field] = {**{side: _related(value) for side, value in sides.items()}, "kind": "refs"}
        else:
            changes[field] = {**sides, "kind": "money"} if field in MONEY else dict(sides)
    return changes


def _filled(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field, value in record.items():
        if field == CUSTOM_FIELDS and value and _is_custom_fields(value):
            yield field, [item for item in value if not _is_empty(item.get("value"))]
        elif not _is_empty(value):
            yield field, value


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _is_relation(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in value)
    )


def _related(value: Any) -> Any:
    if not _is_relation(value):
        return value
    return [
        {
            "id": item["id"],
            **({"name": name} if (name := name_of(item)) else {}),
            **{key: attribute for key, attribute in item.items() if key not in NOT_SHOWN},
        }
        for item in value
    ]


def _is_custom_fields(value: Any) -> bool:
    """Whether this is ``[{columnId, value}]``; null, as after a deletion, has no columns either."""
    return value is None or (
        isinstance(value, list)
        and all(isinstance(item, dict) and isinstance(item.get("columnId"), str) for item in value)
    )


def _custom_fields(sides: Sides, columns: Columns) -> dict[str, dict[str, Any]]:
    before, after = _by_column(sides.get("previous")), _by_column(sides["current"])
    changes: dict[str, dict[str, Any]] = {}
    for column_id in [*after, *(column_id for column_id in before if column_id not in after)]:
        change: Sides = {"current": columns.shown(column_id, after.get(column_id))}
        if column_id in before:
            if column_id in after and same(before[column_id], after[column_id]):
                continue
            change = {"previous": columns.shown(column_id, before[column_id]), **change}
        changes[f"{CUSTOM_FIELDS}.{column_id}"] = {**change, **columns.hints(column_id)}
    return changes


def _by_column(items: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return the value of each column, a list where a column comes more than once."""
    values: dict[str, list[Any]] = {}
    for item in items or []:
        values.setdefault(item["columnId"], []).append(item.get("value"))
    return {
        column_id: column_values if len(column_values) > 1 else column_values[0]
        for column_id, column_values in values.items()
    }
