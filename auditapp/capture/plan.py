"""How a mapped class is captured: computed once per class, so that a flush only follows it."""

import enum
import hashlib
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipProperty, mapperlib

from auditapp.capture import options
from auditapp.capture.exact_values import keeps
from auditapp.capture.field import Field, field_of
from auditapp.capture.values import choice_name

VERBS = ("created", "updated", "deleted", "upserted", "bulk_created", "bulk_updated", "bulk_deleted")
MAX_ID = 512


class Plan:
    """What to read from objects of one mapper, and what their events are called."""

    def __init__(self, mapper: Mapper[Any], description: Mapping[str, Any], settings: Any) -> None:
        self.mapper = mapper
        self.type = settings.prefix + options.type_of(mapper.class_, description)
        verbs_option = description.get("verbs", {})
        self._verb_of = verbs_option if callable(verbs_option) else None
        verbs = dict(zip(VERBS, VERBS, strict=True)) | ({} if self._verb_of else dict(verbs_option))
        self.events = {verb: f"{self.type}.{name}" for verb, name in verbs.items()}
        self.key_names = tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
        self._key_keeps = [keeps(column.type) for column in mapper.primary_key]
        self.fields = [
            field for prop in _column_props(mapper) if (field := field_of(prop, description, settings))
        ]
        self.by_key = {field.key: field for field in self.fields}
        alone = self.key_names[0] if len(self.key_names) == 1 else None
        # A record's only key is its id already.
        self.shown = [field for field in self.fields if field.key != alone or field.ref]
        self.simple = [(field.key, field.plain, field) for field in self.shown]
        self.odd_nulls = [field.key for field in self.shown if not field.keeps_null]
        self.auto = {field.key for field in self.fields if _changes_by_itself(mapper, field)}
        self.columns = {**dict(zip(self.key_names, mapper.primary_key, strict=True)), **_columns(self.fields)}
        self.lists = _owned_lists(mapper, description, settings)
        self.parents = {
            prop.key: [key for key in _keys_of(mapper, prop.local_columns) if key in self.by_key]
            for prop in mapper.relationships
            if prop.direction is sa.orm.RelationshipDirection.MANYTOONE
        }
        self.children = [
            prop for prop in mapper.relationships if prop.direction is sa.orm.RelationshipDirection.ONETOMANY
        ]
        self._id, self._name = description.get("id"), description.get("name", self._usual_name())
        self.naming = self._naming()
        self.statements: dict[Any, Any] = {}
        self.triggers: WeakKeyDictionary[Engine, tuple[float, bool]] = WeakKeyDictionary()

    def auto_with(self, keys: set[str]) -> set[str]:
        """Return the columns that change by themselves where these ones are written."""
        if len(self.mapper.tables) == 1 or not self.auto:
            return self.auto
        written = {self.by_key[key].column.table for key in keys}
        version = self.mapper.version_id_col
        columns = {key: self.by_key[key].column for key in self.auto}
        return {key for key, column in columns.items() if column.table in written or column is version}

    def keeps_key(self, identity: tuple[Any, ...]) -> bool:
        """Tell whether the database keeps a primary key exactly as it is given."""
        if len(identity) == 1:  # as nearly always, and asked for every record
            return self._key_keeps[0](identity[0])
        return all(keeps(part) for keeps, part in zip(self._key_keeps, identity, strict=True))

    def _naming(self) -> frozenset[str] | None:
        """Return the columns that a record's id and name are made of; None: any may be among them."""
        if callable(self._id) or callable(self._name):
            return None
        ids = () if self._id is None else (self._id,) if isinstance(self._id, str) else tuple(self._id)
        names = {*ids, *(() if self._name is None else (self._name,))}
        if not names <= self.columns.keys():
            return None
        return frozenset({*names, *self.key_names})

    def event_of(self, verb: str, changes: dict[str, Any]) -> str:
        """Return what an event is called, by what was done and, where the host wants it, what changed."""
        return f"{self.type}.{self._verb_of(verb, changes)}" if self._verb_of else self.events[verb]

    def _usual_name(self) -> str | None:
        return next(
            (key for key in options.NAMING if key in self.by_key and not self.by_key[key].masked), None
        )

    def id_of(
        self, values: Mapping[str, Any], thing: Any = None, identity: tuple[Any, ...] | None = None
    ) -> str:
        """Return the record's id as text, its primary key unless the host chose otherwise.

        :param identity: the primary key it had, where this one may have changed.
        """
        if callable(self._id):
            return id_text([self._id(thing)])
        if self._id is not None:
            names = [self._id] if isinstance(self._id, str) else self._id
            return id_text([values[name] if name in values else getattr(thing, name) for name in names])
        return id_text(identity or [values.get(name) for name in self.key_names])

    def name_of(self, values: Mapping[str, Any], thing: Any = None) -> str | None:
        """Return what the record is called, 512 characters at most; nothing is loaded for it."""
        name = self._name
        try:
            if callable(name):
                value = name(thing)
            elif name is None:
                return None
            else:
                value = values[name] if name in values or name in self.by_key else getattr(thing, name)
            if isinstance(value, enum.Enum):
                value = choice_name(value)
            return None if value is None else str(value)[:MAX_ID]
        except Exception:
            return None  # a name is a courtesy; it may not break the host's flush


