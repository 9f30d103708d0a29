"""Many-to-many lists: read before and after a flush or statement, and told where they differ.

A list is told on one of its two sides, the one that owns it (see ``plan``), whichever side the host changed
or deleted.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapper, aliased

from auditapp.capture.plan import Plan, RefList
from auditapp.capture.rows import CHUNK, Identity, Namespace, Row, fetch

Refs = list[dict[str, Any]]


class Lists:
    """The lists that one flush or statement may change, as they were before it."""

    def __init__(self, captures: Any, session: Any) -> None:
        self._captures = captures
        self._session = session
        self._before: dict[Any, dict[Identity, Refs]] = {}  # by relationship: subclasses share it
        self._now: dict[Any, dict[Identity, Refs]] = {}

    def owners_of(self, connection: Connection, refs: RefList, targets: Iterable[Identity]) -> set[Identity]:
        """Return the primary keys of the records that list any of some records."""
        query, names = self._query(refs, by_target=True)
        return {tuple(row.values()) for row in _rows(connection, query, names, list(targets))}

    def read_before(self, connection: Connection, refs: RefList, owners: Iterable[Identity]) -> None:
        """Remember the lists of some records; those whose rows are locked cannot change meanwhile."""
        known = self._before.setdefault(refs.prop, {})
        known.update(self._read(connection, refs, [owner for owner in owners if owner not in known]))

    def read_now(self, connection: Connection, refs: RefList, owners: Iterable[Identity]) -> None:
        """Read the lists of some records as they are after the flush or statement."""
        self._now.setdefault(refs.prop, {}).update(self._read(connection, refs, list(owners)))

    def has(self, refs: RefList, owner: Identity | None) -> bool:
        """Tell whether a record's list was read before."""
        return owner in self._before.get(refs.prop, ())

    def before(self, refs: RefList, owner: Identity) -> Refs:
        """Return what a list held before."""
        return self._before.get(refs.prop, {}).get(owner, [])

    def change(self, refs: RefList, old: Identity, new: Identity | None) -> dict[str, Any] | None:
        """Return how a record's list changed; None where it did not.

        :param old: the record's primary key before, ``new``: after; None where it is gone.
        """
        if old not in self._before.get(refs.prop, ()) and new not in self._now.get(refs.prop, ()):
            return None
        previous = self.before(refs, old)
        current = [] if new is None else self._now.get(refs.prop, {}).get(new, [])
        if [ref["id"] for ref in previous] == [ref["id"] for ref in current]:
            return None
        return {"previous": previous, "current": current, **refs.hints}

    def changes(self, plan: Plan, old: Identity, new: Identity | None) -> dict[str, dict[str, Any]]:
        """Return how all lists of a record changed, by their names."""
        list_changes = {refs.key: self.change(refs, old, new) for refs in plan.lists}
        return {key: change for key, change in list_changes.items() if change}

    def _read(self, connection: Connection, refs: RefList, owners: list[Identity]) -> dict[Identity, Refs]:
        query, names = self._query(refs, by_target=False)
        plan: Plan = self._captures.naming_plan(refs.prop.parent)
        odd = [owner for owner in owners if not plan.keeps_key(owner)]
        kept = [owner for owner in owners if owner not in odd] if odd else owners
        lists: dict[Identity, Refs] = {owner: [] for owner in owners}
        for row in _rows(connection, query, names, kept):
            lists.setdefault(_owner(refs, row), []).append(self._ref(refs, row))
        for owner in odd:  # the row has its key in another form
            lists[owner] += [self._ref(refs, row) for row in _rows(connection, query, names, [owner])]
        for listed in lists.values():
            listed.sort(key=lambda ref: (len(ref["id"]), ref["id"]))
        return lists

    def _ref(self, refs: RefList, row: Row) -> dict[str, Any]:
        """Return a related record as the log shows it: its id as text, its type, its name of today."""
        mapper = mapper_of(refs.prop.mapper, row)
        plan: Plan = self._captures.naming_plan(mapper)
        key = tuple([row[name] for name in plan.key_names])
        thing: Any = Namespace(row)
        if plan.naming is None:  # it takes the object itself, where the session has it
            thing = self._session.identity_map.get(mapper.identity_key_from_primary_key(key)) or thing
        return {"id": plan.id_of(row, thing, key), "type": plan.type, "name": plan.name_of(row, thing)}

    def _query(self, refs: RefList, *, by_target: bool) -> tuple[Any, list[str]]:
        """Return the query for the lists of some records, or for the records that list some."""
        query_and_names: tuple[Any, list[str]] | None = refs.queries.get(by_target)
        if query_and_names is None:
            target: Plan = self._captures.naming_plan(refs.prop.mapper)
            query_and_names = refs.queries[by_target] = _make_query(refs, target, by_target)
        return query_and_names


def _make_query(refs: RefList, target_plan: Plan, by_target: bool) -> tuple[Any, list[str]]:
    prop = refs.prop
    owner, target = prop.parent.class_, aliased(prop.mapper.class_)
    owner_keys = [_attribute(owner, prop.parent, column) for column in prop.parent.primary_key]
    target_keys = [_attribute(target, prop.mapper, column) for column in prop.mapper.primary_key]
    columns = {f"owner {place}": column for place, column in enumerate(owner_keys)}
    if not by_target:
        columns |= {name: getattr(target, name) for name in _names_of(target_plan)}
    chosen = target_keys if by_target else owner_keys
    left = chosen[0] if len(chosen) == 1 else sa.tuple_(*chosen)
    query = (
        sa.select(*[column.label(f"c{place}") for place, column in enumerate(columns.values())])
        .select_from(owner)
        .join(getattr(owner, prop.key).of_type(target))
        .where(left.in_(sa.bindparam("keys", expanding=True)))
    )
    return query, list(columns)


def _owner(refs: RefList, row: Row) -> Identity:
    return tuple([row[f"owner {place}"] for place in range(len(refs.prop.parent.primary_key))])


def _names_of(plan: Plan) -> list[str]:
    """Return the attributes to read of a related record: what its id and name are made of, and its kind."""
    names = list(plan.columns) if plan.naming is None else [key for key in plan.columns if key in plan.naming]
    if (kind := _kind_of(plan.mapper)) and kind not in names:
        names.append(kind)
    return names


def _kind_of(mapper: Mapper[Any]) -> str | None:
    """Return the attribute that tells subclasses apart."""
    column = mapper.polymorphic_on
    return mapper.get_property_by_column(column).key if isinstance(column, sa.Column) else None


def mapper_of(mapper: Mapper[Any], row: Row) -> Mapper[Any]:
    """Return the subclass that a row belongs to."""
    kind = _kind_of(mapper)
    below: Any = None if kind is None else mapper.polymorphic_map.get(row.get(kind))
    return below if below is not None and below.isa(mapper) else mapper


def _attribute(entity: Any, mapper: Mapper[Any], column: Any) -> Any:
    return getattr(entity, mapper.get_property_by_column(column).key)


def _rows(connection: Connection, query: Any, names: list[str], identities: list[Identity]) -> list[Row]:
    rows = []
    for start in range(0, len(identities), CHUNK):
        chunk = identities[start : start + CHUNK]
        keys = [identity[0] if len(identity) == 1 else identity for identity in chunk]
        rows += fetch(connection, names, query, {"keys": keys})
    return rows
