"""Events in a transaction of their own, for whoever has nothing else to write with them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError

from auditapp.extensions import db
from auditapp.log.record import InWorkspace, Recorded, record_batch

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
    lets one of the two through; the other then finds the first one's id.

    :raise EventError: if any event is refused; nothing is recorded.
    :raise sqlalchemy.exc.DBAPIError: if the database cannot take them just now; nothing is recorded.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _record_and_commit(workspace, events, claimed_by, clean)
        except (IntegrityError, OperationalError) as error:
            db.session.rollback()
            if not (isinstance(error, IntegrityError) or _is_deadlock(error)):
                raise
            log.info("another request recorded the same key: %s", error.orig)
    return _record_and_commit(workspace, events, claimed_by, clean)


def _record_and_commit(
    workspace: InWorkspace,
    events: Sequence[Mapping[str, Any]],
    claimed_by: Mapping[str, Any] | None,
    clean: bool,
) -> list[Recorded]:
    results = record_batch(workspace, events, claimed_by=claimed_by, clean=clean)
    db.session.commit()
    return results


def _is_deadlock(error: OperationalError) -> bool:
    """Tell PostgreSQL's 40P01: two batches with the same keys in another order."""
    return getattr(error.orig, "sqlstate", None) == "40P01"
