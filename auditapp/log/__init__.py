"""The write side: what an event is, and the one door through which it enters the log."""

from auditapp.log.commit import record_and_commit
from auditapp.log.errors import EventError, IdempotencyConflict, Problem
from auditapp.log.record import Recorded, record, record_batch

__all__ = [
    "EventError",
    "IdempotencyConflict",
    "Problem",
    "Recorded",
    "record",
    "record_and_commit",
    "record_batch",
]
