"""Pages of events found by words and by changes.

The index holds each event's words, and marks for all else that a filter can ask, the time included: so a
query intersects in the index alone. Its matches come in no order of time, and sorting those of a common
word would take seconds at ten million events. So the plan is ours: the spans of time before the page's
place are asked one after the other, each many times longer than the one before, until there is a page
full. A common word fills it out of an hour, a rare one is sorted whole; either way a few thousand rows
are sorted, unless the log is far denser in its last minute than before. PostgreSQL is first asked whether
there are few at all, and if not, whether the newest thousand events fill the page.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import Select, and_, cast, column, exists, false, func, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.log.checked import Checked
from auditapp.log.schema import ACTOR_TYPES, OUTCOMES
from auditapp.log.search_index import event_search
from auditapp.log.terms import SPANS, asked_texts, mark, span_mark, span_of, workspace_mark
from auditapp.models import Event
from auditapp.reading.expression import All, AnyOf, Node, for_postgresql, for_sqlite, one_of
from auditapp.reading.filters import ME, RECORD, TimelineFilters, Values
from auditapp.reading.scopes import Condition, known_names, matching_names, position, scopes
from auditapp.reading.terms import Term, terms_of

# The time so many events back tells how dense the log is, and so with which span to begin.
DENSITY = 500
# So many matches are sorted whole, where the database thinks that there are as few, and if it errs.
FEW = 1_500
MANY = 6_000
# So many of the newest events are looked at one by one, where more match.
GLANCE = 1_000
MAX_GLANCED = 500
_HEX = re.compile("([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")

_VALUES = {"outcome": OUTCOMES, "actor_type": ACTOR_TYPES}
_FTS5 = table("event_search", column("rowid"))


def fetch_found(filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int) -> list[Any]:
    """Return the rows of a page as ``query.fetch_page`` does, for a filter that asks for words."""
    tree = tree_of(filters, viewer)
    return [] if tree is None else fetch_tree(tree, filters, viewer, columns, limit)


def fetch_tree(
    tree: All, filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> list[Any]:
    """Return a page of the rows that a tree finds, within the filter's times and at its place."""
    everything = Term((workspace_mark(viewer.workspace.id),))
    # The mark of all is a long list to read; the spans, and the rows themselves, say the workspace too.
    parts = tuple(part for part in tree.parts if part not in (everything, AnyOf((everything,))))
    tree = All(parts, tree.but)
    rows: list[Any] = []
    if parts and limit <= MAX_GLANCED and db.session.get_bind().dialect.name != "sqlite":
        if (few := _find_few(tree, filters, viewer, limit)) is not None:
            mine = (Event.workspace_id == viewer.workspace.id, Event.id.in_(few))
            order = _order(filters, Event.occurred_at, Event.id)
            return list(db.session.execute(select(*columns).where(*mine).order_by(*order)))
        rows = list(db.session.execute(_select_glance(tree, filters, viewer, columns, limit)))
        if len(rows) == limit:
            return rows
    for span in _spans(filters, viewer, limit):
        within = All((span, *tree.parts), tree.but)
        rows = list(db.session.execute(select_found(within, filters, viewer, columns, limit)))
        if len(rows) == limit:
            break
    return rows


def _find_few(tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int] | None:
    """Return the numbers of a page where a tree finds few events, asked for at once; None if it finds many.

    PostgreSQL's own statistics say whether there are few; beside the long lists of the spans, a rare word
    would be found ten times slower than by itself.
    """
    found = event_search.c
    query = "EXPLAIN (FORMAT JSON) SELECT FROM event_search WHERE words @@ CAST(:tree AS tsquery)"
    plan = db.session.execute(text(query), {"tree": for_postgresql(tree)}).scalar_one()
    if plan[0]["Plan"]["Plan Rows"] > FEW:
        return None
    place = _place(filters, found.occurred_at, found.event_id)
    asked = select(found.occurred_at, found.event_id).where(
        found.workspace_id == viewer.workspace.id, _tsquery(tree), *place
    )
    rows = [tuple(row) for row in db.session.execute(asked.limit(MANY))]
    if len(rows) == MANY:
        return None
    rows.sort(reverse=not is_forward(filters))
    return [number for _, number in rows[:limit]]


