"""Rows read for the log only, as plain values: many in one query, past the session's own objects."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import with_parent

from auditapp.sources.capture.plan import Plan, RefList, id_text

CHUNK = 200
Row = dict[str, Any]
Identity = tuple[Any, ...]


def load_rows(connection: Connection, plan: Plan, identities: Iterable[Identity]) -> dict[Identity, Row]:
    """Return the rows of these primary keys as they are in the transaction now, by primary key.

    :return: column values by attribute; keys that have no row are absent.
    """
    found: dict[Identity, Row] = {}
    wanted = list(identities)
    columns = columns_of(plan)
    base = sa.select(*columns.values()).select_from(plan.mapper.selectable)
    for start in range(0, len(wanted), CHUNK):
        matching = _is_one_of(plan, wanted[start : start + CHUNK])
        for values in connection.execute(base.where(matching)):
            row = dict(zip(columns, values, strict=True))
            found[identity_of(plan, row)] = row
    return found


def columns_of(plan: Plan) -> dict[str, Any]:
    """Return the columns that a plan reads, its primary key too, each under a name of its own."""
    keys = dict(zip(plan.key_names, plan.mapper.primary_key, strict=True))
    columns = {**keys, **{field.key: field.column for field in plan.fields if field.key not in keys}}
    return {key: column.label(f"c{place}") for place, (key, column) in enumerate(columns.items())}


def identity_of(plan: Plan, values: Row) -> Identity:
    """Return the primary key of a row or an object's dict."""
    return tuple([values.get(name) for name in plan.key_names])


def _is_one_of(plan: Plan, identities: Sequence[Identity]) -> Any:
    columns = plan.mapper.primary_key
    if len(columns) == 1:
        return columns[0].in_([identity[0] for identity in identities])
    return sa.or_(
        *(
            sa.and_(*(column == part for column, part in zip(columns, identity, strict=True)))
            for identity in identities
        )
    )


def load_refs(connection: Connection, thing: Any, refs: RefList, target: Plan) -> list[dict[str, Any]]:
    """Return the ids and names of all records in an unloaded many-to-many list."""
    columns = columns_of(target)
    entity = refs.prop.mapper.class_
    linked = with_parent(thing, getattr(refs.prop.parent.class_, refs.key))
    query = sa.select(*columns.values()).select_from(entity).where(linked)
    found = []
    for values in connection.execute(query):
        row = dict(zip(columns, values, strict=True))
        found.append(ref_of(target, row, row))
    return found


def ref_of(plan: Plan, values: Row, thing: Any, identity: Identity | None = None) -> dict[str, Any]:
    """Return a related record as the log shows it: its id as text, its type, its name of today."""
    if callable(plan._id) or callable(plan._name):
        thing = thing if not isinstance(thing, dict) else Namespace(thing)
    return {"id": plan.id_of(values, thing, identity), "type": plan.type, "name": plan.name_of(values, thing)}


class Namespace:
    """A row with its columns as attributes, for the host's callables where there is no object."""

    def __init__(self, row: Row) -> None:
        self.__dict__.update(row)


__all__ = [
    "Identity",
    "Namespace",
    "Row",
    "columns_of",
    "id_text",
    "identity_of",
    "load_refs",
    "load_rows",
    "ref_of",
]
