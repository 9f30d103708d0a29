"""What turns a filter, and what its viewer may see, into rows and counts. Others import from here alone.

A page: ``fetch_page``, of a plan that ``planner`` makes out of scans of the log's indexes or of an expression
for the index of words. The newest matches counted where they are: ``sample_of``. Counts that are kept as
events are recorded: ``kinds_in``, ``effects_by_time``. Whether there is anything newer: ``count_new``. What
to offer while somebody types: ``suggest_actors``, ``suggest_records``. What the index does not know yet:
``awaited_index``, and ``index_already_awaited`` for whoever has.
"""

from auditapp.finding.checks import check_of
from auditapp.finding.databases import Database, database
from auditapp.finding.effects import CREATED, EFFECTS, effect_of
from auditapp.finding.index_lag import awaited_index, index_already_awaited
from auditapp.finding.kept_counts import (
    Kind,
    are_kept,
    day_until,
    effects_by_time,
    hour_until,
    kinds_in,
    week_until,
)
from auditapp.finding.newest import Busy, Sample, sample_of
from auditapp.finding.news import MAX_AT_A_VISIT, News, count_new, count_new_in_each, newest_id
from auditapp.finding.pages import fetch_among, fetch_page, select_page
from auditapp.finding.places import as_bound
from auditapp.finding.suggestions import Offer, suggest_actors, suggest_records
from auditapp.finding.visibility import known_names, matching_names

__all__ = [
    "CREATED",
    "EFFECTS",
    "MAX_AT_A_VISIT",
    "Busy",
    "Database",
    "Kind",
    "News",
    "Offer",
    "Sample",
    "are_kept",
    "as_bound",
    "awaited_index",
    "check_of",
    "count_new",
    "count_new_in_each",
    "database",
    "day_until",
    "effect_of",
    "effects_by_time",
    "fetch_among",
    "fetch_page",
    "hour_until",
    "index_already_awaited",
    "kinds_in",
    "known_names",
    "matching_names",
    "newest_id",
    "sample_of",
    "select_page",
    "suggest_actors",
    "suggest_records",
    "week_until",
]
