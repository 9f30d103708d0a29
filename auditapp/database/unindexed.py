"""A column that SQLite is kept from choosing an index by."""

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal


class Unindexed(ColumnElement[Any]):
    """A column that is checked on the way, not walked by: SQLite, which has no statistics, would
    else take its index, even one of a whole workspace. PostgreSQL may still choose."""

    inherit_cache = True

    def __init__(self, column: Any) -> None:
        self.column = column.expression  # of the table itself: an attribute of a model is no clause
        self.type = column.type

    _traverse_internals = [("column", InternalTraversal.dp_clauseelement)]  # noqa: RUF012


@compiles(Unindexed)
def _as_it_is(element: Unindexed, compiler: Any, **kwargs: Any) -> str:
    return str(compiler.process(element.column, **kwargs))


@compiles(Unindexed, "sqlite")
def _without_index(element: Unindexed, compiler: Any, **kwargs: Any) -> str:
    return "+" + str(compiler.process(element.column, **kwargs))
