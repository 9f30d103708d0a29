"""``/api/v1/events``: the same filters as the timeline, whole events as the answer."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, request, url_for
from werkzeug.datastructures import MultiDict

from auditapp.api.answers import json_answer, recorded_answer
from auditapp.api.bodies import read_body, read_events
from auditapp.api.gate import key_required
from auditapp.api.problems import problem, refused, refused_parameters
from auditapp.filters import FilterError, TimelineFilters
from auditapp.filters.cursor import places_of
from auditapp.finding import awaited_index
from auditapp.http.download import download
from auditapp.http.links import address_for_caller
from auditapp.log import EventError, record_and_commit
from auditapp.reading.event import find_event, whole_events
from auditapp.reading.story import list_stories
from auditapp.reading.timeline import list_events

bp = Blueprint("api", __name__, url_prefix="/api/v1")
bp.register_error_handler(FilterError, refused_parameters)


@bp.get("/events")
@key_required("events:read")
def index() -> Response:
    """Return a page of events, chosen by the narrow table and fetched by key."""
    filters = _filters()
    page = (list_stories if filters.group else list_events)(filters, g.viewer)
    following = None
    if page.older:
        place = places_of(g.viewer.workspace).write(page.older)
        query: dict[str, Any] = MultiDict(filters.page_query("before", place)).to_dict(flat=False)
        following = address_for_caller(url_for("api.index", **query))
    events = [event.to_json() for event in whole_events(page.events, g.viewer)]
    failed = awaited_index(g.viewer).failed if filters.needs_index else 0
    return json_answer(
        {"events": events, "next": following, **({"not_searchable": failed} if failed else {})}
    )


@bp.get("/events.csv")
@key_required("events:read")
def export_csv() -> Response:
    """Send all events of the filters as a table."""
    return _export("csv")


@bp.get("/events.jsonl")
@key_required("events:read")
def export_jsonl() -> Response:
    """Send all events of the filters, one a line."""
    return _export("jsonl")


def _export(form: str) -> Response:
    return download(_filters(), g.viewer, form, actor=g.key_as_actor, origin="api", head=b"")


def _filters() -> TimelineFilters:
    zone = ZoneInfo(g.viewer.workspace.timezone)
    return TimelineFilters.from_args(
        request.args.items(multi=True),
        zone=zone,
        now=datetime.now(UTC),
        knows_me=False,
        places=places_of(g.viewer.workspace),
    )


@bp.post("/events")
@key_required("events:write")
def create() -> Response:
    """Record events, all or none; who they say acted is kept as claimed by the key."""
    key = g.key_as_actor
    events, clean = read_events(read_body(), key)
    by_api = [{"origin": "api", **event} if isinstance(event, dict) else event for event in events]
    recorded = record_and_commit(g.viewer.workspace, by_api, claimed_by=key, clean=clean)
    return recorded_answer(recorded)


@bp.errorhandler(EventError)
def say_what_is_wrong(error: EventError) -> Response:
    """Answer by index and path."""
    return refused(error)


@bp.get("/events/<event_id>")
@key_required("events:read")
def show(event_id: str) -> Response:
    """Return one whole event."""
    event = find_event(event_id, g.viewer)
    if event is None:
        return problem(404, "Not Found", "There is no such event in this key's workspace.")
    return json_answer(event.to_json())