def all_mappers() -> list[Mapper[Any]]:
    """Return every mapper there is, in whichever registry."""
    return [mapper for registry in mapperlib._all_registries() for mapper in registry.mappers]


def id_text(parts: Any) -> str:
    """Return a key as the id of an entity: not empty, no ``.`` or ``..``, 512 characters at most."""
    texts = [_part_text(part) for part in parts]
    if len(texts) > 1:
        texts = [text.replace("\\", "\\\\").replace(",", "\\,") for text in texts]
    text = ",".join(texts)
    if text in {"", ".", ".."}:
        return f'"{text}"'
    if len(text) > MAX_ID:
        return f"{text[:440]}…{hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()}"
    return text


def _part_text(part: Any) -> str:
    if isinstance(part, enum.Enum):
        return str(choice_name(part))
    return bytes(part).hex() if isinstance(part, bytes | bytearray | memoryview) else str(part)


def _column_props(mapper: Mapper[Any]) -> list[ColumnProperty[Any]]:
    """Return the properties that are columns of the mapper's own tables, not expressions."""
    tables = set(mapper.tables)
    return [
        prop
        for prop in mapper.column_attrs
        if isinstance(prop.columns[0], sa.Column) and prop.columns[0].table in tables
    ]


def _columns(fields: list[Field]) -> dict[str, Any]:
    return {field.key: field.column for field in fields}


def _keys_of(mapper: Mapper[Any], columns: Any) -> list[str]:
    return [mapper.get_property_by_column(column).key for column in columns if column in mapper.c.values()]


def _changes_by_itself(mapper: Mapper[Any], field: Field) -> bool:
    """Tell whether an UPDATE writes the column without anybody having set the attribute."""
    column = field.column
    return (
        column.onupdate is not None or column.server_onupdate is not None or column is mapper.version_id_col
    )


class RefList:
    """A many-to-many relationship, shown on the record that owns it."""

    def __init__(self, prop: RelationshipProperty[Any], label: str | None) -> None:
        self.key = prop.key
        self.prop = prop
        self.queries: dict[bool, Any] = {}
        self.hints: dict[str, Any] = {"kind": "refs"} | ({"label": label} if label else {})


def _owned_lists(mapper: Mapper[Any], description: Mapping[str, Any], settings: Any) -> list[RefList]:
    lists = []
    for prop in mapper.relationships:
        if prop.secondary is None or prop.viewonly or not _owns(prop):
            continue
        where = f"{mapper.class_.__name__}.{prop.key}"
        list_options = options.column_options(prop.info, where)
        table = getattr(mapper.local_table, "name", "")
        excluded = settings.exclude | frozenset(description.get("exclude", ()))
        if not list_options.get("exclude") and not options.named(excluded, table, prop.key):
            label = list_options.get("label") or description.get("labels", {}).get(prop.key)
            lists.append(RefList(prop, label))
    return lists


def _owns(prop: RelationshipProperty[Any]) -> bool:
    """Tell which of the two sides of a many-to-many shows the change: one event for it, not two.

    It is the side that the association table names first, as ``post_id`` does in ``post_tag``.
    """
    secondary: Any = prop.secondary
    reverse = next((reverse for reverse in prop._reverse_property if not reverse.viewonly), None)
    if reverse is None:
        return True
    first = list(secondary.c).index
    mine = min((first(column) for _, column in prop.synchronize_pairs), default=0)
    theirs = min((first(column) for _, column in reverse.synchronize_pairs), default=0)
    return mine < theirs
