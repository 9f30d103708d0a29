"""CDEvents: as the data of a CloudEvent, structured or binary, and by themselves."""

import pytest

from auditapp.inbound.cloudevents.events import events_of
from auditapp.inbound.cloudevents.modes import events_of_headers
from tests.inbound import foreign_json
from tests.inbound.foreign_json import CALLER, assert_accepted_or_refused

TYPES = [
    f"{subject}.{predicate}"
    for subject, predicates in {
        "artifact": "packaged signed published downloaded deleted",
        "branch": "created deleted",
        "build": "queued started finished",
        "change": "created reviewed merged abandoned updated",
        "environment": "created modified deleted",
        "incident": "detected reported resolved",
        "pipelinerun": "queued started finished",
        "repository": "created modified deleted",
        "service": "deployed upgraded rolledback removed published",
        "taskrun": "started finished",
        "testcaserun": "queued started finished skipped",
        "testoutput": "published",
        "testsuiterun": "queued started finished",
        "ticket": "created updated closed",
    }.items()
    for predicate in predicates.split()
]


def cdevent(kind: str = "pipelinerun.started", version: str = "0.2.0", **subject) -> dict:
    """Return a CDEvent; like its specification's samples, all have one id."""
    return {
        "context": {
            "version": "0.4.1",
            "id": "271069a8",
            "chainId": "4c8cb7dd",
            "source": "/event/source/123",
            "type": f"dev.cdevents.{kind}.{version}",
            "timestamp": "2023-03-20T14:27:05.315384Z",
        },
        "subject": {
            "id": "pkg:golang/acme/app@234f",
            "type": kind.partition(".")[0],
            "content": {},
            **subject,
        },
    }


def wrapped(document: dict, **more) -> dict:
    """Return the CloudEvent that carries a CDEvent; an attribute given as ``...`` is left out."""
    context = document["context"]
    event = {
        "specversion": "1.0",
        "id": context["id"],
        "source": context["source"],
        "type": context["type"],
        "subject": document["subject"]["id"],
        "time": context["timestamp"],
        "datacontenttype": "application/cdevents+json",
        "data": document,
        **more,
    }
    return {name: value for name, value in event.items() if value is not ...}


@pytest.mark.parametrize("version", ["0.2.0", "0.3.0-draft", "0.1.0"])
@pytest.mark.parametrize("form", [cdevent, lambda *told: wrapped(cdevent(*told))], ids=["bare", "wrapped"])
def test_every_type_becomes_an_event_of_its_own_though_all_have_one_id(form, version):
    documents = [form(kind, version) for kind in TYPES]

    events = events_of(documents, default_actor=CALLER)

    assert [event["event"] for event in events] == [f"dev.cdevents.{kind}" for kind in TYPES]
    assert len({event["idempotency_key"] for event in events}) == len(TYPES)
    assert [event["payload"] for event in events] == documents


@pytest.mark.parametrize("document", [cdevent(), wrapped(cdevent()), wrapped(cdevent(), subject=...)])
def test_subject_time_and_chain_are_the_records_id_the_time_and_the_correlation(document):
    [event] = events_of(document, default_actor=CALLER)

    assert event["entity"] == {"type": "dev.cdevents.pipelinerun", "id": "pkg:golang/acme/app@234f"}
    assert event["occurred_at"] == "2023-03-20T14:27:05.315384Z"
    assert event["correlation_id"] == "4c8cb7dd"


def test_what_the_cloud_event_says_itself_wins():
    document = wrapped(cdevent(), subject="other", correlationid="c")

    [event] = events_of(document, default_actor=CALLER)

    assert (event["entity"]["id"], event["correlation_id"]) == ("other", "c")


def test_binary_mode_carries_them_too():
    headers = {
        "Content-Type": "application/cdevents+json; charset=utf-8",
        "ce-specversion": "1.0",
        "ce-type": "dev.cdevents.taskrun.started.0.2.0",
        "ce-id": "1",
        "ce-source": "/staging/tekton/",
    }
    body = (
        b'{"context": {"type": "dev.cdevents.taskrun.started.0.2.0"}, "subject": {"id": "/namespace/run-1"}}'
    )

    [event] = events_of_headers(headers, body, CALLER)

    assert (event["event"], event["entity"]["id"]) == ("dev.cdevents.taskrun.started", "/namespace/run-1")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (cdevent(id=None), (0, "subject.id", "is required here: it names the record")),
        (cdevent(id=""), (0, "subject.id", "must not be empty")),
        ({**cdevent(), "context": {"type": "dev.cdevents.a.b"}}, (0, "context.source", "is required")),
        ({**cdevent(), "context": {"type": "com.example.a.b"}}, (0, "specversion", "is required")),
        ({"context": {"type": "dev.cdevents.a.b"}}, (0, "specversion", "is required")),
    ],
)
def test_what_is_missing_is_said_by_its_place(document, says):
    assert says in foreign_json.problems_of(events_of, document)


@pytest.mark.parametrize("odd", [7, None, [], "dev.cdevents"])
def test_odd_data_is_no_cdevent(odd):
    for document in (odd, {"context": odd, "subject": {}}, {"context": {"type": odd}, "subject": {}}):
        assert_accepted_or_refused(events_of, document)
        [event] = events_of(wrapped(cdevent(), data=document), default_actor=CALLER)
        assert event["payload"]["data"] == document
