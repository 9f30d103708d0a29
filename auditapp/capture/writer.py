"""The last step into the log: events as it takes them, mended where it refuses one for its values."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from auditapp.capture.refused import mended
from auditapp.log import EventError, record_batch
from auditapp.log.grouped import GroupedEvent, WorkspaceId, record_group


def write(
    connection: Connection,
    workspace_id: int,
    shared: Mapping[str, Any],
    events: Sequence[GroupedEvent],
) -> list[uuid.UUID]:
    """Record up to 1,000 events as :func:`record_group` does.

    :raise EventError: if the log refuses what is shared, or an event even after it was mended.
    """
    try:
        return record_group(connection, workspace_id, shared, events)
    except EventError:
        # Nothing was written. Values that the log cannot hold are rare, so looked for only now.
        whole = [mended(event.whole(shared)) for event in events]
        recorded = record_batch(WorkspaceId(workspace_id), whole, connection=connection, own=True)
        return [event.id for event in recorded]
