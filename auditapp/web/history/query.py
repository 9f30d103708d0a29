"""What a history's query string asks for: which view of the record, and what narrows it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import g, url_for
from werkzeug.datastructures import MultiDict

from auditapp.access.viewer import Viewer
from auditapp.config import is_timezone
from auditapp.filters import FilterError, TimelineFilters, Values
from auditapp.filters.cursor import places_of
from auditapp.filters.moments import parse_last_moment
from auditapp.index.field_terms import field_key, field_keys
from auditapp.reading.records.called import fields_called
from auditapp.reading.records.history import PAGE_SIZE
from auditapp.reading.records.record import Record
from auditapp.values.strict_json import shorten
from auditapp.web.formats import when

VERSIONS, FIELDS, INSTANT, COMPARE = "versions", "fields", "at", "compare"
NAMES = (
    *("actor", "after", "at", "before", "field", "from", "limit", "related", "to"),
    *("show", "unchanged", "view", "zone"),
)
# What each view takes, but for versions, which take the rest.
TAKES = {INSTANT: {"at", "zone"}, COMPARE: {"from", "to"}, FIELDS: {"view"}}
SWITCHES = ("related", "unchanged")
FILTERS = ("actor", "after", "before", "field", "limit")


@dataclass(frozen=True)
class HistoryQuery:
    """A validated query string; ``typed`` are its pairs, sorted, nothing empty.

    ``filters`` narrow the versions, and say the record.

    :ivar fields: the fields that ``field=`` means, by their names, each with its label; see :meth:`resolved`.
    """

    record: Record
    view: str
    filters: TimelineFilters
    typed: tuple[tuple[str, str], ...]
    at: datetime | None = None
    before: uuid.UUID | None = None
    after: uuid.UUID | None = None
    fields: Mapping[str, str] = dataclass_field(default_factory=dict)

    @classmethod
    def from_args(
        cls, record: Record, args: Sequence[tuple[str, str]], *, zone: ZoneInfo, now: datetime
    ) -> "HistoryQuery":
        """Validate a query string.

        :param zone: of the workspace, for moments without one where the query names none.
        :raise FilterError: with a sentence for each parameter that is unknown, malformed or out of place.
        """
        typed = sorted({(name, value) for name, value in args if value})
        parameters = MultiDict(typed)
        problems: dict[str, str] = {}
        view = _view(parameters, problems)
        pairs = [("record", str(record)), *((name, value) for name, value in typed if name in FILTERS)]
        try:
            filters = TimelineFilters.from_args(
                pairs, zone=zone, now=now, knows_me=True, places=places_of(g.viewer.workspace)
            )
        except FilterError as error:
            raise FilterError({**problems, **error.problems}) from None
        points: dict[str, Any] = {}
        readers = (
            ("at", "at", _Moment(_zone(parameters, problems) or zone, now)),
            ("from", "before", _uid),
            ("to", "after", _uid),
        )
        for name, key, read in readers:
            if name in parameters:
                try:
                    points[key] = read(parameters[name])
                except ValueError as error:
                    problems.setdefault(name, f"{name}: {error}.")
        if problems:
            raise FilterError(problems)
        if "limit" not in parameters:
            filters = replace(filters, limit=PAGE_SIZE)
        return cls(record, view, filters, tuple(typed), **points)

    @property
    def field(self) -> str | None:
        """Return the name or label of the field whose history this is, as typed, if it is one field's."""
        return next((text for name, text in self.typed if name == "field" and not text.startswith("!")), None)

    def resolved(self, viewer: Viewer) -> "HistoryQuery":
        """Return the same with the fields found that the record has under the name or label of ``field=``."""
        values = self.filters.field
        if not values:
            return self
        [text] = values.included or values.excluded
        fields = fields_called(text, self.record, viewer)
        names = (text, *(name for name in fields if field_key(name) != field_key(text)))
        chosen = Values(names) if values.included else Values((), names)
        return replace(self, filters=self.filters.narrowed(field=chosen), fields=fields)

    def shows(self, name: str, label: str | None) -> bool:
        """Tell whether a changed field is what ``field=`` asks for, if it asks for one."""
        if self.field is None:
            return True
        return name in self.fields or field_key(self.field) in field_keys(name, label)

    def has(self, switch: str) -> bool:
        """Tell whether a switch is on: ``related`` or ``unchanged``."""
        return (switch, "1") in self.typed

    @property
    def shows_all(self) -> bool:
        """Tell whether nothing is to be left out, however long."""
        return ("show", "all") in self.typed

    def canonical(self) -> list[tuple[str, str]]:
        """Return the pairs of the address: what they mean is the same wherever they are read."""
        if self.at is None or "zone" not in dict(self.typed):
            return list(self.typed)
        return [("at", when(self.at).iso), *([("show", "all")] if self.shows_all else [])]

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """Return the query's pairs but for some, by their names."""
        return [pair for pair in self.typed if pair[0] not in without]

    def without(self, name: str, value: str) -> list[tuple[str, str]]:
        """Return the query's pairs but for one, and for the place on the page."""
        return [pair for pair in self.pairs("before", "after") if pair != (name, value)]

    def narrowing(self) -> list[tuple[str, str]]:
        """Return the pairs that narrow the versions, without the place on the page."""
        return [pair for pair in self.typed if pair[0] in ("actor", "field")]


