"""A small simulation: stories take turns in order of time, and what they do leaves events behind.

A story is a generator that yields the moments at which it wants to go on. Every record's state is
kept here, so that what an event calls ``previous`` is always what an earlier one called ``current``.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from auditapp.values.changes import changes_between
from demo.fields import FIELDS

Story = Iterator[datetime]
Actor = dict[str, Any]

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that are mistaken for another
MAX_RELATED = 6


def dice(key: str) -> random.Random:
    """Return a source of chance of its own: what one story draws changes nothing in another."""
    return random.Random(f"auditapp demo: {key}")  # noqa: S311 - a made-up company, no secret


@dataclass
class Record:
    """A record of the company: ``state`` as it is now, ``keeper`` the key of who looks after it."""

    type: str
    id: str
    name: str
    state: dict[str, Any]
    keeper: str = ""
    version: int = 0
    deleted: bool = False

    def ref(self, **more: Any) -> dict[str, Any]:
        """Return the record as others refer to it; ``more`` belongs to the relation (a quantity)."""
        return {"id": self.id, "name": self.name, **more}


@dataclass(frozen=True)
class Doing:
    """Who does something, from where, and what set it off (a place in ``World.events``)."""

    actor: Actor
    origin: str = "ui"
    context: dict[str, Any] = field(default_factory=dict)
    on_behalf_of: Actor | None = None
    correlation: str | None = None
    cause: int | None = None


@dataclass(frozen=True)
class Planned:
    """An event as ``record`` takes it; the id of its cause is known only once that is recorded."""

    event: dict[str, Any]
    cause: int | None


class World:
    """The company and its clock, which never passes ``now``."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.clock = now - timedelta(days=366)
        self.events: list[Planned] = []
        self.records: dict[str, list[Record]] = {}
        self._agenda: list[tuple[datetime, int, Story]] = []
        self._turn = count()
        self._ids = dice("ids")

    def start(self, story: Story) -> None:
        """Let a story begin, at the first moment that it yields."""
        moment = next(story, None)
        # What would happen after now has not happened yet: the story stays unfinished.
        if moment is not None and moment <= self.now:
            heapq.heappush(self._agenda, (moment, next(self._turn), story))

    def run(self) -> list[Planned]:
        """Let all stories go on until now; return what happened, in order of time."""
        while self._agenda:
            moment, _, story = heapq.heappop(self._agenda)
            self.clock = max(self.clock, moment)
            self.start(story)
        return self.events

    def days_ago(self, days: float) -> datetime:
        """Return the moment so many days before now."""
        return self.now - timedelta(days=days)

    def soon(self, least: float, most: float) -> datetime:
        """Return a moment so many seconds from the clock: what a machine does next."""
        return self.clock + timedelta(seconds=self._ids.uniform(least, most))

    def new_id(self, prefix: str) -> str:
        """Return a fresh id, the same in every run."""
        return f"{prefix}_" + "".join(self._ids.choices(_LETTERS, k=12))

    def create(
        self,
        by: Doing,
        kind: str,
        state: dict[str, Any],
        *,
        keeper: str = "",
        own_id: str | None = None,
        verb: str = "created",
        request: dict[str, Any] | None = None,
    ) -> Record:
        """Make a record; its event carries the initial values, without ``previous``.

        :param request: what was sent to make it, for the payload, where that says more.
        """
        record = self.known(kind, state, keeper=keeper, own_id=own_id)
        record.version = 0
        self._changed(by, record, verb, {}, request)
        return record

    def known(
        self, kind: str, state: dict[str, Any], *, keeper: str = "", own_id: str | None = None
    ) -> Record:
        """Return a record from before the log began: it has no event that created it."""
        record = Record(kind, own_id or self.new_id(kind), name_of(kind, state), dict(state), keeper)
        record.version = self._ids.randint(3, 20)
        self.records.setdefault(kind, []).append(record)
        return record

    def update(self, by: Doing, record: Record, *, verb: str = "updated", **values: Any) -> int:
        """Set fields of a record.

        :return: the event's place in ``events``; the last event's where nothing was left to change.
        """
        before = dict(record.state)
        record.state |= values
        if record.deleted or not changes_between(before, record.state):
            record.state = before
            return len(self.events) - 1
        record.name = name_of(record.type, record.state)
        return self._changed(by, record, verb, before)

    def delete(self, by: Doing, record: Record, reason: str) -> int:
        """Delete a record; its event says what was lost."""
        record.version += 1
        record.deleted = True
        self.records[record.type].remove(record)
        changes = described(record.type, changes_between(record.state, {}))
        payload = {"version": record.version, "reason": reason}
        return self.emit(by, f"{record.type}.deleted", record.ref(), changes=changes, payload=payload)

    def restore(self, by: Doing, record: Record) -> int:
        """Bring a deleted record back as it was."""
        record.deleted = False
        self.records[record.type].append(record)
        return self._changed(by, record, "restored", {})

    def _changed(
        self,
        by: Doing,
        record: Record,
        verb: str,
        before: dict[str, Any],
        request: dict[str, Any] | None = None,
    ) -> int:
        record.version += 1
        payload: dict[str, Any] = {"version": record.version, "record": {"id": record.id, **record.state}}
        if request:
            payload["request"] = request
        return self.emit(
            by,
            f"{record.type}.{verb}",
            record.ref(),
            changes=described(record.type, changes_between(before, record.state)),
            related=related_of(record),
            payload=payload,
        )

    def emit(self, by: Doing, event: str, entity: dict[str, Any], **more: Any) -> int:
        """Add an event that happens now.

        :param entity: ``id`` and ``name``; the type follows from the event.
        :param more: further fields of the event (``changes``, ``outcome``, ``payload``).
        :return: its place in ``events``, by which follow-ons name it as their cause.
        """
        written: dict[str, Any] = {
            "event": event,
            "occurred_at": min(self.clock, self.now),
            "actor": by.actor,
            "origin": by.origin,
            "entity": {"type": event.rpartition(".")[0], **entity},
            "context": by.context,
            **more,
        }
        if by.on_behalf_of:
            written["on_behalf_of"] = by.on_behalf_of
        if by.correlation:
            written["correlation_id"] = by.correlation
        self.events.append(Planned(written, by.cause))
        # Nothing happens twice in one instant, not even what one click sets off.
        self.clock += timedelta(microseconds=self._ids.randint(9_000, 240_000))
        return len(self.events) - 1


def name_of(kind: str, state: dict[str, Any]) -> str:
    """Return what people call a record."""
    if kind == "contact":
        first, last = state["first_name"], state["last_name"]
        # Chinese and Japanese put the family name first, and no space between.
        return f"{last}{first}" if last[:1] >= "\u3040" else f"{first} {last}".strip()
    return str(state.get("name") or state.get("number") or state.get("title") or "Workspace settings")


def described(kind: str, changes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add to each change what its field is called and what kind of value it holds."""
    known = FIELDS[kind]
    return {
        name: {**change, "label": known[name].label, "kind": known[name].kind}
        for name, change in changes.items()
    }


def related_of(record: Record) -> list[dict[str, Any]]:
    """Return the records that a record's fields refer to."""
    related = []
    for name, definition in FIELDS[record.type].items():
        if definition.refers_to:
            related += [
                {"type": definition.refers_to, "id": item["id"], "name": item["name"]}
                for item in record.state.get(name) or []
            ]
    return related[:MAX_RELATED]
