"""Whether an event's row says what its sections say: it repeats what a list shows of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from auditapp.index.field_terms import field_key
from auditapp.index.stored_events import Row
from auditapp.log.line import LINE_VERSION, Changes, fields_line, line_of
from auditapp.operating.deep.finding import RESTORE, Problem

MISSING = Problem("events without their sections", RESTORE)
DAMAGED = Problem("events with damaged sections", RESTORE)
UNSALTED = Problem("events with a section and no salt, or a salt and no section", RESTORE)
DIFFERENT = Problem("events whose row and sections say different things", RESTORE)
MISTYPED = Problem("events with values of a wrong type", RESTORE)
STRANGE_MEMBER = Problem("events of a member that the workspace never had", RESTORE)
NO_WORKSPACE = Problem("events", RESTORE)
ALONE = {
    "event_payload": Problem("sections of no event", RESTORE),
    "log_leaf": Problem("places in the log of no event", RESTORE),
    "renamed_event": Problem("rows of renamed_event of no event", RESTORE),
}


def problems_of(
    row: Row, sections: Mapping[str, Any], damaged: list[str], members: set[Any]
) -> Iterator[tuple[Problem, str]]:
    """Yield what is wrong about an event, and what to call it by.

    :param row: of ``LogReader.batches``.
    :param sections: of ``stored.sections_of``, with ``damaged``.
    :param members: as ``LogReader.members``.
    """
    uid = str(row["uid"])
    if row["beside"] is None:
        yield MISSING, uid
    else:
        if damaged:
            yield DAMAGED, f"{uid}: {', '.join(damaged)}"
        if not row["is_salted"]:
            yield UNSALTED, uid
        if differing := list(_differing(row, sections, damaged)):
            yield DIFFERENT, f"{uid}: {', '.join(differing)}"
    member = row["member_id"]
    if member is not None and (row["workspace_id"], member) not in members:
        yield STRANGE_MEMBER, uid


def _differing(row: Row, sections: Mapping[str, Any], damaged: list[str]) -> Iterator[str]:
    """Yield the columns that differ. Where a section was erased, what repeats it is erased too."""
    actor, behalf, names = sections["actor"], sections["on_behalf_of"], sections["names"]
    if row["entity_type"] != row["event"].rpartition(".")[0]:
        yield "entity_type"
    if actor is not None and row["actor_type"] != actor["type"]:
        yield "actor_type"
    if row["member_id"] is not None and row["actor_type"] != "user":
        yield "member_id"
    for section, column, value in (
        ("actor", "actor_id", actor["id"] if actor else None),
        ("actor", "actor_name", _name(actor)),
        ("on_behalf_of", "on_behalf_of_name", (_name(behalf) or behalf["id"]) if behalf else None),
        ("names", "entity_name", names["entity"] if names else None),
    ):
        if section not in damaged and row[column] != value:
            yield column
    if not {"changes", "context"} & {*damaged}:
        yield from _differing_line(row, sections["changes"], sections["context"])


def _differing_line(row: Row, changes: Changes | None, context: Mapping[str, Any] | None) -> Iterator[str]:
    # How labels are made of names, and put in a line, may change; the row keeps how it was.
    if row["line"] is None:
        # Recorded before there were lines, or nothing to tell in one, or erased with a section that it tells.
        is_erased = row["fields"] is None and (changes is None or context is None)
        if not is_erased and _bare(row["fields"]) != _bare(fields_line(changes or {})):
            yield "line" if row["fields"] is None else "fields"
        return
    if row["fields"] is not None:
        yield "fields"
    try:
        line, expected = (
            orjson.loads(row["line"]),
            orjson.loads(line_of(changes or {}, context or {}) or "{}"),
        )
        is_older = line["v"] != LINE_VERSION
        is_same = _bare(line.pop("fields", None)) == _bare(expected.pop("fields", None))
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        yield "line"
        return
    if not is_same or (not is_older and line != expected):
        yield "line"


def _name(party: Mapping[str, Any] | None) -> str | None:
    return (party.get("name") or party.get("email")) if party else None


def _bare(line: str | None) -> str | None:
    return None if line is None else field_key(line)
