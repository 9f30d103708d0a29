"""What takes some of a record's versions back: the values that its fields get, and whether it comes or goes.

Pure: see ``reading.undo.trace``.
"""

from typing import Any, NamedTuple

from auditapp.reading.records.changes import Held
from auditapp.reading.undo.trace import NOTHING, Touched, Traced
from auditapp.values.changes import label_of
from auditapp.values.equality import same
from auditapp.values.references import by_identity, identity_of

UPDATE, CREATE, DELETE = "update", "create", "delete"


class Reverse(NamedTuple):
    """What is to be done with a record.

    :ivar changes: from the values now to those before, in the form of an event's ``changes``; a field that
        was not there before becomes null.
    :ivar already_back: labels of the fields that are back already.
    """

    action: str
    changes: dict[str, dict[str, Any]]
    already_back: list[str]


def reverse(traced: Traced) -> Reverse | None:
    """Return what takes the versions back; None where the record they made is gone already."""
    held, exists = traced.fold.held, traced.fold.exists
    if not traced.existed:
        if not exists:
            return None
        gone = {name: _change(field.value, None, field.label, field.kind) for name, field in held.items()}
        return Reverse(DELETE, gone, [])
    wanted = {name: field.value for name, field in (traced.lost or {}).items()}
    for name, touched in traced.touched.items():
        wanted[name] = taken_back(touched, held[name].value if name in held else NOTHING)
    known: dict[str, Any] = {**(traced.lost or {}), **held}
    hints = {name: _hints(name, traced, known) for name in wanted}
    if traced.ended:
        back = {
            name: _change(NOTHING, value, *hints[name])
            for name, value in wanted.items()
            if value is not NOTHING
        }
        return Reverse(CREATE, back, [])
    now = {name: field.value for name, field in held.items()}
    changes = {
        name: _change(now.get(name, NOTHING), None if value is NOTHING else value, *hints[name])
        for name, value in wanted.items()
        if not _is_back(now.get(name, NOTHING), value, hints[name][1])
    }
    already_back = [hints[name][0] or label_of(name) for name in wanted if name not in changes]
    return Reverse(UPDATE, changes, already_back if traced.lost is None else [])


def _hints(name: str, traced: Traced, known: dict[str, Held]) -> tuple[str | None, str | None]:
    source = known.get(name) or traced.touched[name]
    return source.label, source.kind


def _is_back(now: Any, wanted: Any, kind: str | None) -> bool:
    if now is NOTHING or wanted is NOTHING:
        # To take a field away that is null, there is nothing to do.
        return (None if now is NOTHING else now) is (None if wanted is NOTHING else wanted)
    return same(now, wanted, kind)


def _change(now: Any, wanted: Any, label: str | None, kind: str | None) -> dict[str, Any]:
    return {
        **({"previous": now} if now is not NOTHING else {}),
        "current": wanted,
        **({"label": label} if label else {}),
        **({"kind": kind} if kind else {}),
    }


def taken_back(touched: Touched, now: Any) -> Any:
    """Return the value that a field gets when the versions that touched it are taken back.

    Of a list of references only what they changed is taken back: what others did to it since stays.
    """
    if touched.since is None:
        return touched.before
    before, after = (by_identity(value) for value in (touched.before, touched.after))
    held = by_identity(now)
    if before is None or after is None or held is None:
        return touched.before
    altered = {key for key in before.keys() & after.keys() if not same(before[key], after[key], touched.kind)}
    kept = [
        before[key] if key in altered else item
        for item in now
        if (key := identity_of(item) or "") not in after or key in before
    ]
    back = [item for key, item in before.items() if key not in after and key not in held]
    return kept + back
