"""Which ways back in time find a filter's events: of each index the columns to pin, and to which values."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import or_, select

from auditapp.access.viewer import Viewer
from auditapp.database.read_once import read_once
from auditapp.database.replica import log_connection
from auditapp.extensions import db
from auditapp.filters import ME, TimelineFilters
from auditapp.filters.parameter import Condition
from auditapp.filters.record import type_and_id
from auditapp.finding.conditions import conditions_of
from auditapp.finding.places import position
from auditapp.finding.visibility import visible_events
from auditapp.models import Event, event_kind
from auditapp.models.event import KIND_COLUMNS

# SQLite takes 500 terms in a compound SELECT.
MAX_SCANS = 400


class Kind(NamedTuple):
    """A combination of what few values there are of."""

    event: str
    origin: str
    actor_type: str
    outcome: str


@dataclass(frozen=True)
class Scans:
    """Ways to go back in time: columns pinned to each of some values, and what else a row must pass.

    No row is on two of them.
    """

    columns: tuple[Any, ...]
    values: Sequence[tuple[Any, ...]]
    rest: list[Condition]


def scans_of(filters: TimelineFilters, viewer: Viewer) -> list[Scans]:
    """Return scans that together pass every row that matches, for a filter without words."""
    scans = []
    for names, own in visible_events(filters, viewer):
        scans += _scans_within(filters, viewer, names, own)
    return [scan for scan in scans if scan.values]


def _scans_within(
    filters: TimelineFilters, viewer: Viewer, names: list[str] | None, own: bool
) -> list[Scans]:
    """Choose the index to walk for the events of some names: the narrowest that the filter pins."""
    conditions = conditions_of(filters, viewer, names, own)
    conditions["position"] = position(filters)

    def rest(*pinned: str) -> list[Condition]:
        return [condition for name, group in conditions.items() if name not in pinned for condition in group]

    if filters.record.included and len(filters.record.included) <= MAX_SCANS:
        pins = [type_and_id(value)[::-1] for value in filters.record.included]
        return [Scans((Event.entity_id, Event.entity_type), pins, rest("record"))]
    if filters.correlation.included:
        ids = [(value,) for value in filters.correlation.included]
        return [Scans((Event.correlation_id,), ids, rest("correlation"))]
    kinds = _matching_kinds(filters, viewer, names)
    if kinds is not None and not kinds:
        return []
    by_kind = _ALL_KIND
    if own:
        return [
            _by_kind(
                Event.member_id,
                [viewer.member_id],
                kinds or _kinds(viewer),
                rest("own", *by_kind),
                rest("own"),
            )
        ]
    if filters.actor.included:
        return _actor_scans(filters, viewer, kinds or _kinds(viewer), rest)
    if kinds is None or len(kinds) > MAX_SCANS:
        return [Scans((), [()], rest())]
    columns = tuple(getattr(Event, name) for name in KIND_COLUMNS)
    return [Scans(columns, kinds, rest(*by_kind))]


# The conditions that a kind stands for.
_ALL_KIND = ("names", "origin", "not origin", "actor_type", "not actor_type", "outcome", "not outcome")


def _actor_scans(filters: TimelineFilters, viewer: Viewer, kinds: Sequence[Kind], rest: Any) -> list[Scans]:
    ids = [value for value in filters.actor.included if value != ME]
    scans = [_by_kind(Event.actor_id, ids, kinds, rest("actor", *_ALL_KIND), rest("actor"))] if ids else []
    if ME in filters.actor.included:
        # So that no row is on two scans.
        others = [or_(Event.actor_id.is_(None), Event.actor_id.not_in(ids))] if ids else []
        mine = [viewer.member_id]
        scans.append(
            _by_kind(
                Event.member_id, mine, kinds, [*rest("actor", *_ALL_KIND), *others], [*rest("actor"), *others]
            )
        )
    return scans


def _by_kind(
    column: Any, values: Sequence[Any], kinds: Sequence[Kind], rest: list[Condition], checked: list[Condition]
) -> Scans:
    """Pin a column to values and each of them to kinds; where that were too many, to the values alone."""
    if len(values) * len(kinds) > MAX_SCANS:
        return Scans((column,), [(value,) for value in values], checked)
    columns = (column, *(getattr(Event, name) for name in KIND_COLUMNS))
    return Scans(columns, [(value, *kind) for value, kind in product(values, kinds)], rest)


def _kinds(viewer: Viewer) -> Sequence[Kind]:
    """Return the kinds of events that the workspace has seen, read once a transaction."""
    columns, workspace_id = event_kind.c, viewer.workspace.id

    def read() -> list[Kind]:
        query = select(*(columns[name] for name in KIND_COLUMNS)).where(columns.workspace_id == workspace_id)
        return sorted(Kind(*row) for row in db.session.execute(query))

    return read_once(log_connection(), ("kinds", workspace_id), read)


def _matching_kinds(
    filters: TimelineFilters, viewer: Viewer, names: Sequence[str] | None
) -> list[Kind] | None:
    """Return the kinds that a filter leaves, None where it asks nothing about them."""
    choices = {name: filters[name] for name in ("origin", "actor_type", "outcome")}
    if names is None and not any(choices.values()):
        return None
    return [
        kind
        for kind in _kinds(viewer)
        if (names is None or kind.event in names)
        and all(values.lets(getattr(kind, name)) for name, values in choices.items())
    ]


def pinned(scans: Scans, at: int) -> list[Condition]:
    """Return the conditions that pin the columns of one of some scans, by its number among them."""
    return [column == value for column, value in zip(scans.columns, scans.values[at], strict=True)]
