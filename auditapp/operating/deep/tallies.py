"""The names, kinds and counts that are kept, beside those that the log has: compared in the scratch file."""

from collections.abc import Collection, Iterator
from datetime import timedelta

from auditapp.log.schema import instant
from auditapp.models.types import EPOCH
from auditapp.operating.deep.finding import REBUILD, Problem
from auditapp.operating.deep.scratch import COUNTED, KIND_COLUMNS, NOT_COUNTED, Scratch

NO_NAME = Problem("names of events missing from event_name", REBUILD)
STRANGE_NAME = Problem("names in event_name of events that there are none of", REBUILD)
OTHER_TYPE = Problem("names in event_name with another entity type", REBUILD)
NO_KIND = Problem("kinds of events missing from event_kind", REBUILD)
STRANGE_KIND = Problem("kinds in event_kind of events that there are none of", REBUILD)
TOO_LOW = Problem("counts in event_count that are too low", REBUILD)
TOO_HIGH = Problem("counts in event_count that are too high", REBUILD)

_KINDS = f"SELECT DISTINCT {', '.join(KIND_COLUMNS)} FROM counted WHERE logged > 0"  # noqa: S608
_NAMES = "SELECT DISTINCT workspace_id, event FROM counted WHERE logged > 0"
# Each yields a workspace, and the parts of what differs.
_QUERIES = (
    (NO_KIND, f"{_KINDS} EXCEPT SELECT * FROM kind"),  # noqa: S608
    (STRANGE_KIND, f"SELECT * FROM kind EXCEPT {_KINDS}"),  # noqa: S608
    (NO_NAME, f"{_NAMES} EXCEPT SELECT workspace_id, event FROM name"),  # noqa: S608
    (STRANGE_NAME, f"SELECT workspace_id, event FROM name EXCEPT {_NAMES}"),  # noqa: S608
    (
        OTHER_TYPE,
        f"""
        SELECT workspace_id, event, entity_type FROM name
        WHERE entity_type <> entity_type_of(event) AND (workspace_id, event) IN ({_NAMES})
        """,  # noqa: S608
    ),
)
_COUNTS = f"""
    SELECT {", ".join(COUNTED)}, logged, coalesce(kept, 0) FROM counted
    WHERE logged <> coalesce(kept, 0) AND hours <> {NOT_COUNTED}
"""  # noqa: S608


def problems_of_kinds(scratch: Scratch) -> Iterator[tuple[int, Problem, str]]:
    """Yield workspace, problem and name of each kind and name that differs."""
    for problem, query in _QUERIES:
        for workspace_id, *parts in scratch.connection.execute(query):
            yield workspace_id, problem, " ".join(parts)


def problems_of_counts(scratch: Scratch, stale: Collection[int]) -> Iterator[tuple[int, Problem, str]]:
    """Yield workspace, problem and name of each count that differs.

    :param stale: workspaces whose counts are being made anew, or must be.
    """
    for workspace_id, hours, start, *kind, logged, kept in scratch.connection.execute(_COUNTS):
        if workspace_id not in stale:
            problem = TOO_LOW if kept < logged else TOO_HIGH
            yield workspace_id, problem, f"{_moment(start)} {hours} h {' '.join(kind)}: {kept}, not {logged}"


def _moment(start: int) -> str:
    try:
        return instant(EPOCH + timedelta(microseconds=start))
    except (OverflowError, TypeError):
        return str(start)
