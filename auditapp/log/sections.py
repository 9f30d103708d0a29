"""An event's seven sections (contract §7): their exact stored text, and the salts beside it."""

import secrets
from typing import Any

import orjson

from auditapp.log.schema import EventIn
from auditapp.models import SECTIONS

SALT_BYTES = 16


def section_texts(event: EventIn) -> dict[str, str]:
    """Return each section's JSON text; key order and values stay as sent."""
    changes = {name: change.model_dump(exclude_unset=True) for name, change in event.changes.items()}
    values: dict[str, Any] = {
        "actor": event.actor.model_dump(),
        "on_behalf_of": event.on_behalf_of.model_dump() if event.on_behalf_of else None,
        "names": {"entity": event.entity.name, "related": [entity.name for entity in event.related]},
        "related": [{"type": entity.type, "id": entity.id} for entity in event.related],
        "changes": changes,
        "payload": event.payload,
        "context": event.context.model_dump(exclude_unset=True),
    }
    return {name: orjson.dumps(values[name]).decode() for name in SECTIONS}


def payload_row(event: EventIn) -> dict[str, Any]:
    """Return the columns of ``event_payload`` but the keys: texts, and a fresh salt for each."""
    # One call to the system's generator for all seven is several times cheaper than seven.
    salts = secrets.token_bytes(SALT_BYTES * len(SECTIONS))
    row: dict[str, Any] = dict(section_texts(event))
    for place, name in enumerate(SECTIONS):
        row[f"{name}_salt"] = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
    return row
