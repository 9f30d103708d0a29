"""The newest matches of a filter, counted where they are: the database answers with some hundred rows
instead of ten thousand events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, String, cast, func, literal, null, select, union_all

from auditapp.access.viewer import Viewer
from auditapp.extensions import db
from auditapp.filters import TimelineFilters
from auditapp.finding.databases import database
from auditapp.finding.effects import effect_of
from auditapp.finding.kept_counts import COUNTED_BY, Kind
from auditapp.finding.pages import select_newest
from auditapp.models import Event
from auditapp.models.types import Instant

_COLUMNS = (Event.occurred_at, Event.id, *(getattr(Event, name) for name in COUNTED_BY), Event.actor_id)


class Busy(NamedTuple):
    """An actor, how many of the matches are theirs, and the number of one of the newest."""

    actor_id: str
    events: int
    event_number: int


@dataclass(frozen=True)
class Sample:
    """The newest matches of a filter.

    :ivar actors: the busiest first.
    :ivar quarters: how many there were from when on, for a quarter of an hour, and what they did.
    """

    oldest: datetime
    newest: datetime
    kinds: Sequence[Kind]
    actors: Sequence[Busy]
    quarters: Sequence[tuple[datetime, str, int]]

    @property
    def total(self) -> int:
        """Return how many there are."""
        return sum(kind.events for kind in self.kinds)


def sample_of(filters: TimelineFilters, viewer: Viewer, limit: int, *, actors: int) -> Sample | None:
    """Return the newest matches of a filter, whatever its place on the page; None where nothing matches.

    :param limit: events at most.
    :param actors: how many of the busiest to tell.
    """
    matches = select_newest(filters, viewer, _COLUMNS, limit)
    if matches is None:
        return None
    rows_by_tag: dict[str, list[Any]] = {"kind": [], "actor": [], "quarter": [], "ends": []}
    for tag, *row in db.session.execute(_select_counts(matches, actors)):
        rows_by_tag[tag].append(row)
    [(*_, oldest, newest, _, _)] = rows_by_tag["ends"]
    if oldest is None:
        return None
    return Sample(
        oldest,
        newest,
        [Kind(row[0], row[1], row[2], row[3], row[-1]) for row in rows_by_tag["kind"]],
        [Busy(row[0], row[-1], row[-2]) for row in rows_by_tag["actor"]],
        [(row[4], effect_of(row[0], row[1]), row[-1]) for row in rows_by_tag["quarter"]],
    )


def _select_counts(matches: Select[Any], actors: int) -> Select[Any]:
    """Return one query for all counts: tag, four texts, two instants, a number and how many, in each row."""
    sample = matches.cte("sample")
    columns, events, quarter = sample.c, func.count(), database().quarter_of(sample.c.occurred_at)
    kinds = [columns[name] for name in COUNTED_BY]
    busiest = (
        select(columns.actor_id, func.max(columns.id).label("number"), events.label("events"))
        .where(columns.actor_id.is_not(None))
        .group_by(columns.actor_id)
        .order_by(events.desc(), columns.actor_id)
        .limit(actors)
        .subquery("busiest")
        .c
    )
    union = union_all(
        select(*_row("kind", kinds, events=events)).group_by(*kinds),
        select(*_row("actor", [busiest.actor_id], number=busiest.number, events=busiest.events)),
        select(*_row("quarter", [columns.event, columns.outcome], [quarter], events=events)).group_by(
            columns.event, columns.outcome, quarter
        ),
        select(*_row("ends", times=[func.min(columns.occurred_at), func.max(columns.occurred_at)])),
    )
    return select(union.subquery("counts"))


def _row(
    tag: str, texts: Sequence[Any] = (), times: Sequence[Any] = (), number: Any = None, events: Any = None
) -> list[Any]:
    """Return columns that are the same in each part of a union: what is not told there is NULL."""
    blank = [cast(null(), String) for _ in range(4 - len(texts))]
    timeless = [cast(null(), Instant) for _ in range(2 - len(times))]
    numbers = [cast(null(), BigInteger) if value is None else value for value in (number, events)]
    columns = [literal(tag), *texts, *blank, *times, *timeless, *numbers]
    return [column.label(f"c{place}") for place, column in enumerate(columns)]
