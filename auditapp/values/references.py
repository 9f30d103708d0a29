"""Lists of references, each known by what it refers to: what a change makes of one, and whether two agree.

A source tells such a list whole, or as a difference: what was removed or altered, and what was added or
altered.
"""

from collections.abc import Mapping
from typing import Any

from auditapp.values.equality import same

_IDENTITY = ("id", "columnId", "key")
# What a reference is called is a matter of what it refers to.
_NAMES = ("name", "label", "title", "email")


def identity_of(item: Any) -> str | None:
    """Return what tells a reference from the others; None if this is none."""
    if isinstance(item, dict):
        for key in _IDENTITY:
            value = item.get(key)
            if isinstance(value, str | int) and value != "":
                return str(value)
    return None


def by_identity(value: Any) -> dict[str, dict[str, Any]] | None:
    """Return a list's references by their identity; None if this is no list of references."""
    if not isinstance(value, list):
        return None
    references = {key: item for item in value if (key := identity_of(item)) is not None}
    return references if len(references) == len(value) else None


def is_difference(known: Any, previous: Any, current: Any, kind: str | None = None) -> bool:
    """Tell whether a change of a list tells only what it took out, altered and put in.

    It does if nothing is on both of its sides unchanged, and there was more than it says.
    """
    held, old, new = by_identity(known), by_identity(previous), by_identity(current)
    if not held or old is None or new is None:
        return False
    if any(key in new and same(item, new[key], kind) for key, item in old.items()):
        return False
    return not held.keys() <= old.keys()


def next_value(known: Any, previous: Any, current: Any, kind: str | None = None) -> Any:
    """Return what a change makes of a value that is known."""
    if not is_difference(known, previous, current, kind):
        return current
    old, new = by_identity(previous) or {}, by_identity(current) or {}
    kept = [item for item in known if (key := identity_of(item)) not in old or key in new]
    kept_ids = {identity_of(item) for item in kept}
    added = [item for item in current if identity_of(item) not in kept_ids]
    return [new.get(identity_of(item) or "", item) for item in kept] + added


def disagree(known: Any, previous: Any, current: Any, kind: str | None = None) -> bool:
    """Tell whether a change's ``previous`` contradicts what is known.

    :param kind: of the field, by which values are the same.
    """
    if is_difference(known, previous, current, kind):
        held, old = by_identity(known) or {}, by_identity(previous) or {}
        known = [held[key] for key in old if key in held]
    return differ(known, previous, kind)


def differ(one: Any, other: Any, kind: str | None = None) -> bool:
    """Tell whether two values of a field contradict each other.

    Null and empty do not. References do by identity and by what both say of one, not by order or name.
    """
    if same(one, other, kind) or (_is_nothing(one) and _is_nothing(other)):
        return False
    if isinstance(one, dict) and isinstance(other, dict) and identity_of(one):
        one, other = [one], [other]
    mine, others = by_identity(one), by_identity(other)
    if mine is None or others is None or mine.keys() != others.keys():
        return True
    return any(_attributes_differ(mine[key], others[key], kind) for key in mine)


def _attributes_differ(one: Mapping[str, Any], other: Mapping[str, Any], kind: str | None) -> bool:
    both = (one.keys() & other.keys()) - {*_NAMES}
    return any(differ(one[key], other[key], kind) for key in both)


def _is_nothing(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}
