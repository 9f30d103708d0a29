"""``/api/v1/openapi.json``, the API described (OpenAPI 3.1), and ``/api/v1/docs``, the same to read."""

from functools import cache
from typing import Any

import orjson
from flask import Blueprint, Response, render_template
from pydantic import TypeAdapter

from auditapp.api import bodies, schemas
from auditapp.api.parameters import AT, FILTERS, FROM, RECORD, TO
from auditapp.http.gates import public
from auditapp.log.schema import EventIn
from auditapp.outbound.files import OF_THE_PAGE

bp = Blueprint("openapi", __name__, url_prefix="/api/v1")

TITLES = {
    200: "OK",
    201: "Recorded",
    401: "No valid API key",
    403: "The key lacks the scope",
    404: "There is no such thing in the key's workspace",
    409: "An idempotency key was used before with another event",
    413: "More than 10 MiB",
    415: "A form of body that is not taken",
    422: "Something is wrong with what was sent; nothing was recorded",
    429: "Too many requests; see Retry-After",
    503: "The database does not answer, and nothing was recorded; or the search index is not so far yet; see"
    " Retry-After",
}
INTRODUCTION = """Record what happened, and read it. Every call carries "Authorization: Bearer <api key>";
flask api-key create or Settings → API keys makes one. What a key records is attributed to it: whom the
event names as its actor is kept as claimed by the key."""
_REF = "#/components/schemas/{model}"
_RECORD = "/api/v1/records/{entity_type}/{entity_id}"
_MODELS = (
    EventIn,
    schemas.EventBatch,
    schemas.CloudEvent,
    schemas.RecordedEvents,
    schemas.WholeEvent,
    schemas.WholeEvents,
    schemas.RecordVersions,
    schemas.RecordState,
    schemas.RecordComparison,
    schemas.UndoDocument,
    schemas.ProblemDocument,
)


@bp.get("/openapi.json")
@public
def document() -> Response:
    """Return the description; it tells nothing of any workspace."""
    return Response(orjson.dumps(describe()), content_type="application/json")


@bp.get("/docs")
@public
def read() -> str:
    """Show the description as a page that loads nothing from outside."""
    return render_template("api/docs.html", api=describe())


