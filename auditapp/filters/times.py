"""``since`` and ``until``: from when on, and before when."""

from datetime import datetime
from typing import Any

from auditapp.filters.moments import parse_moment
from auditapp.filters.parameter import Reader, Single
from auditapp.values.strict_json import shorten


class _Moment(Single):
    strips = True
    ends_day = False

    def read(self, text: str, reader: Reader) -> datetime:
        """Read a date, an instant, or a distance back from now."""
        try:
            return parse_moment(text, zone=reader.zone, now=reader.now, end_of_day=self.ends_day)
        except ValueError as error:
            raise ValueError(f"{shorten(text)} is no time; {error}") from None

    def schema(self) -> dict[str, Any]:
        """Return the schema of a text."""
        return {"type": "string"}


class Since(_Moment):
    """The first instant that counts."""

    name = "since"
    description = "From then on: a date, an instant, or back from now (15m, 24h, 7d, 4w)."
    values = "`2026-03-24`, `2026-03-24T09:55:43Z`, or back from now: `15m` `24h` `7d` `4w`"


class Until(_Moment):
    """The first instant that counts no more."""

    name = "until"
    description = "Before then; a bare date means to its end."
    values = "the same, exclusive; a bare date means to its end"
    ends_day = True
