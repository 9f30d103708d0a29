"""A value that is read now and then, however often it is asked for."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The last value, for some seconds: who asks may come as often as they like."""

    def __init__(self, read: Callable[[], Value], seconds: Callable[[], float]) -> None:
        """Read nothing yet.

        :param seconds: for how long a value is kept.
        """
        self._read, self._seconds = read, seconds
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._values: list[Value] = []

    def get(self) -> Value:
        """Return the value, as of so many seconds ago at most.

        One reads; who comes meanwhile gets the value before it, instead of one more thread that waits.
        Whatever reading raises, whoever reads gets.
        """
        if self._is_old() and self._lock.acquire(blocking=not self._values):
            try:
                if self._is_old():
                    self._values = [self._read()]
                    self._read_at = time.monotonic()
            finally:
                self._lock.release()
        return self._values[0]

    def _is_old(self) -> bool:
        return time.monotonic() - self._read_at >= self._seconds()
