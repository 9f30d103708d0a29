"""Up to where a replica must be for those who have just written; kept with their session or their key."""

import logging
import uuid
from typing import cast

from sqlalchemy import ColumnElement, Table, func, literal_column, update
from sqlalchemy.exc import SQLAlchemyError

from auditapp.database.replica import PRIMARY_POSITION
from auditapp.extensions import db
from auditapp.models import ApiKey, SignInSession

log = logging.getLogger(__name__)


def note_session_position(session_id: uuid.UUID) -> None:
    """Have a browser read what it has written, and commit."""
    _note(SignInSession, SignInSession.id == session_id)


def note_key_position(workspace_id: int, key_id: uuid.UUID) -> None:
    """Have an API key read what it has written, and commit."""
    _note(ApiKey, ApiKey.workspace_id == workspace_id, ApiKey.id == key_id)


def _note(model: type[ApiKey | SignInSession], *which: ColumnElement[bool]) -> None:
    """Keep where the primary is, after what was written was committed.

    It is one statement, a transaction of its own: a request that writes waits for it, but not for the disk.
    The events are there already, and a crash may lose where that is.
    """
    without_disk = func.set_config("synchronous_commit", "off", True) == "off"
    statement = update(cast(Table, model.__table__)).where(*which, without_disk)
    try:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(statement.values(wal_position=literal_column(PRIMARY_POSITION)))
    except SQLAlchemyError as error:
        log.warning("wal_position was not written", exc_info=error)
