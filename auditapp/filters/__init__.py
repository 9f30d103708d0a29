"""The filter: its parameters, an object each, and a query string read as a validated value."""

from auditapp.filters.actor import ME
from auditapp.filters.paging import DEFAULT_LIMIT, MAX_LIMIT, STORY
from auditapp.filters.parameters import BY_NAME, NARROWING, PARAMETERS
from auditapp.filters.timeline_filters import MAX_CHANGES, MAX_VALUES, FilterError, TimelineFilters
from auditapp.filters.values import Values

__all__ = [
    "BY_NAME",
    "DEFAULT_LIMIT",
    "MAX_CHANGES",
    "MAX_LIMIT",
    "MAX_VALUES",
    "ME",
    "NARROWING",
    "PARAMETERS",
    "STORY",
    "FilterError",
    "TimelineFilters",
    "Values",
]
