"""What can be wrong with an event, said so that its sender can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault: the event's place in its batch (from 0), the path inside it, what to do."""

    index: int
    path: str
    message: str


class EventError(ValueError):
    """One or more events were refused; nothing was recorded."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        first = self.problems[0]
        super().__init__(f"{first.path}: {first.message}" if first.path else first.message)


class IdempotencyConflict(EventError):
    """An idempotency key came back with another event than the first time."""
