"""Changes between two states of a record, and what a changed field is called."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from auditapp.values.equality import same


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the fields that differ, as an event's ``changes``.

    A field absent before has no key ``previous``; one absent after has ``current`` null.
    """
    changes: dict[str, dict[str, Any]] = {}
    for name in [*after, *(name for name in before if name not in after)]:
        change = {"current": after.get(name)}
        if name in before:
            change = {"previous": before[name], **change}
        if name not in before or name not in after or not same(before[name], after[name]):
            changes[name] = change
    return changes


_ACRONYMS = {"api", "ip", "url"}


@lru_cache(maxsize=4096)
def label_of(name: str) -> str:
    """Return a field's name as words: ``totalValue`` and ``total_value`` become "Total value"."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("_", " "))
    lowered = " ".join(
        word.upper() if word.lower() in _ACRONYMS or word.isupper() else word.lower()
        for word in spaced.split()
    )
    return (lowered[:1].upper() + lowered[1:]) or name
