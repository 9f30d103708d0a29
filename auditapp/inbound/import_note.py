"""The two events of an import: that it began, committed before its file is read, and how it ended."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from uuid_utils.compat import uuid7

from auditapp.access.own_events import COMMAND_LINE, NotNoted, current_actor, note_first
from auditapp.extensions import db
from auditapp.models import Workspace

MAX_NAME, MAX_REASON = 512, 2000
log = logging.getLogger(__name__)


@dataclass
class Tally:
    """How many rows have become events so far, were there already, and were left out as bad."""

    recorded: int = 0
    known: int = 0
    skipped: int = 0


@contextmanager
def noted(workspace: Workspace, tally: Tally, about: Mapping[str, Any]) -> Iterator[None]:
    """Note that an import begins, and when this block ends how it did, whatever ends it.

    :param tally: as it is by then.
    :param about: what both events say of it; its ``file`` is what they are called by.
    :raise NotNoted: if that it begins cannot be noted; the block is then not entered.
    """
    entity = {"id": str(uuid7()), "name": str(about["file"])[-MAX_NAME:]}
    actor, began = current_actor() or COMMAND_LINE, monotonic()
    by: dict[str, Any] = {"actor": actor, "entity": entity, "correlation_id": entity["id"]}
    started = note_first(workspace, "import.started", payload=dict(about), **by)

    def finish(**more: Any) -> None:
        counts = {"recorded": tally.recorded, "known": tally.known, "skipped": tally.skipped}
        duration = round((monotonic() - began) * 1000)
        reason = {"reason": more["reason"]} if "reason" in more else {}
        payload = {**about, **counts, "complete": not reason, "duration_ms": duration, **reason}
        outcome, cause = "failure" if reason else "success", str(started.id)
        note_first(workspace, "import.finished", payload=payload, outcome=outcome, causation_id=cause, **by)

    try:
        yield
    except BaseException as error:
        db.session.rollback()
        try:
            finish(reason=" ".join(str(error).split())[:MAX_REASON] or type(error).__name__)
        except NotNoted:
            log.exception("that an import failed could not be noted")
        raise
    finish()
