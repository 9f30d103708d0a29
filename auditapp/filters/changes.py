"""``field``, ``from``, ``to``: which field changed, from what and to what, in one and the same change."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product

from auditapp.access.viewer import Viewer
from auditapp.filters.expression import All, Node, any_of, one_of
from auditapp.filters.parameter import Asked, IndexParts, Narrowing, Reader, Saying
from auditapp.filters.phrases import foreign
from auditapp.filters.search_terms import Term
from auditapp.filters.wording import inside
from auditapp.index.field_terms import field_key, typed_forms
from auditapp.index.terms import value_term
from auditapp.index.words import folded
from auditapp.values.changes import label_of

# A name whose words say no other than itself: ``totalValue``, ``total_value``, "Total value"; not "iOS".
_PLAIN_NAME = re.compile(r"[A-Za-z][a-z0-9]*(?:(?:[_ ]|(?=[A-Z]))[A-Z]?[a-z0-9]+)*")


class Field(Narrowing):
    """A field that changed; what it changed from and to are a part of it."""

    name = "field"
    words = "changed field"
    description = "Name or label of a field that changed, in any case and accents."
    values = "name or label of a field that changed; with `from` and/or `to`: changed from, to that value"
    example = "stage"
    label = "Field that changed"
    drop_order = 0
    hint = "its name or label, as stage"
    needs_index = True

    def check(self, value: str, reader: Reader) -> None:
        """Refuse nothing but a mere exclamation mark."""
        if not value:
            raise ValueError("name the field, as in field=stage")

    def index_parts(self, filters: Asked, viewer: Viewer) -> IndexParts | None:
        """Ask for the changes of any of the fields, and for none of the others."""
        workspace = viewer.workspace.id
        but = [Term((value_term(workspace, "field", field_key(name)),)) for name in filters["field"].excluded]
        if not filters["field"].included:
            return [], [*but]
        keys = dict.fromkeys(map(field_key, filters["field"].included))
        return [any_of([_change(workspace, key, filters) for key in keys])], [*but]

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "changes of stage"."""
        return [f"changes of {field_words(values, say)}"]


class _Side(Narrowing):
    """A value before or after; ``field`` asks for it, and says it."""

    drop_order = 0
    needs_index = True

    def check(self, value: str, reader: Reader) -> None:
        """Let any value through: a change may be from or to anything."""

    def index_parts(self, filters: Asked, viewer: Viewer) -> IndexParts | None:
        """Ask for nothing beside the field."""
        return [], []

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say nothing: what is left out is said where the change is."""
        return []


class From(_Side):
    """What a field changed from."""

    name = "from"
    words = "changed from"
    description = "With field: what it changed from, as recorded or as it is called."
    values = "with `field`: a value before, as recorded or as it is called"
    example = "open"
    label = "Changed from"
    hint = "a value, as negotiation"


class To(_Side):
    """What a field changed to."""

    name = "to"
    words = "changed to"
    description = "With field: what it changed to, as recorded or as it is called."
    values = "with `field`: a value after, as recorded or as it is called"
    example = "won"
    label = "Changed to"
    hint = "a value, as won"


def _change(workspace: int, field: str, filters: Asked) -> Node:
    """Return "this field changed", from and to what the filter says, in one and the same change.

    :param field: the key of its name or label, see ``index/field_terms.py``.
    """
    before, after = _forms(filters["from"].included), _forms(filters["to"].included)
    if before and after:
        wanted: Node = one_of(
            value_term(workspace, "from to", field, *pair) for pair in product(before, after)
        )
    elif before or after:
        kind = "from" if before else "to"
        wanted = one_of(value_term(workspace, kind, field, form) for form in before or after)
    else:
        wanted = Term((value_term(workspace, "field", field),))
    but = [
        Term((value_term(workspace, kind, field, form),))
        for kind, values in (("from", filters["from"]), ("to", filters["to"]))
        for form in _forms(values.excluded)
    ]
    return All((wanted,), tuple(but))


def _forms(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(form for value in values for form in typed_forms(value)))


def field_words(names: Sequence[str], say: Saying) -> str:
    """Say fields: "stage or total value"."""
    return say.any_of(_field_words(name) for name in _alike_once(names, field_key))


def value_words(values: Sequence[str], say: Saying) -> str:
    """Say values of a field: "open or won"."""
    return say.any_of(map(foreign, _alike_once(values, folded)))


def _field_words(name: str) -> str:
    """Return a field inside a sentence: "total value" for ``totalValue``, what says no words as typed."""
    if _PLAIN_NAME.fullmatch(name):
        return foreign(inside(label_of(name)))
    # At the beginning of a sentence, iOS would be IOS.
    return f"“{foreign(name)}”" if name[:1].islower() and name[1:2].isupper() else foreign(name)


def _alike_once(typed: Iterable[str], key_of: Callable[[str], str]) -> list[str]:
    """Return what was typed, of what asks the same only the first."""
    first: dict[str, str] = {}
    for text in typed:
        first.setdefault(key_of(text), text)
    return list(first.values())
