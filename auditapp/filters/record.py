"""``record``: what something happened to, one of a type."""

import re
from collections.abc import Sequence

from sqlalchemy import and_, or_

from auditapp.access.viewer import Viewer
from auditapp.filters.entity import TYPE
from auditapp.filters.expression import Node
from auditapp.filters.parameter import Condition, Narrowing, Reader, Saying
from auditapp.filters.search_terms import Term
from auditapp.filters.wording import entity_words, inside
from auditapp.index.terms import value_term
from auditapp.models import Event
from auditapp.values.strict_json import shorten

_RECORD = re.compile(rf"(?P<type>{TYPE}):(?P<id>.{{1,512}})", re.DOTALL)


class Record(Narrowing):
    """A record: ``deal:<id>``."""

    name = "record"
    words = "record"
    description = "One record, as <entity type>:<id>."
    values = "`deal:<id>`"
    example = "deal:d_1"
    label = "Record"
    drop_order = 8
    hint = "deal:<id>"

    def check(self, value: str, reader: Reader) -> None:
        """Refuse what names no record."""
        if not is_record(value):
            raise ValueError(f"{shorten(value)} is no record; write it as deal:<id>")

    def includes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return one condition: any of the records."""
        return [or_(*map(_is_record, values))]

    def excludes(self, values: Sequence[str], viewer: Viewer) -> list[Condition]:
        """Return a condition for each record."""
        return [~_is_record(value) for value in values]

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return the record's term."""
        return Term((value_term(viewer.workspace.id, "record", *type_and_id(value)),))

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "deal Data Center Refresh"."""
        return record_words(values, say)


def is_record(text: str) -> bool:
    """Tell whether a text names a record as the filter does."""
    return _RECORD.fullmatch(text) is not None


def type_and_id(value: str) -> tuple[str, str]:
    """Return the parts of a record as a filter that was checked has it."""
    entity_type, _, entity_id = value.partition(":")
    return entity_type, entity_id


def record_words(values: Sequence[str], say: Saying) -> list[str]:
    """Say each record: "deal Data Center Refresh"."""
    phrases = []
    for value in values:
        entity_type, entity_id = type_and_id(value)
        phrases.append(f"{inside(entity_words(entity_type))} {say.named('record', value, entity_id)}")
    return phrases


def _is_record(value: str) -> Condition:
    entity_type, entity_id = type_and_id(value)
    return and_(Event.entity_id == entity_id, Event.entity_type == entity_type)