class _Moment:
    def __init__(self, zone: ZoneInfo, now: datetime) -> None:
        self.zone, self.now = zone, now

    def __call__(self, text: str) -> datetime:
        """Read a moment; a bare date is the last instant of that day."""
        try:
            return parse_last_moment(text, zone=self.zone, now=self.now)
        except ValueError as error:
            raise ValueError(f"{shorten(text)} is no time; {error}") from None


def _zone(parameters: MultiDict[str, str], problems: dict[str, str]) -> ZoneInfo | None:
    """Return the zone that a form was filled in by, None where none is named."""
    name = parameters.get("zone")
    if name is None or is_timezone(name):
        return None if name is None else ZoneInfo(name)
    problems.setdefault("zone", f"zone: {shorten(name)} is no time zone.")
    return None


def _uid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ValueError(f"{shorten(text)} is no event’s id") from None


def _view(parameters: MultiDict[str, str], problems: dict[str, str]) -> str:
    """Return which view is asked for, noting what does not belong together."""
    for name in parameters:
        if name not in NAMES:
            problems[name] = f"{shorten(name)}: there is no such filter of a history."
        elif name != "actor" and len(parameters.getlist(name)) > 1:
            problems[name] = f"{name}: may be given once."
    for name in SWITCHES:
        if name in parameters and parameters[name] != "1":
            problems.setdefault(name, f"{name}: is 1, or left out.")
    if "view" in parameters and parameters["view"] != FIELDS:
        problems["view"] = f"view: {shorten(parameters['view'])} is no view of a history; there is {FIELDS}."
    if "show" in parameters and parameters["show"] != "all":
        problems.setdefault("show", "show: is all, or left out.")
    if "zone" in parameters and "at" not in parameters:
        problems["zone"] = "zone: say at which time."
    if "from" in parameters and "to" not in parameters:
        problems["from"] = "from: say with to which version it is compared."
    if "related" in parameters and "field" in parameters:
        problems["related"] = "related: one field is of this record alone; leave out field or related."
    return _chosen(parameters, problems)


def _chosen(parameters: MultiDict[str, str], problems: dict[str, str]) -> str:
    for view, own in TAKES.items():
        if not own & set(parameters):
            continue
        for name in sorted(set(parameters) - own - {"show"}):
            own_names = " and ".join(sorted(own & set(parameters)))
            problems.setdefault(name, f"{shorten(name)}: does not go together with {own_names}.")
        return view
    if "show" in parameters:
        problems.setdefault("show", "show: goes with at, to or view; each version has a page of its own.")
    return VERSIONS


def history_url(workspace: str, record: Any, pairs: Sequence[tuple[str, str]] = (), **query: str) -> str:
    """Return the URL of a record's history.

    :param record: its type and its id.
    :param pairs: of the query string, as ``HistoryQuery.pairs`` gives them.
    :param query: further ones, in the place of those of their names.
    """
    entity_type, entity_id = record
    known: dict[tuple[str, str], str] = g.setdefault("history_paths", {})
    # A page has hundreds of links to one record; Flask takes longer for each than for all the rest of it.
    if (entity_type, entity_id) not in known:
        path = {"workspace": workspace, "entity_type": entity_type, "entity_id": entity_id}
        known[entity_type, entity_id] = url_for("history.show", **path)
    kept = [pair for pair in pairs if pair[0] not in query]
    query_text = urlencode(sorted([*kept, *query.items()]), safe="!:,/")
    return known[entity_type, entity_id] + (f"?{query_text}" if query_text else "")
