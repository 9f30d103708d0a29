"""``session.execute(insert(Model), …)``: which rows came of it."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState

from auditapp.capture.bulk import Bulk
from auditapp.capture.rows import Identity, load_rows


def execute_insert(state: ORMExecuteState, bulk: Bulk) -> Any:
    """Run an INSERT and record its rows, read back by their primary keys.

    Where the keys are made by the database, the statement gets a RETURNING for them; the host gets
    its own columns of that. ``ON CONFLICT DO UPDATE`` becomes ``upserted``: what was there is not known.
    """
    identities = _given_identities(state, bulk)
    if identities is not None:
        result = state.invoke_statement()
    else:
        result, identities = _run(state, bulk)
    conflict = getattr(state.statement, "_post_values_clause", None)
    verb = "upserted" if conflict is not None and "Update" in type(conflict).__name__ else "created"
    if identities is None:
        bulk.add_summary(
            "created", _count(state, result), {"note": "the database does not tell the new keys"}
        )
    elif len(identities) > bulk.limit:
        bulk.add_summary("created", len(identities), {})
    else:
        rows = load_rows(bulk.connection, bulk.plan, identities)
        bulk.add_creates([rows[identity] for identity in identities if identity in rows], verb)
    bulk.record()
    return result


def _count(state: ORMExecuteState, result: Any) -> int:
    count = getattr(result, "rowcount", -1)
    return count if count and count > 0 else len(state.parameters or [{}])


def _given_identities(state: ORMExecuteState, bulk: Bulk) -> list[Identity] | None:
    """Return the keys where each row brings its own, and none can be refused or replaced."""
    parameters = state.parameters
    statement: Any = state.statement
    if not isinstance(parameters, list) or getattr(statement, "_post_values_clause", None) is not None:
        return None
    if statement._values or statement._multi_values or statement._select_names:
        return None
    identities = [tuple([row.get(name) for name in bulk.plan.key_names]) for row in parameters]
    return (
        None
        if any(part is None or isinstance(part, sa.ClauseElement) for key in identities for part in key)
        else identities
    )


def _run(state: ORMExecuteState, bulk: Bulk) -> tuple[Any, list[Identity] | None]:
    """Run with the primary key in RETURNING, after the columns that the host asked for itself."""
    statement: Any = state.statement
    if not bulk.connection.dialect.insert_executemany_returning and isinstance(state.parameters, list):
        return state.invoke_statement(), None
    if not bulk.connection.dialect.insert_returning:
        return state.invoke_statement(), None
    own_count = len(statement._returning)
    keys = (
        [getattr(bulk.plan.mapper.class_, name) for name in bulk.plan.key_names]
        if state.is_orm_statement
        else list(bulk.plan.mapper.primary_key)
    )
    frozen = state.invoke_statement(statement.returning(*keys)).freeze()
    identities = [tuple(row[-len(keys) :]) for row in frozen()]
    result = frozen()
    return (
        result.columns(*range(len(result.keys()) - len(keys)))
        if own_count
        else _Quiet(len(identities), identities)
    ), identities


class _Quiet:
    """The result of an INSERT without RETURNING, as far as applications look at it."""

    returns_rows = False
    is_insert = True

    def __init__(self, rowcount: int, identities: list[Identity]) -> None:
        self.rowcount = rowcount
        self.inserted_primary_key_rows = identities
        self.lastrowid = identities[-1][0] if identities else None

    @property
    def inserted_primary_key(self) -> Identity:
        """Return the primary key of the one row."""
        return self.inserted_primary_key_rows[0]

    def close(self) -> None:
        """There is nothing left to close."""
