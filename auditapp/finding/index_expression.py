"""A filter as a tree of words and terms, which the index of words holds for each event."""

from auditapp.access.viewer import Viewer
from auditapp.filters import ME, NARROWING, TimelineFilters
from auditapp.filters.actor import Actor
from auditapp.filters.expression import All, Node, all_of, any_of, one_of
from auditapp.filters.search_terms import Term
from auditapp.finding.visibility import known_names, visible_events
from auditapp.index.terms import value_term, workspace_term


def tree_of(filters: TimelineFilters, viewer: Viewer) -> All | None:
    """Return a filter as a tree of terms and words, but for its times; None where nothing can match."""
    visible = _visible(filters, viewer)
    if visible is None:
        return None
    parts: list[Node] = [visible]
    but: list[Node] = []
    for parameter in NARROWING:
        index_parts = parameter.index_parts(filters, viewer)
        if index_parts is None:
            return None
        parts += index_parts[0]
        but += index_parts[1]
    return all_of(parts, but)


def _visible(filters: TimelineFilters, viewer: Viewer) -> Node | None:
    """Return the events that the viewer may see, of the names that the filter leaves."""
    choices = [_events_of(viewer, names, own=own) for names, own in visible_events(filters, viewer)]
    return any_of(choices) if choices else None


def _events_of(viewer: Viewer, names: list[str] | None, *, own: bool) -> Node:
    """Return the events of some names: any of these, or none of the others where those are fewer."""
    workspace = viewer.workspace.id
    scope = Actor().term(ME, viewer) if own else Term((workspace_term(workspace),))
    if names is None:
        return scope
    other_names = sorted(known_names(viewer).keys() - set(names))
    if len(other_names) < len(names):
        return All((scope,), tuple(Term((value_term(workspace, "event", name),)) for name in other_names))
    events_of_names = one_of(value_term(workspace, "event", name) for name in names)
    return All((events_of_names, scope)) if own else events_of_names