def _select_glance(
    tree: All, filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    """Return the query for those of the newest events that a tree finds, each looked at by itself.

    A common beginning of words is found at once, which the index would collect out of the whole log.
    PostgreSQL only: FTS5 cannot be asked about one event.
    """
    mine = Event.workspace_id == viewer.workspace.id
    order = _order(filters, Event.occurred_at, Event.id)
    place = _place(filters, Event.occurred_at, Event.id)
    near = select(Event.occurred_at, Event.id).where(mine, *place).order_by(*order).limit(GLANCE).subquery()
    words = event_search.c
    # The function of the operator @@, which no index serves.
    found = func.ts_match_vq(words.words, cast(for_postgresql(tree), TSQUERY))
    same = and_(words.workspace_id == viewer.workspace.id, words.event_id == near.c.id)
    page = (
        select(near.c.id)
        .join_from(near, event_search, same)
        .where(found)
        .order_by(*_order(filters, near.c.occurred_at, near.c.id))
        .limit(limit)
        .subquery("page")
    )
    return select(*columns).join_from(page, Event, and_(mine, Event.id == page.c.id)).order_by(*order)


def select_found(
    tree: Node, filters: TimelineFilters, viewer: Viewer, columns: Sequence[Any], limit: int
) -> Select[Any]:
    """Return the query for those events that a tree finds, in the page's order."""
    order = _order(filters, Event.occurred_at, Event.id)
    mine = Event.workspace_id == viewer.workspace.id
    if db.session.get_bind().dialect.name == "sqlite":
        by_number = Event.id.in_(select(_FTS5.c.rowid).where(_fts5(tree)))
        checked = Checked(Event.workspace_id) == viewer.workspace.id
        place = _place(filters, Checked(Event.occurred_at), Event.id)
        return select(*columns).where(by_number, checked, *place).order_by(*order).limit(limit)
    words, times = event_search.c, (event_search.c.occurred_at, event_search.c.event_id)
    page = (
        select(words.event_id)
        .where(words.workspace_id == viewer.workspace.id, _tsquery(tree), *_place(filters, *times))
        .order_by(*_order(filters, *times))
        .limit(limit)
        .subquery("page")
    )
    in_page = and_(mine, Event.id == page.c.event_id)
    return select(*columns).join_from(page, Event, in_page).order_by(*order).limit(limit)


def found_condition(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return what tells whether one row is found by a filter's words, for rows found by something else."""
    tree = tree_of(filters, viewer)
    if tree is None:
        return false()
    if db.session.get_bind().dialect.name == "sqlite":
        return exists(select(1).select_from(_FTS5).where(_FTS5.c.rowid == Event.id, _fts5(tree)))
    words = event_search.c
    same = and_(words.workspace_id == viewer.workspace.id, words.event_id == Event.id)
    return exists(select(1).select_from(event_search).where(same, _tsquery(tree)))


def _fts5(tree: Node) -> Condition:
    return text("event_search MATCH :tree").bindparams(tree=for_sqlite(tree))  # type: ignore[return-value]


def _tsquery(tree: Node) -> Condition:
    return event_search.c.words.op("@@")(cast(for_postgresql(tree), TSQUERY))


def _order(filters: TimelineFilters, *places: Any) -> list[Any]:
    return [each.asc() if is_forward(filters) else each.desc() for each in places]


def is_forward(filters: TimelineFilters) -> bool:
    """Tell whether a page is read from the older to the newer."""
    return filters.after is not None and filters.before is None


def _place(filters: TimelineFilters, occurred_at: Any, number: Any) -> list[Condition]:
    return [
        *position(filters, occurred_at, number),
        *([occurred_at >= filters.since] if filters.since else []),
        *([occurred_at < filters.until] if filters.until else []),
    ]


def _spans(filters: TimelineFilters, viewer: Viewer, limit: int) -> Iterator[Node]:
    """Yield the times to ask for, the page's place in each, each longer than the one before."""
    forward = is_forward(filters)
    start, reach = _start(filters, viewer, max(DENSITY, limit))
    if start is not None and reach is not None:
        seconds = abs((start - reach).total_seconds())
        for bits in SPANS:
            # Of two neighbouring spans at least one whole one lies on the page's side of its start.
            if seconds >= 2**bits:
                continue
            number = span_of(start, bits)
            yield one_of(
                span_mark(viewer.workspace.id, bits, each)
                for each in (number, number + (1 if forward else -1))
            )
            if _is_past(filters, start, bits, forward):
                return
    yield Term((workspace_mark(viewer.workspace.id),))


def _start(filters: TimelineFilters, viewer: Viewer, places: int) -> tuple[datetime | None, datetime | None]:
    """Return the time of the first event of the page's side, and of one so many places further."""
    order = _order(filters, Event.occurred_at, Event.id)
    mine = [Event.workspace_id == viewer.workspace.id, *_place(filters, Event.occurred_at, Event.id)]
    times = select(Event.occurred_at).where(*mine).order_by(*order)
    first = db.session.scalar(times.limit(1))
    return first, None if first is None else db.session.scalar(times.offset(places).limit(1))


def _is_past(filters: TimelineFilters, start: datetime, bits: int, forward: bool) -> bool:
    """Tell whether a span reaches past the end of the filter's time, so that a longer one finds no more."""
    end = filters.until if forward else filters.since
    if end is None:
        return False
    behind = span_of(end, bits) - span_of(start, bits)
    return (behind if forward else -behind) <= 1


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
            parts.append(AnyOf(tuple(map(node, values.included))))
        but.extend(map(node, values.excluded))

    def marked(kind: str) -> Any:
        return lambda value: Term((mark(workspace, kind, value),))

    narrow(filters.record, lambda value: _record(workspace, value))
    narrow(filters.actor, lambda value: _actor(viewer, value))
    narrow(filters.origin, marked("origin"))
    narrow(filters.correlation, marked("correlation_id"))
    narrow(filters.outcome, lambda value: _unless(workspace, "outcome", value, "success"))
    narrow(filters.actor_type, lambda value: _unless(workspace, "actor_type", value, "user"))
    narrow(filters.q, lambda value: All(tuple(map(_term, terms_of(value)))))
    but += [Term((mark(workspace, "field", name),)) for name in filters.field.excluded]
    if filters.field.included:
        parts.append(AnyOf(tuple(_change(workspace, name, filters) for name in filters.field.included)))
    return All(tuple(parts), tuple(but))


def _visible(filters: TimelineFilters, viewer: Viewer) -> Node | None:
    """Return the events that the viewer may see, of the names that the filter leaves."""
    known = known_names(viewer)
    choices: list[Node] = []
    for names, own in scopes(viewer, known, matching_names(filters, known)):
        if names is not None and not names:
            continue
        mine = (_actor(viewer, ME),) if own else ()
        choices.append(_named(viewer, known, names, mine))
    return AnyOf(tuple(choices)) if choices else None


def _named(viewer: Viewer, known: dict[str, str], names: list[str] | None, more: tuple[Node, ...]) -> Node:
    """Return the events of some names: any of these, or none of the others where those are fewer."""
    others = sorted(set(known) - set(known if names is None else names))
    everything = Term((workspace_mark(viewer.workspace.id),))
    if names is None or len(others) < len(names):
        if not others and not more:
            return everything
        but = (one_of(mark(viewer.workspace.id, "event", name) for name in others),) if others else ()
        return All(more or (everything,), but)
    return All((one_of(mark(viewer.workspace.id, "event", name) for name in names), *more))


def _term(term: Term) -> Node:
    """Return a term; a UUID also as it is inside of a longer text, in five words."""
    found = _HEX.fullmatch(term.words[0]) if len(term.words) == 1 else None
    return AnyOf((term, Term(found.groups(), term.is_prefix))) if found else term


def _record(workspace: int, value: str) -> Term:
    found = RECORD.fullmatch(value)
    assert found is not None  # noqa: S101 - checked when the filter was read
    return Term((mark(workspace, "record", found["type"], found["id"]),))


def _actor(viewer: Viewer, value: str) -> Term:
    if value == ME:
        return Term((mark(viewer.workspace.id, "member_id", str(viewer.member_id)),))
    return Term((mark(viewer.workspace.id, "actor_id", value),))


def _unless(workspace: int, kind: str, value: str, usual: str) -> Node:
    """Return a value that has a mark, or the usual one, which has none, as the lack of all others."""
    if value != usual:
        return Term((mark(workspace, kind, value),))
    others = [each for each in _VALUES[kind] if each != usual]
    everything = Term((workspace_mark(workspace),))
    return All((everything,), tuple(Term((mark(workspace, kind, each),)) for each in others))


def _change(workspace: int, name: str, filters: TimelineFilters) -> Node:
    """Return "this field changed", from and to what the filter says, in one and the same change."""
    before = [text for value in filters.previous.included for text in asked_texts(value)]
    after = [text for value in filters.current.included for text in asked_texts(value)]
    if before and after:
        wanted: Node = one_of(mark(workspace, "from to", name, *pair) for pair in product(before, after))
    elif before or after:
        kind = "from" if before else "to"
        wanted = one_of(mark(workspace, kind, name, text) for text in before or after)
    else:
        wanted = Term((mark(workspace, "field", name),))
    but = [
        Term((mark(workspace, kind, name, text),))
        for kind, values in (("from", filters.previous), ("to", filters.current))
        for value in values.excluded
        for text in asked_texts(value)
    ]
    return All((wanted,), tuple(but))
