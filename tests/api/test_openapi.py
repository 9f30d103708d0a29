"""The API's description: valid, complete, and true of what really is answered."""

import re
import uuid

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from auditapp.filters import PARAMETERS
from tests.api.conftest import EVENTS, JSON, ids_in, problem_in
from tests.conftest import an_event

RECORD = "/api/v1/records/{entity_type}/{entity_id}"
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]


@pytest.fixture(scope="session")
def description(door) -> dict:
    response = door.client.get("/api/v1/openapi.json")
    assert (response.status_code, response.content_type) == (200, JSON)
    return response.get_json()


def assert_described(description: dict, operation: str, response) -> None:
    """Assert that an answer is as the operation's description says."""
    method, path = operation.split()
    answer = description["paths"][path][method]["responses"][str(response.status_code)]
    reference = answer["content"][response.content_type]["schema"]["$ref"]
    schema = {"$ref": reference, "components": description["components"]}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(response.get_json())


def test_the_document_is_openapi_3_1(description):
    OpenAPIV31SpecValidator(description).validate()

    assert description["openapi"].startswith("3.1.")


def test_every_route_of_the_api_is_described_and_no_other(door, description):
    served = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in door.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.endpoint.startswith("openapi.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    described = {(method, path) for path, operations in description["paths"].items() for method in operations}
    assert described == served


def test_every_filter_is_described(description):
    parameters = description["paths"][EVENTS]["get"]["parameters"]

    assert sorted(each["name"] for each in parameters) == sorted(each.name for each in PARAMETERS)
    assert all(each["description"] and each["in"] == "query" for each in parameters)


def test_every_reference_leads_somewhere(description):
    references = set(re.findall(r'"#/components/schemas/(\w+)"', str(description).replace("'", '"')))

    assert references and references <= set(description["components"]["schemas"])


def test_what_is_answered_is_as_described(door, description):
    whole = an_event(
        changes={
            "a": {"previous": None, "current": [1]},
            "b": {"current": 1, "label": "B", "kind": "number"},
        },
        related=[{"type": "contact", "id": "1"}],
        on_behalf_of={"type": "workflow", "id": "w"},
        context={"ip": "198.51.100.7", "user_agent": None, "request_id": "r"},
        payload={"a": {}},
        causation_id="c",
        idempotency_key=str(uuid.uuid4()),
    )

    recorded = door.post(whole)
    one = f"{EVENTS}/{ids_in(recorded)[0]}"

    assert_described(description, f"post {EVENTS}", recorded)
    assert_described(description, f"post {EVENTS}", door.post(whole))
    assert_described(description, f"post {EVENTS}", door.post({**whole, "outcome": "denied"}))
    assert_described(description, f"post {EVENTS}", door.post({}))
    assert_described(description, f"post {EVENTS}", door.post("x", "text/plain"))
    assert_described(description, f"post {EVENTS}", door.post(b" " * (10 * 1024 * 1024 + 1)))
    assert_described(description, f"get {EVENTS}/{{event_id}}", door.get(one))
    assert_described(description, f"get {EVENTS}/{{event_id}}", door.get(f"{EVENTS}/{uuid.uuid4()}"))
    assert_described(description, f"get {EVENTS}", door.get(f"{EVENTS}?limit=1"))
    assert_described(description, f"get {EVENTS}", door.get(f"{EVENTS}?limit=0&colour=1"))
    assert_described(description, f"get {EVENTS}", door.client.get(EVENTS))


def test_what_is_answered_of_a_record_is_as_described(door, description):
    first = {"a": {"previous": None, "current": [1], "label": "A", "kind": "json"}, "b": {"current": 1}}
    second = {"a": {"previous": 2, "current": 3}}
    ids = [ids_in(door.post(an_event(entity="described", changes=changes)))[0] for changes in (first, second)]
    record = RECORD.format(entity_type="deal", entity_id="described")

    for path in ("", "?limit=1", "?limit=0", "/versions", "/versions?colour=1"):
        operation = RECORD + path.partition("?")[0]
        assert_described(description, f"get {operation}", door.get(record + path))
    for path in ("", "?at=2020-01-01", "?at=never"):
        assert_described(description, f"get {RECORD}/state", door.get(f"{record}/state{path}"))
    for path in ("", f"?to={ids[0]}", f"?from={ids[1]}&to={ids[0]}", f"?to={uuid.uuid4()}"):
        assert_described(description, f"get {RECORD}/compare", door.get(f"{record}/compare{path}"))
    assert_described(description, f"get {RECORD}/state", door.get(f"{record}-not/state"))
    for path in ("", f"?event={ids[0]}", f"?event={uuid.uuid4()}", f"?correlation={ids[1]}"):
        assert_described(description, f"get {RECORD}/undo", door.get(f"{record}/undo{path}"))


def test_what_is_described_as_taken_is_what_the_door_takes(door, description):
    schema = {"$ref": "#/components/schemas/EventIn", "components": description["components"]}
    described = jsonschema_rs.Draft202012Validator(schema)
    refused = [{}, {"id": "1"}, {"seq": None}, {"origin": "API"}, {"event": "deal"}, {"payload": []}]

    assert described.is_valid(an_event())
    for fault in refused:
        event = an_event() | fault if fault else {}
        assert not described.is_valid(event)
        problem_in(door.post(event), 422)


def test_the_page_to_read_loads_nothing_from_outside(door):
    page = door.client.get("/api/v1/docs")

    assert page.status_code == 200
    assert "POST /api/v1/events" in re.sub(r"<[^>]+>", "", page.text)
    links = re.findall(r'(?:src|href|action|data|srcset|poster)\s*=\s*["\']?([^"\'\s>]*)', page.text)
    assert links and all(re.match(r"(/(?!/)|#)", link) for link in links), links
    assert not re.search(r"url\(|@import|<script(?![^>]*src=)", page.text)


@pytest.fixture(scope="session")
def schema(door):
    """Return the description as schemathesis reads it out of the application itself."""
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", door.app)


@pytest.mark.parametrize("door", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("path", "method"),
    [
        (EVENTS, "POST"),
        (EVENTS, "GET"),
        (f"{EVENTS}.csv", "GET"),
        (f"{EVENTS}.jsonl", "GET"),
        (f"{EVENTS}/{{event_id}}", "GET"),
        (RECORD, "GET"),
        (f"{RECORD}/versions", "GET"),
        (f"{RECORD}/state", "GET"),
        (f"{RECORD}/compare", "GET"),
        (f"{RECORD}/undo", "GET"),
    ],
)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=["valid", "invalid"])
def test_whatever_is_generated_out_of_the_description_is_answered_as_it_says(
    door, schema, path, method, mode
):
    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def call(case):
        response = case.call(headers={**door.headers, "Accept-Encoding": "identity"})
        case.validate_response(response, checks=CHECKS)

    call()
