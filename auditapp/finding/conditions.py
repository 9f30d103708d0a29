"""A filter, and what the viewer may see, as conditions on a row."""

from auditapp.access.viewer import Viewer
from auditapp.database.unindexed import Unindexed
from auditapp.filters import NARROWING, TimelineFilters
from auditapp.filters.parameter import Condition
from auditapp.finding.places import times_of
from auditapp.models import Event


def conditions_of(
    filters: TimelineFilters, viewer: Viewer, names: list[str] | None, own: bool
) -> dict[str, list[Condition]]:
    """Return every filter as conditions, by what they narrow; an exclusion has a key of its own."""
    conditions: dict[str, list[Condition]] = {
        "names": [Unindexed(Event.event).in_(names)] if names is not None else [],
        "own": [Event.member_id == viewer.member_id] if own else [],
    }
    for parameter in NARROWING:
        name, values = parameter.name, filters[parameter.name]
        conditions[name] = parameter.includes(values.included, viewer) if values.included else []
        conditions[f"not {name}"] = parameter.excludes(values.excluded, viewer) if values.excluded else []
    conditions["time"] = times_of(filters)
    return conditions
