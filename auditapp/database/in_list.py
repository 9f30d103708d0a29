"""Membership in a list of values, which is one parameter however long it is."""

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import ARRAY, Column, Connection, String, any_, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from auditapp.database.dialect import is_sqlite


def in_list(
    connection: Connection, column: InstrumentedAttribute[Any] | Column[Any], values: Collection[str]
) -> Any:
    """Return ``column IN values`` with one parameter: a thousand cost more to compile than to look up."""
    if is_sqlite(connection):
        return column.in_(
            select(func.json_each(orjson.dumps([*values]).decode()).table_valued("value").c.value)
        )
    return column == any_(literal([*values], ARRAY(String)))
