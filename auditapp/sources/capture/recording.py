"""From changes to events in the log: what a group of changes shares, and the one door."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from auditapp.log import EventError, record_batch
from auditapp.log.schema import MAX_BATCH
from auditapp.sources.capture.mend import mended
from auditapp.sources.capture.story import Captured, Frame, Story, correlation_of, current_frame, story_of

SYSTEM = {"type": "system", "id": "application", "name": "Application"}


@dataclass
class Header:
    """What all events of one flush group share."""

    fields: dict[str, Any]
    frame: Frame
    story: Story


class Group:
    """The events of one flush or bulk statement, on their way into the log."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._headers: dict[Any, Header] = {}
        self._events: dict[tuple[Connection, int], list[dict[str, Any]]] = {}

    def header(self, capture: Any) -> Header:
        """Return what a capture's events share: actor, origin and request, each asked for once."""
        if capture not in self._headers:
            self._headers[capture] = _header(capture, self.session)
        return self._headers[capture]

    def add(self, capture: Any, connection: Connection, thing: Any, event: dict[str, Any]) -> None:
        """Add an event to the workspace that its record belongs to, if there is one."""
        workspace_id = capture.workspace.of(thing, connection)
        if workspace_id is None:
            return
        header = self.header(capture)
        event.update(header.fields)
        if "correlation_id" not in event:
            event["correlation_id"] = self._correlation(header, connection, workspace_id)
        self._events.setdefault((connection, workspace_id), []).append(event)

    def _correlation(self, header: Header, connection: Connection, workspace_id: int) -> str:
        frame = header.frame
        known = frame.causation_id and correlation_of(connection, workspace_id, frame)
        if not known:
            known = header.story.correlation_id = header.story.correlation_id or str(uuid.uuid4())
        header.fields["correlation_id"] = known
        return known

    def record(self) -> None:
        """Write the events, in the transactions of what they tell about.

        :raise Exception: whatever keeps the log from being written: the changes then fail with it.
        """
        story = story_of(self.session)
        for (connection, workspace_id), events in self._events.items():
            for start in range(0, len(events), MAX_BATCH):
                part = events[start : start + MAX_BATCH]
                for recorded, event in zip(_write(workspace_id, part, connection), part, strict=True):
                    entity = event["entity"]
                    story.recorded.append(
                        Captured(
                            recorded.id, event["event"], entity["type"], entity["id"], event["correlation_id"]
                        )
                    )
        self._events.clear()


@dataclass(frozen=True)
class WorkspaceId:
    """As much of a workspace as the log needs."""

    id: int


def _write(workspace_id: int, events: list[dict[str, Any]], connection: Connection) -> Any:
    workspace: Any = WorkspaceId(workspace_id)
    try:
        return record_batch(workspace, events, connection=connection)
    except EventError:
        # Nothing was written. Values that the log cannot hold are rare, so looked for only now.
        for place, event in enumerate(events):
            events[place] = mended(event)
        return record_batch(workspace, events, connection=connection)


def _header(capture: Any, session: Session) -> Header:
    frame = current_frame()
    story = story_of(session)
    context = _call(capture.context)
    actor = _call(frame.actor) or _call(capture.actor) or capture.application
    fields: dict[str, Any] = {
        "actor": dict(actor),
        "origin": frame.origin or capture.origin or ("system" if context is None else "ui"),
        "context": dict(context or {}),
    }
    correlation = frame.correlation_id
    if correlation is None and frame.causation_id is None:
        story.correlation_id = story.correlation_id or (context or {}).get("request_id") or str(uuid.uuid4())
        correlation = story.correlation_id
    if correlation:
        fields["correlation_id"] = correlation
    if frame.causation_id:
        fields["causation_id"] = frame.causation_id
    return Header(fields, frame, story)


def _call(given: Any) -> Mapping[str, Any] | None:
    found = given() if callable(given) else given
    return found if found is None else dict(found)
