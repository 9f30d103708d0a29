"""Bulk statements that go through the session: read before, run, read after, record row by row.

Past the limit one event sums up. The rows found before are those of the statement's own WHERE; rows
that it reached all the same (another transaction's, a moment later) are counted and summed up too.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, ORMExecuteState

from auditapp.capture.bulk import Bulk
from auditapp.capture.inserts import execute_insert
from auditapp.capture.plan import Plan, all_mappers
from auditapp.capture.rows import Identity, Row, fetch, identity_of, load_rows, locked, select_rows
from auditapp.database.locks import lock_for_writing


def execute(state: ORMExecuteState, captures: Any) -> Any:
    """Run an INSERT, UPDATE or DELETE of a captured model and record what it did.

    :return: its result, or None where it is none of ours: SQLAlchemy then runs it.
    """
    mapper = _mapper_of(state)
    capture_and_plan = captures.find(mapper) if mapper is not None else None
    if not capture_and_plan:
        return None
    if state.session.autoflush and state.execution_options.get("autoflush", True):
        state.session.flush()  # what the session still holds comes first, as it would anyway
    bulk = Bulk(state.session, captures, *capture_and_plan)
    if state.is_insert:
        return execute_insert(state, bulk)
    return _execute_change(state, bulk)


def _mapper_of(state: ORMExecuteState) -> Mapper[Any] | None:
    if state.bind_mapper is not None and state.is_orm_statement:
        return state.bind_mapper
    table = getattr(state.statement, "table", None)
    return _mapper_by_table(table) if isinstance(table, sa.Table) else None


def _mapper_by_table(table: sa.Table) -> Mapper[Any] | None:
    """Find the model of a table, for ``update(Model.__table__)``."""
    return next(
        (mapper for mapper in all_mappers() if mapper.local_table is table and not mapper.single), None
    )


def _execute_change(state: ORMExecuteState, bulk: Bulk) -> Any:
    verb = "deleted" if state.is_delete else "updated"
    many = isinstance(state.parameters, list)
    before, moved = _rows_of_parameters(state, bulk) if many else _rows_that_match(state, bulk)
    if state.is_delete and len(before) <= bulk.limit:
        bulk.look_at_lists(before)
    if len(before) > bulk.limit:
        total = len(state.parameters or ()) if many else _count(state, bulk)
        result = state.invoke_statement()
        bulk.add_summary(verb, max(_row_count(result), 0) or total, _payload(state, bulk))
    else:
        result = state.invoke_statement()
        reached = _row_count(result)
        if verb == "updated":
            bulk.add_updates(before, _rows_now(bulk, before, moved), moved)
        else:
            gone = _gone(bulk, before) if reached != len(before) else before
            bulk.add_deletes(gone)
        if not many and reached > len(before):
            bulk.add_summary(verb, reached - len(before), _payload(state, bulk))
    bulk.record()
    return result


def _rows_of_parameters(
    state: ORMExecuteState, bulk: Bulk
) -> tuple[dict[Identity, Row], dict[Identity, Identity]]:
    """UPDATE by primary key, one set of values a row."""
    parameters: Any = state.parameters
    wanted = list({tuple([values.get(name) for name in bulk.plan.key_names]): None for values in parameters})
    if any(None in identity for identity in wanted):
        return _rows_of_each(state, bulk)
    if len(wanted) > bulk.limit:
        return {identity: {} for identity in wanted}, {}
    return load_rows(bulk.connection, bulk.plan, wanted, lock="update"), {}


def _rows_of_each(state: ORMExecuteState, bulk: Bulk) -> tuple[dict[Identity, Row], dict[Identity, Identity]]:
    """A WHERE with parameters of its own for each row, on the table."""
    rows: dict[Identity, Row] = {}
    for parameters in state.parameters or ():
        rows |= _matching(state, bulk, parameters)[0]
        if len(rows) > bulk.limit:
            break
    return rows, {}


def _rows_that_match(
    state: ORMExecuteState, bulk: Bulk
) -> tuple[dict[Identity, Row], dict[Identity, Identity]]:
    return _matching(state, bulk, state.parameters or {})


def _matching(
    state: ORMExecuteState, bulk: Bulk, parameters: Any
) -> tuple[dict[Identity, Row], dict[Identity, Identity]]:
    """Read the rows that a WHERE finds, and the primary keys that SET will give them."""
    lock_for_writing(bulk.connection)
    names, new_key = list(bulk.plan.columns), _new_key(state, bulk.plan)
    query = _where(state, bulk, select_rows(bulk.plan, names).add_columns(*new_key.values()))
    query = locked(query.limit(bulk.limit + 1), bulk.plan, "delete" if state.is_delete else "update")
    rows: dict[Identity, Row] = {}
    moved: dict[Identity, Identity] = {}
    for values in fetch(bulk.connection, [*names, *(f"new {name}" for name in new_key)], query, parameters):
        row = {name: values[name] for name in names}
        identity = identity_of(bulk.plan, row)
        rows[identity] = row
        if new_key:
            later = row | {name: values[f"new {name}"] for name in new_key}
            moved[identity] = identity_of(bulk.plan, later)
    return rows, moved


def _where(state: ORMExecuteState, bulk: Bulk, query: Any) -> Any:
    """Give a query the statement's WHERE and what else decides on its rows."""
    statement: Any = state.statement
    query = query.select_from(bulk.plan.mapper if state.is_orm_statement else statement.table)
    if statement.whereclause is not None:
        query = query.where(statement.whereclause)
    for cte in statement._independent_ctes:
        query = query.add_cte(cte)
    return query.options(*statement._with_options) if state.is_orm_statement else query


