"""What a page asks for again and again, read once a transaction: names and kinds of events.

Kept by the transaction, so that it ends with it; whoever records something new in it forgets it before.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection
from sqlalchemy.engine import RootTransaction

Value = TypeVar("Value")

_kept: WeakKeyDictionary[RootTransaction, dict[Hashable, Any]] = WeakKeyDictionary()


def read_once(connection: Connection, key: Hashable, read: Callable[[], Value]) -> Value:
    """Return what ``read`` does, asked at the first time in this transaction only; not to be changed."""
    transaction = connection.get_transaction()
    assert transaction is not None  # noqa: S101 - a session's connection has begun one
    kept = _kept.setdefault(transaction, {})
    if key not in kept:
        kept[key] = read()
    value: Value = kept[key]
    return value


def forget(connection: Connection) -> None:
    """Have everything read anew in this transaction."""
    if (transaction := connection.get_transaction()) is not None:
        _kept.pop(transaction, None)
