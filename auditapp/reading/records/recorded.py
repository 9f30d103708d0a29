"""The record as a whole, where a source records it beside the changes that it made."""

from collections.abc import Mapping
from typing import Any

from auditapp.reading.records.record import Record

# Customermates' webhooks keep what they send under "payload".
_ENVELOPES = ("payload",)


def recorded_in(payload: Any, record: Record) -> Mapping[str, Any]:
    """Return a record as a payload has it: under its entity type, or the payload itself by its ``id``.

    :return: empty where the payload does not tell it, or was erased.
    """
    if not isinstance(payload, dict):
        return {}
    for place in (payload, *(payload.get(name) for name in _ENVELOPES)):
        if isinstance(place, dict):
            inside = place.get(record.type)
            if isinstance(inside, dict) and inside.get("id", record.id) == record.id:
                return inside
            if place.get("id") == record.id:
                return place
    return {}
