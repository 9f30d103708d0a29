"""Events in a transaction of their own, for whoever has nothing else to write with them."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError

from auditapp.database.locks import Lock, take_lock
from auditapp.extensions import db
from auditapp.log.record import InWorkspace, Recorded, parse_batch, record_parsed

# More than two only where keys are recorded by others than requests.
ATTEMPTS = 5
log = logging.getLogger(__name__)


def record_and_commit(
    workspace: InWorkspace,
    events: Sequence[Mapping[str, Any]],
    *,
    claimed_by: Mapping[str, Any] | None = None,
    clean: bool = False,
) -> list[Recorded]:
    """Record events as :func:`record_batch` does, and commit.

    Where another request records one of the keys at the same moment, the unique key in the database
    lets one of the two through; the other then tries again alone and finds the first one's id.

    :raise EventError: if any event is refused; nothing is recorded.
    :raise sqlalchemy.exc.DBAPIError: if the database cannot take them just now; nothing is recorded.
    """
    parsed = parse_batch(events, datetime.now(UTC), clean)
    has_keys = any(event.get("idempotency_key") for event in parsed)
    attempt = 1
    while True:
        try:
            if has_keys:
                take_lock(Lock.REQUESTS, workspace.id, beside_others=attempt == 1)
            results = record_parsed(workspace, parsed, claimed_by=claimed_by)
            db.session.commit()
        except (IntegrityError, OperationalError) as error:
            db.session.rollback()
            if attempt == ATTEMPTS or not (isinstance(error, IntegrityError) or _is_deadlock(error)):
                raise
            log.info("another request recorded the same key", exc_info=error)
            attempt += 1
        else:
            return results


def _is_deadlock(error: OperationalError) -> bool:
    """Tell PostgreSQL's 40P01: two batches with the same keys in another order."""
    return getattr(error.orig, "sqlstate", None) == "40P01"
