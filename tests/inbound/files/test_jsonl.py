"""Lines of events, and the keys of those that bring none."""

import io
import json

import pytest

from auditapp.inbound.files.json_stream import FileError
from auditapp.inbound.files.jsonl import Jsonl
from tests.conftest import an_event
from tests.inbound.reading import strictly

AT = "2026-03-24T09:00:00Z"


def rows_of(*events) -> list:
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return strictly(Jsonl().rows(io.BytesIO("\n".join(lines).encode())))


def keys_of(*events) -> list[str]:
    return [row.event["idempotency_key"] for row in rows_of(*events)]


def test_a_line_is_an_event_as_it_stands():
    event = an_event(occurred_at=AT, idempotency_key="mine", origin="ui")

    [row] = rows_of(event)

    assert (row.place, row.event) == ("line 1", event)


def test_a_line_without_a_key_gets_one_of_its_content_and_its_number_among_equals():
    one, other = an_event(occurred_at=AT), an_event(occurred_at=AT, entity="2")

    keys = keys_of(one, other, one, one)

    assert len(set(keys)) == 4
    assert [key[-2:] for key in keys] == [":1", ":1", ":2", ":3"]
    assert keys_of(one, other, one) == keys[:3]
    assert max(map(len, keys)) <= 200


def test_white_space_and_the_order_of_keys_make_no_other_line():
    event = an_event(occurred_at=AT)
    turned = json.dumps(dict(reversed(event.items())), separators=(" ,  ", ":\t"))

    assert keys_of(event) == keys_of("  " + turned + " \r")


def test_a_null_key_is_no_key():
    assert keys_of(an_event(occurred_at=AT, idempotency_key=None))[0].startswith("jsonl:")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[]", "line 2: must be a JSON object"),
        ("{", "line 2: not JSON"),
        (an_event(), "line 2: occurred_at: is required in a file"),
        (an_event(occurred_at=None), "line 2: occurred_at: is required in a file"),
        ('{"occurred_at": "\\ud800"}', "line 2: occurred_at: holds the lone surrogate"),
        ('{"a": ' * 40 + "1" + "}" * 40, "line 2: a.a.a"),
    ],
)
def test_a_line_that_is_no_event_of_a_file_is_refused(line, says):
    with pytest.raises(FileError) as refused:
        rows_of(an_event(occurred_at=AT), line)

    assert str(refused.value).startswith(says)


def test_a_file_without_lines_has_no_events():
    assert rows_of("") == []
