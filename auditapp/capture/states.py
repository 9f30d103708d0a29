"""What SQLAlchemy's record of an object says about the flush to come."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import InstanceState, Mapper
from sqlalchemy.orm.base import INCLUDE_PENDING_MUTATIONS, NEVER_SET, NO_VALUE, PASSIVE_NO_INITIALIZE

from auditapp.capture.plan import Plan
from auditapp.capture.rows import Identity

UNKNOWN = NO_VALUE
# Of a list that is not loaded, what was added and removed is known all the same.
WITHOUT_LOADING = PASSIVE_NO_INITIALIZE | INCLUDE_PENDING_MUTATIONS
State = InstanceState[Any]


def identity_of_state(state: State) -> Identity:
    """Return the primary key of a record that is in the database."""
    key: Any = state.key
    identity: Identity = key[1]
    return identity


def identity_now(plan: Plan, state: State) -> Identity:
    """Return the primary key that a record has in the session; what is not loaded cannot have changed."""
    old: Any = state.key[1] if state.key else (None,) * len(plan.key_names)
    return tuple([state.dict.get(name, part) for name, part in zip(plan.key_names, old, strict=True)])


def keys_to_write(plan: Plan, state: State) -> set[str]:
    """Return the columns that an UPDATE will write, as SQLAlchemy decides: none where nothing changed."""
    keys: set[str] = set()
    for key in state.committed_state:
        if key in plan.by_key:
            if is_to_write(state, key):
                keys.add(key)
        elif key in plan.parents and is_changed(state, key):
            keys.update(plan.parents[key])
    return keys | plan.auto_with(keys) if keys else keys


def value_before(state: State, key: str, row: Any = None) -> Any:
    """Return a column's value before the flush: as a row has it, else as the session does, else UNKNOWN."""
    if row is not None and key in row:
        return row[key]
    value = state.committed_state.get(key, state.dict.get(key, UNKNOWN))
    return UNKNOWN if value is NEVER_SET else value


def keys_to_read(capture: Any, state: State, keys: set[str]) -> set[str]:
    """Return those of some columns that are to be read before they are written."""
    if not capture.trusts_session:
        return keys
    return {key for key in keys if value_before(state, key) is UNKNOWN}


def is_to_write(state: State, key: str) -> bool:
    """Tell whether an UPDATE sets a column whose attribute was set: not where Python calls the two equal."""
    if key not in state.dict:
        return True
    impl: Any = state.manager[key].impl
    # Not ``is False``: an array's comparison is no answer, and SQL is none.
    return impl.is_equal(state.dict[key], state.committed_state[key]) is not True


def is_changed(state: State, key: str) -> bool:
    """Tell whether a relationship was changed: setting it to what it is leaves no trace in its history."""
    if key not in state.committed_state:
        return False
    history = state.get_history(key, WITHOUT_LOADING)
    return bool(history.added or history.deleted)


def is_listened(mapper: Mapper[Any]) -> bool:
    """Tell whether the host may set any other column just before the UPDATE."""
    return len(mapper.dispatch.before_update) > 1


def members(state: State, key: str, *sides: str) -> Iterator[State]:
    """Yield the records in the database that came into a relationship (``added``) or left (``deleted``)."""
    if key not in state.committed_state:
        return
    history = state.get_history(key, WITHOUT_LOADING)
    for side in sides:
        for thing in getattr(history, side) or ():
            if thing is not None and thing._sa_instance_state.key:
                yield thing._sa_instance_state


def with_cascades(state: State) -> Iterator[State]:
    """Yield a record and those that are deleted with it."""
    yield state
    for _, _, below, _ in state.mapper.cascade_iterator("delete", state):
        if below.key:
            yield below
