"""Whether one row matches a filter, for rows that were found by something else."""

from sqlalchemy import and_, false, or_

from auditapp.access.viewer import Viewer
from auditapp.filters import TimelineFilters
from auditapp.filters.parameter import Condition
from auditapp.finding.conditions import conditions_of
from auditapp.finding.full_text import index_condition
from auditapp.finding.visibility import visible_events
from auditapp.models import Event


def check_of(filters: TimelineFilters, viewer: Viewer) -> Condition:
    """Return what tells whether one row matches, for rows that were found by something else.

    Scans no index: see :func:`auditapp.finding.news.count_new`, which puts it to a few new rows.
    """
    workspace = Event.workspace_id == viewer.workspace.id
    alternatives = [
        and_(
            workspace,
            *(
                condition
                for group in conditions_of(filters, viewer, names, own).values()
                for condition in group
            ),
        )
        for names, own in visible_events(filters, viewer)
    ]
    return and_(
        or_(false(), *alternatives), *([index_condition(filters, viewer)] if filters.needs_index else [])
    )
