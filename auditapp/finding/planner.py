"""What finds a filter's events: what leads to them, and what is then checked of each.

Words, changes and whatever else no column holds are asked of the index of words, as one expression. Else
scans lead: ways back in time, each on one index of the log. Where these are many, the newest rows are looked
at first, since what is common fills the page out of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters
from auditapp.filters.expression import All
from auditapp.finding.databases import database
from auditapp.finding.index_expression import tree_of
from auditapp.finding.scans import Scans, scans_of

# Of longer pages the newest rows hold too few.
MAX_GLANCED = 500


@dataclass(frozen=True)
class ByIndex:
    """Ask the index of words for an expression."""

    tree: All


@dataclass(frozen=True)
class ByScans:
    """Go back in time on indexes of the log.

    :ivar glances: look at the newest rows first, one by one.
    """

    scans: Sequence[Scans]
    glances: bool


Plan = ByIndex | ByScans


def plan_of(filters: TimelineFilters, viewer: Viewer, limit: int) -> Plan | None:
    """Return the plan for a page of a filter; None where nothing can match.

    :param limit: rows of the page.
    """
    if filters.needs_index:
        tree = tree_of(filters, viewer)
        return None if tree is None else ByIndex(tree)
    scans = scans_of(filters, viewer)
    if not scans:
        return None
    many = count_of(scans) > database().MANY_SCANS
    return ByScans(scans, glances=many and limit <= MAX_GLANCED)


def count_of(scans: Sequence[Scans]) -> int:
    """Return how many ways back in time there are."""
    return sum(len(part.values) for part in scans)
