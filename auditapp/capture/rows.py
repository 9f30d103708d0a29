"""Rows read for the log only, as plain values: many in one query, past the session's own objects."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from auditapp.capture.plan import Plan
from auditapp.database.locks import lock_for_writing

CHUNK = 200
MAX_STATEMENTS = 64  # of a plan; past these whole rows are read, so that caches stay small
Row = dict[str, Any]
Identity = tuple[Any, ...]


def load_rows(
    connection: Connection,
    plan: Plan,
    identities: Iterable[Identity],
    keys: Iterable[str] | None = None,
    lock: str | None = None,
) -> dict[Identity, Row]:
    """Return the rows of these primary keys as they are in the transaction now.

    :param keys: the attributes to read beside the primary key; by default all.
    :param lock: ``update`` or ``delete``: nobody else may change the rows before the transaction ends; with
        ``delete``, nor refer to them. ``refer``: nobody may delete them. They are locked in the order of
        their keys, so that two transactions never wait for each other here.
    :return: column values by attribute, by primary key as it was asked for; keys without a row are absent.
    """
    if lock:
        lock_for_writing(connection)
    wanted = _in_order(identities)
    names, statement = _statement(plan, keys, lock)
    rows: dict[Identity, Row] = {}
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        for row in fetch(connection, names, statement, {"keys": _as_bound(chunk)}):
            rows[identity_of(plan, row)] = row
    for identity in wanted:
        # 'ABC' may be kept as 'abc': which row it is only the database knows.
        if identity not in rows and not plan.keeps_key(identity):
            for row in fetch(connection, names, statement, {"keys": _as_bound([identity])}):
                rows[identity] = row
    return rows


def fetch(
    connection: Connection, names: Sequence[str], statement: Any, parameters: Any = None
) -> list[dict[str, Any]]:
    """Run a query and return its rows; what a type cannot read is taken as the driver gives it."""
    try:
        rows = connection.execute(statement, parameters).all()
    except DBAPIError:
        raise
    except Exception:
        # The host may have it in a column that it never reads; its flush must not fail for the log.
        columns = [
            sa.type_coerce(column, sa.types.NULLTYPE).label(f"c{place}")
            for place, column in enumerate(statement.selected_columns)
        ]
        rows = connection.execute(statement.with_only_columns(*columns), parameters).all()
    return [dict(zip(names, row, strict=True)) for row in rows]


def identity_of(plan: Plan, values: Row) -> Identity:
    """Return the primary key of a row or an object's dict."""
    return tuple([values.get(name) for name in plan.key_names])


def select_rows(plan: Plan, names: Iterable[str]) -> Any:
    """Return a query for some columns of a plan's rows, in the order of their keys."""
    columns = [plan.columns[name].label(f"c{place}") for place, name in enumerate(names)]
    return sa.select(*columns).order_by(*plan.mapper.primary_key)


def locked(query: Any, plan: Plan, lock: str | None) -> Any:
    """Add to a query that its rows are locked; SQLite has one lock for all, see ``lock_for_writing``."""
    if not lock or not (tables := _lockable(plan.mapper.persist_selectable)):
        return query
    # To update, no stronger than UPDATE itself: rows that refer to these may still be inserted.
    return query.with_for_update(read=lock == "refer", key_share=lock != "delete", of=tables)


def _lockable(selectable: Any) -> list[sa.Table]:
    """Return the tables that a mapper reads from; none if they are joined in a way that forbids locks."""
    if isinstance(selectable, sa.Table):
        return [selectable]
    if not isinstance(selectable, sa.Join) or selectable.isouter or selectable.full:
        return []
    left, right = _lockable(selectable.left), _lockable(selectable.right)
    return [*left, *right] if left and right else []


def _statement(plan: Plan, keys: Iterable[str] | None, lock: str | None) -> tuple[list[str], Any]:
    """Return the columns' names and the query for the rows of some primary keys, made once."""
    chosen = None if keys is None else frozenset(keys)
    names_and_query = plan.statements.get((chosen, lock))
    if names_and_query is None:
        if chosen is not None and len(plan.statements) >= MAX_STATEMENTS:
            return _statement(plan, None, lock)
        names = [name for name in plan.columns if chosen is None or name in chosen or name in plan.key_names]
        query = select_rows(plan, names).select_from(plan.mapper.persist_selectable).where(_is_one_of(plan))
        names_and_query = plan.statements[chosen, lock] = names, locked(query, plan, lock)
    return names_and_query


def _is_one_of(plan: Plan) -> Any:
    columns = plan.mapper.primary_key
    left = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
    return left.in_(sa.bindparam("keys", expanding=True))


def _as_bound(identities: Sequence[Identity]) -> list[Any]:
    return [identity[0] if len(identity) == 1 else identity for identity in identities]


def _in_order(identities: Iterable[Identity]) -> list[Identity]:
    wanted = list(identities)
    if len(wanted) > 1:
        try:
            wanted.sort()
        except TypeError:  # keys that have no order in Python
            wanted.sort(key=repr)
    return wanted


class Namespace:
    """A row with its columns as attributes, for the host's callables where there is no object."""

    def __init__(self, row: Row) -> None:
        self.__dict__.update(row)
