"""``Session.bulk_save_objects``, ``bulk_insert_mappings`` and ``bulk_update_mappings``.

They go past SQLAlchemy's events, by design; all three end in one method, which is wrapped on the
sessions that are followed, and on no others.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from auditapp.capture.bulk import Bulk
from auditapp.capture.rows import Identity, load_rows

METHOD = "_bulk_save_mappings"


def wrap(target: Any, find: Callable[[Session], Any]) -> None:
    """Record what the legacy bulk methods of a session class, or of one session, do.

    :raise RuntimeError: if this SQLAlchemy has no such method: they would be missed in silence.
    """
    original = getattr(target, METHOD, None)
    if original is None:
        raise RuntimeError("this version of SQLAlchemy hides its bulk methods; capture cannot follow them")
    if hasattr(original, "replaced"):
        return
    is_class = isinstance(target, type)

    def bulk_save(*args: Any, **options: Any) -> None:
        session, mapper, records = args if is_class else (target, *args)
        _save(
            session,
            find(session),
            partial(original, session) if is_class else original,
            mapper,
            records,
            options,
        )

    bulk_save.replaced = vars(target).get(METHOD)  # type: ignore[attr-defined]
    setattr(target, METHOD, bulk_save)


def unwrap(target: Any) -> None:
    """Leave them as they were."""
    mine = vars(target).get(METHOD)
    if not hasattr(mine, "replaced"):
        return
    if mine.replaced is None:
        delattr(target, METHOD)
    else:
        setattr(target, METHOD, mine.replaced)


def _save(
    session: Session, captures: Any, run: Any, mapper: Any, records: Any, options: dict[str, Any]
) -> None:
    mapper = inspect(mapper).mapper
    capture_and_plan = captures.find(mapper) if captures else None
    if not capture_and_plan:
        run(mapper, records, **options)
        return
    bulk = Bulk(session, captures, *capture_and_plan)
    (_update if options["isupdate"] else _insert)(bulk, run, mapper, list(records), options)
    bulk.record()


def _update(bulk: Bulk, run: Any, mapper: Any, records: list[Any], options: dict[str, Any]) -> None:
    keys = _keys(bulk, records, options)
    if len(keys) > bulk.limit:
        run(mapper, records, **options)
        bulk.add_summary("updated", len(keys), {})
        return
    before = load_rows(bulk.connection, bulk.plan, keys, lock="update")
    run(mapper, records, **options)
    bulk.add_updates(before, load_rows(bulk.connection, bulk.plan, before), {})


def _insert(bulk: Bulk, run: Any, mapper: Any, records: list[Any], options: dict[str, Any]) -> None:
    if any(None in key for key in _keys(bulk, records, options)) and not options["return_defaults"]:
        # The keys that the database makes are asked for, on copies: the host did not want its own changed.
        records = [_values(record, options) for record in records]
        options = {**options, "isstates": False, "return_defaults": True}
    run(mapper, records, **options)
    keys = _keys(bulk, records, options)
    if len(keys) > bulk.limit:
        bulk.add_summary("created", len(keys), {})
        return
    rows = load_rows(bulk.connection, bulk.plan, keys)
    bulk.add_creates([rows[key] for key in keys if key in rows])


def _values(record: Any, options: dict[str, Any]) -> dict[str, Any]:
    values = record.dict if options["isstates"] else record
    return {key: value for key, value in values.items() if key != "_sa_instance_state"}


def _keys(bulk: Bulk, records: list[Any], options: dict[str, Any]) -> list[Identity]:
    rows = [_values(record, options) for record in records]
    return [tuple([values.get(name) for name in bulk.plan.key_names]) for values in rows]
