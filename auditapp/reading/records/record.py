"""What a history is of: one record of another product, by its type and its id there."""

from typing import NamedTuple


class Record(NamedTuple):
    """A record; as text it is what the filter ``record`` takes."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}:{self.id}"
