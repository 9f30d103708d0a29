"""What became of one record, as an event's ``changes``."""

from typing import Any

from sqlalchemy.orm import InstanceState

from auditapp.capture.field import Field
from auditapp.capture.plan import Plan
from auditapp.capture.rows import Row
from auditapp.capture.states import UNKNOWN
from auditapp.capture.values import json_value

Changes = dict[str, dict[str, Any]]


class Shower:
    """Shows values, and finds names of related records among those that the session has loaded."""

    def __init__(self, captures: Any, session: Any) -> None:
        self.captures = captures
        self.session = session
        self.is_late = False

    def show(self, field: Field, value: Any, state: Any = None) -> Any:
        """Return a value as the log keeps it; a foreign key as the record that it points to.

        :param state: of the record, which may have that one loaded.
        """
        if field.direct:
            return json_value(value)
        if field.ref is None or value is None or field.masked:
            return field.show(value)
        shown = field.show(value)
        target = field.ref.mapper
        plan = self.captures.naming_plan(target)
        target_object = self._loaded(field, value, state)
        name = plan.name_of(target_object.__dict__, target_object) if target_object is not None else None
        return {"id": shown if isinstance(shown, str) else str(shown), "type": plan.type, "name": name}

    def _loaded(self, field: Field, value: Any, state: Any) -> Any:
        """Return the record that a foreign key points to, if the session has it; nothing is loaded."""
        prop, pairs = field.ref, field.ref.local_remote_pairs
        if state is not None:
            key = prop.mapper.get_property_by_column(pairs[-1][1]).key
            for near in (state.dict.get(prop.key), state.committed_state.get(prop.key)):
                if getattr(near, "_sa_instance_state", None) is not None and near.__dict__.get(key) == value:
                    return near
        if len(pairs) != 1 or tuple(prop.mapper.primary_key) != (pairs[0][1],):
            return None
        return self.session.identity_map.get(prop.mapper.identity_key_from_primary_key((value,)))


def created(plan: Plan, values: Row, shower: Shower, state: Any = None) -> Changes:
    """Return the fields that a new record has; those that are null are left out.

    Sets ``shower.is_late`` where the database may hold something else than what was given.
    """
    changes: Changes = {}
    get = values.get
    if state is not None and _is_late(plan, values, state):
        shower.is_late = True
    for key, plain, field in plan.simple:
        value = get(key)
        if value is None:
            continue
        if type(value) is plain:
            changes[key] = {"current": value}
            continue
        if not field.keeps(value):
            shower.is_late = True
        shown = json_value(value) if field.direct else shower.show(field, value, state)
        changes[key] = {"current": shown, **field.hints}
    return changes


def _is_late(plan: Plan, values: Row, state: InstanceState[Any]) -> bool:
    """Tell whether the database made a value, or may keep a key or a null in another form."""
    expired = state.expired_attributes
    if expired and not plan.by_key.keys().isdisjoint(expired) and not values.keys() >= plan.by_key.keys():
        return True
    if plan.odd_nulls and any(values.get(key) is None for key in plan.odd_nulls):
        return True
    return not plan.keeps_key(tuple([values.get(name) for name in plan.key_names]))


def updated(plan: Plan, before: Row, values: Row, shower: Shower, state: Any = None) -> Changes:
    """Return the fields whose value is another than before; none for a no-op.

    Sets ``shower.is_late`` where only the database knows what a field holds now.
    """
    changes: Changes = {}
    for key, old in before.items():
        new = values.get(key, UNKNOWN)
        field = plan.by_key[key]
        if not field.keeps_null if new is None else (new is UNKNOWN or not field.keeps(new)):
            shower.is_late = True
        if not field.differ(old, new):
            continue
        changes[key] = {
            "previous": None if old is UNKNOWN else shower.show(field, old, state),
            "current": None if new is UNKNOWN else shower.show(field, new, state),
            **field.hints,
        }
    return changes


def deleted(plan: Plan, before: Row, shower: Shower, state: Any = None) -> Changes:
    """Return the fields that a record had."""
    changes: Changes = {}
    for field in plan.shown:
        value = before.get(field.key)
        if value is not None and value is not UNKNOWN:
            changes[field.key] = {
                "previous": shower.show(field, value, state),
                "current": None,
                **field.hints,
            }
    return changes
