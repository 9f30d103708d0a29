"""Any JSON at all, and valid documents with faults, for the mappers of other products' forms."""

import copy
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from auditapp.log import EventError
from auditapp.log.schema import parse_event

CALLER = {"type": "api_key", "id": "source-1", "name": "The source"}

# Also what a parser lets through and the log refuses: lone surrogates, NUL, NaN, 1e999, large integers.
texts = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    [
        "",
        ".",
        "..",
        "deal",
        "deal.updated",
        "1.0",
        "x" * 600,
        "\x00",
        "\ud800",
        "2026-03-24T09:00:00Z",
        "user",
    ]
)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | texts
any_json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mutated(draw: st.DrawFn, documents: list[Any]) -> Any:
    """Return one of the documents with one to three values replaced, left out or added."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 3))):
        part = draw(st.sampled_from(list(_containers(document))))
        places = sorted(part) if isinstance(part, dict) else list(range(len(part)))
        if not places or draw(st.integers(0, 9)) == 0:
            _put(part, draw(texts), draw(any_json))
        elif draw(st.booleans()):
            part[draw(st.sampled_from(places))] = draw(any_json)
        else:
            del part[draw(st.sampled_from(places))]
    return document


def _containers(value: Any):
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _containers(inner)


def _put(part: Any, name: str, value: Any) -> None:
    if isinstance(part, dict):
        part[name] = value
    else:
        part.append(value)


def assert_accepted_or_refused(events_of, document: Any) -> None:
    """Nothing but events that the log accepts, or an EventError that says what is wrong."""
    try:
        events = events_of(document, default_actor=CALLER)
    except EventError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
        return
    assert events
    for event in events:
        parse_event(event, now=datetime.now(UTC))


def problems_of(events_of, document: Any) -> list[tuple[int, str, str]]:
    """Return what a document is refused for."""
    try:
        events_of(document, default_actor=CALLER)
    except EventError as error:
        return [(problem.index, problem.path, problem.message) for problem in error.problems]
    raise AssertionError("was not refused")