@cache
def describe() -> dict[str, Any]:
    """Build the document out of the schemas that also check what is sent."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Auditapp", "version": "1", "description": INTRODUCTION},
        "security": [{"key": []}],
        "paths": {
            "/api/v1/events": {"post": _record(), "get": _list()},
            "/api/v1/events.csv": {"get": _export("Csv", "a table", "text/csv")},
            "/api/v1/events.jsonl": {"get": _export("Jsonl", "one event a line", bodies.NDJSON)},
            "/api/v1/events/{event_id}": {"get": _event()},
            _RECORD: {"get": _versions("listVersions")},
            f"{_RECORD}/versions": {"get": _versions("listVersionsPlainly")},
            f"{_RECORD}/state": {"get": _state()},
            f"{_RECORD}/compare": {"get": _compare()},
            f"{_RECORD}/undo": {"get": _undo()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> dict[str, Any]:
    adapters: list[tuple[Any, Any, TypeAdapter[Any]]] = [
        (model, "validation", TypeAdapter(model)) for model in _MODELS
    ]
    _, definitions = TypeAdapter.json_schemas(adapters, ref_template=_REF)
    return dict(definitions["$defs"])


def _record() -> dict[str, Any]:
    single, batch = _ref("EventIn"), _ref("EventBatch")
    content = {
        bodies.JSON: {"schema": {"oneOf": [single, batch]}},
        bodies.NDJSON: {"schema": {"type": "string", "description": "One event a line."}},
        bodies.CLOUDEVENT: {"schema": _ref("CloudEvent")},
        bodies.CLOUDEVENTS: {"schema": {"type": "array", "items": _ref("CloudEvent")}},
    }
    return {
        "operationId": "recordEvents",
        "summary": "Record events",
        "description": "One event, or up to 1,000 and 10 MiB, all or none. The body may be gzip."
        " With an idempotency_key the same event may be sent any number of times. With a header"
        " ce-specversion, ce-id, ce-source or ce-type beside any other content type than CloudEvents' it is"
        " one CloudEvent in binary mode: the headers ce-* are its attributes, the body is its data.",
        "requestBody": {"required": True, "content": content},
        "responses": {
            "201": _answer(201, "RecordedEvents"),
            "200": {**_answer(200, "RecordedEvents"), "description": "All had been recorded before"},
            **_problems(401, 403, 409, 413, 415, 422, 429, 503),
        },
    }


def _list() -> dict[str, Any]:
    return {
        "operationId": "listEvents",
        "summary": "List events",
        "description": "Newest first. A parameter that is repeated means or; different ones mean and;"
        " a value that starts with ! excludes.",
        "parameters": _filters(),
        "responses": {"200": _answer(200, "WholeEvents"), **_problems(401, 403, 422, 429, 503)},
    }


def _filters() -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": text, "schema": schema} for name, text, schema in FILTERS
    ]


def _export(name: str, how: str, content_type: str) -> dict[str, Any]:
    return {
        "operationId": f"exportEvents{name}",
        "summary": f"Export all events of a filter, {how}",
        "description": "Oldest first and streamed; limit and places in the log do not narrow it. That it was"
        " exported is told by two events, auditapp.export.started before the first byte and"
        " auditapp.export.finished; if the first cannot be recorded, the answer is 503. Where the database"
        " fails in the middle, the last line says so.",
        "parameters": [parameter for parameter in _filters() if parameter["name"] not in OF_THE_PAGE],
        "responses": {
            "200": {"description": TITLES[200], "content": {content_type: {"schema": {"type": "string"}}}},
            **_problems(401, 403, 422, 429, 503),
        },
    }


def _event() -> dict[str, Any]:
    return {
        "operationId": "getEvent",
        "summary": "Get one event",
        "parameters": [
            {
                "name": "event_id",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "format": "uuid"},
            }
        ],
        "responses": {"200": _answer(200, "WholeEvent"), **_problems(401, 403, 404, 429, 503)},
    }


def _versions(operation: str) -> dict[str, Any]:
    paging = [parameter for parameter in _filters() if parameter["name"] in ("limit", "before", "after")]
    return {
        "operationId": operation,
        "summary": "List a record's versions",
        "description": "Its events with what each one changed, newest first.",
        "parameters": [*RECORD, *paging],
        "responses": {"200": _answer(200, "RecordVersions"), **_problems(401, 403, 404, 422, 429, 503)},
    }


def _state() -> dict[str, Any]:
    at = {"name": "at", "in": "query", "description": AT, "schema": {"type": "string"}}
    return {
        "operationId": "getState",
        "summary": "Get a record as it was at an instant",
        "description": "Its changes up to then, those at that very instant among them, added up.",
        "parameters": [*RECORD, at],
        "responses": {"200": _answer(200, "RecordState"), **_problems(401, 403, 404, 422, 429, 503)},
    }


def _compare() -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"}
    events = [
        {"name": "from", "in": "query", "description": FROM, "schema": schema},
        {"name": "to", "in": "query", "required": True, "description": TO, "schema": schema},
    ]
    return {
        "operationId": "compareVersions",
        "summary": "Compare two versions of a record",
        "description": "What became of its fields between the one event and the other; they may be given in"
        " either order.",
        "parameters": [*RECORD, *events],
        "responses": {"200": _answer(200, "RecordComparison"), **_problems(401, 403, 404, 422, 429, 503)},
    }


def _undo() -> dict[str, Any]:
    event = {"type": "string", "format": "uuid"}
    correlation = {"type": "string", "minLength": 1, "maxLength": 512}
    parameters = [
        {"name": "event", "in": "query", "description": "An event of the record.", "schema": event},
        {"name": "correlation", "in": "query", "description": "Or a story of it.", "schema": correlation},
    ]
    return {
        "operationId": "prepareUndo",
        "summary": "Prepare taking an event or a story back",
        "description": "Nothing is changed: the document says what would take it back, in all records that it"
        " touched, and what has changed since. That it was handed over is an event itself,"
        " auditapp.undo.prepared; if it cannot be recorded, the answer is 503.",
        "parameters": [*RECORD, *parameters],
        "responses": {"200": _answer(200, "UndoDocument"), **_problems(401, 403, 404, 422, 429, 503)},
    }


def _ref(model: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=model)}


def _answer(status: int, model: str) -> dict[str, Any]:
    return {"description": TITLES[status], "content": {"application/json": {"schema": _ref(model)}}}


def _problems(*statuses: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _ref("ProblemDocument")}}
    return {str(status): {"description": TITLES[status], "content": content} for status in statuses}
