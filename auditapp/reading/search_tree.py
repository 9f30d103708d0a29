"""A filter as a tree of words and marks, which the index of words holds for each event."""

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

from auditapp.access.viewer import Viewer
from auditapp.log.field_terms import asked_forms, field_key
from auditapp.log.schema import ACTOR_TYPES, OUTCOMES
from auditapp.log.terms import mark, workspace_mark
from auditapp.reading.expression import All, Node, all_of, any_of, one_of
from auditapp.reading.filters import ME, RECORD, TimelineFilters, Values
from auditapp.reading.scopes import known_names, visible_scopes
from auditapp.reading.terms import Term, terms_of

_HEX = re.compile("([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")
# The value that most events have, which has no mark, and the others.
_MARKED = {
    "outcome": ("success", [value for value in OUTCOMES if value != "success"]),
    "actor_type": ("user", [value for value in ACTOR_TYPES if value != "user"]),
}


def tree_of(filters: TimelineFilters, viewer: Viewer) -> All | None:
    """Return a filter as a tree of marks and words, but for its times; None where nothing can match."""
    workspace = viewer.workspace.id
    visible = _visible(filters, viewer)
    if visible is None:
        return None
    parts: list[Node] = [visible]
    but: list[Node] = []

    def narrow(values: Values, node: Any) -> None:
        if values.included:
            parts.append(any_of([node(value) for value in values.included]))
        but.extend(map(node, values.excluded))

    def marked(kind: str) -> Any:
        return lambda value: Term((mark(workspace, kind, value),))

    narrow(filters.record, lambda value: _record(workspace, value))
    narrow(filters.actor, lambda value: _actor(viewer, value))
    narrow(filters.origin, marked("origin"))
    narrow(filters.correlation, marked("correlation_id"))
    narrow(filters.q, lambda value: all_of(map(_term, terms_of(value))))
    for kind, values in (("outcome", filters.outcome), ("actor_type", filters.actor_type)):
        node = _enumerated(workspace, kind, values)
        if node is None:
            return None
        parts.append(node)
    but += [Term((mark(workspace, "field", field_key(name)),)) for name in filters.field.excluded]
    if filters.field.included:
        keys = dict.fromkeys(map(field_key, filters.field.included))
        parts.append(any_of([_change(workspace, key, filters) for key in keys]))
    return all_of(parts, but)


def _visible(filters: TimelineFilters, viewer: Viewer) -> Node | None:
    """Return the events that the viewer may see, of the names that the filter leaves."""
    choices = [_named(viewer, names, own=own) for names, own in visible_scopes(filters, viewer)]
    return any_of(choices) if choices else None


def _named(viewer: Viewer, names: list[str] | None, *, own: bool) -> Node:
    """Return the events of some names: any of these, or none of the others where those are fewer."""
    workspace = viewer.workspace.id
    some = _actor(viewer, ME) if own else Term((workspace_mark(workspace),))
    if names is None:
        return some
    others = sorted(known_names(viewer).keys() - set(names))
    if len(others) < len(names):
        return All((some,), tuple(Term((mark(workspace, "event", name),)) for name in others))
    these = one_of(mark(workspace, "event", name) for name in names)
    return All((these, some)) if own else these


def _term(term: Term) -> Node:
    """Return a term; a UUID also as it is inside of a longer text, in five words."""
    found = _HEX.fullmatch(term.words[0]) if len(term.words) == 1 else None
    return any_of([term, Term(found.groups(), term.is_prefix)]) if found else term


def _record(workspace: int, value: str) -> Term:
    found = RECORD.fullmatch(value)
    assert found is not None  # noqa: S101 - checked when the filter was read
    return Term((mark(workspace, "record", found["type"], found["id"]),))


def _actor(viewer: Viewer, value: str) -> Term:
    if value == ME:
        return Term((mark(viewer.workspace.id, "member_id", str(viewer.member_id)),))
    return Term((mark(viewer.workspace.id, "actor_id", value),))


def _enumerated(workspace: int, kind: str, values: Values) -> Node | None:
    """Return a filter by values of which the usual one has no mark: it is the lack of all others.

    :return: None where it lets no value through.
    """
    usual, others = _MARKED[kind]
    marks = {value: Term((mark(workspace, kind, value),)) for value in others}
    if values.lets(usual):
        return All((), tuple(term for value, term in marks.items() if not values.lets(value)))
    wanted = [term for value, term in marks.items() if values.lets(value)]
    return any_of(wanted) if wanted else None


def _change(workspace: int, field: str, filters: TimelineFilters) -> Node:
    """Return "this field changed", from and to what the filter says, in one and the same change.

    :param field: the key of its name or label, see ``log/field_terms.py``.
    """
    before, after = _forms(filters.previous.included), _forms(filters.current.included)
    if before and after:
        wanted: Node = one_of(mark(workspace, "from to", field, *pair) for pair in product(before, after))
    elif before or after:
        kind = "from" if before else "to"
        wanted = one_of(mark(workspace, kind, field, form) for form in before or after)
    else:
        wanted = Term((mark(workspace, "field", field),))
    but = [
        Term((mark(workspace, kind, field, form),))
        for kind, values in (("from", filters.previous), ("to", filters.current))
        for form in _forms(values.excluded)
    ]
    return All((wanted,), tuple(but))


def _forms(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(form for value in values for form in asked_forms(value)))
