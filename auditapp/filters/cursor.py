"""A place in the timeline, and how it stands in URLs: opaque, for numbers count what others may not see.

Positions, not offsets: new events shift nothing.
"""

import struct
from datetime import UTC, datetime
from typing import NamedTuple

from auditapp.access.opaque import Sealer, sealer_of
from auditapp.models import Workspace
from auditapp.models.types import EPOCH, MICROSECOND

STALE = "is no place here, or one of an older version of Auditapp; start again from the newest"
_PLACE, _NUMBER = struct.Struct(">qq"), struct.Struct(">q")
_OF_A_PAGE, _SEEN = b"place", b"seen"


class Cursor(NamedTuple):
    """The place of one event: its time, then its order of recording."""

    occurred_at: datetime
    id: int


BEGINNING = Cursor(datetime(1, 1, 1, tzinfo=UTC), 0)


class Places:
    """Writes the places of one workspace for URLs and pages, and reads them back."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def write(self, place: Cursor) -> str:
        """Return a place as a text; always the same, and of the same length as any other."""
        packed = _PLACE.pack((place.occurred_at - EPOCH) // MICROSECOND, place.id)
        return self._sealer.seal(_OF_A_PAGE, packed)

    def read(self, text: str) -> Cursor:
        """Return the place that :meth:`write` was given.

        :raise ValueError: for anything else, a place of another workspace or of an older version included.
        """
        try:
            micros, number = _PLACE.unpack(self._sealer.open(_OF_A_PAGE, text))
            return Cursor(EPOCH + micros * MICROSECOND, number)
        except (struct.error, OverflowError, ValueError):
            raise ValueError(STALE) from None

    def write_seen(self, number: int) -> str:
        """Return up to which event somebody has seen; another text each time, or it told that events came."""
        return self._sealer.seal_once(_SEEN, _NUMBER.pack(number))

    def read_seen(self, text: str) -> int:
        """Return the number that :meth:`write_seen` was given.

        :raise ValueError: for anything else.
        """
        try:
            return int(_NUMBER.unpack(self._sealer.open_once(_SEEN, text))[0])
        except struct.error:
            raise ValueError(STALE) from None


def places_of(workspace: Workspace) -> Places:
    """Return what writes and reads the places of a workspace."""
    return Places(sealer_of(workspace))