def _new_key(state: ORMExecuteState, plan: Plan) -> dict[str, Any]:
    """Return what SET gives the primary key, to be computed by the database."""
    expressions = {}
    for key, value in set_values(state).items():
        name = getattr(key, "key", key)
        for place, (key_name, column) in enumerate(zip(plan.key_names, plan.mapper.primary_key, strict=True)):
            if name in (key_name, column.key):
                expression = value if isinstance(value, sa.ClauseElement) else sa.literal(value, column.type)
                expressions[key_name] = sa.type_coerce(expression, column.type).label(f"k{place}")
    return expressions


def set_values(state: ORMExecuteState) -> dict[Any, Any]:
    """Return what an UPDATE sets: by column, attribute or name."""
    values = dict(getattr(state.statement, "_values", None) or {})
    if isinstance(state.parameters, dict):
        keys = set(state.parameters)
        names = {column.key for column in getattr(state.statement, "table").c}  # noqa: B009
        values |= {key: state.parameters[key] for key in keys & names}
    return values


def _count(state: ORMExecuteState, bulk: Bulk) -> int:
    keys = [column.label(f"k{place}") for place, column in enumerate(bulk.plan.mapper.primary_key)]
    inner = _where(state, bulk, sa.select(*keys)).subquery()
    query = sa.select(sa.func.count()).select_from(inner)
    return bulk.connection.execute(query, state.parameters or {}).scalar_one()


def _row_count(result: Any) -> int:
    """Return how many rows the database says it reached, -1 where it doesn't say."""
    count = getattr(result, "rowcount", None)
    return count if isinstance(count, int) else -1


def _rows_now(
    bulk: Bulk, before: dict[Identity, Row], moved: dict[Identity, Identity]
) -> dict[Identity, Row]:
    return load_rows(bulk.connection, bulk.plan, [moved.get(identity, identity) for identity in before])


def _gone(bulk: Bulk, before: dict[Identity, Row]) -> dict[Identity, Row]:
    left = load_rows(bulk.connection, bulk.plan, before)
    return {identity: row for identity, row in before.items() if identity not in left}


def _payload(state: ORMExecuteState, bulk: Bulk) -> dict[str, Any]:
    """Return the statement for the payload: what it sets and its condition, secrets masked."""
    payload: dict[str, Any] = {}
    if state.is_update:
        payload["set"] = {
            str(getattr(key, "key", key)): bulk.tell(str(getattr(key, "key", key)), value)
            for key, value in set_values(state).items()
        }
    where = getattr(state.statement, "whereclause", None)
    if where is not None:
        payload["where"] = bulk.condition(where, state.parameters)
    return payload
