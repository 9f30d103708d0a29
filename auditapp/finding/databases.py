"""What SQLite and PostgreSQL do each in their own way while they find, and which of the two it is."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Select

from auditapp.access.viewer import Viewer
from auditapp.database.dialect import is_sqlite
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.filters.expression import All, Node
from auditapp.filters.parameter import Condition
from auditapp.finding import postgresql, sqlite
from auditapp.finding.scans import Scans


class Database(Protocol):
    """One of ``sqlite`` and ``postgresql``.

    :ivar MANY_SCANS: before more scans than these are made, the newest rows are looked at.
    :ivar STREAMS: that rows come while the database still reads; else they are read in batches.
    """

    MANY_SCANS: int
    STREAMS: bool

    def select_places(self, scans: Scans, place: Select[Any]) -> list[Select[Any]]:
        """Return queries for the places that each scan finds.

        :param place: the columns of a place, and all but what the scans pin.
        """

    def select_numbers(self, tree: Node, filters: TimelineFilters, viewer: Viewer, limit: int) -> Select[Any]:
        """Return the query for the numbers of the events that the index finds, in the page's order."""

    def find_early(self, tree: All, filters: TimelineFilters, viewer: Viewer, limit: int) -> list[int] | None:
        """Return the numbers of a whole page where the spans of time need not be asked; else None."""

    def is_found(self, tree: Node, viewer: Viewer) -> Condition:
        """Return what tells whether a row of the log, found by something else, is in the index so."""

    def select_newest_number(self, viewer: Viewer) -> Select[Any]:
        """Return the query for the newest event's number: one entry of an index."""

    def among(self, number: Any, numbers: Sequence[int]) -> Condition:
        """Return that a column is one of many numbers, handed over as one value."""

    def texts_as_table(self, texts: Sequence[str]) -> Any:
        """Return texts, handed over as one value, as a table with the column ``value``."""

    def quarter_of(self, moment: Any) -> Any:
        """Return the beginning of the quarter of an hour that an instant is in."""


def database() -> Database:
    """Return how the session's database finds."""
    return sqlite if is_sqlite(db.session.get_bind()) else postgresql
