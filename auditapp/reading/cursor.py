"""A place in the timeline, as an opaque text for URLs. Positions, not offsets: new events shift nothing."""

import base64
import binascii
import struct
from datetime import UTC, datetime
from typing import NamedTuple

from auditapp.models.types import EPOCH, MICROSECOND

_FORM = struct.Struct(">qq")


class Cursor(NamedTuple):
    """The place of one event: its time, then its order of recording."""

    occurred_at: datetime
    id: int

    def __str__(self) -> str:
        packed = _FORM.pack((self.occurred_at - EPOCH) // MICROSECOND, self.id)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read what ``str(cursor)`` wrote.

        :raise ValueError: for anything else.
        """
        try:
            micros, event_id = _FORM.unpack(base64.b64decode(text + "==", altchars=b"-_", validate=True))
            return cls(EPOCH + micros * MICROSECOND, event_id)
        except (struct.error, binascii.Error, OverflowError, UnicodeEncodeError):
            raise ValueError("not a cursor") from None


BEGINNING = Cursor(datetime(1, 1, 1, tzinfo=UTC), 0)
