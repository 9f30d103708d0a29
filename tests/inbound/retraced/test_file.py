"""Files of Retraced's events, and the keys of those without an id."""

import io
import json

import pytest

from auditapp.inbound.files.json_stream import FileError
from auditapp.inbound.retraced.events import events_of
from auditapp.inbound.retraced.file import Retraced
from tests.inbound.foreign_json import CALLER
from tests.inbound.reading import strictly
from tests.inbound.retraced.test_events import retraced

ONE, OTHER = retraced(created=1), retraced(created=2)


def rows_of(text: str | bytes) -> list:
    data = text if isinstance(text, bytes) else text.encode()
    return strictly(Retraced().rows(io.BytesIO(data)))


def lines(*documents) -> str:
    return "\n".join(json.dumps(document) for document in documents)


def keys_of(*documents) -> list[str]:
    return [row.event["idempotency_key"] for row in rows_of(lines(*documents))]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (json.dumps([ONE, OTHER]), ["row 1", "row 2"]),
        (json.dumps([ONE, OTHER], indent=2), ["row 1", "row 2"]),
        (lines(ONE, OTHER), ["line 1", "line 2"]),
        (lines({"events": [ONE, OTHER]}), ["line 1, event 1", "line 1, event 2"]),
        (lines(ONE, {"events": [OTHER]}), ["line 1", "line 2, event 1"]),
        ("[]", []),
    ],
    ids=["array", "indented array", "lines", "bulk", "lines and bulk", "empty"],
)
def test_a_file_is_an_array_or_has_an_event_or_a_bulk_request_a_line(text, places):
    rows = rows_of(text)

    assert [row.place for row in rows] == places
    assert [row.event["payload"] for row in rows] == [ONE, OTHER][: len(places)]


def test_equal_events_are_told_apart_by_their_number_and_the_first_has_a_webhooks_key():
    [webhook] = events_of(ONE, default_actor=CALLER)

    keys = keys_of(ONE, OTHER, ONE, ONE)

    first = webhook["idempotency_key"]
    assert [keys[0], keys[2], keys[3]] == [first, f"{first}:2", f"{first}:3"]
    assert len(set(keys)) == 4
    assert keys_of({"events": [ONE, ONE]}) == [first, f"{first}:2"]
    assert max(map(len, keys)) <= 200


def test_an_event_with_an_id_keeps_the_key_made_of_it():
    event = retraced(created=1, external_id="e1")

    assert keys_of(event, event) == ['retraced:["external_id","e1"]'] * 2


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (retraced(), "line 2: created: is required in a file; without it"),
        (retraced(created=1, actor={"name": "Ada"}), "line 2: actor.id: is required"),
        ({"events": [ONE, retraced()]}, "line 2, event 2: created: is required in a file"),
        ({"events": 7}, "line 2: events: must be an array"),
        ([ONE], "line 2: must be an object"),
        ("\ud800", "line 2: must be an object"),
    ],
)
def test_an_event_of_another_form_is_refused_by_place_and_path(second, says):
    with pytest.raises(FileError) as refused:
        rows_of(lines(ONE, second))

    assert str(refused.value).startswith(says)
