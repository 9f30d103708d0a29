"""``/api/v1/records/<type>/<id>``: a record's versions, its state at an instant, two versions compared.

No server tells whether a slash of the path was encoded, so ``a/state`` is the state of ``a`` or a record of
that id: the first where the log knows ``a``. ``/versions`` behind an id leaves no doubt.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from flask import Blueprint, Response, g, url_for

from auditapp.api.answers import json_answer
from auditapp.api.gate import key_required
from auditapp.api.problems import problem, refused_parameters
from auditapp.api.query_string import event_id, moment, query_values
from auditapp.filters import FilterError, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.filters.record import is_record
from auditapp.http.links import address_for_caller
from auditapp.log.schema import instant
from auditapp.reading.event import sections_of, with_sections
from auditapp.reading.records.compare import compare
from auditapp.reading.records.record import Record
from auditapp.reading.records.state import FieldState, state_at
from auditapp.reading.records.versions import is_known, known_name
from auditapp.reading.timeline import EventRow, list_events
from auditapp.values.strict_json import text_problem

bp = Blueprint("records", __name__, url_prefix="/api/v1/records")
bp.register_error_handler(FilterError, refused_parameters)

PATH = "/<entity_type>/<record_id:entity_id>"
SUFFIXES = ("/state", "/compare", "/undo", "/versions")
PAGING = ("limit", "before", "after")


def of_record(suffix: str) -> Callable[[Callable[[Record], Response]], Callable[..., Response]]:
    """Let a view answer about a record that the key's workspace knows; about another one 404.

    :param suffix: of the path; where only a record is known whose id ends so, its versions are the answer.
    """

    def decorate(view: Callable[[Record], Response]) -> Callable[..., Response]:
        @wraps(view)
        def answer(entity_type: str, entity_id: str) -> Response:
            record = Record(entity_type, entity_id)
            if _is_in_log(record):
                return view(record)
            longer = Record(entity_type, entity_id + suffix)
            if suffix and _is_in_log(longer):
                return _versions(longer)
            return _unknown()

        return answer

    return decorate


def _unknown() -> Response:
    return problem(404, "Not Found", "There is no such record in this key's workspace.")


def _is_in_log(record: Record) -> bool:
    could_be = is_record(str(record)) and not text_problem(record.type + record.id)
    return bool(could_be) and is_known(record, g.viewer)


@bp.get(PATH)
@key_required("events:read")
@of_record("")
def index(record: Record) -> Response:
    """Return a page of a record's versions."""
    return _versions(record)


@bp.get(f"{PATH}/versions")
@key_required("events:read")
@of_record("/versions")
def versions(record: Record) -> Response:
    """Return the same, whatever the record's id ends in."""
    return _versions(record)


def _versions(record: Record) -> Response:
    arguments = query_values(*PAGING)
    pairs = [("record", str(record)), *arguments.items()]
    places = places_of(g.viewer.workspace)
    filters = TimelineFilters.from_args(
        pairs,
        zone=ZoneInfo(g.viewer.workspace.timezone),
        now=datetime.now(UTC),
        knows_me=False,
        places=places,
    )
    page = list_events(filters, g.viewer)
    events = with_sections(page.events, g.viewer, sections=("actor", "changes"))
    following = None
    if page.older:
        query = {**arguments, "before": places.write(page.older)}
        query.pop("after", None)
        view = "versions" if record.id.endswith(SUFFIXES) else "index"
        place: dict[str, Any] = {"entity_type": record.type, "entity_id": record.id, **query}
        following = address_for_caller(url_for(f"records.{view}", **place))
    shown = [
        {
            "event_id": str(event.row.uid),
            "event": event.row.event,
            "occurred_at": instant(event.row.occurred_at),
            "actor": _raw(event.texts["actor"]),
            "outcome": event.row.outcome,
            "changes": _raw(event.texts["changes"]),
        }
        for event in events
    ]
    name = known_name(record, g.viewer)
    return json_answer({"record": record_json(record, name), "versions": shown, "next": following})


@bp.get(f"{PATH}/state")
@key_required("events:read")
@of_record("/state")
def state(record: Record) -> Response:
    """Return a record as it was at an instant."""
    at = moment("at", query_values("at").get("at"))
    record_state = state_at(record, g.viewer, at)
    if record_state is None:
        return _unknown()
    rows = [field.event for field in record_state.fields.values() if field.event is not None]
    actors = {key: texts["actor"] for key, texts in sections_of(rows, g.viewer, ("actor",)).items()}
    return json_answer(
        {
            "record": record_json(record, record_state.name),
            "at": instant(at),
            "exists": record_state.exists,
            "complete": record_state.complete,
            "reasons": record_state.reasons,
            "fields": {name: _field(field, actors) for name, field in record_state.fields.items()},
            "drift": [
                {
                    "event_id": str(drift.event.uid),
                    "field": drift.field,
                    "expected": drift.expected,
                    "found": drift.found,
                    "from_snapshot": drift.from_snapshot,
                }
                for drift in record_state.drift
            ],
        }
    )


@bp.get(f"{PATH}/compare")
@key_required("events:read")
@of_record("/compare")
def compared(record: Record) -> Response:
    """Return what is different in a record after one event from what it was after another."""
    arguments = query_values("from", "to")
    before, after = event_id("from", arguments.get("from")), event_id("to", arguments.get("to"))
    if after is None:
        raise FilterError({"to": "to: name the event whose version is compared, by its id."})
    comparison = compare(record, g.viewer, before, after)
    if comparison is None:
        return problem(404, "Not Found", "This record has no such version.")
    return json_answer(
        {
            "record": record_json(record, known_name(record, g.viewer)),
            "from": _id(comparison.before),
            "to": _id(comparison.after),
            "changes": comparison.changes,
        }
    )


def record_json(record: Record, name: str | None) -> dict[str, Any]:
    """Return a record as an event has its ``entity``."""
    return {"type": record.type, "id": record.id, "name": name}


def _id(row: EventRow | None) -> str | None:
    return None if row is None else str(row.uid)


def _raw(text: str | None) -> orjson.Fragment | None:
    return None if text is None else orjson.Fragment(text)


def _field(field: FieldState, actors: dict[int, str | None]) -> dict[str, Any]:
    return {
        "value": field.value,
        "since": None if field.since is None else instant(field.since),
        "event_id": _id(field.event),
        "actor": None if field.event is None else _raw(actors[field.event.id]),
    }
