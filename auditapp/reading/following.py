"""What follows a workspace's log: how far it is, and the events that it failed at."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from sqlalchemy import select

from auditapp.access.viewer import Viewer
from auditapp.database.replica import log_connection
from auditapp.extensions import db
from auditapp.followers.failures import Failure, failures_of
from auditapp.followers.lag import Lag, read_lag
from auditapp.models import Event
from auditapp.reading.timeline import SUMMARY_COLUMNS, EventRow


class FailedEvent(NamedTuple):
    """What is noted of a failure, and the event's row; None where that is not in the log any more."""

    failure: Failure
    row: EventRow | None


def lag_of(viewer: Viewer) -> Lag:
    """Return how far all followers are in the viewer's workspace."""
    return read_lag(log_connection(), viewer.workspace.id)


def failed_events(viewer: Viewer, most: int) -> Sequence[FailedEvent]:
    """Return the events that followers failed at, the oldest first, of a viewer who reads the whole log."""
    failures = failures_of(log_connection(), viewer.workspace.id, most)
    numbers = {failure.event_id for failure in failures}
    query = select(*SUMMARY_COLUMNS).where(Event.workspace_id == viewer.workspace.id, Event.id.in_(numbers))
    rows = {row.id: cast(EventRow, row) for row in db.session.execute(query)} if numbers else {}
    return [FailedEvent(failure, rows.get(failure.event_id)) for failure in failures]
