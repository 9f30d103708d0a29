"""A record is one line, whatever is in it."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp.server_log.lines import FORMS

ANY_TEXT = st.text(st.characters(exclude_categories=[]) | st.sampled_from("\r\n\x85\u2028\x1b\x0b\x0c"))


def a_line(form, message="request", level=logging.INFO, **fields):
    record = logging.LogRecord("auditapp.access", level, __file__, 1, message, (), None)
    record.fields = fields
    return FORMS[form]().format(record)


def test_a_line_of_text_has_time_level_message_and_fields():
    line = a_line("text", route="/w/<workspace>/timeline", status=200, ms=1.5, nothing=None, text='a "b" c')

    time, rest = line.split(" ", 1)
    assert time.endswith("Z") and len(time) == len("2026-11-27T11:22:26.023Z")
    assert rest == r'info request route=/w/<workspace>/timeline status=200 ms=1.5 text="a \"b\" c"'


def test_a_line_of_json_has_the_same():
    line = json.loads(a_line("json", status=200, text="a b"))

    assert line | {"time": ""} == {
        "time": "",
        "level": "info",
        "message": "request",
        "status": 200,
        "text": "a b",
    }


@pytest.mark.parametrize("form", FORMS)
def test_of_others_lines_a_traceback_is_left_out(form):
    message = "Application callable raised an exception\nTraceback:\n  File x\nKeyError: 'hunter2'"
    record = logging.LogRecord("_granian.utils", logging.ERROR, __file__, 1, message, (), None)

    line = FORMS[form]().format(record)

    assert "raised an exception" in line and "_granian.utils" in line and "hunter2" not in line


@pytest.mark.parametrize("form", FORMS)
@given(message=ANY_TEXT, value=ANY_TEXT)
def test_nothing_that_is_logged_begins_another_line_or_moves_the_cursor(form, message, value):
    line = a_line(form, message, value=value)

    assert len(line.splitlines()) == 1 and line.isprintable()
    line.encode()


@given(value=ANY_TEXT)
def test_no_value_poses_as_another_field(value):
    line = a_line("text", value=value, status=200)

    told = line.partition(" value=")[2].removesuffix(" status=200")
    if " " in told or "=" in told:
        assert told.startswith('"') and isinstance(json.loads(told), str)


def test_a_long_value_is_cut():
    assert len(a_line("text", value="x" * 100_000)) < 1_200
