"""Files of JSON as elements: the same ones however the bytes arrive, and clear words where they are none."""

import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditapp.inbound.files import json_stream
from auditapp.inbound.files.json_stream import FileError, elements, lines

numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def values_of(data: bytes, **more) -> list:
    return [element.value() for element in elements(io.BytesIO(data), **more)]


@settings(deadline=None)
@given(
    values=st.lists(json_values, max_size=6),
    chunk_bytes=st.integers(1, 40),
    indent=st.none() | st.integers(0, 3),
    ascii_only=st.booleans(),
    before=st.sampled_from([b"", b"\xef\xbb\xbf", b" \r\n\t", b"\xef\xbb\xbf\n"]),
)
@example(values=['\\"', '"\\', "\\\\", '[{,}]"'], chunk_bytes=1, indent=None, ascii_only=True, before=b"")
def test_any_array_gives_its_elements_in_chunks_of_any_size(values, chunk_bytes, indent, ascii_only, before):
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)

    assert values_of(before + text.encode() + b" \n", chunk_bytes=chunk_bytes) == values


@settings(deadline=None)
@given(
    values=st.lists(st.dictionaries(st.text(), json_values, min_size=1), min_size=1, max_size=5),
    bom=st.booleans(),
)
def test_one_object_a_line_gives_the_same_as_an_array_of_them(values, bom):
    data = b"\n\r\n".join(json.dumps(value).encode() for value in values)

    assert values_of((b"\xef\xbb\xbf" if bom else b"") + data) == values


@settings(deadline=None)
@given(data=st.binary(max_size=60), chunk_bytes=st.integers(1, 20))
@example(data=b"[}{]", chunk_bytes=3)
@example(data=b"[[[]", chunk_bytes=1)
def test_no_bytes_whatever_end_in_anything_but_elements_or_a_file_error(data, chunk_bytes):
    for start in (b"", b"[", b"{"):
        try:
            values_of(start + data, chunk_bytes=chunk_bytes)
        except FileError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "neither a JSON array nor one JSON object a line"),
        (b"  \n", "neither a JSON array"),
        (b"hello", "neither a JSON array"),
        (b'"text"', "neither a JSON array"),
        ("[1]".encode("utf-16"), "neither a JSON array nor one JSON object a line, in UTF-8"),
        (b'[{"a": 1}, {"b": ', "ends in the middle of row 2"),
        (b"[1, 2", "ends in the middle of row 2"),
        (b'["abc', "ends in the middle of row 1"),
        (b"[", "ends in the middle of row 1"),
        (b"[1] [2]", "goes on after the end of its array, behind row 1"),
        (b"[1],", "goes on after the end of its array"),
        (b"[1, 2,]", "row 3: not JSON"),
        (b"[,1]", "row 1: not JSON"),
        (b"[1 2]", "row 1: not JSON"),
        (b"[1, }]", "row 2: not JSON"),
        (b'[{"a": 1], 2]', "row 1: not JSON"),
        (b"[1, nope]", "row 2: not JSON"),
        (b"[1, NaN]", "row 2: NaN is not a JSON number"),
        (b'[1, {"a": 1, "a": 2}]', "row 2: the key a occurs twice in one object"),
        (b'["ok", "M\xfcller"]', "row 2: not UTF-8 at byte 3"),
        (b'{"a": 1}\n\n{"a": }', "line 3: not JSON"),
        (b'{"a": 1}\n{"b": 2', "line 2: not JSON"),
        (b"[" + b"[" * 5000 + b"]" * 5000 + b"]", "row 1: nested deeper"),
    ],
)
def test_what_is_no_such_file_is_refused_with_the_row(data, says):
    with pytest.raises(FileError) as refused:
        values_of(data)

    assert says in str(refused.value)


@pytest.mark.parametrize("data", [b"[]", b" [ \n ] \n"])
def test_an_empty_array_has_no_elements(data):
    assert values_of(data) == []


@pytest.mark.parametrize(
    "data", [b'[1, "' + b"x" * 100 + b'"]', b'["a", "' + b"x" * 100, b'{"a": "' + b"x" * 100 + b'"}']
)
def test_an_element_past_the_limit_is_refused_before_it_fills_memory(data, monkeypatch):
    monkeypatch.setattr(json_stream, "MAX_ELEMENT_BYTES", 50)

    with pytest.raises(FileError, match=r"(row 2|line 1): is longer than"):
        values_of(data, chunk_bytes=10)


def test_an_element_is_given_before_the_rest_of_the_file_is_read():
    file = io.BytesIO(json.dumps(["x" * 1000] * 100).encode())

    next(elements(file, chunk_bytes=500))

    assert file.tell() < 2000


def test_lines_are_counted_with_the_blank_ones():
    found = list(lines(io.BytesIO(b'\xef\xbb\xbf\n{"a": 1}\r\n  \n{"b": 2}')))

    assert [element.place for element in found] == ["line 2", "line 4"]
    assert [element.value() for element in found] == [{"a": 1}, {"b": 2}]
