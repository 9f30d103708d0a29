"""The filters as the API's document describes them; each describes itself in ``auditapp/filters/``."""

from typing import Any

from auditapp.filters import PARAMETERS

# (name, description, schema)
FILTERS: tuple[tuple[str, str, dict[str, Any]], ...] = tuple(
    (parameter.name, parameter.description, parameter.schema()) for parameter in PARAMETERS
)

# Of a record, in the path.
RECORD: tuple[dict[str, Any], ...] = (
    {
        "name": "entity_type",
        "in": "path",
        "required": True,
        "description": "Entity type.",
        "schema": {"type": "string", "pattern": "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$"},
        "example": "deal",
    },
    {
        "name": "entity_id",
        "in": "path",
        "required": True,
        "description": "The record's id, percent-encoded; it may hold slashes. One that itself ends in"
        " /state, /compare, /undo or /versions is told apart by asking for its versions by /versions.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 512},
        "example": "d_1",
    },
)
AT = "The instant: a date (its last microsecond), an instant, or back from now (7d); by default now."
FROM = "Id of an event of the record; by default the one before."
TO = "Id of an event of the record."
