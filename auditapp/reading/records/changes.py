"""How a record's versions add up: its fields folded forward, one version after the other.

Pure: values in, values out, no database. ``reading.records.versions`` finds the versions.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from auditapp.finding import CREATED
from auditapp.values.equality import same
from auditapp.values.references import disagree, next_value

# Each change that does not fit may be told; the newest will do.
MAX_DRIFT = 100
# Among so many of the newest versions a record as a whole is looked for.
MAX_RECENT = 500
# What comes back was there before: the log does not begin with it, and it keeps its fields.
COMES_BACK = {"restored"}
ENDS = {"deleted", "removed", "purged"}
CREATES, RESTORES, CHANGES, DELETES = "creates", "restores", "changes", "deletes"

Change = Mapping[str, Any]
Changes = Mapping[str, Change]


@lru_cache(maxsize=1024)
def record_effect_of(event: str) -> str:
    """Return what an event of this name does to its record's existence."""
    verb = event.rpartition(".")[2]
    if verb in ENDS:
        return DELETES
    if verb in COMES_BACK:
        return RESTORES
    return CREATES if verb in CREATED else CHANGES


@dataclass(slots=True)
class Held:
    """A field's value and where it comes from.

    :ivar set_by: number of the event that set it, None where it was so before the log saw it change.
    :ivar changes: how many versions changed it; its first value at the record's creation is no change.
    """

    value: Any
    set_by: int | None
    changes: int
    label: str | None
    kind: str | None
    last_told: int  # how many versions there were when it was last told


class Mismatch(NamedTuple):
    """A value that is told and is not what the versions before it add up to: ``previous`` of a change.

    :ivar from_snapshot: it is told by the record as a whole, recorded beside the changes.
    """

    event: int
    field: str
    expected: Any
    found: Any
    label: str | None
    kind: str | None
    from_snapshot: bool = False


@dataclass(frozen=True)
class Snapshot:
    """A record as it was after some versions.

    :ivar newest: number of the newest event that succeeded, None before there is one.
    :ivar recent: the newest events that succeeded since it was created last, oldest first: the number of
        each, and how many versions there were with it.
    :ivar ended: it had been deleted; its fields are those it had.
    :ivar sure_since: fields told by fewer versions than these may have changed since, in an erased version.
    :ivar earlier: what fields were before a later version changed them first; filled as the fold goes on.
    """

    versions: int
    newest: int | None
    recent: tuple[tuple[int, int], ...]
    exists: bool
    ended: bool
    erased: bool
    sure_since: int
    held: dict[str, Held]
    earlier: dict[str, Held]
    drift: tuple[Mismatch, ...]

    @property
    def fields(self) -> dict[str, Held]:
        """Return all fields that are known to have been there then."""
        later = {name: held for name, held in self.earlier.items() if name not in self.held}
        return {**self.held, **later}


