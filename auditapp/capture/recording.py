"""From changes to events: what a group of changes shares, and the way to the one door."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstanceState, Session

from auditapp.capture.plan import Plan
from auditapp.capture.rows import Identity, Namespace, Row
from auditapp.capture.story import Captured, Frame, Story, correlation_of, current_frame, story_of
from auditapp.capture.writer import write
from auditapp.log.grouped import GroupedEvent
from auditapp.log.line import Changes
from auditapp.log.schema import MAX_BATCH

SYSTEM = {"type": "system", "id": "application", "name": "Application"}


def event_of_row(
    plan: Plan, verb: str, row: Row, changes: Changes, identity: Identity | None = None
) -> GroupedEvent:
    """Return what to tell of a record of which there is a row and no object.

    :param identity: the primary key it had, where this one may have changed.
    """
    thing = Namespace(row)
    entity_id, name = plan.id_of(row, thing, identity), plan.name_of(row, thing)
    return GroupedEvent(plan.event_of(verb, dict(changes)), plan.type, entity_id, name, changes)


class Place(NamedTuple):
    """Where events go that have everything in common but the record and its changes."""

    connection: Connection
    workspace_id: int
    capture: Any


@dataclass
class Header:
    """What all events of one capture and flush group share."""

    fields: dict[str, Any]
    frame: Frame
    story: Story


class Group:
    """The events of one flush or bulk statement, on their way into the log."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._headers: dict[Any, Header] = {}
        self._runs: list[tuple[Place, list[GroupedEvent]]] = []
        self._fixed: dict[tuple[Any, Connection], int | None] = {}

    def add(self, capture: Any, connection: Connection, thing: Any, event: GroupedEvent) -> None:
        """Add an event to the workspace that its record belongs to, if there is one.

        :param thing: the record, or the state of it.
        """
        key = (capture, connection)
        if key in self._fixed:
            workspace_id = self._fixed[key]
        else:
            thing = thing.obj() if isinstance(thing, InstanceState) else thing
            workspace_id = capture.workspace.of(thing, connection)
            if capture.workspace.is_fixed:
                self._fixed[key] = workspace_id
        if workspace_id is None:
            return
        last = self._runs[-1][0] if self._runs else None
        if last is None or last.capture is not capture or last[:2] != (connection, workspace_id):
            self._runs.append((Place(connection, workspace_id, capture), []))
        self._runs[-1][1].append(event)

    def record(self) -> None:
        """Write the events, in the transactions of what they tell about, in their order.

        :raise Exception: whatever keeps the log from being written: the changes then fail with it.
        """
        for place, events in self._runs:
            shared = self._shared(place)
            story = story_of(self.session)
            for start in range(0, len(events), MAX_BATCH):
                part = events[start : start + MAX_BATCH]
                ids = write(place.connection, place.workspace_id, shared, part)
                for uid, event in zip(ids, part, strict=True):
                    story.recorded.append(
                        Captured(uid, event.event, event.type, event.id, shared["correlation_id"])
                    )
        self._runs.clear()

    def _shared(self, place: Place) -> dict[str, Any]:
        """Return actor, origin, context and correlation; each is asked for once a group."""
        if place.capture not in self._headers:
            self._headers[place.capture] = _header(place.capture, self.session)
        header = self._headers[place.capture]
        if "correlation_id" not in header.fields:
            known = correlation_of(place.connection, place.workspace_id, header.frame)
            story = header.story
            if not known:
                known = story.correlation_id = story.correlation_id or str(uuid.uuid4())
            header.fields["correlation_id"] = known
        return header.fields


def _header(capture: Any, session: Session) -> Header:
    frame, story = current_frame(), story_of(session)
    context = _call(capture.context)
    fields: dict[str, Any] = {
        "actor": _call(frame.actor) or _call(capture.actor) or capture.application,
        "origin": frame.origin or capture.origin or ("system" if context is None else "ui"),
        "context": context or {},
    }
    if frame.causation_id:
        fields["causation_id"] = frame.causation_id
    if frame.correlation_id:
        fields["correlation_id"] = frame.correlation_id
    elif not frame.causation_id:
        correlation_id = story.correlation_id or (context or {}).get("request_id") or str(uuid.uuid4())
        fields["correlation_id"] = story.correlation_id = correlation_id
    return Header(fields, frame, story)


def _call(setting: Any) -> Mapping[str, Any] | None:
    mapping = setting() if callable(setting) else setting
    return None if mapping is None else dict(mapping)
