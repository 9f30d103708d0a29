"""A search as a tree of words and terms, and that tree as FTS5 and PostgreSQL read it.

Words and terms hold letters, digits and ``_`` only (``index/words.py``, ``index/terms.py``): nothing needs
escaping, and nothing that was typed reaches a query language as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditapp.filters.search_terms import Term


@dataclass(frozen=True)
class All:
    """What holds each of its parts, and none of ``but``."""

    parts: tuple["Node", ...]
    but: tuple["Node", ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """What holds one of its parts at least."""

    parts: tuple["Node", ...]


Node = Term | All | AnyOf


def one_of(terms: Iterable[str]) -> Node:
    """Return a choice among terms."""
    return any_of([Term((term,)) for term in terms])


def any_of(parts: Sequence[Node]) -> Node:
    """Return a choice among nodes; of one, that one."""
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def all_of(parts: Iterable[Node], but: Iterable[Node] = ()) -> All:
    """Return what holds each of some nodes and none of others, on one level as far as that goes.

    What is nested would be read whole before it is intersected with the rest.
    """
    wanted: list[Node] = []
    unwanted = list(but)
    for part in parts:
        if isinstance(part, All):
            wanted += part.parts
            unwanted += part.but
        else:
            wanted.append(part)
    return All(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)))


def is_of_one_workspace(node: Node) -> bool:
    """Tell whether only events of the workspace can hold a node: terms are made with it, words are not."""
    if isinstance(node, Term):
        return node.words[0].startswith("_")
    return (all if isinstance(node, AnyOf) else any)(map(is_of_one_workspace, node.parts))


def for_sqlite(node: Node) -> str:
    """Write a tree as an FTS5 query."""
    if isinstance(node, Term):
        return " + ".join(f'"{word}"' for word in node.words) + (" *" if node.is_prefix else "")
    if isinstance(node, AnyOf):
        return "(" + " OR ".join(map(for_sqlite, node.parts)) + ")"
    wanted = "(" + " AND ".join(map(for_sqlite, node.parts)) + ")"
    # NOT has two sides in FTS5.
    return f"({wanted} NOT {for_sqlite(AnyOf(node.but))})" if node.but else wanted


def for_postgresql(node: Node) -> str:
    """Write a tree as a tsquery."""
    if isinstance(node, Term):
        words = [f"'{word}'" for word in node.words]
        return "(" + " <-> ".join(words) + (":*" if node.is_prefix else "") + ")"
    if isinstance(node, AnyOf):
        return "(" + " | ".join(map(for_postgresql, node.parts)) + ")"
    parts = [*map(for_postgresql, node.parts), *(f"!{for_postgresql(part)}" for part in node.but)]
    return "(" + " & ".join(parts) + ")"