@dataclass
class Fold:
    """Adds version to version, oldest first. Only what succeeded changes anything.

    Whether two values are the same is decided by the kind that a change says, else by the field's last one.

    :ivar last: number of the newest version.
    :ivar begins: whether the first version that succeeded created the record; None before there is one.
    """

    versions: int = 0
    last: int | None = None
    newest: int | None = None
    recent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=MAX_RECENT))
    exists: bool = False
    ended: bool = False
    erased: bool = False
    sure_since: int = 0
    begins: bool | None = None
    held: dict[str, Held] = field(default_factory=dict)
    earlier: dict[str, Held] = field(default_factory=dict)
    drift: deque[Mismatch] = field(default_factory=lambda: deque(maxlen=MAX_DRIFT))

    def snapshot(self) -> Snapshot:
        """Return the record as it is now; what comes later changes only what was earlier unknown."""
        return Snapshot(
            versions=self.versions,
            newest=self.newest,
            recent=tuple(self.recent),
            exists=self.exists,
            ended=self.ended,
            erased=self.erased,
            sure_since=self.sure_since,
            held={name: replace(held) for name, held in self.held.items()},
            earlier=self.earlier,
            drift=tuple(self.drift),
        )

    def add(self, number: int, event: str, outcome: str, changes: Changes | None) -> None:
        """Add the next version.

        :param number: of the event, ``event.id``.
        :param changes: None where they were erased.
        """
        self.versions += 1
        self.last = number
        effect = record_effect_of(event)
        if outcome != "success":
            if self.begins is None and effect != CREATES:
                self.exists = True  # it was tried on something
            return
        if self.begins is None:
            self.begins = effect == CREATES
        if effect == CREATES and (self.ended or not self.held):
            # A new beginning: nothing later says anything of what was before it, nor the other way round.
            self.held, self.earlier = {}, {}
            self.recent.clear()
        self.newest = number
        self.recent.append((number, self.versions))
        self.exists, self.ended = effect != DELETES, effect == DELETES
        if changes is None:
            self._forget()
        elif effect == DELETES:
            self._end(number, changes)
        else:
            self._change(number, changes, effect == CREATES)

    def _forget(self) -> None:
        self.erased = True
        self.sure_since = self.versions
        self.earlier = {}

    def _end(self, number: int, changes: Changes) -> None:
        """Take the values that a record had when it went; null is what became of them, not a value."""
        for name, change in changes.items():
            if change.get("current") is not None:
                self._change(number, {name: change}, False)
            elif "previous" in change:
                self._known(number, name, change, change["previous"])

    def _change(self, number: int, changes: Changes, creates: bool) -> None:
        held_fields, versions = self.held, self.versions
        for name, change in changes.items():
            current, held = change.get("current"), held_fields.get(name)
            is_told = "previous" in change and not (creates and held is None)
            previous = change["previous"] if is_told else None
            kind = change.get("kind") or (held.kind if held is not None else None)
            if is_told and same(previous, current, kind):
                self._known(number, name, change, current)
                continue
            if held is None:
                if is_told:
                    self._before(name, change, previous)
                first = 0 if creates else 1
                held_fields[name] = Held(current, number, first, change.get("label"), kind, versions)
                continue
            if not same(held.value, previous, kind):
                if is_told and disagree(held.value, previous, current, kind):
                    self._mismatch(number, name, held, change)
                current = next_value(held.value, previous, current, kind)
            held.value, held.set_by, held.last_told = current, number, versions
            held.changes += 1
            if "label" in change or "kind" in change:
                _rename(held, change)

    def _known(self, number: int, name: str, change: Change, value: Any) -> None:
        """Take a value that was told and not changed."""
        held = self.held.get(name)
        if held is None:
            self._before(name, change, value)
            self.held[name] = Held(value, None, 0, change.get("label"), change.get("kind"), self.versions)
            return
        kind = change.get("kind") or held.kind
        if not same(held.value, value, kind):
            if disagree(held.value, value, value, kind):
                self._mismatch(number, name, held, change)
                held.set_by = None
            held.value = next_value(held.value, value, value, kind)
        held.last_told = self.versions
        _rename(held, change)

    def _before(self, name: str, change: Change, previous: Any) -> None:
        if name not in self.earlier:
            self.earlier[name] = Held(previous, None, 0, change.get("label"), change.get("kind"), 0)

    def _mismatch(self, number: int, name: str, held: Held, change: Change) -> None:
        if held.last_told >= self.sure_since:  # else an erased version may have changed it
            label, kind = change.get("label") or held.label, change.get("kind") or held.kind
            self.drift.append(Mismatch(number, name, held.value, change["previous"], label, kind))


def _rename(held: Held, change: Change) -> None:
    held.label = change.get("label") or held.label
    held.kind = change.get("kind") or held.kind


def reversed_changes(changes: Changes) -> dict[str, dict[str, Any]]:
    """Return what takes changes back; a side that was not there is not there on the other side."""
    turned = {"previous": "current", "current": "previous"}
    return {
        name: {turned.get(key, key): value for key, value in change.items()}
        for name, change in changes.items()
    }


def difference(before: Mapping[str, Held], after: Mapping[str, Held]) -> dict[str, dict[str, Any]]:
    """Return what differs between two states, as an event's ``changes``; an absent side has no key."""
    changes: dict[str, dict[str, Any]] = {}
    for name in {**after, **before}:
        old, new = before.get(name), after.get(name)
        kind = (new.kind if new else None) or (old.kind if old else None)
        if old is not None and new is not None and same(old.value, new.value, kind):
            continue
        newer = new or old
        change = {
            **({"previous": old.value} if old is not None else {}),
            **({"current": new.value} if new is not None else {}),
            "label": newer.label if newer else None,
            "kind": newer.kind if newer else None,
        }
        changes[name] = {
            key: value for key, value in change.items() if key not in _HINTS or value is not None
        }
    return changes


_HINTS = ("label", "kind")
