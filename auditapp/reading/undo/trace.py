"""What some of a record's versions did, and what others did since.

Pure, as ``reading.records.changes`` is: versions in, values out.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from auditapp.reading.records.changes import (
    CHANGES,
    CREATES,
    DELETES,
    RESTORES,
    Change,
    Changes,
    Fold,
    Held,
    record_effect_of,
)
from auditapp.reading.records.versions import Version
from auditapp.values.equality import same
from auditapp.values.references import is_difference

# A value that is not there, which is not the same as null.
NOTHING: Any = object()


@dataclass
class Touched:
    """A field that a version changed which is to be taken back.

    :ivar before: its value before the first of these versions, ``NOTHING`` where it was not there.
    :ivar after: its value after the last of them.
    :ivar since: number of the newest other event that changed it since, None where none did.
    """

    before: Any
    after: Any
    label: str | None
    kind: str | None
    since: int | None = None


@dataclass
class Traced:
    """A record's versions, some of them to be taken back: added the oldest first, then done.

    :ivar undone: numbers of the events to be taken back.
    :ivar existed: whether the record existed before the first of these; None if none of them counts.
    :ivar lost: the fields it had when one of these first ended it; None if none did.
    :ivar ended: whether it is one of these that ended it last.
    :ivar others: by field the newest other event since then that changed it.
    :ivar reborn: number of the last other event since then that ended it, or made it exist again.
    :ivar met: numbers of those that were found; ``nothing``: that changed nothing; ``erased``: whose
        changes were erased.
    :ivar unsure: whether changes of another version since then were erased.
    """

    undone: Collection[int]
    fold: Fold = field(default_factory=Fold)
    existed: bool | None = None
    lost: dict[str, Held] | None = None
    ended: bool = False
    touched: dict[str, Touched] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    reborn: int | None = None
    met: set[int] = field(default_factory=set)
    nothing: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)
    unsure: bool = False

    def add(self, version: Version) -> None:
        """Add the next version, oldest first."""
        number, event, outcome, changes = version[0], version[1], version[2], version[-1]
        if number in self.undone:
            self.met.add(number)
            if outcome == "success":
                self._mine(version, record_effect_of(event), changes)
                return
        elif outcome == "success" and self.existed is not None:
            self._other(number, record_effect_of(event), changes)
        self.fold.add(*version)

    def _mine(self, version: Version, effect: str, changes: Changes | None) -> None:
        number = version[0]
        if self.existed is None:
            # A first version that is not its creation happened to something that was there.
            has_begun = self.fold.newest is not None
            self.existed = self.fold.exists if has_begun else effect not in (CREATES, RESTORES)
        real = _real(changes or {}, effect)
        known = {name: self.fold.held[name].value for name in real if name in self.fold.held}
        self.fold.add(*version)
        if changes is None and effect == CHANGES:
            self.erased.add(number)
        elif changes is None:
            self.unsure = self.unsure or effect == DELETES
        elif effect == CHANGES and not real:
            self.nothing.add(number)
        if effect != CHANGES:
            self.ended, self.reborn = effect == DELETES, None
        for name, change in real.items():
            self._touch(name, change, known.get(name, NOTHING))
        if effect == DELETES and self.lost is None:
            self.lost = {name: replace(held) for name, held in self.fold.held.items()}

    def _touch(self, name: str, change: Change, known: Any) -> None:
        after = self.fold.held[name].value
        if name in self.touched:
            self.touched[name].after = after
            return
        label, kind = change.get("label"), change.get("kind")
        if self.lost is None:
            self.touched[name] = Touched(_before(change, known), after, label, kind)
            self.others.pop(name, None)
            return
        # What it was before is what it was when the record ended.
        lost = self.lost.get(name)
        self.touched[name] = Touched(lost.value if lost else NOTHING, after, label, kind)

    def _other(self, number: int, effect: str, changes: Changes | None) -> None:
        if effect == DELETES or (effect in (CREATES, RESTORES) and not self.fold.exists):
            self.reborn, self.ended = number, False
        self.unsure = self.unsure or changes is None
        self.others |= dict.fromkeys(_real(changes or {}, effect), number)

    def done(self) -> "Traced":
        """Note, after the last version, which touched fields were changed since."""
        for name, touched in self.touched.items():
            touched.since = self.others.get(name)
        return self


def _before(change: Change, known: Any) -> Any:
    """Return a field's value before a change: what the change says, of a difference what is known."""
    previous = change.get("previous", NOTHING)
    is_known = known is not NOTHING and is_difference(
        known, previous, change.get("current"), change.get("kind")
    )
    return known if is_known else previous


def _real(changes: Changes, effect: str) -> dict[str, Change]:
    """Return the changes that changed something; what was lost with a record is not one of them."""
    return {
        name: change
        for name, change in changes.items()
        if not ("previous" in change and same(change["previous"], change.get("current"), change.get("kind")))
        and not (effect == DELETES and change.get("current") is None)
    }
