"""Which records a change refers to, where a source tells relations as changed fields and not as ``related``.

``tasks`` with references in it are tasks where the log knows records of that type; nothing else is guessed.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from auditapp.reading.diffs.field_changes import ref_name
from auditapp.reading.records.record import Record

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNDERSCORE = re.compile(r"[_.]([a-z0-9])")


def references(changes: Mapping[str, Any], types: Collection[str]) -> Iterator[tuple[Record, str]]:
    """Yield the records that changes refer to, with their names then: what came in, then what went out.

    :param types: the entity types that there are.
    """
    for field, change in changes.items():
        entity_type = type_of(field, types)
        if entity_type is None:
            continue
        for side in ("current", "previous"):
            value = change.get(side)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and isinstance(item.get("id"), str) and item["id"]:
                    yield Record(entity_type, item["id"]), ref_name(item)


def type_of(field: str, types: Collection[str]) -> str | None:
    """Return the entity type that a field is named after, in the singular or the plural; None for another."""
    name = _HUMP.sub("_", field).lower()
    singular = [name, name.removesuffix("s"), name.removesuffix("es")]
    if name.endswith("ies"):
        singular.append(f"{name[:-3]}y")
    return next((form for form in singular if form in types), None)


def fields_of(entity_type: str) -> list[str]:
    """Return the names under which other records may refer to records of a type."""
    plural = f"{entity_type[:-1]}ies" if entity_type.endswith("y") else f"{entity_type}s"
    names = [entity_type, plural, f"{entity_type}es"]
    humps = [_UNDERSCORE.sub(lambda match: match[1].upper(), name) for name in names]
    return list(dict.fromkeys([*names, *humps]))
