"""The filters as the API's document describes them; ``reading.filters`` is what checks them."""

from typing import Any

from auditapp.log.schema import ACTOR_TYPES, ORIGINS, OUTCOMES
from auditapp.reading.filters import DEFAULT_LIMIT, MAX_LIMIT


def _texts(example: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "examples": [[example]]}


def _choices(values: tuple[str, ...]) -> dict[str, Any]:
    pattern = f"^!?({'|'.join(values)})$"
    return {"type": "array", "items": {"type": "string", "pattern": pattern}}


# (name, description, schema)
FILTERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("entity", "Entity type.", _texts("deal")),
    ("record", "One record, as <entity type>:<id>.", _texts("deal:d_1")),
    ("event", "Event, or deal.* or *.deleted.", _texts("deal.updated")),
    ("actor", "Id of who did it.", _texts("u_1")),
    ("actor_type", "What kind of actor did it.", _choices(ACTOR_TYPES)),
    ("origin", "By which way it came about.", _choices(ORIGINS)),
    ("outcome", "Whether it succeeded.", _choices(OUTCOMES)),
    ("correlation", "An action and all it set off.", _texts("019aa0c4-0000-7000-8000-000000000000")),
    (
        "field",
        "Name or label of a field that changed, in any case and accents.",
        _texts("stage"),
    ),
    (
        "from",
        "With field: what it changed from, as recorded or as it is called.",
        _texts("open"),
    ),
    ("to", "With field: what it changed to, as recorded or as it is called.", _texts("won")),
    (
        "q",
        "Words, all of which occur; a phrase in double quotes; the beginning of a word as pre*.",
        _texts("data cent*"),
    ),
    ("since", "From then on: a date, an instant, or back from now (15m, 24h, 7d, 4w).", {"type": "string"}),
    ("until", "Before then; a bare date means to its end.", {"type": "string"}),
    ("before", "A place in the log, out of a next link.", {"type": "string"}),
    ("after", "A place in the log, out of a link.", {"type": "string"}),
    ("group", "The earliest match of each correlation.", {"type": "string", "enum": ["story"]}),
    (
        "limit",
        "Events a page.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
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
