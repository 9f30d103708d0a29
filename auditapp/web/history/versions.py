"""A record's versions as the page shows them: what each changed, what set it off, idle ones folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flask import g

from auditapp.filters import ME, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.index.field_terms import field_key
from auditapp.reading.diffs.field_changes import FieldChange, field_changes
from auditapp.reading.diffs.matching import Effort
from auditapp.reading.records.field_points import field_points
from auditapp.reading.records.history import Head, History, Run, Version, causes_of, history_of
from auditapp.reading.records.rail import Rail
from auditapp.reading.records.related import list_related
from auditapp.reading.story import cause_of
from auditapp.reading.timeline import EventRow, Page, list_events, place
from auditapp.values.changes import label_of
from auditapp.web.history.chart import Chart, chart_of
from auditapp.web.history.query import HistoryQuery, history_url
from auditapp.web.sentences import effect

FIELDS_PER_VERSION = 30
SHOWN_OF_A_RUN = 20
MAX_POINTS = 200  # of a chart
MAX_CHARTS = 3


@dataclass(frozen=True)
class ShownVersion:
    """A version, prepared.

    :ivar changes: None where they were erased.
    :ivar more: fields that are not shown for want of room; ``others`` those that the filter leaves out.
    :ivar cause: the event that set it off, None where there is none that the viewer may see.
    """

    event: EventRow
    changes: list[FieldChange] | None
    more: int
    others: int
    cause: EventRow | None

    @property
    def is_own_cause(self) -> bool:
        """Tell whether the event names itself as its cause."""
        return bool(cause_of(self.event) == self.event.uid)


@dataclass(frozen=True)
class ShownRun:
    """Versions in a row: one, or idle ones behind a count, of which the first few are at hand.

    :ivar last: the place of the last of these.
    """

    versions: list[ShownVersion]
    is_folded: bool
    total: int
    verbs: list[tuple[str, int]]
    last: str


@dataclass(frozen=True)
class Chip:
    """A filter that is set: what it narrows, to what, and the page without it."""

    what: str
    words: str
    url: str


@dataclass(frozen=True)
class FieldChart:
    """A field that is asked for, and its values over time.

    :ivar is_label: it is asked for by its label, or by a name that says the same.
    :ivar chart: None where there is nothing to see in one.
    """

    name: str
    label: str
    is_label: bool
    chart: Chart | None


def versions(query: HistoryQuery, head: Head, rail: Rail) -> dict[str, Any]:
    """Return what the page of versions needs."""
    viewer = g.viewer

    def fetch(filters: TimelineFilters) -> Page:
        if query.has("related"):
            return list_related(query.record, viewer, filters)
        return list_events(filters, viewer)

    # Where nothing ever changed, the versions without a change are all that there is to see.
    folds = rail.has_changes and not query.has("unchanged")
    history = history_of(query.filters, viewer, fetch, folds=folds)
    runs = _shown(history, query)
    return {
        "history": history,
        "runs": runs,
        "charts": _charts(query, history),
        "known_fields": _known_fields(runs),
        "chips": [_chip(name, value, query, rail) for name, value in query.narrowing()],
    }


def _known_fields(runs: Sequence[ShownRun]) -> list[tuple[str, str]]:
    """Return the names and labels of the fields that the page shows, to offer while one types."""
    shown = [change for run in runs for version in run.versions for change in version.changes or ()]
    return sorted({change.name: change.label for change in shown}.items())


def _chip(name: str, value: str, query: HistoryQuery, rail: Rail) -> Chip:
    url = history_url(g.viewer.workspace.slug, query.record, query.without(name, value))
    what, shown = value.startswith("!"), value.removeprefix("!")
    if name == "actor":
        shown = (
            "me" if shown == ME else next((actor.name for actor in rail.actors if actor.id == shown), shown)
        )
        return Chip("not by" if what else "by", shown, url)
    return Chip("all but" if what else "field", shown, url)


def _charts(query: HistoryQuery, history: History) -> list[FieldChart]:
    """Return the charts of the field that is asked for, or of those that are called so."""
    if query.field is None:
        return []
    return [_chart(name, label, query, history) for name, label in islice(query.fields.items(), MAX_CHARTS)]


def _chart(name: str, label: str, query: HistoryQuery, history: History) -> FieldChart:
    changes = [
        version.changes[name]
        for run in history.runs
        for version in run.versions
        if version.changes and name in version.changes
    ]
    kind = next((change["kind"] for change in changes if change.get("kind")), None)
    points, more = field_points(query.record, name, g.viewer, MAX_POINTS)
    is_label = field_key(label) == field_key(str(query.field))
    return FieldChart(name, label, is_label, chart_of(points, kind, is_cut=more))


def _shown(history: History, query: HistoryQuery) -> list[ShownRun]:
    rows = [version.event for run in history.runs for version in run.versions[:SHOWN_OF_A_RUN]]
    causes = causes_of(rows, g.viewer)
    effort = Effort()  # one for the page, however much there is to compare on it
    return [_shown_run(run, query, causes, effort) for run in history.runs]


def _shown_run(run: Run, query: HistoryQuery, causes: dict[int, EventRow], effort: Effort) -> ShownRun:
    shown = [_shown_version(version, query, causes, effort) for version in run.versions[:SHOWN_OF_A_RUN]]
    verbs = sorted(run.verbs.items(), key=lambda pair: -pair[1])
    verb_words = [(verb_of(name), count) for name, count in verbs]
    return ShownRun(
        shown,
        run.is_folded,
        len(run.versions),
        verb_words,
        places_of(g.viewer.workspace).write(place(shown[-1].event)),
    )


def _shown_version(
    version: Version, query: HistoryQuery, causes: dict[int, EventRow], effort: Effort
) -> ShownVersion:
    event, cause = version.event, causes.get(version.event.id)
    if version.changes is None:
        return ShownVersion(event, None, 0, 0, cause)
    of_filter = {
        name: change for name, change in version.changes.items() if query.shows(name, change.get("label"))
    }
    shown, more = field_changes(
        of_filter,
        created=effect(event) == "created",
        deleted=effect(event) == "deleted",
        max_fields=FIELDS_PER_VERSION,
        effort=effort,
    )
    return ShownVersion(event, shown, more, len(version.changes) - len(of_filter), cause)


def verb_of(event: str) -> str:
    """Return what happened, without the record's type: "updated"."""
    return label_of(event.rpartition(".")[2]).lower()
